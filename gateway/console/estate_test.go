package console_test

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/gateway/wire"
)

// estate names one existing object of every kind, by the parameter of a path, after the last or the first part of that
// path where more than one kind has the parameter.
type estate map[string]string

// fill puts the town's own objects into a path's braces. One that nothing is known of stays.
func (e estate) fill(pattern string) string {
	at, _, _ := strings.Cut(pattern, "?")
	noun := strings.Split(at+"/", "/")[1]
	return regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllStringFunc(pattern, func(braced string) string {
		parameter := strings.Trim(braced, "{}")
		return cmp.Or(e[path.Base(at)+"."+parameter], e[noun+"."+parameter], e[parameter], braced)
	})
}

// stock gives the town what it has none of yet: a profile, a release, an output under review and an upload.
func (w *town) stock(t *testing.T) estate {
	t.Helper()
	w.profiled(t)
	w.desk(t)
	released := w.release(t)
	w.desk(t)
	up, err := w.keys["steward"].Uploads.Start(t.Context(), wire.UploadSpec{Size: 1, Digest: name.DigestOf([]byte("a"))})
	if err != nil {
		t.Fatal(err)
	}
	w.Settled(t)
	declared, err := w.keys["steward"].Trace.Query(t.Context(), trace.Filter{Act: "dataset.declare"})
	if err != nil || len(declared) != 1 {
		t.Fatalf("%d entries: %v", len(declared), err)
	}
	preview, err := w.keys["steward"].Datasets.Preview(t.Context(), theDataset, 1, theGrant)
	if err != nil {
		t.Fatal(err)
	}
	w.previewed(t)
	return estate{
		"slug": theDataset, "version": "1", "upload": up.ID, "entry": declared[0].ID,
		"registrations.number": theRegistration, "agreements.number": theAgreement, "grants.number": theGrant,
		"jobs.number": theJob, "events.number": theFailure, "review.number": theReviewed, "destroy.number": theReviewed, "output": "counts",
		"reviews.number": theRequest, "releases.number": released, "public.number": released, "form": "csv",
		"preview": preview, "digest": string(name.DigestOf([]byte("a"))),
		"login": "officer", "fingerprint": w.keys["officer"].Fingerprint(), "identity": w.identity(t, "officer").ID,
	}
}

// identity is what links somebody of the operator to their name at the provider.
func (w *town) identity(t *testing.T, login string) org.IdentityView {
	t.Helper()
	links, err := w.keys["developer"].Identities.List(t.Context(), w.homes[string(org.Operator)])
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(links, func(l org.IdentityView) bool { return l.Login == login })
	if at < 0 {
		t.Fatalf("%s has no identity", login)
	}
	return links[at]
}

// release has the output on the desk released, by both seats' votes and the keeper, and returns the release's number. Job
// and request take other numbers afterwards: the desk can be laid again.
func (w *town) release(t *testing.T) string {
	t.Helper()
	change := func(sql string) { pgtest.Exec(t, w.DB.Owner, sql) }
	change("update dataset set state = 'authorizable'")
	change("update registration set state = 'completed', valid_to = now() + interval '1 year'")
	for login, seat := range map[string]output.Seat{"officer": output.OperatorSeat, "chief": output.AgencySeat} {
		if _, err := w.keys[login].Requests.Vote(t.Context(), theRequest, seat, output.Approve); err != nil {
			t.Fatalf("%s votes: %v", login, err)
		}
	}
	made, err := w.keys["developer"].Releases.WaitFor(t.Context(), theRequest)
	if err != nil {
		t.Fatal(err)
	}
	change("update registration set state = 'submitted', valid_to = null")
	change(fmt.Sprintf("update job set number = 'J-2026-0904' where number = '%s'", theReviewed))
	change(fmt.Sprintf("update request set number = 'Q-2026-0902' where number = '%s'", theRequest))
	return made.Number
}

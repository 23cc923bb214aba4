package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/job"
	votes "github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/bundle"
)

// everything is a window that a small record fits in.
const everything = 100_000

// decisionsReplay decides everything again that was ever decided, under the bundle of then: same answer, same
// reasons, same revision (invariant 6).
func (f *frozen) decisionsReplay(t *testing.T) {
	ctx := context.Background()
	var kept []postgres.Decision
	f.tx(t, func(ctx context.Context, tx *postgres.Tx) (err error) {
		kept, err = tx.Decisions(ctx, everything)
		return err
	})
	archived, allowed, denied := map[string]*bundle.Bundle{}, 0, 0
	for _, k := range kept {
		if archived[k.Revision] == nil {
			archived[k.Revision] = f.bundle(t, k.Revision)
		}
		var q policy.Request
		var was []policy.Reason
		strict := json.NewDecoder(bytes.NewReader(k.Request))
		strict.DisallowUnknownFields() // a member that is no longer read is an input lost
		if err := errors.Join(strict.Decode(&q), json.Unmarshal(k.Reasons, &was)); err != nil {
			t.Fatalf("the decision of %s: %v", k.At, err)
		}
		is, err := archived[k.Revision].Decide(ctx, q)
		if err != nil || is.Allow != k.Allow || is.Revision != k.Revision || !sameReasons(was, is.Reasons) {
			t.Errorf("%s of %s: was %v %s, is %v %+v (%v)", q.Action, k.At, k.Allow, k.Reasons, is.Allow, is.Reasons, err)
		}
		if k.At.After(f.manifest.Made) {
			continue
		}
		if allowed++; !k.Allow {
			allowed, denied = allowed-1, denied+1
		}
	}
	t.Logf("%d allowed and %d denied then, under %d bundles with today's", allowed, denied, len(archived))
	if allowed < 50 || denied < 3 {
		t.Errorf("%d allowed and %d denied: the record is not what was frozen", allowed, denied)
	}
}

func sameReasons(a, b []policy.Reason) bool { return len(a) == 0 && len(b) == 0 || cmp.Equal(a, b) }

// bundle loads an archived one, which must be what its revision says.
func (f *frozen) bundle(t *testing.T, revision string) *bundle.Bundle {
	t.Helper()
	var files map[string][]byte
	f.tx(t, func(ctx context.Context, tx *postgres.Tx) (err error) {
		files, err = tx.Bundle(ctx, revision)
		return err
	})
	b, err := bundle.Of(files)
	if err != nil || b.Revision() != revision {
		t.Fatalf("the bundle %s does not load as itself: %v", revision, err)
	}
	return b
}

// invariantsHold asks of the record of then what fsck asks of today's.
func (f *frozen) invariantsHold(t *testing.T) {
	f.tx(t, func(ctx context.Context, tx *postgres.Tx) error {
		for _, q := range postgres.Questions() {
			if _, err := tx.Ask(ctx, q, func(p postgres.Place) { t.Errorf("%s: %s %s", q.Name, p.Place, p.Code) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// entriesAreFound holds what the trace is narrowed by against the entries of then, and asks for somebody's acts.
func (f *frozen) entriesAreFound(t *testing.T) {
	people := 0
	f.tx(t, func(ctx context.Context, tx *postgres.Tx) error {
		told, err := tx.Head(ctx)
		if err != nil {
			return err
		}
		leaves, err := tx.LeavesFrom(ctx, 0, int(told.Size)) // what follows came since: the keeper is at work
		var made postgres.Head
		for _, l := range leaves {
			body, err := trace.DecodeBody(l.Body)
			if person := body.Actor.Member; err != nil || (l.Person == nil) != (person == "") || person != "" && *l.Person != person {
				t.Errorf("entry %d is found under %v, its body says %q (%v)", l.Index, l.Person, person, err)
			}
			if made.Follow(l.At); l.Person != nil && l.At.Before(f.manifest.Made) {
				people++
			}
		}
		if told.Size != made.Size || told.Lag != made.Lag || told.Latest == nil || !told.Latest.Equal(*made.Latest) {
			t.Errorf("the head says %+v, the entries %+v", told, made)
		}
		return err
	})
	home := f.profile(t, frozenDeveloper).Org
	found, err := f.person(t, frozenAuditor).Trace.Query(context.Background(), trace.Filter{
		Who: home + "/" + frozenDeveloper, Act: "job.submit", Until: f.manifest.Made.Format(time.RFC3339),
	})
	if err != nil || len(found) == 0 || people < 50 {
		t.Errorf("%d jobs of then are found, of %d acts of people: %v", len(found), people, err)
	}
}

// formatsAreRead reads each manifest, package and vote of then, and writes it as it was.
func (f *frozen) formatsAreRead(t *testing.T) {
	f.tx(t, func(ctx context.Context, tx *postgres.Tx) error {
		all := postgres.Window{Limit: everything}
		sets, err := tx.Datasets(ctx, all, dataset.Facets{})
		if err != nil {
			return err
		}
		manifests := 0
		for _, d := range sets {
			n, err := f.manifests(ctx, t, tx, d.ID)
			if err != nil {
				return err
			}
			manifests += n
		}
		orgs, err := tx.Orgs(ctx, all)
		if err != nil {
			return err
		}
		packages, cast := map[string]bool{}, map[string]bool{}
		for _, o := range orgs {
			if err := errors.Join(f.packages(ctx, t, tx, o.ID, packages), f.votes(ctx, t, tx, o.ID, cast)); err != nil {
				return err
			}
		}
		t.Logf("%d manifests, %d packages, %d votes", manifests, len(packages), len(cast))
		if manifests == 0 || len(packages) < 3 || len(cast) != 2 {
			t.Error("the record is not what was frozen")
		}
		return nil
	})
}

func (f *frozen) manifests(ctx context.Context, t *testing.T, tx *postgres.Tx, set string) (read int, err error) {
	versions, err := tx.Versions(ctx, set)
	for _, v := range versions {
		if v.ManifestDigest == nil {
			continue
		}
		m, err := dataset.DecodeManifest(v.Manifest)
		if err != nil {
			t.Errorf("version %d: %v", v.Number, err)
			continue
		}
		if _, digest, err := m.Encode(); err != nil || string(digest) != *v.ManifestDigest {
			t.Errorf("the manifest of version %d became %s: %v", v.Number, digest, err)
		}
		read++
	}
	return read, err
}

func (f *frozen) packages(ctx context.Context, t *testing.T, tx *postgres.Tx, org string, read map[string]bool) error {
	jobs, err := tx.Jobs(ctx, org, postgres.Window{Limit: everything})
	for _, j := range jobs {
		p, err := job.Decode(j.Package)
		if err != nil {
			t.Errorf("%s: %v", j.Number, err)
			continue
		}
		if _, digest, err := p.Encode(); err != nil || string(digest) != j.CodeDigest {
			t.Errorf("the package of %s became %s: %v", j.Number, digest, err)
		}
		read[j.Number] = true
	}
	return err
}

func (f *frozen) votes(ctx context.Context, t *testing.T, tx *postgres.Tx, org string, read map[string]bool) error {
	requests, err := tx.Requests(ctx, org, postgres.Window{Limit: everything})
	for _, r := range requests {
		cast, err := tx.Votes(ctx, r.ID)
		if err != nil {
			return err
		}
		for _, v := range cast {
			key, err := tx.ShareKey(ctx, v.MemberKey)
			if err != nil {
				return err
			}
			var e envelope.Envelope
			if err := json.Unmarshal(v.Envelope, &e); err != nil {
				return err
			}
			said, err := votes.OpenVote(e, envelope.Ed25519Key(key.PublicKey))
			if err != nil || string(said.Voter) != v.Voter || string(said.Request) != r.Number || string(said.Seat) != v.Seat {
				t.Errorf("the vote of %s on %s says %+v: %v", v.Seat, r.Number, said, err)
			}
			read[v.Request+v.Seat] = true
		}
	}
	return err
}

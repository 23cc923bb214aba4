// Package fsck checks the invariants I1 to I11 (security.md D.1) on what lies in the database, in the store and on
// the machine. It only reads, one thing after the other, so that memory does not grow with what there is, and it
// tells places and codes, never values.
package fsck

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/passkey"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
	"github.com/sluicedata/sluice/gateway/client"
)

// Finding is a place where an invariant does not hold.
type Finding struct {
	Place string `json:"place"`
	Code  string `json:"code"`
}

// Result is what one check found.
type Result struct {
	Check     string    `json:"check"`
	Invariant string    `json:"invariant"` // I1 to I11
	Looked    int64     `json:"looked"`    // things looked at
	Findings  int64     `json:"findings"`
	First     []Finding `json:"first,omitempty"`     // at most maxFirst of them
	Unchecked string    `json:"unchecked,omitempty"` // code of why it cannot be checked
}

// maxFirst bounds how many places a result names.
const maxFirst = 100

// add notes a finding.
func (r *Result) add(place, code string) {
	r.Findings++
	if len(r.First) < maxFirst {
		r.First = append(r.First, Finding{place, code})
	}
}

// Source is an instance whose database and store answer.
type Source struct {
	backup.Target
	Data string // folder of the instance, for the room on its disk
	Runs string // folder of the launcher's runs
	// Lists opens each bucket under an account that may list it.
	Lists backup.Stores
	// Trust is trust.json as Root signed it: what certificates are verified with.
	Trust []byte
	Root  ed25519.PublicKey
	// Witness is a signed checkpoint of the log that somebody kept, "" for none.
	Witness string
	// Live is what runs; nil: the instance is stopped.
	Live *Live
}

// check is one row of the table.
type check struct {
	name, invariant string
	run             func(ctx context.Context, s Source, r *Result) error
}

// checks lists every check in the order of the invariants.
func checks() []check {
	return []check{
		{"release.votes", "I1", votes},
		{"release.objects", "I1", releasedObjects},
		{"release.bytes", "I2", asked("release.bytes")},
		{"objects", "I2", objects},
		{"trace.intents", "I3", asked("trace.intents")},
		{"destructions", "I3", destructions},
		{"trace.log", "I4", log},
		{"trace.witness", "I4", witnessed},
		{"leftovers", "I5", leftovers},
		{"containers", "I5", containers},
		{"objects.left", "I5", objectsLeft},
		{"job.ends", "I6", asked("job.ends")},
		{"doubt.denies", "I7", asked("doubt.denies")},
		{"once", "I8", asked("once")},
		{"object.claims", "I8", claims},
		{"orgs.apart", "I9", asked("orgs.apart")},
		{"orgs.answers", "I9", unchecked("answers.tests")},
		{"room", "I10", room},
		{"api.answers", "I10", answers},
		{"interruptions", "I11", asked("interruptions")},
	}
}

// Run does every check and tells each result as it is there. Its error says that a check could not be done.
func Run(ctx context.Context, s Source, tell func(Result)) error {
	for _, c := range checks() {
		r := Result{Check: c.name, Invariant: c.invariant}
		if err := c.run(ctx, s, &r); err != nil {
			return fmt.Errorf("checking %s: %w", c.name, err)
		}
		tell(r)
	}
	return nil
}

// unchecked is the check of what an instance cannot show.
func unchecked(code string) func(context.Context, Source, *Result) error {
	return func(_ context.Context, _ Source, r *Result) error {
		r.Unchecked = code
		return nil
	}
}

// asked is a check that the record alone answers.
func asked(name string) func(context.Context, Source, *Result) error {
	return func(ctx context.Context, s Source, r *Result) error { return s.ask(ctx, name, r) }
}

func (s Source) ask(ctx context.Context, name string, r *Result) error {
	for _, q := range postgres.Questions() {
		if q.Name != name {
			continue
		}
		return s.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
			r.Looked, err = tx.Ask(ctx, q, func(p postgres.Place) { r.add(p.Place, p.Code) })
			return err
		})
	}
	return errors.New("there is no such question")
}

// votes asks the record, and opens every vote under the voter's key.
func votes(ctx context.Context, s Source, r *Result) error {
	if err := s.ask(ctx, r.Check, r); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		return tx.EachVote(ctx, func(v postgres.SignedVote) error {
			var signed envelope.Envelope
			err := json.Unmarshal(v.Envelope, &signed)
			if err == nil {
				_, err = output.OpenVote(signed, passkey.Verifier(envelope.Scheme(v.Scheme), v.Origin, v.PublicKey))
			}
			if err != nil {
				r.add(v.Release, "votes.signature")
			}
			return nil
		})
	})
}

// destructions asks the record, and verifies every certificate as anybody could.
func destructions(ctx context.Context, s Source, r *Result) error {
	if err := s.ask(ctx, r.Check, r); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		all, err := catalog.Ledger(ctx, tx)
		for _, pkg := range all {
			pkg.Trust = s.Trust
			if _, err := client.VerifyDestruction(pkg, s.Root); err != nil {
				r.add(fmt.Sprintf("%s version %d", pkg.Destruction.Dataset, pkg.Destruction.Version), "certificate.unverified")
			}
		}
		return err
	})
}

// releasedObjects looks for products in the store that no release stands for.
func releasedObjects(ctx context.Context, s Source, r *Result) error {
	for ref, err := range s.Readers[object.Release].List(ctx, object.Release) {
		if err != nil {
			return err
		}
		r.Looked++
		var releases int64
		err := s.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
			releases, err = tx.ReleasedAs(ctx, ref.Key, ref.Digest)
			return err
		})
		if err != nil {
			return fmt.Errorf("looking for a product's release: %w", err)
		}
		if releases != 1 {
			r.add(place(ref.Ref), "product.releases")
		}
	}
	return nil
}

// objects decrypts everything the record refers to and compares it with its digest.
func objects(ctx context.Context, s Source, r *Result) error {
	return s.DB.InTx(ctx, func(tx *postgres.Tx) error {
		return tx.EachReference(ctx, func(ref postgres.Reference) error {
			r.Looked++
			reason, err := s.CheckObject(ctx, ref)
			if reason != "" {
				r.add(place(object.Ref{Bucket: object.Bucket(ref.Bucket), Key: ref.Key, Digest: ref.Digest}), "object.broken")
			}
			return err
		})
	})
}

// place names an object.
func place(ref object.Ref) string {
	return fmt.Sprintf("object %s/%s/%s", ref.Bucket, ref.Key, ref.Digest)
}

// log verifies the log from its first entry to its signed head, and the record's entries against it.
func log(ctx context.Context, s Source, r *Result) error {
	entries, err := s.CheckLog(ctx)
	if err == nil {
		r.Looked, err = s.CheckBodies(ctx, entries)
	}
	var faults *backup.FaultsError
	if !errors.As(err, &faults) {
		return err
	}
	for _, f := range faults.Faults {
		r.add(f.Place, "log.broken")
	}
	return nil
}

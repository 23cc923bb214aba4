package catalog_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy"
)

var overdue = destruction.Spec{Reason: destruction.ReasonRetention}

// colleague is another person of somebody's organization.
func (c *city) colleague(of person, role org.Role) (p person) {
	c.t.Helper()
	home := postgres.Org{ID: of.Org, Number: of.home}
	var capacities []org.Capacity
	for _, held := range of.Capacities {
		capacities = append(capacities, org.Capacity(held))
	}
	c.tx(func(tx *postgres.Tx) error { return c.enter(tx, &p, home, capacities, []org.Role{role}) })
	return p
}

// approved has a version's end proposed by the steward and approved by a colleague.
func (c *city) approved(number int) {
	c.t.Helper()
	_, err := c.serve.Destructions.Propose(c.ctx, c.steward.Subject, slug, number, overdue)
	c.must(err)
	_, err = c.serve.Destructions.Approve(c.ctx, c.colleague(c.steward, org.Approver).Subject, slug, number)
	c.must(err)
}

// destroyed carries a version's end out and returns its certificate.
func (c *city) destroyed(number int) destruction.Certificate {
	c.t.Helper()
	c.approved(number)
	c.turns()
	pkg, err := c.serve.Destructions.Get(c.ctx, c.steward.Subject, slug, number)
	c.must(err)
	var e envelope.Envelope
	c.must(json.Unmarshal(pkg.Certificate, &e))
	signing, err := c.keeper.Keys.Certificate.Signing()
	c.must(err)
	public, _ := signing.Public().(ed25519.PublicKey)
	certificate, err := destruction.Open(e, public)
	c.must(err)
	return certificate
}

// key reads a data key as it is now.
func (c *city) key(id string) (k postgres.DataKey) {
	c.t.Helper()
	c.tx(func(tx *postgres.Tx) (err error) {
		k, err = tx.DataKey(c.ctx, id)
		return err
	})
	return k
}

// version reads a version's row.
func (c *city) version(number int) (v postgres.Version) {
	c.t.Helper()
	c.tx(func(tx *postgres.Tx) error {
		ds, err := tx.Dataset(c.ctx, slug)
		if err != nil {
			return err
		}
		v, err = tx.Version(c.ctx, ds.ID, number)
		return err
	})
	return v
}

// A version ends by the word of two people of its department with a strong session, and by nobody else's.
func TestDestructionTakesTwoPeople(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	second := c.colleague(c.steward, org.DataSteward)
	weak := second.Subject
	weak.Strength = policy.Basic
	propose := func(by policy.Subject) error { return try(c.serve.Destructions.Propose(c.ctx, by, slug, 1, overdue)) }
	approve := func(by policy.Subject) error { return try(c.serve.Destructions.Approve(c.ctx, by, slug, 1)) }
	if got := code(approve(second.Subject)); got != "unknown" {
		t.Errorf("approving what nobody proposed: %q", got)
	}
	for what, by := range map[string]policy.Subject{"agency": c.chief.Subject, "operator": c.developer.Subject} {
		if got := code(propose(by)); got != "unknown" {
			t.Errorf("the %s proposes: %q", what, got)
		}
	}
	if got := code(propose(c.colleague(c.steward, org.Approver).Subject)); got != "access.not_permitted" {
		t.Errorf("an approver proposes: %q", got)
	}
	c.must(propose(c.steward.Subject))
	if got := code(propose(second.Subject)); got != "destruction.under_way" {
		t.Errorf("proposed twice: %q", got)
	}
	for _, refused := range []struct {
		what, want string
		by         policy.Subject
	}{
		{"the proposer", "approver.is_proposer", c.steward.Subject},
		{"a weak session", "session.strength", weak},
		{"an applicant", "access.not_permitted", c.applicant.Subject},
		{"the agency", "unknown", c.chief.Subject},
	} {
		if got := code(approve(refused.by)); got != refused.want {
			t.Errorf("%s approves: %q, want %q", refused.what, got, refused.want)
		}
	}
	if v := c.version(1); v.State != string(dataset.Available) || c.key(v.DataKey).Erased() {
		t.Fatalf("refusals left the version %s", v.State)
	}
	withdrawn, err := c.serve.Destructions.Withdraw(c.ctx, second.Subject, slug, 1)
	if err != nil || withdrawn.State != string(destruction.Withdrawn) {
		t.Fatalf("withdrawn: %+v, %v", withdrawn, err)
	}
	if got := code(approve(second.Subject)); got != "destruction.move_not_allowed" {
		t.Errorf("approving what was withdrawn: %q", got)
	}
	c.must(propose(second.Subject))
	c.must(approve(c.steward.Subject))
	if got := code(try(c.serve.Destructions.Withdraw(c.ctx, second.Subject, slug, 1))); got != "destruction.move_not_allowed" {
		t.Errorf("withdrawing what was approved: %q", got)
	}
}

// A destroyed version's keys are gone, with those of the file it came from; the certificate names them and the entry
// that recorded it; the objects follow.
func TestDestructionErasesKeys(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	before := c.version(1)
	var raw []object.Ref
	c.must(json.Unmarshal(before.Raw, &raw))
	certificate := c.destroyed(1)
	for what, id := range map[string]string{"version": before.DataKey, "file": raw[0].Key} {
		k := c.key(id)
		if !k.Erased() || k.Wrapped != nil || k.ClearedAt == nil {
			t.Errorf("the key of the %s is %+v", what, k)
		}
		if !slices.Contains(certificate.Keys, name.ID(id)) {
			t.Errorf("the certificate does not name the key of the %s", what)
		}
	}
	if string(certificate.Manifest) != *before.ManifestDigest || certificate.Version != 1 || certificate.Dataset != slug ||
		len(certificate.Parts) != 1 || certificate.Asked.By == certificate.Approved.By {
		t.Errorf("certificate %+v", certificate)
	}
	erasure := c.entries("destruction.erase")
	if len(erasure) != 1 || erasure[0].Index != certificate.Trace.Index {
		t.Errorf("the certificate names entry %d of %+v", certificate.Trace.Index, erasure)
	}
	for _, act := range []string{"destruction.propose", "destruction.approve", "destruction.certify", "destruction.clear"} {
		if len(c.entries(act)) != 1 {
			t.Errorf("%d entries of %s", len(c.entries(act)), act)
		}
	}
	key, err := object.NewDataKey(before.DataKey, make([]byte, 32))
	c.must(err)
	part := object.Ref{Bucket: object.Data, Key: before.DataKey, Digest: string(certificate.Parts[0]), Size: 4}
	if _, err := c.store.OpenVerified(c.ctx, part, key); !errors.Is(err, object.ErrAbsent) {
		t.Errorf("the part is still in the store: %v", err)
	}
	if v := c.version(1); v.State != string(dataset.Destroyed) {
		t.Errorf("the version is %s", v.State)
	}
	if _, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number)); code(err) != "version.not_available" {
		t.Errorf("submitting on it: %q", code(err))
	}
	if got := code(try(c.serve.Destructions.Propose(c.ctx, c.steward.Subject, slug, 1, overdue))); got != "version.move_not_allowed" {
		t.Errorf("destroying it again: %q", got)
	}
	c.tx(func(tx *postgres.Tx) error {
		refs, err := tx.References(c.ctx)
		for _, r := range refs {
			if r.Key == before.DataKey || r.Key == raw[0].Key {
				t.Errorf("the record still refers to %s/%s", r.Bucket, r.Key)
			}
		}
		return err
	})
}

// What runs on the version is stopped and holds the erasure up until it has; what it made ends with it, unless it left.
func TestDestructionStopsWhatRuns(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	out, own := c.opened(), c.version(1).DataKey
	c.must(c.vote(c.officer, out.Number, output.OperatorSeat, output.Approve))
	c.must(c.vote(c.reviewer, out.Number, output.AgencySeat, output.Approve))
	c.turns()
	out, err := c.serve.Requests.Show(c.ctx, c.developer.Subject, out.Number)
	c.must(err)
	rejected := c.opened()
	c.must(c.vote(c.officer, rejected.Number, output.OperatorSeat, output.Reject))
	c.must(c.vote(c.reviewer, rejected.Number, output.AgencySeat, output.Reject))
	c.turns()
	open := c.opened()
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
	c.must(err)
	c.sealed(func(work.Letter, work.Keys) (string, work.Result) {
		c.approved(1)
		c.turns()
		if v := c.version(1); v.State != string(dataset.Destroying) || c.key(v.DataKey).Erased() {
			t.Errorf("under a run the version is %s", v.State)
		}
		return "success", work.Result{Check: &task.CheckReport{Relations: []task.RelationPlan{{Statement: task.Statement{Relation: "r"}}}}}
	})
	c.turns()
	if j, err = c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number); err != nil || j.State != "killed" {
		t.Errorf("the job is %s, %v", j.State, err)
	}
	if !c.key(own).Erased() {
		t.Error("the key is still there")
	}
	if ended, err := c.serve.Requests.Show(c.ctx, c.developer.Subject, open.Number); err != nil || ended.State != string(output.Rejected) {
		t.Errorf("the open request is %s, %v", ended.State, err)
	}
	for what, r := range map[string]output.RequestView{"released": out, "rejected": rejected, "open": open} {
		if j, err := c.serve.Jobs.Show(c.ctx, c.developer.Subject, r.Output.Job); err != nil || j.State != string(job.Closed) {
			t.Errorf("the job of what was %s is %s, %v", what, j.State, err)
		}
	}
	var left []postgres.Output
	c.tx(func(tx *postgres.Tx) (err error) {
		ds, err := tx.Dataset(c.ctx, slug)
		if err != nil {
			return err
		}
		left, err = tx.DoomedOutputs(c.ctx, ds.ID, 1)
		return err
	})
	if len(left) != 0 {
		t.Errorf("%d outputs outlive their data", len(left))
	}
	defer c.keeping()()
	if pkg, err := c.serve.Releases.Get(c.ctx, c.developer.Subject, out.Release); err != nil || len(pkg.Product) == 0 {
		t.Errorf("the product that left: %d bytes, %v", len(pkg.Product), err)
	}
}

// A part that a later version holds keeps both: the later one ends first, and takes its own part only.
func TestDestructionOfSharedParts(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	c.feed(dataset.Publication{Mode: dataset.Append, Label: "2026-12"}, "more")
	_, err := c.serve.Destructions.Propose(c.ctx, c.steward.Subject, slug, 1, overdue)
	var shared *fault.Error
	want := []fault.Place{{Location: "version 2", Code: "version.rests_on_it"}}
	if !errors.As(err, &shared) || shared.Code != "version.shared" || !cmp.Equal(shared.Places, want) {
		t.Fatalf("destroying the base: %+v", err)
	}
	later := c.destroyed(2)
	if len(later.Parts) != 1 || len(later.Kept) != 1 {
		t.Errorf("the later one ended with %d parts, and leaves %d", len(later.Parts), len(later.Kept))
	}
	if v := c.version(1); c.key(v.DataKey).Erased() {
		t.Error("the base went with it")
	}
	if first := c.destroyed(1); !cmp.Equal(first.Parts, later.Kept) {
		t.Errorf("the base ends with %v, want %v", first.Parts, later.Kept)
	}
}

// A wrapping key that is away refuses nothing for good; the work is done once it is back.
func TestKeysThatAreAwayComeBack(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	own := c.keeper.Keys.Wrap
	other, err := keyring.New(keyring.Wrap)
	c.must(err)
	_, err = c.serve.Datasets.Profile(c.ctx, c.steward.Subject, slug, 1)
	c.must(err)
	private, err := keyring.NewPrivateKey()
	c.must(err)
	claimed, ok, err := c.queue.Claim(c.ctx, "test", private.Public().Bytes(), time.Hour, []task.Runtime{task.GVisor})
	if c.must(err); !ok {
		t.Fatal("no work to claim")
	}
	c.keeper.Keys.Wrap = other
	if _, err := c.keeper.Turn(c.ctx); !errors.Is(err, keyring.ErrAway) || fault.Of(errors.Unwrap(err)) == fault.Conflict {
		t.Errorf("without its key: %v", err)
	}
	standing, err := c.queue.Append(c.ctx, claimed, "renew", nil, time.Hour)
	if c.must(err); standing.Admitted || standing.Stop != nil {
		t.Errorf("without its key the work is %+v", standing)
	}
	c.keeper.Keys.Wrap = own
	c.tx(func(tx *postgres.Tx) error { return tx.DeferWork(c.ctx, claimed.ID, 0) })
	c.turns()
	standing, err = c.queue.Append(c.ctx, claimed, "renew", nil, time.Hour)
	if c.must(err); !standing.Admitted {
		t.Errorf("with its key back the work is %+v", standing)
	}
}

package catalog_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/keeper"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/objecttest"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/catalog/ruleset"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/bundle"
	"github.com/sluicedata/sluice/policy/screen"
)

func TestMain(m *testing.M) { objecttest.Main(m) }

// city is a running Sluice without containers: the record under every process's own role, the store under
// every process's own account, the keeper's turns, and a worker whose results the test writes.
type city struct {
	t       testing.TB
	ctx     context.Context
	serve   *catalog.Catalog
	keeper  *keeper.Keeper
	queue   *postgres.Queue
	store   *object.Store // the worker's
	owner   *postgres.DB
	address string // of the database's owner

	mu  sync.Mutex
	now time.Time

	debugFirst bool          // the gate of the rule set
	runcLevel  int           // of the rule set: 0 unless a test says otherwise
	objects    *object.Store // under the keeper's credential

	admin, steward, applicant, accepting, examining, authority person
	chief, reviewer, developer, officer, director              person
	grant                                                      grant.View
	agreement                                                  agreement.View
}

// person is somebody with a key.
type person struct {
	policy.Subject
	home  string
	key   ed25519.PrivateKey
	print string
}

const slug = "health-visits"

// newCity founds a city with one dataset, registered, agreed on and granted.
func newCity(t testing.TB, budget grant.Budget) *city {
	t.Helper()
	return (&city{t: t, ctx: context.Background()}).start(budget)
}

func (c *city) start(budget grant.Budget) *city {
	c.t.Helper()
	c.now = time.Date(2026, 11, 23, 9, 0, 0, 0, calendar.Zone())
	c.open()
	c.found()
	c.publish()
	c.register()
	c.agree(budget)
	return c
}

func (c *city) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *city) open() {
	t := c.t
	db := pgtest.New(t)
	c.owner, c.address = pgtest.Open(t, db.Owner), db.Owner
	c.queue = postgres.NewQueue(pgtest.Open(t, db.Worker))
	stores := objecttest.Start(t)
	c.store = stores.Open(t, object.Worker)
	keys := c.settings()
	c.serve = c.catalog(pgtest.Open(t, db.Serve), stores.Open(t, object.Serve))
	c.objects = stores.Open(t, object.Keeper)
	keeperDB, keeperStore := pgtest.Open(t, db.Keeper), stores.Open(t, object.Keeper)
	signing, err := keys[keyring.Checkpoint].Signing()
	c.must(err)
	signer, err := trace.NewSigner("sluice/test", signing)
	c.must(err)
	c.keeper = &keeper.Keeper{
		Catalog: c.catalog(keeperDB, keeperStore), DB: keeperDB, Log: slog.New(slog.DiscardHandler), Origin: "sluice/test",
		Keys:      keeper.Keys{Wrap: keys[keyring.Wrap], Certificate: keys[keyring.Certificate]},
		Sequencer: trace.NewSequencer(tilestore.NewS3(keeperStore), signer), Pause: time.Second, Now: c.clock,
	}
}

func (c *city) catalog(db *postgres.DB, store *object.Store) *catalog.Catalog {
	rules, err := ruleset.Default()
	c.must(err)
	rules.Gates.Debug = c.debugFirst
	rules.Jobs.RuncLevel = c.runcLevel
	days, err := calendar.Default()
	c.must(err)
	decides, err := bundle.Embedded()
	c.must(err)
	cat, err := catalog.New(c.ctx, catalog.Config{
		DB: db, Store: store, Policy: decides, Rules: rules, Calendar: days, Now: c.clock, Rand: rand.Reader,
		PersonKey: make([]byte, 32), Passkeys: c.site(),
	})
	c.must(err)
	return cat
}

// settings makes the keeper's keys and the instance's public facts.
func (c *city) settings() map[keyring.Purpose]keyring.Key {
	keys := map[keyring.Purpose]keyring.Key{}
	for _, p := range []keyring.Purpose{keyring.Wrap, keyring.Certificate, keyring.Checkpoint} {
		key, err := keyring.New(p)
		c.must(err)
		keys[p] = key
	}
	c.tx(func(tx *postgres.Tx) error {
		public, err := json.Marshal(keys[keyring.Wrap].Public())
		if err != nil {
			return err
		}
		if err := tx.PutSetting(c.ctx, catalog.WrapSetting, public); err != nil {
			return err
		}
		return tx.PutSetting(c.ctx, catalog.TrustSetting, []byte(`{}`))
	})
	return keys
}

func (c *city) tx(do func(*postgres.Tx) error) {
	c.t.Helper()
	c.must(c.owner.InTx(c.ctx, do))
}

func (c *city) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// found writes organizations and people straight into the record; how people enter is another test's.
func (c *city) found() {
	for _, o := range []struct {
		capacities []org.Capacity
		people     map[*person][]org.Role
	}{
		{[]org.Capacity{org.Platform}, map[*person][]org.Role{&c.admin: {org.SystemAdmin, org.OrgAdmin}}},
		{[]org.Capacity{org.DataProvider, org.Registrant}, map[*person][]org.Role{&c.steward: {org.DataSteward}, &c.applicant: {org.Applicant}}},
		{[]org.Capacity{org.Registrar}, map[*person][]org.Role{&c.accepting: {org.Approver}, &c.examining: {org.Approver}}},
		{[]org.Capacity{org.DataAuthority}, map[*person][]org.Role{&c.authority: {org.Approver}}},
		{[]org.Capacity{org.ImplementingAgency}, map[*person][]org.Role{&c.chief: {org.Approver}, &c.reviewer: {org.OutputReviewer}}},
		{[]org.Capacity{org.Operator}, map[*person][]org.Role{&c.developer: {org.Developer}, &c.officer: {org.SecurityOfficer}, &c.director: {org.Approver}}},
	} {
		home := postgres.Org{ID: name.NewID().String(), Name: name.NewID().String(), CreatedAt: c.now}
		c.tx(func(tx *postgres.Tx) error { return c.settle(tx, &home, o.capacities, o.people) })
	}
}

func (c *city) settle(tx *postgres.Tx, home *postgres.Org, capacities []org.Capacity, people map[*person][]org.Role) error {
	seq, err := tx.NextNumber(c.ctx, "ORG", 0)
	if err != nil {
		return err
	}
	number, err := name.NewNumber(name.Organization, 0, seq)
	if err != nil {
		return err
	}
	home.Number = number.String()
	errs := []error{tx.InsertOrg(c.ctx, *home)}
	for _, k := range capacities {
		errs = append(errs, tx.InsertCapacity(c.ctx, home.ID, string(k), "test", c.now))
	}
	for p, roles := range people {
		errs = append(errs, c.enter(tx, p, *home, capacities, roles))
	}
	return errors.Join(errs...)
}

func (c *city) enter(tx *postgres.Tx, p *person, home postgres.Org, capacities []org.Capacity, roles []org.Role) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	p.key, p.print, p.home = private, org.Fingerprint(public), home.Number
	p.Subject = policy.Subject{Member: name.NewID().String(), Org: home.ID, Roles: org.RoleNames(roles), Strength: policy.Strong, Method: policy.ByKey}
	for _, k := range capacities {
		p.Capacities = append(p.Capacities, string(k))
	}
	m := postgres.Member{ID: p.Member, Org: home.ID, Login: "p" + p.Member[:8] + p.Member[30:], Name: "P", Roles: p.Roles, State: "active", CreatedAt: c.now}
	expires := c.now.AddDate(1, 0, 0)
	k := postgres.MemberKey{
		ID: name.NewID().String(), Fingerprint: p.print, Member: p.Member, PublicKey: public, State: "admitted",
		OfferedAt: c.now, AdmittedAt: &c.now, ExpiresAt: &expires,
	}
	return errors.Join(tx.InsertMember(c.ctx, m), tx.InsertKey(c.ctx, k))
}

// turns lets the keeper do everything that waits.
func (c *city) turns() {
	c.t.Helper()
	for {
		worked, err := c.keeper.Turn(c.ctx)
		c.must(err)
		if !worked {
			return
		}
	}
}

// work claims the oldest work, waits for its admission, seals what do makes of it, and lets the keeper settle it.
func (c *city) work(do func(letter work.Letter, keys work.Keys) (string, work.Result)) {
	c.t.Helper()
	c.sealed(do)
	c.turns()
}

// sealed is work up to its seal.
func (c *city) sealed(do func(letter work.Letter, keys work.Keys) (string, work.Result)) {
	c.t.Helper()
	private, err := keyring.NewPrivateKey()
	c.must(err)
	claimed, ok, err := c.queue.Claim(c.ctx, "test", private.Public().Bytes(), time.Hour, []task.Runtime{task.GVisor})
	c.must(err)
	if !ok {
		c.t.Fatal("no work to claim")
	}
	c.turns()
	standing, err := c.queue.Append(c.ctx, claimed, "renew", nil, time.Hour)
	c.must(err)
	if !standing.Admitted {
		c.t.Fatalf("%s was not admitted: %v", claimed.Kind, standing.Stop)
	}
	plain, err := keyring.Open(private, work.SealInfo(claimed.ID, claimed.Fence), standing.Keys)
	c.must(err)
	var keys work.Keys
	c.must(json.Unmarshal(plain, &keys))
	var letter work.Letter
	c.must(json.Unmarshal(claimed.Letter, &letter))
	outcome, result := do(letter, keys)
	body, err := json.Marshal(result)
	c.must(err)
	c.must(c.queue.Seal(c.ctx, claimed, outcome, body))
}

// put stores bytes under the work's write key.
func (c *city) put(keys work.Keys, bucket object.Bucket, body []byte) object.Ref {
	c.t.Helper()
	key, err := object.NewDataKey(keys.Write.ID, keys.Write.Secret)
	c.must(err)
	ref, err := c.store.Put(c.ctx, bucket, key, bytes.NewReader(body))
	c.must(err)
	return ref
}

func (c *city) spec() dataset.Spec {
	return dataset.Spec{
		Slug: slug, Title: "Visits", Basis: "statistics", Class: dataset.General, RoundTo: 5,
		Columns: []dataset.Column{
			{Name: "resident_id", Type: dataset.Text, Level: 4, Role: dataset.Identifier, Mask: dataset.MaskDrop},
			{Name: "health", Type: dataset.Text, Level: 2, Role: dataset.Sensitive, Domain: []string{"good", "poor"}},
			{Name: "visits", Type: dataset.Integer, Level: 2, Role: dataset.Sensitive},
		},
		Units: []dataset.Unit{{Kind: dataset.Resident, Column: "resident_id"}},
		Terms: dataset.Terms{
			Purposes: []string{"statistics"}, Columns: []string{"health", "visits"}, Operations: []name.Operation{name.OpSQL},
			Outputs: []name.OutputKind{name.OutTable}, MinUnits: 10, Approval: dataset.Manual, To: calendar.DateOf(c.now).AddYears(1),
		},
	}
}

func (c *city) publish() {
	c.t.Helper()
	_, err := c.serve.Datasets.Declare(c.ctx, c.steward.Subject, c.spec())
	c.must(err)
	c.feed(dataset.Publication{Mode: dataset.Replace}, "part")
}

func (c *city) register() {
	c.t.Helper()
	v, err := c.serve.Datasets.ShowVersion(c.ctx, c.steward.Subject, slug, 1)
	c.must(err)
	r, err := c.serve.Registrations.Apply(c.ctx, c.applicant.Subject, slug, registration.Spec{
		Declarations: registration.Declarations{NoStateSecret: true, TradeSecretHandled: true, PersonalHandled: true, RiskAssessed: true},
		Summary:      "visits", Commitment: name.DigestOf([]byte("letter")), Evidence: name.Digest(v.Digest),
	})
	c.must(err)
	_, err = c.serve.Registrations.Accept(c.ctx, c.accepting.Subject, r.Number)
	c.must(err)
	r, err = c.serve.Registrations.Notice(c.ctx, c.examining.Subject, r.Number)
	c.must(err)
	c.mu.Lock()
	c.now = r.NoticeEnds.Add(time.Hour)
	c.mu.Unlock()
	_, err = c.serve.Registrations.Code(c.ctx, c.examining.Subject, r.Number)
	c.must(err)
}

func (c *city) agree(budget grant.Budget) {
	c.t.Helper()
	today := calendar.DateOf(c.clock())
	a, err := c.serve.Agreements.Record(c.ctx, c.chief.Subject, agreement.Spec{
		Operator: c.director.home, From: today, To: today.AddYears(2), Datasets: []name.Slug{slug},
		Document: name.DigestOf([]byte("text")), Decision: agreement.Decision{Document: "decision", Date: today},
	})
	c.must(err)
	for _, p := range []person{c.chief, c.director} {
		_, err = c.serve.Agreements.Sign(c.ctx, p.Subject, a.Number)
		c.must(err)
	}
	c.agreement, err = c.serve.Agreements.File(c.ctx, c.authority.Subject, a.Number, "receipt")
	c.must(err)
	c.grant = c.newGrant(budget)
}

func (c *city) newGrant(budget grant.Budget) grant.View {
	c.t.Helper()
	today := calendar.DateOf(c.clock())
	g, err := c.serve.Grants.Propose(c.ctx, c.developer.Subject, grant.Spec{Agreement: c.agreement.Number, Scope: grant.Scope{
		Dataset: slug, VersionFrom: 1, Columns: []string{"health", "visits"}, Rows: grant.Rows{All: true},
		Operations: []name.Operation{name.OpSQL}, Purposes: []string{"statistics"}, Outputs: []name.OutputKind{name.OutTable},
		LevelCap: 2, From: today, To: today.AddDays(30), Budget: budget, MinUnits: 10, LawfulBasis: "basis",
	}})
	c.must(err)
	g, err = c.serve.Grants.Approve(c.ctx, c.chief.Subject, g.Number)
	c.must(err)
	return g
}

func (c *city) pack(grantNumber string) job.Package {
	return job.Package{
		Format: job.PackageFormat, Name: "visits", Purpose: "statistics", Engine: job.EngineSQL,
		Inputs: []job.Input{{Name: "visits", Grant: name.Number(grantNumber), Dataset: slug, Version: 1, Columns: []string{"health", "visits"}}},
		Code:   "-- relation: r\nSELECT resident, health, visits FROM visits",
		Outputs: []job.Output{{Table: &job.Table{
			Name: "by_health", From: "r", By: []job.Dimension{{Column: "health", Values: []string{"good", "poor"}}},
			Measures: []job.Measure{{Name: "people", Stat: job.StatUnits}},
		}}},
	}
}

// ran submits a job under a grant and takes it through check, approvals and run to its quarantined output.
func (c *city) ran(grantNumber string) job.View {
	c.t.Helper()
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(grantNumber))
	c.must(err)
	c.work(func(letter work.Letter, _ work.Keys) (string, work.Result) {
		return "success", work.Result{Check: &task.CheckReport{Relations: []task.RelationPlan{{Statement: task.Statement{Relation: "r"}}}}}
	})
	_, err = c.serve.Jobs.Approve(c.ctx, c.officer.Subject, j.Number)
	c.must(err)
	_, err = c.serve.Jobs.Approve(c.ctx, c.chief.Subject, j.Number)
	c.must(err)
	c.work(func(_ work.Letter, keys work.Keys) (string, work.Result) { return "success", c.outputs(keys, j.Number) })
	j, err = c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number)
	c.must(err)
	return j
}

// outputs is what a run left: a table, its memberships, and evidence that nothing blocks it.
func (c *city) outputs(keys work.Keys, unique string) work.Result {
	units := []screen.UnitCount{{Kind: "resident", Count: 50}}
	cell := func(label string) screen.Cell {
		return screen.Cell{Key: []string{label}, Units: units, Rows: screen.Concentration{X1: 1, X2: 1, Total: 50}}
	}
	evidence := task.ScreenEvidence{Facts: []screen.Evidence{{
		Output: "by_health", Relations: []screen.RelationFact{{Relation: "r", Rows: 100}}, Cells: []screen.Cell{cell("good"), cell("poor")},
	}}}
	body, err := json.Marshal(evidence)
	c.must(err)
	ref := c.put(keys, object.Output, body)
	return work.Result{
		Evidence: &ref,
		Outputs: []work.Output{{
			Name: "by_health", Rows: 2, Object: c.put(keys, object.Output, []byte("health,people\ngood,50\npoor,50\n# "+unique+"\n")),
			Membership: c.put(keys, object.Output, []byte("members "+unique)),
		}},
	}
}

// vote casts one seat's vote on a request.
func (c *city) vote(p person, number string, seat output.Seat, choice output.Choice) error {
	given := output.Ballot{Envelope: c.signedVote(p, number, seat, choice)}
	if choice == output.Reject {
		given.Text = "not for this purpose"
	}
	_, err := c.serve.Requests.Vote(c.ctx, p.Subject, number, given)
	return err
}

// signedVote is one seat's vote by its voter's key.
func (c *city) signedVote(p person, number string, seat output.Seat, choice output.Choice) envelope.Envelope {
	c.t.Helper()
	r, err := c.serve.Requests.Show(c.ctx, p.Subject, number)
	c.must(err)
	nonce := make([]byte, 16)
	_, err = rand.Read(nonce)
	c.must(err)
	v := output.Vote{
		Request: name.Number(number), Seat: seat, Voter: name.ID(p.Member), Decision: choice, Kind: output.OutputVote,
		Digest: name.Digest(r.Output.Digest), Evidence: name.Digest(r.Output.Evidence), Revision: r.Revision,
		Expiry: r.Expiry, Nonce: hex.EncodeToString(nonce),
	}
	signed, err := v.Sign(name.ID(p.print), p.key)
	c.must(err)
	return signed
}

// code is the stable code of an error, "" of none.
func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Code(err)
}

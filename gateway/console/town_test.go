package console_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/console"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/gateway/providertest"
)

// What lies in the town's record.
const (
	theDataset      = "health-visits"
	theRegistration = "R-2026-0901"
	theAgreement    = "A-2026-0901"
	theGrant        = "G-2026-0901"
	theProposal     = "G-2026-0902"
	theJob          = "J-2026-0901"
	theFailure      = "J-2026-0902"
	theTitle        = `<b>就诊</b> & "visits"`
)

// town is an instance beside a provider, with people who have both a key and a name there.
type town struct {
	*gatewaytest.Instance
	provider *providertest.Provider
	homes    map[string]string // organization numbers by capacity
	keys     map[string]*client.Client
}

// person is the capacity of somebody's organization, and their roles.
type person struct {
	home  org.Capacity
	roles []org.Role
}

// residents are the town's people.
func residents() map[string]person {
	return map[string]person{
		"steward":   {org.DataProvider, []org.Role{org.OrgAdmin, org.DataSteward}},
		"chief":     {org.ImplementingAgency, []org.Role{org.OrgAdmin, org.Approver, org.OutputReviewer}},
		"developer": {org.Operator, []org.Role{org.OrgAdmin, org.Developer}},
		"officer":   {org.Operator, []org.Role{org.SecurityOfficer}},
		"registrar": {org.Registrar, []org.Role{org.OrgAdmin, org.Approver}},
		"rival":     {org.BusinessEntity, []org.Role{org.OrgAdmin, org.Developer}},
	}
}

// newTown starts the town; its provider knows more names, whose people the test makes.
func newTown(t testing.TB, logins ...string) *town {
	t.Helper()
	for login := range residents() {
		logins = append(logins, login)
	}
	p := providertest.New(t, append(logins, "newcomer")...)
	w := &town{Instance: gatewaytest.StartWith(t, p.Config()), provider: p, homes: map[string]string{string(org.Platform): gatewaytest.Platform}, keys: map[string]*client.Client{}}
	p.Serve(w.URL + gateway.CallbackPath)
	for _, login := range []string{"steward", "chief", "developer", "officer", "registrar", "rival"} {
		who := residents()[login]
		by := w.Admin
		if w.homes[string(who.home)] == "" {
			w.homes[string(who.home)] = w.Org(t, "单位 "+string(who.home), who.home)
		} else {
			by = w.keys["developer"]
		}
		w.keys[login] = w.Person(t, by, w.homes[string(who.home)], login, who.roles...)
	}
	if _, err := w.keys["steward"].Datasets.Declare(t.Context(), datasetSpec()); err != nil {
		t.Fatal(err)
	}
	if err := w.Owner.InTx(t.Context(), w.fill); err != nil {
		t.Fatal(err)
	}
	return w
}

func day(ahead int) calendar.Date { return calendar.DateOf(time.Now()).AddDays(ahead) }

func datasetSpec() dataset.Spec {
	return dataset.Spec{
		Slug: theDataset, Title: theTitle, Basis: "health statistics", Class: dataset.General, RoundTo: 5,
		Columns: []dataset.Column{
			{Name: "resident_id", Title: "居民标识", Type: dataset.Text, Level: 4, Role: dataset.Identifier, Mask: dataset.MaskDrop},
			{Name: "plan", Title: "参保方案", Type: dataset.Text, Level: 1, Role: dataset.Other, Domain: []string{"free", "shared"}},
			{Name: "visits", Title: "就诊次数", Type: dataset.Integer, Level: 2, Role: dataset.Sensitive},
		},
		Units: []dataset.Unit{{Kind: dataset.Resident, Column: "resident_id"}},
		Terms: dataset.Terms{
			Purposes: []string{"statistics"}, Columns: []string{"plan", "visits"}, Operations: []name.Operation{name.OpSQL},
			Outputs: []name.OutputKind{name.OutTable}, MinUnits: 10, Approval: dataset.Manual, To: day(365),
		},
	}
}

func scope(columns ...string) grant.Scope {
	return grant.Scope{
		Dataset: theDataset, VersionFrom: 1, Columns: columns, Rows: grant.Rows{All: true},
		Operations: []name.Operation{name.OpSQL}, Purposes: []string{"statistics"}, Outputs: []name.OutputKind{name.OutTable},
		LevelCap: 2, From: day(0), To: day(20), Budget: grant.Budget{Runs: 10, Rows: 1_000_000, Failed: 50}, MinUnits: 10, LawfulBasis: "a basis",
	}
}

func jobPackage() job.Package {
	return job.Package{
		Format: job.PackageFormat, Name: "visits-by-plan", Purpose: "statistics", Engine: job.EngineSQL,
		Inputs: []job.Input{{Name: "visits", Grant: theGrant, Dataset: theDataset, Version: 1, Columns: []string{"plan", "visits"}}},
		Code:   "-- relation: r\nSELECT resident, plan, visits FROM visits",
		Outputs: []job.Output{{Table: &job.Table{
			Name: "counts", From: "r", By: []job.Dimension{{Column: "plan", Values: []string{"free", "shared"}}},
			Measures: []job.Measure{{Name: "people", Stat: job.StatUnits}},
		}}},
	}
}

// fill writes what only a sandbox and time could make: a registration that waits, a version, two grants, two jobs.
func (w *town) fill(tx *postgres.Tx) error {
	ctx, now := context.Background(), time.Now()
	number := func(c org.Capacity) string {
		o, _ := tx.OrgByNumber(ctx, w.homes[string(c)])
		return o.ID
	}
	agency, operator := number(org.ImplementingAgency), number(org.Operator)
	ds, err := tx.Dataset(ctx, theDataset)
	if err != nil {
		return err
	}
	author, err := tx.MemberByLogin(ctx, operator, "developer")
	if err != nil {
		return err
	}
	body, code, err := jobPackage().Encode()
	if err != nil {
		return err
	}
	id := func() string { return name.NewID().String() }
	agreementID, grantID := id(), id()
	steps := []func() error{
		func() error {
			return tx.InsertVersion(ctx, postgres.Version{
				Dataset: ds.ID, Number: 1, State: string(dataset.Ingesting), DataKey: ds.SecretKey, CreatedBy: author.ID, CreatedAt: now,
			})
		},
		func() error { return tx.PutProfile(ctx, ds.ID, 1, json.RawMessage(`{"digest":"sha256:00"}`)) },
		func() error {
			return tx.InsertRegistration(ctx, postgres.Registration{
				ID: id(), Number: theRegistration, Org: ds.Org, Dataset: ds.ID, State: "submitted", RuleSet: "test",
				AppliedAt: now, AppliedBy: author.ID, AcceptDue: day(10).End(),
			})
		},
		func() error {
			return tx.InsertAgreement(ctx, postgres.Agreement{
				ID: agreementID, Number: theAgreement, Agency: agency, Operator: operator, State: "effective", RuleSet: "test",
				Document: agreement.Agreement{From: day(0), To: day(300), Datasets: []name.Slug{theDataset}}, TermFrom: day(0).Start(), TermTo: day(300).End(),
				Datasets: []string{ds.ID}, Signatures: map[string]string{}, CreatedAt: now,
			})
		},
	}
	for number, s := range map[string]struct {
		id, state string
		scope     grant.Scope
	}{theGrant: {grantID, "active", scope("plan", "visits")}, theProposal: {id(), "proposed", scope("plan", "resident_id")}} {
		steps = append(steps, func() error {
			return tx.InsertGrant(ctx, postgres.Grant{
				ID: s.id, Number: number, Agreement: agreementID, Operator: operator, Dataset: ds.ID, State: s.state, Scope: s.scope,
				RuleSet: "test", RunsLeft: 10, RowsLeft: 1_000_000, FailedLeft: 50, EndsAt: day(20).End(), ProposedBy: author.ID, CreatedAt: now,
			})
		})
	}
	for number, state := range map[string]string{theJob: "checked", theFailure: "failed"} {
		steps = append(steps, func() error {
			jobID := id()
			row := postgres.Job{
				ID: jobID, Number: number, Org: operator, Author: author.ID, Kind: "production", State: state,
				Package: body, CodeDigest: string(code), RuleSet: "test", CreatedAt: now,
			}
			if state == "failed" {
				row.EndedAt = &now
			}
			return tx.InsertJob(ctx, row, []postgres.JobInput{
				{Job: jobID, Name: "visits", DataGrant: grantID, Dataset: ds.ID, Version: 1, Columns: []string{"plan"}},
			})
		})
	}
	for _, step := range append(steps, func() error { return w.link(ctx, tx, now) }) {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// link admits everybody's name at the provider.
func (w *town) link(ctx context.Context, tx *postgres.Tx, now time.Time) error {
	for login, who := range residents() {
		if err := w.provider.Admit(ctx, tx, w.homes[string(who.home)], login, login, now); err != nil {
			return err
		}
	}
	return nil
}

// moveJob moves the job as its worker would.
func (w *town) moveJob(t testing.TB, state string) {
	t.Helper()
	err := w.Owner.InTx(t.Context(), func(tx *postgres.Tx) error {
		row, err := tx.Job(t.Context(), theJob)
		if err != nil {
			return err
		}
		return tx.MoveJob(t.Context(), row.ID, state, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// browser is one with cookies of its own.
type browser struct {
	*town
	cookies http.CookieJar
	client  *http.Client
}

func (w *town) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{w, jar, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// signedIn returns a browser before which somebody sits.
func (w *town) signedIn(t testing.TB, login string) *browser {
	t.Helper()
	b := w.browser(t)
	if stop := b.signIn(t, login, ""); stop.Status != http.StatusOK || !strings.HasPrefix(stop.Address.Path, console.Prefix) || stop.Address.RawQuery != "" {
		t.Fatalf("%s ended at %s: %d %s", login, stop.Address, stop.Status, stop.Body)
	}
	return b
}

func (b *browser) signIn(t testing.TB, login, query string) providertest.Stop {
	t.Helper()
	return b.provider.SignIn(t, b.cookies, b.URL+console.Prefix+"/login/begin?"+query, login)
}

// reply is one answer.
type reply struct {
	status int
	header http.Header
	body   string
}

func (b *browser) send(t testing.TB, r *http.Request) reply {
	t.Helper()
	answer, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, string(body)}
}

// get opens a page below the console.
func (b *browser) get(t testing.TB, path string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+console.Prefix+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b.send(t, r)
}

// post sends a form. site is what a browser says of where it comes from.
func (b *browser) post(t testing.TB, path, site string, form url.Values) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL+console.Prefix+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", site)
	return b.send(t, r)
}

// cookie returns the session's cookie, "" for none.
func (b *browser) cookie(t testing.TB) string {
	t.Helper()
	at, err := url.Parse(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.cookies.Cookies(at) {
		if c.Name == "sluice" {
			return c.Value
		}
	}
	return ""
}

func (r reply) shows(t testing.TB, what string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.body, text) {
			t.Errorf("%s does not show %q: %d %s", what, text, r.status, regexp.MustCompile(`(?s)<main.*</main>|^\{.*`).FindString(r.body))
		}
	}
}

package console_test

import (
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/console"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/gateway/wire"
	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/access"
)

// lands are the pages and fragments of the town: the act of the matrix that opens each, and of which organizations' its
// object is; none: the reader's own.
func lands() []land {
	const provider, agency, operator = org.DataProvider, org.ImplementingAgency, org.Operator
	const set, grant, job = "/datasets/" + theDataset, "/grants/" + theGrant, "/jobs/" + theJob
	of := func(owners ...org.Capacity) []org.Capacity { return owners }
	return []land{
		{"/datasets", "dataset.list", nil}, {set, "dataset.show", of(provider)}, {set + "/freeze", "dataset.show", of(provider)}, {set + "/terms", "dataset.show", of(provider)},
		{set + "/retire", "dataset.show", of(provider)}, {set + "/versions/1", "dataset.show", of(provider)},
		{set + "/versions/1/withdraw", "dataset.show", of(provider)},
		{set + "?tab=usage", "dataset.usage", of(provider)}, {set + "?tab=profile", "dataset.profile", of(provider)}, {"/uploads/UPLOAD", "upload.show", of(provider)},
		{"/registrations", "registration.list", nil}, {"/registrations/" + theRegistration, "registration.show", of(provider)},
		{"/agreements", "agreement.list", nil}, {"/agreements/" + theAgreement, "agreement.show", of(agency, operator)},
		{"/grants", "grant.list", nil}, {grant, "grant.show", of(operator)}, {grant + "/allow", "grant.show", of(operator)}, {grant + "/refuse", "grant.show", of(operator)},
		{"/jobs", "job.list", nil}, {job, "job.show", of(operator)}, {job + "?tab=results", "output.list", of(operator)},
		{job + "/refuse", "job.show", of(operator)}, {job + "/cancel", "job.show", of(operator)}, {"/reviews", "review.list", nil}, {theDesk, "review.show", of(operator)},
		{theDesk + "?tab=code", "review.show", of(operator)}, {"/releases", "release.list", nil}, {"/trace", "trace.query", nil}, {"/health", "platform.status", nil},
		{"/people", "member.list", nil},
	}
}

// land is one line of them.
type land struct {
	path   string
	act    policy.Action
	owners []org.Capacity
}

// opens reports what the matrix says of somebody.
func (l land) opens(t *testing.T, w *town, m *access.Matrix, who policy.Subject) bool {
	t.Helper()
	homes := []string{who.Org}
	for i, owner := range l.owners {
		homes = append(homes[:i], w.homes[string(owner)])
	}
	return slices.ContainsFunc(homes, func(home string) bool {
		may, err := m.Allow(who, l.act, policy.Object{Org: home})
		if err != nil {
			t.Fatal(err)
		}
		return may
	})
}

// TestEveryPageKeepsTheMatrix opens every page of the town as a person of every role in its organizations and in one more
// of every capacity, and holds each answer against the permission matrix (S29, S47): who may not, finds nothing of
// another organization's, and is refused their own's; who may, opens their own organization's, and of others is never told that they may not: whose party they
// are is no matter of the matrix. Of those whom it treats alike on every page one goes.
func TestEveryPageKeepsTheMatrix(t *testing.T) {
	var logins []string
	for n := range 100 {
		logins = append(logins, fmt.Sprintf("person-%02d", n))
	}
	w := newTown(t, logins...)
	w.desk(t)
	m := gatewaytest.Matrix(t)
	up, err := w.keys["steward"].Uploads.Start(t.Context(), wire.UploadSpec{Size: 1, Digest: name.DigestOf([]byte("a"))})
	if err != nil {
		t.Fatal(err)
	}
	walked := 0
	for _, home := range w.everyHome(t) {
		alike := map[string]bool{}
		for _, role := range m.Roles() {
			who := policy.Subject{Member: "m", Org: home.number, Roles: []string{role}, Capacities: home.capacities}
			sign := ""
			for _, l := range lands() {
				sign += fmt.Sprint(l.opens(t, w, m, who), " ")
			}
			office := slices.Contains([]string{"system_admin", "security_admin", "audit_admin"}, role)
			if role == "keeper" || office != (home.number == gatewaytest.Platform) || alike[sign] {
				continue
			}
			alike[sign] = true
			b := w.resident(t, home, logins[walked], org.Role(role))
			walked++
			for _, l := range lands() {
				l.path = strings.Replace(l.path, "UPLOAD", up.ID, 1)
				l.holds(t, b, home, role, l.opens(t, w, m, who))
			}
		}
	}
	if walked < 20 {
		t.Errorf("only %d people went", walked)
	}
}

// holds opens a page and compares what comes with what the matrix says.
func (l land) holds(t *testing.T, b *browser, home house, role string, may bool) {
	t.Helper()
	got, who := b.get(t, l.path), role+" of "+home.title
	own := l.owners == nil || slices.ContainsFunc(l.owners, func(owner org.Capacity) bool { return b.homes[string(owner)] == home.number })
	refused := got.status == http.StatusForbidden && strings.Contains(got.body, "access.not_permitted")
	switch {
	case may && (refused || own && got.status == http.StatusNotFound):
		t.Errorf("%s may open %s: %d", who, l.path, got.status)
	case !may && !own && got.status != http.StatusNotFound, !may && got.status != http.StatusNotFound && got.status != http.StatusForbidden:
		t.Errorf("%s opens %s: %d", who, l.path, got.status)
	}
}

// house is an organization whose people go.
type house struct {
	title, number string
	capacities    []string
	lead          *client.Client // its administrator
}

// everyHome is the town's organizations, the platform, and one more organization of every capacity.
func (w *town) everyHome(t *testing.T) []house {
	t.Helper()
	all := []house{{"the platform", gatewaytest.Platform, []string{string(org.Platform)}, w.Admin}}
	for capacity, login := range map[org.Capacity]string{org.DataProvider: "steward", org.ImplementingAgency: "chief", org.Operator: "developer", org.Registrar: "registrar"} {
		all = append(all, house{"the " + string(capacity), w.homes[string(capacity)], []string{string(capacity)}, w.keys[login]})
	}
	for _, capacity := range []org.Capacity{org.DataProvider, org.Registrant, org.DataAuthority, org.ImplementingAgency, org.Operator, org.BusinessEntity} {
		number := w.Org(t, "另一 "+string(capacity), capacity)
		all = append(all, house{"another " + string(capacity), number, []string{string(capacity)}, w.Person(t, w.Admin, number, "lead", org.OrgAdmin)})
	}
	return all
}

// resident returns the browser of a new person of one role.
func (w *town) resident(t *testing.T, home house, login string, role org.Role) *browser {
	t.Helper()
	w.Person(t, home.lead, home.number, login, role)
	if err := w.Owner.InTx(t.Context(), func(tx *postgres.Tx) error {
		return w.provider.Admit(t.Context(), tx, home.number, login, login, w.Now())
	}); err != nil {
		t.Fatal(err)
	}
	return w.signedIn(t, login)
}

// TestEveryPageIsALand: what the walk by the matrix leaves out are the reader's own pages and people, objects the town has none
// of, and forms; TestActsAreOnesOwn opens those and holds their acts.
func TestEveryPageIsALand(t *testing.T) {
	left := []string{"", "/profile", "/keys", "/datasets/new", "/registrations/new", "/agreements/new", "/grants/new", "/jobs/new",
		"/jobs/{number}/outputs/{output}/review", "/releases/{number}", "/trace/{entry}", "/grants/{number}/revoke", "/people/{login}", "/people/{login}/remove", "/people/{login}/recover",
		"/people/{login}/keys/{fingerprint}/revoke"}
	parameter := regexp.MustCompile(`\{[a-z]+\}`)
	for _, page := range console.Pages() {
		page = strings.TrimPrefix(page, console.Prefix)
		if !slices.Contains(left, page) && !slices.ContainsFunc(lands(), func(l land) bool {
			found, err := path.Match(parameter.ReplaceAllString(page, "*"), strings.Split(l.path, "?")[0])
			return err == nil && found
		}) {
			t.Errorf("%s is held against nothing", page)
		}
	}
}

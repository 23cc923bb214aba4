package console_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/access"
)

// lands are what the console shows: its pages, their parts, files and streams.
func lands() []land {
	const set, version, grant, job, desk, left = "/datasets/{slug}", "/datasets/{slug}/versions/{version}", "/grants/{number}", "/jobs/{number}", "/reviews/{number}", "/releases/{number}"
	of := func(all ...org.Capacity) []org.Capacity { return all }
	provider, agency, operator := of(org.DataProvider), of(org.ImplementingAgency), of(org.Operator)
	return slices.Concat(
		each("", nil, parties{}, "", "/profile", "/keys", "/strength", "/datasets/new", "/registrations/new", "/agreements/new", "/jobs/new", "/trace/lineage"),
		each("", nil, parties{}, "/public", "/public/codes", "/public/products/{number}", "/public/products/{number}/proofs.json"),
		each("dataset.list", nil, parties{}, "/datasets", "/datasets.xlsx", "/grants/new"),
		// Whoever may ever ask for a dataset sees all that there are.
		each("dataset.show", provider, parties{here: of(org.Registrar), anywhere: of(org.Operator, org.ImplementingAgency)}, set, version),
		each("dataset.usage", provider, parties{}, set+"/freeze", set+"/retire", version+"/withdraw", set+"?tab=usage"),
		each("dataset.terms", provider, parties{}, set+"/terms"),
		each("dataset.profile", provider, parties{}, set+"?tab=profile"),
		each("dataset.preview", provider, parties{}, version+"/previews/{preview}"),
		each("upload.show", provider, parties{}, "/uploads/{upload}"),
		each("registration.list", nil, parties{}, "/registrations", "/registrations.xlsx"),
		each("registration.show", provider, parties{here: of(org.Registrar)}, "/registrations/{number}"),
		each("agreement.list", nil, parties{}, "/agreements", "/agreements.xlsx"),
		each("agreement.show", slices.Concat(agency, operator), parties{anywhere: of(org.DataAuthority)}, "/agreements/{number}"),
		each("grant.list", nil, parties{}, "/grants", "/grants.xlsx"),
		each("grant.show", operator, parties{here: slices.Concat(provider, agency)}, grant, grant+"/allow", grant+"/refuse"),
		// What a revocation would stop is for who can revoke.
		each("grant.show", operator, parties{here: agency, alone: true}, grant+"/revoke"),
		each("job.list", nil, parties{}, "/jobs", "/jobs.xlsx"),
		each("job.show", operator, parties{here: agency}, job, job+"/refuse", job+"/cancel", job+"/events"),
		each("output.list", operator, parties{here: agency}, job+"?tab=results", job+"/outputs/{output}/review", job+"/outputs/{output}/destroy"),
		each("review.list", nil, parties{}, "/reviews"),
		each("review.show", operator, parties{here: agency}, desk, desk+"?tab=code", desk+"/resubmit"),
		each("release.list", nil, parties{}, "/releases", "/releases.xlsx"),
		each("release.verify", operator, parties{here: agency}, left, left+"/proofs.json", left+"/certificate.json", left+"/certificate.pdf", left+"/recall"),
		each("release.get", operator, parties{here: agency}, left+"?tab=product", left+"/product/{form}"),
		each("trace.query", nil, parties{}, "/trace", "/trace.xlsx"),
		each("trace.lineage", nil, parties{}, "/trace/lineage?digest={digest}"),
		each("trace.prove", nil, parties{here: of(org.DataProvider, org.Platform)}, "/trace/{entry}", "/trace/{entry}/proof.json"),
		each("platform.status", of(org.Platform), parties{}, "/health"),
		each("member.list", nil, parties{}, "/people"),
		each("member.list", nil, parties{here: operator}, "/people/{login}", "/people/{login}/remove", "/people/{login}/recover"),
		each("key.list", nil, parties{here: operator}, "/people/{login}/keys/{fingerprint}/revoke"),
		each("identity.list", nil, parties{here: operator}, "/people/{login}/identities/{identity}/revoke"),
	)
}

// doors are the addresses of the console that show nothing anybody owns.
func doors() []string {
	return []string{"/enrol", "/login", "/login/begin", "/login/done", "/static/{file}"}
}

// land is one line of them.
type land struct {
	path   string
	act    policy.Action  // of the matrix that opens it; "": it is every member's
	owners []org.Capacity // whose object policy is asked about; none: the reader's own
	parties
}

// parties are organizations that may see an object beside its owner.
type parties struct {
	here     []org.Capacity // of the town; of a page without owners, those whose it is, and none: the reader
	anywhere []org.Capacity // whichever they are
	alone    bool           // its owner may not
}

// each makes the lines of what opens alike.
func each(act policy.Action, owners []org.Capacity, with parties, paths ...string) (all []land) {
	for _, path := range paths {
		all = append(all, land{path, act, owners, with})
	}
	return all
}

// opens reports what the matrix says of somebody.
func (l land) opens(t *testing.T, w *town, m *access.Matrix, who policy.Subject) bool {
	t.Helper()
	homes := []string{who.Org}
	if l.owners != nil {
		homes = w.numbers(l.owners)
	}
	return l.act == "" || slices.ContainsFunc(homes, func(home string) bool {
		may, err := m.Allow(who, l.act, policy.Object{Org: home})
		if err != nil {
			t.Fatal(err)
		}
		return may
	})
}

// numbers are those of the town's organizations of some capacities.
func (w *town) numbers(of []org.Capacity) (all []string) {
	for _, c := range of {
		all = append(all, w.homes[string(c)])
	}
	return all
}

// want is what an organization's person gets who may open such a page, or may not.
func (l land) want(w *town, home house, may bool) int {
	in := func(of []org.Capacity) bool { return slices.Contains(w.numbers(of), home.number) }
	asked := l.owners == nil || in(l.owners) // policy was: by the reader's own organization about their own
	theirs := in(l.owners) && !l.alone || in(l.here) || l.owners == nil && l.here == nil
	for _, c := range l.anywhere {
		theirs = theirs || slices.Contains(home.capacities, string(c))
	}
	switch {
	case may && theirs:
		return http.StatusOK
	case !may && asked:
		return http.StatusForbidden
	}
	return http.StatusNotFound
}

// TestEveryPageKeepsTheMatrix opens whatever the console shows as a person of every role in the town's organizations and in
// one more of every capacity, in a strong session, and holds each answer against the permission matrix (S29, S47): who may
// not, finds nothing of another organization's, and is refused their own's; who may, opens their own organization's and
// what it is a party to, and finds nothing else. Of those whom the matrix treats alike on every page one goes.
func TestEveryPageKeepsTheMatrix(t *testing.T) {
	var logins []string
	for n := range 100 {
		logins = append(logins, fmt.Sprintf("person-%02d", n))
	}
	w := newTown(t, logins...)
	e, m, walked := w.stock(t), gatewaytest.Matrix(t), 0
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
			b.madeStrong(t, logins[walked])
			walked++
			for _, l := range lands() {
				want := l.want(w, home, l.opens(t, w, m, who))
				got := b.get(t, e.fill(l.path))
				if got.status != want || want == http.StatusForbidden && !strings.Contains(got.body, "access.not_permitted") {
					t.Errorf("%s of %s opens %s: got %d, want %d", role, home.title, l.path, got.status, want)
				}
			}
		}
	}
	if walked < 20 {
		t.Errorf("only %d people went", walked)
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

// resident returns the browser of a new person.
func (w *town) resident(t *testing.T, home house, login string, roles ...org.Role) *browser {
	t.Helper()
	w.Person(t, home.lead, home.number, login, roles...)
	if err := w.Owner.InTx(t.Context(), func(tx *postgres.Tx) error {
		return w.provider.Admit(t.Context(), tx, home.number, login, login, w.Now())
	}); err != nil {
		t.Fatal(err)
	}
	return w.signedIn(t, login)
}

// TestEveryPageIsALand: the walk by the matrix leaves nothing out that the console answers.
func TestEveryPageIsALand(t *testing.T) {
	held := doors()
	for _, l := range lands() {
		path, _, _ := strings.Cut(l.path, "?")
		held = append(held, path)
	}
	covers(t, http.MethodGet, held)
}

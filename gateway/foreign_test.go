package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway"
)

// parameters of the routes: of the one of everything, and of what is not there.
func theirs(c *city) map[string]string {
	return map[string]string{
		"org": c.department, "login": "steward", "capacity": "registrant", "dataset": theDataset, "version": "1",
		"preview": "01890a5d-ac96-774b-bcce-b302099a8057", "output": theOutput,
		"identity": theIdentity, "fingerprint": c.steward.Fingerprint(), "entry": "01890a5d-ac96-774b-bcce-b302099a8057",
	}
}

func nobodys() map[string]string {
	return map[string]string{
		"org": "ORG-0999", "login": "nobodyy", "capacity": "registrant", "dataset": "other-visits!"[:12], "version": "7",
		"preview": "01890a5d-ac96-774b-bcce-b302099a8058", "output": "absent",
		"identity": "01890a5d-ac96-774b-bcce-b302099a805b", "fingerprint": "sha256:" + strings.Repeat("0f", 32), "entry": "01890a5d-ac96-774b-bcce-b302099a8058",
	}
}

// numbers are what {number} stands for, by the noun before it.
func numbers() map[string]string {
	return map[string]string{
		"registrations": theRegistration, "agreements": theAgreement, "grants": theGrant, "jobs": theJob,
		"requests": theRequest, "releases": theRelease,
	}
}

// bodies are good bodies of the routes that take one and have a parameter.
func bodies() map[string]string {
	envelope := `{"type":"t","scheme":"ed25519","key":"k","payload":"e30=","signature":"AAAA"}`
	return map[string]string{
		"capacity-grant": `{"capacity":"registrant","document":"d"}`, "member-invite": `{"login":"lee","name":"Lee","roles":["developer"]}`,
		"member-role": `{"roles":["developer"]}`, "profile-sign": envelope, "review-vote": envelope,
		"key-rotate":  `{"public_key":"AAAA","by_old":` + envelope + `,"by_new":` + envelope + `}`,
		"preview-ask": `{"grant":"` + theGrant + `"}`, "agreement-file": `{"receipt":"r"}`,
		"dataset-terms": `{"purposes":["x"],"columns":["plan"],"operations":["sql"],"outputs":["table"],"min_units":10,"approval":"manual","to":"2030-01-01"}`,
	}
}

// may lists what a persona may see of another organization by the matrix of policy/access: there the answer
// differs, as it must.
type persona struct {
	title      string
	capacities []org.Capacity
	roles      []org.Role
	may        []string
}

func personas() []persona {
	return []persona{
		{"another operator's developer", []org.Capacity{org.Operator}, []org.Role{org.OrgAdmin, org.Developer}, []string{"dataset-show", "version-show"}},
		{"another operator's security officer", []org.Capacity{org.Operator}, []org.Role{org.OrgAdmin, org.SecurityOfficer, org.Approver}, []string{"dataset-show", "version-show"}},
		{"another department's steward", []org.Capacity{org.DataProvider, org.Registrant}, []org.Role{org.OrgAdmin, org.DataSteward, org.Applicant}, nil},
		{"another agency", []org.Capacity{org.ImplementingAgency}, []org.Role{org.OrgAdmin, org.Approver, org.OutputReviewer}, []string{"dataset-show", "version-show"}},
	}
}

// TestForeignAnswersLikeUnknown walks every route of the description as people of other organizations (S29): an
// object of somebody else must answer exactly like one that is not there.
func TestForeignAnswersLikeUnknown(t *testing.T) {
	c := newCity(t)
	routes := gateway.Describe(gateway.Config{Catalog: c.Catalog, BaseURL: c.URL, Now: c.Now})
	for n, who := range personas() {
		home := c.Org(t, who.title, who.capacities...)
		p := newPerson(t, c.Instance, home, "stranger"+string(rune('a'+n)), who.roles...)
		for _, r := range routes {
			if !strings.Contains(r.Path, "{") || strings.Contains(r.Path, "/trace/") || contained(who.may, r.ID) {
				continue
			}
			t.Run(who.title+" "+r.ID, func(t *testing.T) {
				foreign := p.try(t, c, r, theirs(c), numbers())
				unknown := p.try(t, c, r, nobodys(), nil)
				if foreign.status != http.StatusNotFound && foreign.status != http.StatusForbidden {
					t.Fatalf("got %d: %s", foreign.status, foreign.body)
				}
				if diff := cmp.Diff(comparable(unknown), comparable(foreign)); diff != "" {
					t.Fatalf("a foreign object answers otherwise (-unknown +foreign):\n%s", diff)
				}
			})
		}
	}
}

// try calls a route with parameters.
func (p *person) try(t *testing.T, c *city, r gateway.Description, values, numbered map[string]string) reply {
	t.Helper()
	steps := strings.Split(r.Path, "/")
	for i, s := range steps {
		name, ok := strings.CutPrefix(s, "{")
		if !ok {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		steps[i] = values[name]
		if name == "number" {
			steps[i] = numbered[steps[i-1]]
			if numbered == nil {
				steps[i] = numbers()[steps[i-1]][:7] + "0999"
			}
		}
		if steps[i] == "" {
			t.Fatalf("no value for %s of %s", name, r.Path)
		}
	}
	path := strings.Join(steps, "/")
	if r.Method == http.MethodGet {
		return p.get(t, c.Instance, path)
	}
	if r.ID == "dataset-publish" {
		return call(t, "POST", c.URL+"/api/v1"+path, strings.NewReader("plan,visits\nfree,1\n"),
			"Authorization", "Bearer "+p.token, "Content-Type", "text/csv")
	}
	body, ok := bodies()[r.ID]
	if !ok {
		return call(t, "POST", c.URL+"/api/v1"+path, nil, "Authorization", "Bearer "+p.token)
	}
	return p.post(t, c.Instance, path, body)
}

// comparable is an answer without what differs in every one: the request's id and the time.
func comparable(r reply) map[string]any {
	id := r.header.Get("X-Request-Id")
	header := r.header.Clone()
	header.Del("Date")
	header.Set("X-Request-Id", strings.Repeat("x", len(id)))
	return map[string]any{
		"status": r.status, "header": map[string][]string(header),
		"body": strings.ReplaceAll(string(r.body), id, strings.Repeat("x", len(id))),
	}
}

func contained(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

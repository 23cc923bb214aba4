package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/image"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/wire"
)

// parameters of the routes: of the one of everything, and of what is not there.
func theirs(c *city) map[string]string {
	return map[string]string{
		"org": c.department, "login": "steward", "capacity": "registrant", "dataset": theDataset, "version": "1",
		"preview": "01890a5d-ac96-774b-bcce-b302099a8057", "output": theOutput,
		"identity": theIdentity, "fingerprint": c.steward.Fingerprint(), "entry": "01890a5d-ac96-774b-bcce-b302099a8057",
		"digest": string(name.DigestOf([]byte("bytes"))),
		"upload": c.upload, "chunk": "1", "image": "pandas-lab",
	}
}

func nobodys() map[string]string {
	return map[string]string{
		"org": "ORG-0999", "login": "nobodyy", "capacity": "registrant", "dataset": "other-visits!"[:12], "version": "7",
		"preview": "01890a5d-ac96-774b-bcce-b302099a8058", "output": "absent",
		"identity": "01890a5d-ac96-774b-bcce-b302099a805b", "fingerprint": "sha256:" + strings.Repeat("0f", 32), "entry": "01890a5d-ac96-774b-bcce-b302099a8058",
		"digest": "sha256:" + strings.Repeat("0f", 32),
		"upload": "01890a5d-ac96-774b-bcce-b302099a8058", "chunk": "1", "image": "other-lab!"[:9],
	}
}

// numbers are what {number} stands for, by the noun before it.
func numbers() map[string]string {
	return map[string]string{
		"registrations": theRegistration, "agreements": theAgreement, "grants": theGrant, "jobs": theJob,
		"requests": theRequest, "releases": theRelease,
	}
}

// bodies are good bodies of the routes that take one.
func (c *city) bodies(t *testing.T) map[string]string {
	t.Helper()
	digest := name.DigestOf([]byte("text"))
	made := map[string]string{}
	for id, v := range map[string]any{
		"org-create":      org.Spec{Name: "A new one"},
		"capacity-grant":  org.CapacitySpec{Capacity: org.Registrant, Document: "d"},
		"member-invite":   org.MemberSpec{Login: "lee", Name: "Lee", Roles: []org.Role{org.Developer}},
		"member-role":     wire.Roles{Roles: []org.Role{org.Developer}},
		"dataset-declare": datasetSpec(), "dataset-terms": terms(),
		"dataset-preview": wire.PreviewSpec{Grant: theGrant}, "agreement-file": wire.Receipt{Receipt: "r"},
		"registration-apply": wire.Application{Dataset: theDataset, RegistrationSpec: registration.Spec{
			Declarations: registration.Declarations{NoStateSecret: true, TradeSecretHandled: true, PersonalHandled: true, RiskAssessed: true},
			Summary:      "visits", Commitment: digest, Evidence: digest,
		}},
		"agreement-record": agreement.Spec{
			Operator: c.operator, From: day(0), To: day(300), Datasets: []name.Slug{theDataset}, Document: digest,
			Decision: agreement.Decision{Document: "d", Date: day(0)},
		},
		"grant-check":   grant.Spec{Agreement: theAgreement, Scope: scope()},
		"grant-propose": grant.Spec{Agreement: theAgreement, Scope: scope()},
		"job-submit":    jobPackage(), "job-debug": jobPackage(), "job-check": jobPackage(),
		"dataset-publish": wire.Publication{Upload: "01890a5d-ac96-774b-bcce-b302099a8057", Mode: dataset.Replace},
		"upload-complete": wire.Sum{Size: 1, Digest: digest},
		"factor-enrol":    org.EnrolSpec{}, "factor-confirm": org.ProofSpec{TOTP: "000000"}, "factor-prove": org.ProofSpec{TOTP: "000000"},
		"release-recall": release.RecallSpec{Reason: release.ReasonError}, "destruction-propose": destruction.Spec{Reason: destruction.ReasonRetention},
		"upload-start":   wire.UploadSpec{Size: 1, Digest: digest},
		"image-propose":  image.Spec{Name: "pandas-lab", Digest: string(digest), SBOM: string(digest)},
		"review-comment": output.CommentSpec{Text: "t"}, "review-resubmit": output.ResubmitSpec{Context: "c"},
		"grant-allow": grant.Allowance{Runs: new(int64(1))}, "grant-refuse": wire.Opinion{Reason: "r"}, "job-refuse": wire.Opinion{Reason: "r"},
		"review-return": output.ReturnSpec{Reasons: []output.Reason{output.UnclearContext}},
		"review-open":   output.RequestSpec{Job: theJob, Output: theOutput, Context: "c"},
	} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		made[id] = string(text)
	}
	made["profile-sign"] = `{"type":"t","scheme":"ed25519","key":"k","payload":"e30=","signature":"AAAA"}`
	made["review-vote"] = made["profile-sign"]
	made["dataset-twin"] = `{"upload":"01890a5d-ac96-774b-bcce-b302099a8057","declaration":` + made["profile-sign"] + `}`
	made["key-rotate"] = `{"public_key":"AAAA","by_old":` + made["profile-sign"] + `,"by_new":` + made["profile-sign"] + `}`
	return made
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
		{"another operator's developer", []org.Capacity{org.Operator}, []org.Role{org.OrgAdmin, org.Developer}, []string{"dataset-show", "dataset-columns", "version-show"}},
		{"another operator's security officer", []org.Capacity{org.Operator}, []org.Role{org.OrgAdmin, org.SecurityOfficer, org.Approver}, []string{"dataset-show", "dataset-columns", "version-show"}},
		{"another department's steward", []org.Capacity{org.DataProvider, org.Registrant}, []org.Role{org.OrgAdmin, org.DataSteward, org.Applicant}, nil},
		{"another agency", []org.Capacity{org.ImplementingAgency}, []org.Role{org.OrgAdmin, org.Approver, org.OutputReviewer}, []string{"dataset-show", "dataset-columns", "version-show"}},
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

// try calls a route with parameters. A change is sent under a tag that matches nothing, unless headers say otherwise.
func (p *person) try(t *testing.T, c *city, r gateway.Description, values, numbered map[string]string, headers ...string) reply {
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
	if r.ID == "upload-send" {
		return p.put(t, c.Instance, path, "x")
	}
	if headers == nil {
		headers = []string{"If-Match", unmatched}
	}
	body, ok := c.bodies(t)[r.ID]
	if !ok {
		return call(t, "POST", c.URL+"/api/v1"+path, nil, append(headers, "Authorization", "Bearer "+p.token)...)
	}
	return p.post(t, c.Instance, path, body, headers...)
}

// comparable is an answer without what differs in every one: the request's id, the time, and what is left of the
// caller's own share.
func comparable(r reply) map[string]any {
	id := r.header.Get("X-Request-Id")
	header := r.header.Clone()
	header.Del("Date")
	header.Del("RateLimit")
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

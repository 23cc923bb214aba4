package gateway_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/gateway"
)

// absent replaces the names of the one of everything in a body by such as nobody has. Who may see every dataset is told
// what one of another organization lacks: there only what is said of it may not be known.
func absent(who persona) *strings.Replacer {
	pairs := []string{
		theGrant, "G-2026-0999", theAgreement, "A-2026-0999", theJob, "J-2026-0999", theRequest, "Q-2026-0999",
	}
	if !contained(who.may, "dataset-show") {
		pairs = append(pairs, theDataset, nobodys()["dataset"])
	}
	return strings.NewReplacer(pairs...)
}

// named are the routes whose bodies name an object that may be another organization's.
func named() []string {
	return []string{"job-submit", "job-debug", "job-check", "grant-propose", "grant-check", "review-open", "registration-apply", "upload-start"}
}

// ownless takes from an answer what is the caller's own and new in every one: a check is a job of theirs, with a number,
// the digest of what they sent, and times.
func ownless(r reply) reply {
	own := regexp.MustCompile(`"(number|code_digest|created_at|ended_at)":"[^"]*"`)
	r.body = own.ReplaceAll(r.body, []byte(`"$1":""`))
	r.header = r.header.Clone()
	r.header.Del("Content-Length") // times are as long as their last digit that is not 0
	return r
}

// TestForeignInBodiesAnswersLikeUnknown names objects of other organizations in bodies (S29): the answer is that to a name
// nobody has.
func TestForeignInBodiesAnswersLikeUnknown(t *testing.T) {
	c := newCity(t)
	bodies := c.bodies(t)
	bodies["upload-start"] = strings.Replace(bodies["upload-start"], "{", `{"dataset":"`+theDataset+`",`, 1)
	for n, who := range personas() {
		home := c.Org(t, who.title, who.capacities...)
		p := newPerson(t, c.Instance, home, "stranger"+string(rune('a'+n)), who.roles...)
		for _, r := range gateway.Describe(gateway.Config{Catalog: c.Catalog, BaseURL: c.URL, Now: c.Now}) {
			if !contained(named(), r.ID) {
				continue
			}
			t.Run(who.title+" "+r.ID, func(t *testing.T) {
				foreign := p.post(t, c.Instance, r.Path, bodies[r.ID])
				unknown := p.post(t, c.Instance, r.Path, absent(who).Replace(bodies[r.ID]))
				if diff := cmp.Diff(comparable(ownless(unknown)), comparable(ownless(foreign))); diff != "" {
					t.Errorf("a foreign object answers otherwise (-unknown +foreign):\n%s", diff)
				}
			})
		}
	}
}

// TestListsHoldNothingForeign: no list of the description shows a stranger anything of the one of everything (S29). The
// datasets' one does to those who may be shown each of them: the catalogue is theirs to look through.
func TestListsHoldNothingForeign(t *testing.T) {
	c := newCity(t)
	things := []string{
		theDataset, theRegistration, theAgreement, theGrant, theJob, theRequest, theRelease, theIdentity, c.upload, c.department, c.operator, c.agency,
	}
	for n, who := range personas() {
		home := c.Org(t, who.title, who.capacities...)
		p := newPerson(t, c.Instance, home, "stranger"+string(rune('a'+n)), who.roles...)
		listed := 0
		for _, r := range gateway.Describe(gateway.Config{Catalog: c.Catalog, BaseURL: c.URL, Now: c.Now}) {
			if r.Method != http.MethodGet || strings.Contains(r.Path, "{") {
				continue
			}
			if r.ID == "dataset-list" {
				continue
			}
			got := p.get(t, c.Instance, r.Path)
			if got.status == http.StatusOK {
				listed++
			}
			for _, thing := range things {
				if contains(got.body, thing) {
					t.Errorf("%s shows %s %s: %.300s", r.ID, who.title, thing, got.body)
				}
			}
		}
		if listed < 8 {
			t.Errorf("%s reads %d lists only", who.title, listed)
		}
		all, one := p.get(t, c.Instance, "/datasets"), p.get(t, c.Instance, "/datasets/"+theDataset)
		if all.status == http.StatusOK && contains(all.body, theDataset) != (one.status == http.StatusOK) {
			t.Errorf("%s: the list says %.300s, the dataset %d", who.title, all.body, one.status)
		}
	}
}

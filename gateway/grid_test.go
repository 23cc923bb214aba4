package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/access"
)

// actions names the act of a route where it is not noun.verb of its id; "" is open to every member.
func actions() map[string]policy.Action {
	return map[string]policy.Action{
		"me-show": "", "key-offer": "", "trace-checkpoint": "", "trace-tile": "", "recall-list": "", "trust-show": "",
		"version-show": "dataset.show", "profile-show": "dataset.profile", "profile-sign": "dataset.profile",
		"preview-show": "dataset.preview", "inspection-show": "upload.inspect", "job-watch": "job.show",
		"release-product": "release.get", "grant-stops": "grant.show", "grant-check": "grant.compare", "dataset-stops": "dataset.usage", "version-stops": "dataset.usage",
		"usage-recent": "dataset.usage",
	}
}

func actionOf(r gateway.Description) policy.Action {
	if a, ok := actions()[r.ID]; ok {
		return a
	}
	return policy.Action(strings.Replace(r.ID, "-", ".", 1))
}

// TestIdsNameTheirActs: the id of a route that changes something, and so the method of a client, is the noun and the
// verb that decisions and the trace name.
func TestIdsNameTheirActs(t *testing.T) {
	// A second step of one act, and a question that is sent as one, under one right.
	parts := map[string]string{"profile-sign": "dataset-profile", "grant-check": "grant-compare"}
	for _, r := range gateway.Describe(gateway.Config{Catalog: &catalog.Catalog{}}) {
		act := strings.Replace(string(actionOf(r)), ".", "-", 1)
		if r.Method != "GET" && act != "" && r.ID != act && parts[r.ID] != act {
			t.Errorf("%s is the act %s", r.ID, act)
		}
	}
}

// owner is the organization that a route's object belongs to; the caller's own when the route names none.
func (c *city) owner(r gateway.Description, caller string) string {
	noun := strings.Split(strings.TrimPrefix(r.Path, "/"), "/")[0]
	switch {
	case !strings.Contains(r.Path, "{") || noun == "trace":
		return caller
	case slices.Contains([]string{"orgs", "keys", "identities", "datasets", "uploads", "registrations"}, noun):
		return c.department
	case noun == "agreements" && caller != c.operator:
		return c.agency
	}
	return c.operator
}

// resident is a person of one role in an organization of known capacities.
type resident struct {
	*person
	title, home string
	subject     policy.Subject
}

// everybody makes a person of every role in every organization of the city, in one organization of every other
// capacity, and in the platform.
func (c *city) everybody(t *testing.T, m *access.Matrix) []resident {
	t.Helper()
	homes := []struct {
		number     string
		capacities []org.Capacity
	}{
		{c.department, []org.Capacity{org.DataProvider, org.Registrant}}, {c.agency, []org.Capacity{org.ImplementingAgency}},
		{c.operator, []org.Capacity{org.Operator}}, {gatewaytest.Platform, []org.Capacity{org.Platform}},
	}
	for _, capacity := range []org.Capacity{
		org.DataProvider, org.Registrant, org.Registrar, org.DataAuthority, org.ImplementingAgency, org.Operator, org.BusinessEntity,
	} {
		homes = append(homes, struct {
			number     string
			capacities []org.Capacity
		}{c.Org(t, "Another "+string(capacity), capacity), []org.Capacity{capacity}})
	}
	var all []resident
	for n, home := range homes {
		by := c.Admin
		if home.number != gatewaytest.Platform {
			by = c.Person(t, c.Admin, home.number, "lead", org.OrgAdmin)
		}
		for k, role := range m.Roles() {
			office := slices.Contains([]string{"system_admin", "security_admin", "audit_admin"}, role)
			if role == "keeper" || office != (home.number == gatewaytest.Platform) {
				continue
			}
			all = append(all, c.resident(t, by, home.number, string(rune('a'+n))+"-"+string(rune('a'+k)), role, home.capacities))
		}
	}
	return all
}

func (c *city) resident(t *testing.T, by *client.Client, home, login, role string, capacities []org.Capacity) resident {
	t.Helper()
	held := make([]string, 0, len(capacities))
	for _, k := range capacities {
		held = append(held, string(k))
	}
	return resident{
		person: admitted(t, c.Instance, by, home, "person-"+login, org.Role(role)), home: home,
		title:   role + " of " + home + " (" + strings.Join(held, ", ") + ")",
		subject: policy.Subject{Member: "m", Org: home, Roles: []string{role}, Capacities: held},
	}
}

// TestEveryRouteKeepsTheMatrix walks every route of the description as a person of every role in every organization
// and holds each answer against the permission matrix (S47): who may not, is refused or finds nothing; who may, is
// never told that they may not. Changes are sent under a tag that matches nothing, so that none is carried out.
func TestEveryRouteKeepsTheMatrix(t *testing.T) {
	c := newCity(t)
	m := gatewaytest.Matrix(t)
	everybody := c.everybody(t, m)
	for _, r := range gateway.Describe(gateway.Config{Catalog: c.Catalog, BaseURL: c.URL, Now: c.Now}) {
		action := actionOf(r)
		if action == "" {
			continue
		}
		if !m.Knows(action) {
			t.Errorf("%s: no line of the matrix names %s", r.ID, action)
		}
		for _, who := range everybody {
			may, err := m.Allow(who.subject, action, policy.Object{Org: c.owner(r, who.home)})
			if err != nil {
				t.Fatal(err)
			}
			got := who.try(t, c, r, theirs(c), numbers())
			closed := got.status == http.StatusNotFound ||
				got.status == http.StatusForbidden && contains(got.body, "access.not_permitted")
			switch {
			case !may && !closed:
				t.Errorf("%s lets in %s: %d %s", r.ID, who.title, got.status, got.body)
			case may && got.status == http.StatusForbidden && contains(got.body, "access.not_permitted"):
				t.Errorf("%s tells %s that they may not: %s", r.ID, who.title, got.body)
			}
		}
	}
}

// unmatched is an entity tag that nothing has.
const unmatched = `"00000000000000000000000000000000"`

package gateway_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/description"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/gateway/wire"
)

// described reads the description's operations.
func described(t *testing.T) []*description.Operation {
	t.Helper()
	raw, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := description.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	return d.Operations()
}

// lists are the paths of all lists that take a state, and who may read each.
func (c *city) lists(t *testing.T) map[string]*person {
	t.Helper()
	steward := newPerson(t, c.Instance, c.department, "second", org.OrgAdmin, org.DataSteward, org.Applicant)
	chief := newPerson(t, c.Instance, c.agency, "second", org.OrgAdmin, org.Approver)
	admin := newPerson(t, c.Instance, gatewaytest.Platform, "second", org.SystemAdmin)
	return map[string]*person{
		"/orgs": admin, "/orgs/" + c.department + "/members": steward, "/orgs/" + c.department + "/keys": steward,
		"/datasets": steward, "/uploads": steward, "/registrations": steward, "/grants": steward,
		"/agreements": chief, "/images": chief, "/jobs": chief, "/requests": chief, "/releases": chief,
	}
}

// TestStatesOfLists: every list refuses a state that nothing in it can have, names those there are, and takes each of
// them. Organizations have none.
func TestStatesOfLists(t *testing.T) {
	c := newCity(t)
	lists := c.lists(t)
	takes := 0
	for _, op := range described(t) {
		if slices.ContainsFunc(op.Parameters, func(p description.Parameter) bool { return p.Name == "state" }) {
			takes++
		}
	}
	if takes != len(lists) {
		t.Errorf("%d lists take a state, %d are tried", takes, len(lists))
	}
	want := []wire.Place{{Location: "query.state", Code: "state.unknown"}}
	for path, who := range lists {
		got := who.get(t, c.Instance, path+"?state=nobody")
		problem := got.problem(t)
		if diff := cmp.Diff(want, problem.Errors, told()); got.status != http.StatusUnprocessableEntity || problem.Code != "request.invalid" || diff != "" {
			t.Errorf("%s: got %d %s", path, got.status, got.body)
		}
		for _, e := range problem.Errors {
			if !strings.Contains(e.Title, "in this state") || !strings.Contains(e.Remedy, "allowed names them") {
				t.Errorf("%s: the place says %q, and what helps is %q", path, e.Title, e.Remedy)
			}
		}
		if (len(problem.Allowed) == 0) != (path == "/orgs") {
			t.Errorf("%s: these states are named: %v", path, problem.Allowed)
		}
		for _, state := range problem.Allowed {
			if got := who.get(t, c.Instance, path+"?state="+state); got.status != http.StatusOK {
				t.Errorf("%s in state %s: got %d %s", path, state, got.status, got.body)
			}
		}
	}
	if got := lists["/jobs"].get(t, c.Instance, "/jobs?state=output_quarantined"); !contains(got.body, theJob) {
		t.Errorf("a job in its state: %s", got.body)
	}
}

// TestFiltersOfTheTrace: what no entry can have is refused by name; finding nothing would read as if nothing had
// happened.
func TestFiltersOfTheTrace(t *testing.T) {
	c := newCity(t)
	p := newPerson(t, c.Instance, c.department, "second", org.OrgAdmin, org.DataSteward)
	for query, tt := range map[string]struct {
		want    []wire.Place
		allowed string // one of the values the answer names
	}{
		"?decision=perhaps": {[]wire.Place{{Location: "query.decision", Code: "decision.neither"}}, "deny"},
		"?act=nonsense":     {[]wire.Place{{Location: "query.act", Code: "act.unknown"}}, "dataset.declare"},
		"?act=job&decision=Allow": {
			[]wire.Place{{Location: "query.act", Code: "act.unknown"}, {Location: "query.decision", Code: "decision.neither"}}, "allow",
		},
	} {
		got := p.get(t, c.Instance, "/trace"+query)
		problem := got.problem(t)
		if diff := cmp.Diff(tt.want, problem.Errors, told()); got.status != http.StatusUnprocessableEntity || diff != "" {
			t.Errorf("%s: got %d %s", query, got.status, got.body)
		}
		if !slices.Contains(problem.Allowed, tt.allowed) {
			t.Errorf("%s: these values are named: %v", query, problem.Allowed)
		}
	}
	for _, act := range gatewaytest.Matrix(t).Actions() {
		if got := p.get(t, c.Instance, "/trace?decision=allow&limit=1&act="+act); got.status != http.StatusOK {
			t.Errorf("%s: got %d %s", act, got.status, got.body)
		}
	}
}

// told leaves aside what places say beside where and what.
func told() cmp.Option { return cmpopts.IgnoreFields(wire.Place{}, "Title", "Remedy") }

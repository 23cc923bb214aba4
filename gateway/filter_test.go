package gateway_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/gateway/client"
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
		"?who=Li":                            {want: []wire.Place{{Location: "query.who", Code: "who.invalid"}}},
		"?who=developer":                     {want: []wire.Place{{Location: "query.who", Code: "who.unknown"}}}, // another organization's
		"?who=" + c.operator + "/developer":  {want: []wire.Place{{Location: "query.who", Code: "who.unknown"}}},
		"?who=" + c.operator + "/nobody":     {want: []wire.Place{{Location: "query.who", Code: "who.unknown"}}},
		"?org=health":                        {want: []wire.Place{{Location: "query.org", Code: "number.invalid"}}},
		"?since=yesterday&until=2026-02-30":  {want: []wire.Place{{Location: "query.since", Code: "moment.invalid"}, {Location: "query.until", Code: "moment.invalid"}}},
		"?since=2026-11-24&until=2026-11-23": {want: []wire.Place{{Location: "query.until", Code: "span.reversed"}}},
		"?since=2026-11-24T09:00:00%2B08:00&until=2026-11-24T01:00:00Z": {want: []wire.Place{{Location: "query.until", Code: "span.reversed"}}},
	} {
		got := p.get(t, c.Instance, "/trace"+query)
		problem := got.problem(t)
		if diff := cmp.Diff(tt.want, problem.Errors, told()); got.status != http.StatusUnprocessableEntity || diff != "" {
			t.Errorf("%s: got %d %s", query, got.status, got.body)
		}
		if tt.allowed != "" && !slices.Contains(problem.Allowed, tt.allowed) {
			t.Errorf("%s: these values are named: %v", query, problem.Allowed)
		}
	}
	for _, act := range gatewaytest.Matrix(t).Actions() {
		if got := p.get(t, c.Instance, "/trace?decision=allow&limit=1&act="+act); got.status != http.StatusOK {
			t.Errorf("%s: got %d %s", act, got.status, got.body)
		}
	}
}

// TestTraceNarrows: each filter of the trace narrows what its reader sees, in parts that follow one another under the
// same filters alone. What a reader sees nothing of is as empty as what is not there.
func TestTraceNarrows(t *testing.T) {
	c := newCity(t)
	auditor := c.Person(t, c.Admin, gatewaytest.Platform, "auditor", org.AuditAdmin)
	c.Settled(t)
	today := calendar.DateOf(c.Now())
	for _, tt := range []struct {
		who    *client.Client
		filter trace.Filter
		some   bool
	}{
		{c.steward, trace.Filter{Who: "steward"}, true},
		{c.steward, trace.Filter{Who: "steward", Org: c.department, Since: today.String(), Until: today.AddDays(1).String(), Decision: "allow"}, true},
		{c.steward, trace.Filter{Org: c.department}, true},
		{c.steward, trace.Filter{Org: gatewaytest.Platform, Who: c.department + "/steward"}, false},
		{c.steward, trace.Filter{Org: c.agency}, false},
		{c.steward, trace.Filter{Org: "ORG-9999"}, false},
		{c.steward, trace.Filter{Until: today.AddDays(-2).String()}, false},
		{c.steward, trace.Filter{Since: today.AddDays(2).String()}, false},
		{auditor, trace.Filter{Who: c.department + "/steward"}, true},
		{auditor, trace.Filter{Who: "boss", Org: c.operator}, true},
		{auditor, trace.Filter{Org: c.department, Act: "dataset.declare"}, true},
		{auditor, trace.Filter{Since: c.Now().Add(time.Hour).Format(time.RFC3339)}, false},
	} {
		got, err := tt.who.Trace.Query(t.Context(), tt.filter)
		if err != nil || len(got) > 0 != tt.some {
			t.Errorf("%+v: %d entries: %v", tt.filter, len(got), err)
		}
	}
	var problem *client.Problem
	if _, err := auditor.Trace.Query(t.Context(), trace.Filter{Org: "ORG-9999"}); !errors.As(err, &problem) || !problem.Has("org.unknown") {
		t.Errorf("who sees all is told of no organization that is not there: %v", err)
	}
}

// TestTraceParts: a cursor goes on under the filters it was made for and no others, and ends with the first entry.
func TestTraceParts(t *testing.T) {
	c := newCity(t)
	p := newPerson(t, c.Instance, gatewaytest.Platform, "second", org.AuditAdmin)
	c.Settled(t)
	path := "/trace?limit=1&org=" + c.department + "&who=steward&since=2020-01-01"
	var seen []int64
	for cursor := ""; ; {
		got := p.get(t, c.Instance, path+cursor)
		part := entries(t, got)
		for _, e := range part.Items {
			if len(seen) > 0 && e.Index >= seen[len(seen)-1] {
				t.Fatalf("%d follows %v", e.Index, seen)
			}
			seen = append(seen, e.Index)
		}
		if part.NextCursor == "" {
			break
		}
		cursor = "&cursor=" + part.NextCursor
		if got := p.get(t, c.Instance, "/trace?limit=1&org="+c.department+"&who=steward&since=2020-01-02"+cursor); got.status != http.StatusUnprocessableEntity {
			t.Errorf("a cursor of other filters: %d", got.status)
		}
	}
	whole := entries(t, p.get(t, c.Instance, strings.Replace(path, "limit=1", "limit=200", 1)))
	if len(seen) < 2 || len(seen) != len(whole.Items) {
		t.Errorf("%d entries in parts, %d at once", len(seen), len(whole.Items))
	}
	if first := entries(t, p.get(t, c.Instance, "/trace?limit=1&before=1")); len(first.Items) != 1 || first.NextCursor != "" {
		t.Errorf("the first entry is followed by %q", first.NextCursor)
	}
}

func entries(t *testing.T, got reply) (l wire.List[wire.TraceEntry]) {
	t.Helper()
	if err := json.Unmarshal(got.body, &l); err != nil || got.status != http.StatusOK {
		t.Fatalf("%d %s: %v", got.status, got.body, err)
	}
	return l
}

// told leaves aside what places say beside where and what.
func told() cmp.Option { return cmpopts.IgnoreFields(wire.Place{}, "Title", "Remedy") }

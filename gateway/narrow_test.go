package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/wire"
)

// library is a city whose catalogue has datasets of two departments; nobody has any in a third.
type library struct {
	*city
	other, empty       string // numbers of departments
	developer, steward *person
}

// newLibrary declares, beside the city's health-visits (level 4): health-centres of the same department (level 1), and
// bus-visits of the other (level 2), which is retired.
func newLibrary(t *testing.T) *library {
	t.Helper()
	l := &library{city: newCity(t)}
	l.other, l.empty = l.Org(t, "Another department", org.DataProvider), l.Org(t, "A third department", org.DataProvider)
	clerk := l.Person(t, l.Admin, l.other, "clerk", org.OrgAdmin, org.DataSteward)
	ctx := context.Background()
	declare := func(c interface {
		Declare(context.Context, wire.DatasetSpec) (wire.Dataset, error)
	}, slug, title string, level int) {
		spec := datasetSpec()
		spec.Slug, spec.Title = slug, title
		for i, k := range spec.Columns {
			spec.Columns[i].Level = min(k.Level, level)
		}
		if _, err := c.Declare(ctx, spec); err != nil {
			t.Fatal(err)
		}
	}
	declare(l.city.steward.Datasets, "health-centres", "就诊机构名录", 1)
	declare(clerk.Datasets, "bus-visits", "公交就诊接驳", 2)
	if _, err := clerk.Datasets.Retire(ctx, "bus-visits"); err != nil {
		t.Fatal(err)
	}
	l.developer = newPerson(t, l.Instance, l.operator, "second", org.OrgAdmin, org.Developer)
	l.steward = newPerson(t, l.Instance, l.department, "second", org.OrgAdmin, org.DataSteward)
	return l
}

// slugs are the datasets one part of the list holds, the oldest first.
func slugs(t *testing.T, got reply) (all []string, next string) {
	t.Helper()
	var l wire.List[wire.Dataset]
	if err := json.Unmarshal(got.body, &l); err != nil || got.status != http.StatusOK {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	for _, d := range slices.Backward(l.Items) {
		all = append(all, d.Slug)
	}
	return all, l.NextCursor
}

// TestDatasetsAreNarrowed: each filter alone and together, for who sees all departments and for a department's own people,
// who find nothing of another one whatever they ask for.
func TestDatasetsAreNarrowed(t *testing.T) {
	l := newLibrary(t)
	for _, tt := range []struct {
		asked      url.Values
		all, owned string // to the operator; to the department
	}{
		{url.Values{}, "health-visits health-centres bus-visits", "health-visits health-centres"},
		{url.Values{"match": {"就诊"}}, "health-centres bus-visits", "health-centres"},
		{url.Values{"match": {"VISITS"}}, "health-visits bus-visits", "health-visits"},
		{url.Values{"match": {"公交"}}, "bus-visits", ""},
		{url.Values{"match": {"%"}}, "", ""},
		{url.Values{"match": {"' or true --"}}, "", ""},
		{url.Values{"level": {"2"}}, "bus-visits", ""},
		{url.Values{"level": {"4"}}, "health-visits", "health-visits"},
		{url.Values{"level": {"3"}}, "", ""},
		{url.Values{"state": {"declared"}}, "health-visits health-centres", "health-visits health-centres"},
		{url.Values{"state": {"retired"}}, "bus-visits", ""},
		{url.Values{"provider": {l.department}}, "health-visits health-centres", "health-visits health-centres"},
		{url.Values{"provider": {l.department}, "match": {"就诊"}}, "health-centres", "health-centres"},
		{url.Values{"provider": {l.department}, "state": {"retired"}}, "", ""},
		{url.Values{"provider": {l.department}, "match": {"health"}, "level": {"4"}, "state": {"declared"}}, "health-visits", "health-visits"},
		{url.Values{"match": {"就诊"}, "level": {"2"}, "state": {"retired"}}, "bus-visits", ""},
		{url.Values{"match": {""}, "level": {""}, "provider": {""}, "state": {""}}, "health-visits health-centres bus-visits", "health-visits health-centres"},
	} {
		for who, want := range map[*person]string{l.developer: tt.all, l.steward: tt.owned} {
			found, _ := slugs(t, who.get(t, l.Instance, "/datasets?"+tt.asked.Encode()))
			if got := strings.Join(found, " "); got != want {
				t.Errorf("%v: got %q, not %q", tt.asked, got, want)
			}
		}
	}
	found, _ := slugs(t, l.developer.get(t, l.Instance, "/datasets?provider="+l.other+"&match=visits"))
	if diff := cmp.Diff([]string{"bus-visits"}, found); diff != "" {
		t.Error(diff)
	}
}

// TestFiltersThatCannotBe: a value that nothing can have is refused with its place, never answered by an empty list. That a
// department is there, has nothing, or is not there is one answer.
func TestFiltersThatCannotBe(t *testing.T) {
	l := newLibrary(t)
	at := func(field, code string) wire.Place { return wire.Place{Location: "query." + field, Code: code} }
	for _, tt := range []struct {
		asked   string
		want    []wire.Place
		allowed []string
	}{
		{"level=0", []wire.Place{at("level", "level.out_of_range")}, nil},
		{"level=5", []wire.Place{at("level", "level.out_of_range")}, nil},
		{"level=-1", []wire.Place{at("level", "level.out_of_range")}, nil},
		{"level=two", []wire.Place{at("level", "level.out_of_range")}, nil},
		{"level=2.0", []wire.Place{at("level", "level.out_of_range")}, nil},
		{"level=99999999999999999999", []wire.Place{at("level", "level.out_of_range")}, nil},
		{"match=%01", []wire.Place{at("match", "match.invalid")}, nil},
		{"match=" + strings.Repeat("a", 201), []wire.Place{at("match", "match.invalid")}, nil},
		{"match=%01&level=5", []wire.Place{at("match", "match.invalid"), at("level", "level.out_of_range")}, nil},
		{"provider=ORG-9999", []wire.Place{at("provider", "provider.unknown")}, []string{l.department, l.other}},
		{"provider=" + l.empty, []wire.Place{at("provider", "provider.unknown")}, []string{l.department, l.other}},
	} {
		problem := l.developer.get(t, l.Instance, "/datasets?"+tt.asked).problem(t)
		if diff := cmp.Diff(tt.want, problem.Errors, told()); problem.Status != http.StatusUnprocessableEntity || problem.Code != "request.invalid" || diff != "" {
			t.Errorf("%s: %d %s %s", tt.asked, problem.Status, problem.Code, diff)
		}
		slices.Sort(problem.Allowed)
		if !slices.Equal(tt.allowed, problem.Allowed) {
			t.Errorf("%s: these are named: %v", tt.asked, problem.Allowed)
		}
	}
	for _, number := range []string{l.other, l.empty, "ORG-9999"} {
		problem := l.steward.get(t, l.Instance, "/datasets?provider="+number).problem(t)
		if len(problem.Errors) != 1 || problem.Errors[0].Code != "provider.unknown" || !slices.Equal(problem.Allowed, []string{l.department}) {
			t.Errorf("a department asking for %s: %+v", number, problem)
		}
	}
	for _, asked := range []string{"level=1&level=2", "match=a&match=b", "q=visits"} {
		if got := l.developer.get(t, l.Instance, "/datasets?"+asked); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d %s", asked, got.status, got.body)
		}
	}
	bare := newPerson(t, l.Instance, l.empty, "second", org.OrgAdmin, org.DataSteward)
	if found, _ := slugs(t, bare.get(t, l.Instance, "/datasets?provider="+l.empty)); len(found) != 0 {
		t.Errorf("a department without datasets finds %v in its own", found)
	}
}

// TestPartsOfANarrowedList: a part goes on under the filters it began with, and under no others.
func TestPartsOfANarrowedList(t *testing.T) {
	l := newLibrary(t)
	const asked = "/datasets?match=visits&limit=1"
	first, next := slugs(t, l.developer.get(t, l.Instance, asked))
	cursor := "&cursor=" + url.QueryEscape(next)
	second, end := slugs(t, l.developer.get(t, l.Instance, asked+cursor))
	if got := strings.Join(append(first, second...), " "); got != "bus-visits health-visits" || end != "" {
		t.Fatalf("got %s, and then %q", got, end)
	}
	for _, other := range []string{
		"/datasets?limit=1", "/datasets?match=visit&limit=1", asked + "&level=4", asked + "&provider=" + l.department, asked + "&state=declared",
	} {
		problem := l.developer.get(t, l.Instance, other+cursor).problem(t)
		if diff := cmp.Diff([]wire.Place{{Location: "query.cursor", Code: "cursor.invalid"}}, problem.Errors, told()); diff != "" {
			t.Errorf("%s: %s", other, diff)
		}
	}
}

// TestNarrowedListsKeepApart: asking for the very state of what others have finds nothing of theirs.
func TestNarrowedListsKeepApart(t *testing.T) {
	c := newCity(t)
	in := func(home string, roles ...org.Role) *person {
		return newPerson(t, c.Instance, home, "second", append(roles, org.OrgAdmin)...)
	}
	foreign := func(capacity org.Capacity, roles ...org.Role) *person {
		return in(c.Org(t, "Another "+string(capacity), capacity), roles...)
	}
	operator, agency := in(c.operator, org.Developer), in(c.agency, org.Approver)
	others, elsewhere := foreign(org.Operator, org.Developer), foreign(org.ImplementingAgency, org.Approver)
	for _, tt := range []struct {
		path, state, none string // none is a state nothing is in
		own, other        *person
	}{
		{"/jobs", "output_quarantined", "closed", operator, others}, {"/grants", "active", "revoked", operator, others},
		{"/grants", "active", "proposed", agency, elsewhere}, {"/agreements", "effective", "signed", agency, elsewhere},
		{"/requests", "in_review", "rejected", agency, elsewhere}, {"/releases", "releasing", "released", agency, elsewhere},
		{"/datasets", "declared", "retired", in(c.department, org.DataSteward), foreign(org.DataProvider, org.DataSteward)},
	} {
		finds := func(who *person, state string, want int) {
			var l wire.List[json.RawMessage]
			got := who.get(t, c.Instance, tt.path+"?state="+state)
			if err := json.Unmarshal(got.body, &l); err != nil || got.status != http.StatusOK || len(l.Items) != want {
				t.Errorf("%s in state %s: %d of %d; %d %s", tt.path, state, len(l.Items), want, got.status, got.body)
			}
		}
		finds(tt.own, tt.state, 1)
		finds(tt.own, tt.none, 0)
		finds(tt.other, tt.state, 0)
	}
}

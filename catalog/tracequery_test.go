package catalog_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
)

// records is a city with a log, of which the test holds every line, and two who read it.
type records struct {
	*city
	all     []postgres.Leaf // oldest first
	sees    person          // everything
	steward person          // their department's part
}

// newRecords makes entries at the edges of one day, and one that is placed after a later one.
func newRecords(t *testing.T) *records {
	t.Helper()
	c := newCity(t, plenty())
	r := &records{city: c, sees: c.admin, steward: c.steward}
	r.sees.Roles = []string{"audit_admin"}
	day := theDay()
	for _, at := range []time.Time{
		day.Start().Add(-time.Millisecond), day.Start(), day.End().Add(-time.Millisecond), day.End(), day.Start().AddDate(0, 0, 3),
		day.Start().Add(time.Hour), day.End(),
	} {
		c.at(at)
		_, err := c.serve.Datasets.Show(c.ctx, c.steward.Subject, slug)
		c.must(err)
		_, err = c.serve.Datasets.Freeze(c.ctx, c.developer.Subject, slug) // refused: it is another's
		if err == nil {
			t.Fatal("froze another's dataset")
		}
		c.turns()
	}
	c.tx(func(tx *postgres.Tx) (err error) {
		r.all, err = tx.LeavesFrom(c.ctx, 0, 10_000)
		return err
	})
	return r
}

// theDay is a day of the log in the middle of others.
func theDay() calendar.Date {
	day, _ := calendar.NewDate(2027, time.January, 10)
	return day
}

func (r *records) login(p person) (login string) {
	r.t.Helper()
	r.tx(func(tx *postgres.Tx) error {
		m, err := tx.Member(r.ctx, p.Member)
		login = m.Login
		return err
	})
	return login
}

// hash is what stands for a person under the city's key.
func hash(p person) string { return trace.PersonHash(make([]byte, 32), p.Member) }

// keep is a condition told without the record's help.
type keep func(l postgres.Leaf, body trace.Body) bool

// expected are the indexes of a reader's part that all conditions keep, newest first.
func (r *records) expected(reader person, conditions ...keep) (found []int64) {
	r.t.Helper()
	for _, l := range slices.Backward(r.all) {
		body, err := trace.DecodeBody(l.Body)
		r.must(err)
		mine := l.Org != nil && *l.Org == reader.Org || l.Owner != nil && *l.Owner == reader.Org
		if reader.Member != r.sees.Member && !mine {
			continue
		}
		if !slices.ContainsFunc(conditions, func(k keep) bool { return !k(l, body) }) {
			found = append(found, l.Index)
		}
	}
	return found
}

// paged reads all there is of a filter in parts of a few entries.
func (r *records) paged(reader person, f trace.Filter) (found []int64, err error) {
	for f.Limit = 3; ; f.Before = found[len(found)-1] {
		views, err := r.serve.Trace.Query(r.ctx, reader.Subject, f)
		if err != nil {
			return nil, err
		}
		for _, v := range views {
			if len(found) > 0 && v.Index >= found[len(found)-1] {
				return found, fmt.Errorf("%d follows %d", v.Index, found[len(found)-1])
			}
			found = append(found, v.Index)
		}
		if len(views) < f.Limit || found[len(found)-1] == 0 { // a cursor of 0 is none
			return found, nil
		}
	}
}

func by(p person) keep {
	return func(_ postgres.Leaf, b trace.Body) bool { return b.Actor.Member == hash(p) }
}
func of(org string) keep {
	return func(_ postgres.Leaf, b trace.Body) bool { return b.Actor.Org == org }
}
func between(since, until time.Time) keep {
	return func(l postgres.Leaf, _ trace.Body) bool {
		return (since.IsZero() || !l.At.Before(since)) && (until.IsZero() || l.At.Before(until))
	}
}
func acting(act, decision, object string) keep {
	return func(_ postgres.Leaf, b trace.Body) bool {
		return (act == "" || b.Act == act) && (decision == "" || b.Decision == decision) && (object == "" || b.Object.Name == object)
	}
}

// TestTraceFilters: each filter alone and together finds what it says of the reader's part, and nothing else, in one
// part or in many.
func TestTraceFilters(t *testing.T) {
	r := newRecords(t)
	day, never := theDay(), time.Time{}
	noon := day.Start().Add(12 * time.Hour)
	steward, developer := r.login(r.steward), r.login(r.developer)
	for title, tt := range map[string]struct {
		reader person
		filter trace.Filter
		want   []keep
		none   bool
	}{
		"nothing":                             {r.sees, trace.Filter{}, nil, false},
		"nothing, a part":                     {r.steward, trace.Filter{}, nil, false},
		"an act":                              {r.steward, trace.Filter{Act: "dataset.freeze"}, []keep{acting("dataset.freeze", "", "")}, false},
		"refusals":                            {r.sees, trace.Filter{Decision: "deny"}, []keep{acting("", "deny", "")}, false},
		"what was allowed":                    {r.steward, trace.Filter{Decision: "allow"}, []keep{acting("", "allow", "")}, false},
		"an object":                           {r.sees, trace.Filter{Object: slug}, []keep{acting("", "", slug)}, false},
		"a person of one's own":               {r.steward, trace.Filter{Who: steward}, []keep{by(r.steward)}, false},
		"one's own under the number":          {r.steward, trace.Filter{Who: r.steward.home + "/" + steward}, []keep{by(r.steward)}, false},
		"one's own within one's own":          {r.steward, trace.Filter{Who: steward, Org: r.steward.home}, []keep{by(r.steward)}, false},
		"one's own within another":            {r.steward, trace.Filter{Who: r.steward.home + "/" + steward, Org: r.developer.home}, nil, true},
		"another's by what stands in entries": {r.steward, trace.Filter{Who: hash(r.developer)}, []keep{by(r.developer)}, false},
		"what stands for nobody":              {r.steward, trace.Filter{Who: strings.Repeat("0", 64)}, nil, true},
		"anybody":                             {r.sees, trace.Filter{Who: r.developer.home + "/" + developer}, []keep{by(r.developer)}, false},
		"anybody within":                      {r.sees, trace.Filter{Who: developer, Org: r.developer.home}, []keep{by(r.developer)}, false},
		"an organization":                     {r.sees, trace.Filter{Org: r.chief.home}, []keep{of(r.chief.Org)}, false},
		"one's own organization":              {r.steward, trace.Filter{Org: r.steward.home}, []keep{of(r.steward.Org)}, false},
		"another on what is one's own":        {r.steward, trace.Filter{Org: r.developer.home}, []keep{of(r.developer.Org)}, false},
		"another that did nothing here":       {r.steward, trace.Filter{Org: r.admin.home}, nil, true},
		"one that is not there":               {r.steward, trace.Filter{Org: "ORG-9999"}, nil, true},
		"since a day":                         {r.sees, trace.Filter{Since: day.String()}, []keep{between(day.Start(), never)}, false},
		"until a day":                         {r.steward, trace.Filter{Until: day.String()}, []keep{between(never, day.End())}, false},
		"a day":                               {r.steward, trace.Filter{Since: day.String(), Until: day.String()}, []keep{between(day.Start(), day.End())}, false},
		"since a moment":                      {r.steward, trace.Filter{Since: noon.UTC().Format(time.RFC3339)}, []keep{between(noon, never)}, false},
		"until a moment":                      {r.sees, trace.Filter{Until: day.Start().Format(time.RFC3339Nano)}, []keep{between(never, day.Start())}, false},
		"before all": {
			r.sees, trace.Filter{Until: "0001-01-01T00:00:00Z"}, nil, true,
		},
		"after all": {r.sees, trace.Filter{Since: "9999-12-31"}, nil, true},
		"all together": {
			r.steward, trace.Filter{
				Act: "dataset.freeze", Decision: "deny", Who: hash(r.developer), Org: r.developer.home, Since: day.String(), Until: day.String(),
			},
			[]keep{acting("dataset.freeze", "deny", ""), by(r.developer), of(r.developer.Org), between(day.Start(), day.End())}, false,
		},
		"together, of all": {
			r.sees, trace.Filter{Act: "dataset.show", Object: slug, Who: r.steward.home + "/" + steward, Until: day.String()},
			[]keep{acting("dataset.show", "", slug), by(r.steward), between(never, day.End())}, false,
		},
	} {
		want := r.expected(tt.reader, tt.want...)
		if tt.none {
			want = nil
		}
		got, err := r.paged(tt.reader, tt.filter)
		if diff := cmp.Diff(want, got); err != nil || diff != "" || (len(want) == 0) != tt.none {
			t.Errorf("%s: %d wanted: %v\n%s", title, len(want), err, diff)
		}
		if err := r.serve.Trace.CheckFilter(tt.filter); err != nil {
			t.Errorf("%s is refused beforehand: %v", title, err)
		}
	}
	if part, all := r.expected(r.steward, by(r.developer)), r.expected(r.sees, by(r.developer)); len(part) >= len(all) {
		t.Errorf("the developer's %d acts are all the steward's to see: that a part bounds them is not tried", len(all))
	}
}

// TestTraceNamesNobody: whom a reader may not name and who is not there have one answer, and the trace holds who was
// looked for by whom.
func TestTraceNamesNobody(t *testing.T) {
	r := newRecords(t)
	developer, steward := r.login(r.developer), r.login(r.steward)
	for title, tt := range map[string]struct {
		reader person
		filter trace.Filter
		want   fault.Place
	}{
		"nobody":                      {r.steward, trace.Filter{Who: "nobody"}, fault.Place{Location: "query.who", Code: "who.unknown"}},
		"another's login":             {r.steward, trace.Filter{Who: developer}, fault.Place{Location: "query.who", Code: "who.unknown"}},
		"another's under the number":  {r.steward, trace.Filter{Who: r.developer.home + "/" + developer}, fault.Place{Location: "query.who", Code: "who.unknown"}},
		"another's nobody":            {r.steward, trace.Filter{Who: r.developer.home + "/nobody"}, fault.Place{Location: "query.who", Code: "who.unknown"}},
		"nobody of nowhere":           {r.steward, trace.Filter{Who: "ORG-9999/nobody"}, fault.Place{Location: "query.who", Code: "who.unknown"}},
		"another's within":            {r.steward, trace.Filter{Who: developer, Org: r.developer.home}, fault.Place{Location: "query.who", Code: "who.unknown"}},
		"nobody, who sees all":        {r.sees, trace.Filter{Who: r.developer.home + "/nobody"}, fault.Place{Location: "query.who", Code: "who.unknown"}},
		"of another, who sees all":    {r.sees, trace.Filter{Who: steward}, fault.Place{Location: "query.who", Code: "who.unknown"}},
		"of nowhere, who sees all":    {r.sees, trace.Filter{Who: "ORG-9999/nobody"}, fault.Place{Location: "query.who", Code: "who.unknown"}},
		"no organization to who sees": {r.sees, trace.Filter{Org: "ORG-9999"}, fault.Place{Location: "query.org", Code: "org.unknown"}},
	} {
		r.finds(title, tt.reader, tt.filter, tt.want)
	}
	r.turns()
	looked := r.details("trace.query")
	if unknown := looked["who.unknown"]; unknown != 9 || looked["org.unknown"] != 1 {
		t.Errorf("the trace holds %v", looked)
	}
	_, err := r.serve.Trace.Query(r.ctx, r.steward.Subject, trace.Filter{Who: steward})
	r.must(err)
	r.turns()
	if looked := r.details("trace.query"); looked[hash(r.steward)] != 1 {
		t.Errorf("the trace does not hold whose acts were looked for: %v", looked)
	}
}

// finds asks and holds the answer against one place.
func (r *records) finds(title string, reader person, filter trace.Filter, want ...fault.Place) {
	r.t.Helper()
	views, err := r.serve.Trace.Query(r.ctx, reader.Subject, filter)
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Code != "request.invalid" || len(views) > 0 {
		r.t.Errorf("%s: %d entries and %v", title, len(views), err)
		return
	}
	if diff := cmp.Diff(want, f.Places); diff != "" {
		r.t.Errorf("%s: %s", title, diff)
	}
}

// details counts what the entries of an act say.
func (r *records) details(act string) map[string]int {
	r.t.Helper()
	found := map[string]int{}
	views, err := r.serve.Trace.Query(r.ctx, r.sees.Subject, trace.Filter{Act: act, Limit: 200})
	r.must(err)
	for _, v := range views {
		body, err := trace.DecodeBody(v.Body)
		r.must(err)
		for _, value := range body.Detail {
			found[value]++
		}
	}
	return found
}

// TestTraceFilterFaults: what cannot be read is told by place, all of it at once, before and with the query.
func TestTraceFilterFaults(t *testing.T) {
	c := newCity(t, plenty())
	r := &records{city: c, steward: c.steward}
	for _, tt := range []struct {
		want   string // places and codes
		filter trace.Filter
	}{
		{"who who.invalid", trace.Filter{Who: "Li"}},
		{"who who.invalid", trace.Filter{Who: "li@x"}},
		{"who who.invalid", trace.Filter{Who: "ORG-0001/"}},
		{"who who.invalid", trace.Filter{Who: "/li"}},
		{"who who.invalid", trace.Filter{Who: strings.Repeat("a", 63)}},
		{"who who.invalid", trace.Filter{Who: strings.Repeat("A", 64)}},
		{"who who.invalid", trace.Filter{Who: "J-2026-0001/li"}},
		{"who who.invalid", trace.Filter{Who: "li' or 'a' = 'a"}},
		{"org number.invalid", trace.Filter{Org: "health"}},
		{"org number.invalid", trace.Filter{Org: "J-2026-0001"}},
		{"org number.invalid", trace.Filter{Org: "ORG-0001' or true --"}},
		{"since moment.invalid", trace.Filter{Since: "yesterday"}},
		{"since moment.invalid", trace.Filter{Since: "2026-02-30"}},
		{"since moment.invalid", trace.Filter{Since: "2026-11-23T09:00"}},
		{"until moment.invalid", trace.Filter{Until: "2026-11-23 09:00:00"}},
		{"until moment.invalid", trace.Filter{Until: "now()"}},
		{"until span.reversed", trace.Filter{Since: "2026-11-24", Until: "2026-11-23"}},
		{"until span.reversed", trace.Filter{Since: "2026-11-24T00:00:00+08:00", Until: "2026-11-23"}},
		{"who who.invalid, org number.invalid, since moment.invalid, until moment.invalid", trace.Filter{Who: "L", Org: "L", Since: "L", Until: "L"}},
	} {
		var want []fault.Place
		for _, place := range strings.Split(tt.want, ", ") {
			field, code, _ := strings.Cut(place, " ")
			want = append(want, fault.Place{Location: "query." + field, Code: code})
		}
		r.finds(tt.want, c.steward, tt.filter, want...)
		var f *fault.Error
		if err := c.serve.Trace.CheckFilter(tt.filter); !errors.As(err, &f) || !cmp.Equal(want, f.Places) {
			t.Errorf("%+v: beforehand: %v", tt.filter, err)
		}
	}
}

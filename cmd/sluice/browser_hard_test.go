package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/sluicedata/sluice/gateway/browsertest"
	"github.com/sluicedata/sluice/gateway/console"
)

// refusals are addresses that refuse somebody, with their status: what is nobody's, what is not theirs, what cannot be
// asked.
func refusals() map[string]map[string]int {
	return map[string]map[string]int{
		"anybody":  {"/public/products/D-2026-9999": http.StatusNotFound, "/public/codes?code=a&code=b": http.StatusUnprocessableEntity},
		"kaifa":    {"/nothing": http.StatusNotFound, "/jobs/J-2026-9999": http.StatusNotFound, "/trace": http.StatusForbidden},
		"weisheng": {"/trace?before=x": http.StatusUnprocessableEntity},
	}
}

// refused holds the pages that refuse somebody to what every page promises.
func refused(w *browsertest.Walker, who string, tab *browsertest.Tab) {
	for path, status := range refusals()[who] {
		w.Answers(who, path, status, tab, func() { tab.Open(w.Base + console.Prefix + path) })
	}
}

// longNames gives organizations, people and datasets with their columns names of 60 characters without a place to break.
func (f *frozen) longNames(t *testing.T) {
	t.Helper()
	if *screens != "" {
		return // pictures show names as people give them
	}
	psql(t, f.at.data, `update org set name = rpad(number, 60, 'Name');
		update member set name = rpad(login, 60, 'Name');
		update dataset set title = rpad(slug, 60, 'Name'), columns = (
			select jsonb_agg(c || jsonb_build_object('title', rpad(c ->> 'name', 60, 'Name'))) from jsonb_array_elements(columns) c)`)
}

// crowd puts 10,000 jobs and 1,000 datasets on the record, and looks at the pages that list or offer them.
func (f *frozen) crowd(t *testing.T, w *browsertest.Walker, tab *browsertest.Tab) {
	t.Helper()
	for _, c := range []struct {
		table, number, from string
		copies              int
	}{{"job", "number := 'J-2025-'", "ended_at is not null", 10000}, {"dataset", "slug := 'visits-of-'", "state = 'authorizable'", 1000}} {
		psql(t, f.at.data, fmt.Sprintf(`do $$ declare o %[1]s; begin
			select * into strict o from %[1]s where %[3]s order by id limit 1;
			for n in 10001..10000+%[4]d loop
				o.id := '01890000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'); o.%[2]s || n;
				insert into %[1]s values (o.*);
			end loop;
		end $$`, c.table, c.number, c.from, c.copies))
	}
	signIn(tab, w.Base, "kaifa")
	for _, at := range []string{"", "/datasets", "/jobs?q=J-2025-19", "/grants/new", "/grants/new?q=visits-of-1050"} {
		w.Visit("kaifa", tab, console.Prefix+at)
	}
}

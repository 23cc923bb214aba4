package grant

import (
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
)

// Allowance is the part of what was asked that an agency allows: what it names is narrower than asked, never wider; what
// it does not name stays as it was asked. None of something is no part of it: that is for a refusal to say.
type Allowance struct {
	Columns []string       `json:"columns,omitempty"`
	Filters []RowFilter    `json:"filters,omitempty"` // rows that are left: every asked filter, each with its values or fewer
	To      *calendar.Date `json:"to,omitempty"`      // last day
	Runs    *int64         `json:"runs,omitempty"`
	Rows    *int64         `json:"rows,omitempty"` // rows read by production runs
}

// Narrow returns the scope an allowance leaves. The error names every dimension that would be wider, or that nothing
// would be narrower.
func (s Scope) Narrow(a Allowance) (Scope, error) {
	var p fault.Places
	out := s
	if a.Columns != nil {
		p.Require(len(a.Columns) > 0, "columns", "allowance.none")
		for i, c := range a.Columns {
			p.Require(slices.Contains(s.Columns, c), fmt.Sprintf("columns[%d]", i), "allowance.wider")
		}
		out.Columns = a.Columns
	}
	if len(a.Filters) > 0 {
		s.Rows.checkWithin(&p, a.Filters)
		out.Rows = Rows{Filters: a.Filters}
	}
	if a.To != nil {
		p.Require(!s.To.Before(*a.To), "to", "allowance.wider")
		out.To = *a.To
	}
	out.Budget.Runs = lower(&p, "runs", s.Budget.Runs, a.Runs)
	out.Budget.Rows = lower(&p, "rows", s.Budget.Rows, a.Rows)
	if err := p.Err("allowance.invalid"); err != nil {
		return out, err
	}
	if len(s.Narrowed(out)) == 0 {
		return out, fault.Bad("allowance.invalid", fault.Place{Location: "", Code: "allowance.nothing"})
	}
	return out, out.Validate()
}

// lower takes a bound that an allowance names.
func lower(p *fault.Places, at string, asked int64, allowed *int64) int64 {
	if allowed == nil {
		return asked
	}
	p.Require(*allowed >= 1, at, "allowance.none")
	p.Require(*allowed <= asked, at, "allowance.wider")
	return *allowed
}

// checkWithin notes filters that keep a row which these do not: one that is missing, and a value that was not asked.
func (r Rows) checkWithin(p *fault.Places, filters []RowFilter) {
	for _, asked := range r.Filters {
		i := slices.IndexFunc(filters, func(f RowFilter) bool { return f.Column == asked.Column })
		if i < 0 {
			p.Add("filters", "allowance.wider")
			continue
		}
		for j, v := range filters[i].In {
			p.Require(slices.Contains(asked.In, v), fmt.Sprintf("filters[%d].in[%d]", i, j), "allowance.wider")
		}
	}
}

// Narrowed lists the dimensions in which another scope differs from what was asked: those an allowance can name.
func (s Scope) Narrowed(allowed Scope) []string {
	differs := map[string]bool{
		"columns": !equalSets(s.Columns, allowed.Columns),
		"filters": s.Rows.All != allowed.Rows.All || !slices.EqualFunc(s.Rows.Filters, allowed.Rows.Filters, sameFilter),
		"to":      s.To != allowed.To,
		"runs":    s.Budget.Runs != allowed.Budget.Runs,
		"rows":    s.Budget.Rows != allowed.Budget.Rows,
	}
	var all []string
	for _, dimension := range []string{"columns", "filters", "to", "runs", "rows"} {
		if differs[dimension] {
			all = append(all, dimension)
		}
	}
	return all
}

func sameFilter(a, b RowFilter) bool { return a.Column == b.Column && equalSets(a.In, b.In) }

func equalSets(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

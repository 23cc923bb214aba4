package grant

import (
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
)

// Grant is what one operator may do with one dataset under one agreement. Its grantee never changes (O17).
type Grant struct {
	ID        name.ID     `json:"id"`
	Number    name.Number `json:"number"` // G-2026-0001
	Agreement name.ID     `json:"agreement"`
	Operator  name.ID     `json:"operator"` // organization
	Agency    name.ID     `json:"agency"`   // organization
	Dataset   name.ID     `json:"dataset"`
	State     flow.State  `json:"state"`
	Proposer  name.ID     `json:"proposer"`           // member
	Approver  name.ID     `json:"approver,omitempty"` // member, never the proposer
	Scope     Scope       `json:"scope"`
	RunsUsed  int64       `json:"runs_used"`
	RowsUsed  int64       `json:"rows_used"`
}

// Scope is every dimension a job is decided on. Each must pass; an empty list allows nothing.
type Scope struct {
	Dataset     name.Slug         `json:"dataset"`
	VersionFrom int               `json:"version_from"`
	VersionTo   int               `json:"version_to,omitempty"` // 0: every later one
	Columns     []string          `json:"columns"`
	Rows        Rows              `json:"rows"`
	Operations  []name.Operation  `json:"operations"`
	Purposes    []string          `json:"purposes"`
	Scenario    string            `json:"scenario,omitempty"` // must be named under mode by_scenario (O4)
	Outputs     []name.OutputKind `json:"outputs"`
	LevelCap    int               `json:"level_cap"` // highest column level it may hold
	From        calendar.Date     `json:"from"`
	To          calendar.Date     `json:"to"` // last day
	Budget      Budget            `json:"budget"`
	MinUnits    int               `json:"min_units"` // at least; terms and rule set may ask more
	LawfulBasis string            `json:"lawful_basis,omitempty"`
}

// Rows is the row scope: all rows, or those every filter keeps. The zero Rows allows none.
type Rows struct {
	All     bool        `json:"all,omitempty"`
	Filters []RowFilter `json:"filters,omitempty"`
}

// Scoped reports whether a row scope is written down.
func (r Rows) Scoped() bool { return r.All != (len(r.Filters) > 0) }

// Budget bounds use over the grant's whole life.
type Budget struct {
	Runs int64 `json:"runs"` // production runs
	Rows int64 `json:"rows"` // rows read by production runs
	// Failed bounds failed answers of production runs; 0 asks for the rule set's (budgets.grant_failed).
	Failed int64 `json:"failed,omitempty"`
}

// maxBudget keeps sums of budgets and uses within what JSON readers hold exactly.
const maxBudget = 1 << 50

// Validate checks a scope by itself. Whether it is wider than terms or agreement is policy's question.
func (s Scope) Validate() error {
	var p fault.Places
	_, err := name.ParseSlug(string(s.Dataset))
	p.Require(err == nil, "dataset", "slug.invalid")
	p.Require(s.VersionFrom >= 1, "version_from", "version.invalid")
	p.Require(s.VersionTo == 0 || s.VersionTo >= s.VersionFrom, "version_to", "version.reversed")
	s.checkLists(&p)
	s.checkRows(&p)
	p.Require(s.Scenario == "" || name.IsCode(s.Scenario), "scenario", "scenario.invalid")
	p.Require(s.LevelCap >= 1 && s.LevelCap <= 4, "level_cap", "level.out_of_range")
	p.Require(!s.From.IsZero() && !s.To.IsZero() && !s.To.Before(s.From), "to", "term.invalid")
	p.Require(s.Budget.Runs >= 1 && s.Budget.Runs <= maxBudget, "budget.runs", "budget.out_of_range")
	p.Require(s.Budget.Rows >= 1 && s.Budget.Rows <= maxBudget, "budget.rows", "budget.out_of_range")
	p.Require(s.Budget.Failed >= 0 && s.Budget.Failed <= maxBudget, "budget.failed", "budget.out_of_range")
	p.Require(s.MinUnits >= 0, "min_units", "min_units.negative")
	p.Require(s.LawfulBasis == "" || name.IsProse(s.LawfulBasis, 500), "lawful_basis", "lawful_basis.invalid")
	return p.Err("scope.invalid")
}

func (s Scope) checkLists(p *fault.Places) {
	list(p, "columns", s.Columns, name.IsIdent)
	list(p, "purposes", s.Purposes, name.IsCode)
	list(p, "operations", s.Operations, name.Operation.Known)
	list(p, "outputs", s.Outputs, name.OutputKind.Known)
}

// list refuses an empty list, an entry that is not ok, and an entry that comes twice.
func list[T comparable](p *fault.Places, at string, values []T, ok func(T) bool) {
	p.Require(len(values) > 0, at, "list.empty")
	for i, v := range values {
		place := fmt.Sprintf("%s[%d]", at, i)
		p.Require(ok(v), place, "list.unknown")
		p.Require(!slices.Contains(values[:i], v), place, "list.duplicate")
	}
}

// Bounds of a row filter: values are bound as parameters and kept with every decision.
const (
	maxFilterValues = 1000
	maxFilterBytes  = 200
)

func (s Scope) checkRows(p *fault.Places) {
	p.Require(s.Rows.Scoped(), "rows", "rows.not_scoped")
	for i, f := range s.Rows.Filters {
		at := fmt.Sprintf("rows.filters[%d]", i)
		p.Require(name.IsIdent(f.Column), at+".column", "column.invalid")
		same := func(o RowFilter) bool { return o.Column == f.Column }
		p.Require(!slices.ContainsFunc(s.Rows.Filters[:i], same), at+".column", "column.duplicate")
		p.Require(len(f.In) <= maxFilterValues, at+".in", "list.too_long")
		list(p, at+".in", f.In, func(v string) bool { return len(v) <= maxFilterBytes })
	}
}

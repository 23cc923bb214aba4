package screen

import "slices"

// Codes of findings. The remedy of each is the message "remedy." + code.
const (
	CodeForged     = "tokens.forged"
	CodeRepeated   = "tokens.repeated"
	CodeDepends    = "relation.depends_on_others"
	CodeOutside    = "label.outside_domain"
	CodeBelow      = "people.below_threshold"
	CodeTwo        = "dominance.two_largest"
	CodePPercent   = "dominance.p_percent"
	CodeConstant   = "measure.constant"
	CodeDiffUnits  = "difference.units"
	CodeDiffRows   = "difference.rows"
	CodeCopied     = "rows.copied"
	CodeIdentifier = "identifier.found"
)

// Codes lists every code, in the order in which outputs are judged.
func Codes() []string {
	return []string{
		CodeForged, CodeRepeated, CodeDepends, CodeOutside, CodeBelow, CodeTwo, CodePPercent, CodeConstant, CodeDiffUnits,
		CodeDiffRows, CodeCopied, CodeIdentifier,
	}
}

// Default returns the values of cn-default. Sources: ACRO 1.0.1 (threshold, dominance, p %), OpenSAFELY
// (rounding); the number of varying and of differing units is the threshold again.
func Default() Rules {
	return Rules{
		MinUnits: 10, DominanceShare: 0.90, PPercent: 0.10,
		MinVarying: 10, MinDifference: 10, RoundTo: 5,
	}
}

// Judge returns every reason to block an output, in a fixed order: rules as listed here, cells as the output
// lists them. No finding is no objection. It is pure: the same evidence and rules give the same findings.
//
// What a finding names is itself an answer about people, so it names no more than the author must know:
//   - a cell of 0 to MinUnits−1 units is named for that alone, and all alike, empty or not;
//   - a cell whose measure is nearly constant is not named for its dominance too, or the one cell that holds
//     the odd value would stand out;
//   - a difference names the other table and no cell: the cell in which two tables differ by one person is
//     that person's value.
func Judge(e Evidence, r Rules) []Finding {
	rules := []func(Evidence, Rules) []Finding{
		tokens, labels, people, dominance, constant, differences, copies,
	}
	var list []Finding
	for _, rule := range rules {
		list = append(list, rule(e, r)...)
	}
	return list
}

// finding makes a finding with its remedy.
func finding(code, what string, cells [][]string) Finding {
	return Finding{Code: code, Cells: cells, What: what, Remedy: "remedy." + code}
}

// tokens blocks relations whose contributors cannot be believed (design 5, verified relations 2 and 4).
func tokens(e Evidence, _ Rules) []Finding {
	var list []Finding
	for _, f := range e.Relations {
		if f.Foreign != 0 {
			list = append(list, finding(CodeForged, f.Relation, nil))
		}
		if f.Repeated != 0 {
			list = append(list, finding(CodeRepeated, f.Relation, nil))
		}
		if f.Dependent {
			list = append(list, finding(CodeDepends, f.Relation, nil))
		}
	}
	return list
}

// labels blocks rows whose label is not in the declared domain: they would be missing from the total.
func labels(e Evidence, _ Rules) []Finding {
	var list []Finding
	for _, c := range e.OutsideDomain {
		if c.Count != 0 {
			list = append(list, finding(CodeOutside, c.Column, nil))
		}
	}
	return list
}

// people blocks cells of fewer than MinUnits units of any kind. A table that counts nobody is blocked whole.
func people(e Evidence, r Rules) []Finding {
	var cells [][]string
	for _, c := range e.Cells {
		if c.below(r) {
			cells = append(cells, c.Key)
		}
	}
	if len(cells) == 0 && len(e.Cells) > 0 {
		return nil
	}
	return []Finding{finding(CodeBelow, "", cells)}
}

// below says whether a cell has too few units of any kind; a cell that names no kind has none.
func (c Cell) below(r Rules) bool {
	for _, u := range c.Units {
		if u.Count < int64(r.MinUnits) {
			return true
		}
	}
	return len(c.Units) == 0
}

// dominance blocks cells whose total is one or two units' own, in values and in row counts alike (ACRO: n, k
// and p %).
func dominance(e Evidence, r Rules) []Finding {
	var list []Finding
	tests := []struct {
		code string
		bad  func(Concentration, Rules) bool
	}{{CodeTwo, Concentration.twoLargest}, {CodePPercent, Concentration.pPercent}}
	for _, t := range tests {
		list = append(list, perColumn(e, r, t.code, func(c Cell, column string) bool {
			m, ok := c.measure(column)
			if !ok {
				return t.bad(c.Rows, r)
			}
			return m.Varying >= int64(r.MinVarying) && t.bad(m.Concentration, r)
		})...)
	}
	return list
}

// twoLargest is the (n, k) rule: the two largest hold DominanceShare of the total or more. A total of zero is
// nobody's; the count rule decides alone. Dividing, not multiplying, keeps 9 of 10 exactly at 0.90.
func (c Concentration) twoLargest(r Rules) bool {
	return c.Total > 0 && (c.X1+c.X2)/c.Total >= r.DominanceShare
}

// pPercent is the p % rule: the rest is less than PPercent of the largest, so the second largest could tell the
// largest too well. One contributor has no rest and fails; a total of zero is left to the count rule.
func (c Concentration) pPercent(r Rules) bool {
	return c.X1 > 0 && (c.Total-c.X1-c.X2)/c.X1 < r.PPercent
}

// constant blocks measures that fewer than MinVarying units of a cell hold another value of than most.
func constant(e Evidence, r Rules) []Finding {
	return perColumn(e, r, CodeConstant, func(c Cell, column string) bool {
		m, ok := c.measure(column)
		return ok && m.Varying < int64(r.MinVarying)
	})
}

// measure finds a cell's facts about one column.
func (c Cell) measure(column string) (MeasureFact, bool) {
	for _, m := range c.Measures {
		if m.Column == column {
			return m, true
		}
	}
	return MeasureFact{}, false
}

// perColumn makes one finding a column, the row count ("") first, over the cells that are large enough to be
// told apart.
func perColumn(e Evidence, r Rules, code string, bad func(c Cell, column string) bool) []Finding {
	columns := []string{""}
	for _, c := range e.Cells {
		for _, m := range c.Measures {
			if !slices.Contains(columns, m.Column) {
				columns = append(columns, m.Column)
			}
		}
	}
	var list []Finding
	for _, column := range columns {
		var cells [][]string
		for _, c := range e.Cells {
			if !c.below(r) && bad(c, column) {
				cells = append(cells, c.Key)
			}
		}
		if len(cells) > 0 {
			list = append(list, finding(code, column, cells))
		}
	}
	return list
}

// differences blocks an output that 1 to MinDifference−1 units tell apart from another one. Pairs that lie in
// small cells alone do not count: those cells are blocked already, all alike.
func differences(e Evidence, r Rules) []Finding {
	var units, rows []string
	for _, d := range e.Differences {
		if e.small(d.Key, r) {
			continue
		}
		if near(d.Units, r) && !slices.Contains(units, d.Other) {
			units = append(units, d.Other)
		}
		if near(d.Rows, r) && !slices.Contains(rows, d.Other) {
			rows = append(rows, d.Other)
		}
	}
	slices.Sort(units)
	slices.Sort(rows)
	var list []Finding
	for _, other := range units {
		list = append(list, finding(CodeDiffUnits, other, nil))
	}
	for _, other := range rows {
		list = append(list, finding(CodeDiffRows, other, nil))
	}
	return list
}

// near says whether a number of units tells two tables apart.
func near(n int64, r Rules) bool { return n >= 1 && n < int64(r.MinDifference) }

// small says whether every cell a key stands for is below the threshold; a key that stands for none is not.
func (e Evidence) small(key []string, r Rules) bool {
	found := false
	for _, c := range e.Cells {
		if c.under(key) {
			if !c.below(r) {
				return false
			}
			found = true
		}
	}
	return found
}

// under says whether a cell is part of a cell or margin.
func (c Cell) under(key []string) bool {
	if len(key) != len(c.Key) {
		return false
	}
	for i, label := range key {
		if label != "*" && label != c.Key[i] {
			return false
		}
	}
	return true
}

// copies blocks outputs that show an input row or an identifier.
func copies(e Evidence, _ Rules) []Finding {
	var list []Finding
	if e.CopiedRows != 0 {
		list = append(list, finding(CodeCopied, "", nil))
	}
	for _, c := range e.Identifiers {
		if c.Count != 0 {
			list = append(list, finding(CodeIdentifier, c.Column, nil))
		}
	}
	return list
}

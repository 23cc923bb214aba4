package runner

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/policy/screen"
)

// cell gathers what one cell publishes and what is measured about it.
type cell struct {
	units []int64 // a kind of the relation
	rows  int64
	sums  []sum // a measure
	fact  screen.Cell
}

// sum is a measure's total in a cell.
type sum struct {
	total float64
	rows  int64 // with a value
	units int64 // with a value
}

// cellsOf measures every cell of the grid. With several unit kinds the facts are those of the kind that looks
// worst: units of every kind must pass every rule.
func cellsOf(g *grid, r *relation, rows []int32) []cell {
	cells := make([]cell, g.cells)
	for i := range cells {
		cells[i] = cell{units: make([]int64, len(r.kinds)), sums: make([]sum, len(r.measures))}
		cells[i].fact.Key = g.key(g.all(), int32(i))
		cells[i].fact.Measures = []screen.MeasureFact{}
		for _, m := range r.measures {
			cells[i].fact.Measures = append(cells[i].fact.Measures,
				screen.MeasureFact{Column: m.column.Name, Varying: math.MaxInt64})
		}
	}
	first := true
	for kind := range r.kinds {
		shares := r.shares(g, g.all(), kind, rows)
		for len(shares) > 0 {
			n := slices.IndexFunc(shares, func(s share) bool { return s.cell != shares[0].cell })
			if n < 0 {
				n = len(shares)
			}
			cells[shares[0].cell].measure(r, kind, shares[:n], first)
			shares = shares[n:]
		}
		first = first && r.units[kind] == nil
	}
	for i := range cells {
		cells[i].finish(r)
	}
	return cells
}

// measure adds what the units of one kind hold of a cell; figures come from the first kind alone.
func (c *cell) measure(r *relation, kind int, shares []share, first bool) {
	c.units[kind] = int64(len(shares))
	var rows spread
	for _, s := range shares {
		rows.add(float64(len(s.rows)))
		if first {
			c.rows += int64(len(s.rows))
		}
	}
	worse(&c.fact.Rows, rows.fact())
	for m := range r.measures {
		c.measureColumn(&r.measures[m], m, shares, first)
	}
}

// measureColumn adds one measure.
func (c *cell) measureColumn(m *measure, at int, shares []share, first bool) {
	var values spread
	texts := map[string]int64{}
	for _, s := range shares {
		t, n := m.total(s.rows)
		values.add(t)
		texts[m.distinct(s.rows)]++
		if first && n > 0 {
			c.sums[at].total += t
			c.sums[at].rows += n
			c.sums[at].units++
		}
	}
	most := int64(0)
	for _, n := range texts {
		most = max(most, n)
	}
	f := &c.fact.Measures[at]
	f.Varying = min(f.Varying, int64(len(shares))-most)
	worse(&f.Concentration, values.fact())
}

// finish completes the facts of a cell.
func (c *cell) finish(r *relation) {
	c.fact.Units = []screen.UnitCount{}
	for k, kind := range r.kinds {
		c.fact.Units = append(c.fact.Units, screen.UnitCount{Kind: kind, Count: c.units[k]})
	}
	for i := range c.fact.Measures {
		if c.fact.Measures[i].Varying == math.MaxInt64 {
			c.fact.Measures[i].Varying = 0
		}
	}
}

// total sums the values of some rows and says how many had one.
func (m *measure) total(rows []int32) (t float64, n int64) {
	for _, row := range rows {
		if !m.null[row] {
			t += m.values[row]
			n++
		}
	}
	return t, n
}

// distinct is the set of the values of some rows as one comparable text. How often a unit holds a value does
// not count: residents with the same figure in two years and in three do not hide one who has another. Absent
// values count for nothing either, as in the figures.
func (m *measure) distinct(rows []int32) string {
	list := make([]string, 0, len(rows))
	for _, row := range rows {
		if !m.null[row] {
			list = append(list, strconv.FormatUint(math.Float64bits(m.values[row]+0), 36))
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

// spread gathers contributions in absolute values.
type spread struct{ x1, x2, total float64 }

func (s *spread) add(v float64) {
	v = math.Abs(v)
	s.total = min(s.total+v, math.MaxFloat64)
	switch {
	case v > s.x1:
		s.x1, s.x2 = v, s.x1
	case v > s.x2:
		s.x2 = v
	}
}

// fact is the spread as evidence.
func (s *spread) fact() screen.Concentration {
	return screen.Concentration{X1: min(s.x1, math.MaxFloat64), X2: min(s.x2, math.MaxFloat64), Total: s.total}
}

// worse keeps the more concentrated of two: the one whose two largest hold the greater share.
func worse(c *screen.Concentration, other screen.Concentration) {
	part := func(c screen.Concentration) float64 {
		if c.Total == 0 {
			return 0
		}
		return c.X1/c.Total + c.X2/c.Total
	}
	if c.Total == 0 || part(other) > part(*c) {
		*c = other
	}
}

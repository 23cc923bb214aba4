package runner

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// perUnitMean is the Per of a mean over units instead of rows.
const perUnitMean = "unit"

// published is a table as it would leave: texts of labels and figures, a row a cell, in domain order.
type published struct {
	header []string
	labels [][]string
	cells  [][]string // figures, a measure
}

// publish forms the figures of every cell under the publication rules: counts are multiples of base, other
// figures carry at most as many digits as the published count of the first unit kind allows, and a cell
// without a published count shows no figure.
func publish(g *grid, r *relation, cells []cell, base int) published {
	var p published
	for _, d := range g.table.By {
		p.header = append(p.header, d.Column)
	}
	for _, m := range g.table.Measures {
		p.header = append(p.header, m.Name)
	}
	places := map[string]int{}
	for i, m := range r.measures {
		places[m.column.Name] = i
	}
	for i := range cells {
		var figures []string
		for _, m := range g.table.Measures {
			figures = append(figures, cells[i].figure(m, places, base))
		}
		p.labels = append(p.labels, cells[i].fact.Key)
		p.cells = append(p.cells, figures)
	}
	return p
}

// figure is the text of one figure.
func (c *cell) figure(m task.Measure, places map[string]int, base int) string {
	units := int64(0)
	if len(c.units) > 0 {
		units = roundTo(c.units[0], base)
	}
	if m.Stat == task.StatUnits {
		return strconv.FormatInt(units, 10)
	}
	if units == 0 {
		return ""
	}
	of := func(name string) sum {
		if at, ok := places[name]; ok {
			return c.sums[at]
		}
		return sum{}
	}
	switch m.Stat {
	case task.StatUnits: // answered above
	case task.StatRows:
		return strconv.FormatInt(roundTo(c.rows, base), 10)
	case task.StatSum:
		return significant(of(m.Of).total, digits(units), of(m.Of).rows > 0)
	case task.StatMean:
		n := of(m.Of).rows
		if m.Per == perUnitMean {
			n = of(m.Of).units
		}
		return significant(of(m.Of).total/float64(n), digits(units), n > 0)
	case task.StatRatio:
		per := of(m.Per)
		return significant(of(m.Of).total/per.total, digits(units), of(m.Of).rows > 0 && per.total != 0)
	}
	return ""
}

// digits is how many significant digits a figure over a published count may carry: ⌊log10 n⌋, at least one.
func digits(n int64) int {
	return max(len(strconv.FormatInt(n, 10))-1, 1)
}

// significant writes v with at most n significant digits in plain notation; ties go to even. A figure that
// cannot be formed is empty.
func significant(v float64, n int, ok bool) string {
	if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', n-1, 64), 64)
	if err != nil {
		return "" // rounding up left the range
	}
	return strconv.FormatFloat(rounded+0, 'f', -1, 64)
}

// csv is the canonical form: header, LF, labels that a spreadsheet would take for a formula behind an
// apostrophe, figures plain.
func (p published) csv() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{escaped(p.header)}
	for i := range p.cells {
		rows = append(rows, append(escaped(p.labels[i]), p.cells[i]...))
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("writing table: %w", err)
	}
	return b.Bytes(), nil
}

// escaped puts an apostrophe before texts that begin like a formula.
func escaped(texts []string) []string {
	var list []string
	for _, s := range texts {
		if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
			s = "'" + s
		}
		list = append(list, s)
	}
	return list
}

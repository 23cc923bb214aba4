package runner

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/task"
)

// Bounds of a declared table.
const (
	maxCells      = 10_000 // more than any reviewer reads
	maxDimensions = 16
	fullMargins   = 4 // dimensions up to which every subset is summed over: at most 2^4 margins
)

// grid is the shape of one declared table: every combination of the declared domains.
type grid struct {
	table   *task.Table
	domains [][]string // normalized (NFC)
	cells   int
}

// newGrid checks a declared table's shape.
func newGrid(ctx context.Context, db *sql.DB, t *task.Table) (*grid, error) {
	if err := fileName(t.Name); err != nil {
		return nil, err
	}
	if len(t.By) > maxDimensions {
		return nil, errors.New("reading a declared table: too many dimensions")
	}
	g := &grid{table: t, cells: 1}
	for _, d := range t.By {
		values, err := normalized(ctx, db, d.Values)
		if err != nil {
			return nil, err
		}
		sorted := slices.Clone(values)
		slices.Sort(sorted)
		if len(values) == 0 || len(slices.Compact(sorted)) != len(values) {
			return nil, fmt.Errorf("reading a declared table: the domain of %q is empty or repeats", d.Column)
		}
		if g.cells *= len(values); g.cells > maxCells {
			return nil, errors.New("reading a declared table: too many cells")
		}
		g.domains = append(g.domains, values)
	}
	return g, g.checkMeasures()
}

// checkMeasures refuses a figure the platform does not form.
func (g *grid) checkMeasures() error {
	needs := map[task.Stat][2]bool{ // Of, Per
		task.StatUnits: {}, task.StatRows: {}, task.StatSum: {true}, task.StatMean: {true},
		task.StatRatio: {true, true},
	}
	for _, m := range g.table.Measures {
		n, ok := needs[m.Stat]
		perUnit := m.Stat == task.StatMean && m.Per == perUnitMean
		if !ok || n[0] != (m.Of != "") || n[1] != (m.Per != "") && !perUnit {
			return fmt.Errorf("reading a declared table: measure %q is not one the platform forms", m.Name)
		}
	}
	return nil
}

// normalized brings texts to Unicode normal form C.
func normalized(ctx context.Context, db *sql.DB, texts []string) ([]string, error) {
	list := make([]string, len(texts))
	for i, s := range texts {
		if err := db.QueryRowContext(ctx, "SELECT nfc_normalize(?::VARCHAR)", s).Scan(&list[i]); err != nil {
			return nil, engineError("normalizing text", err)
		}
	}
	return list, nil
}

// margin is a subset of the dimensions: those kept. The margin of all dimensions is the cells themselves.
type margin uint32

// all is the margin that sums over nothing.
func (g *grid) all() margin { return 1<<len(g.domains) - 1 }

// margins lists the margins differences are looked for in, cells first. Up to fullMargins dimensions that is
// every subset; beyond, the cells, those with one dimension summed over, those with one kept, and the total:
// what a reader of the table adds up first.
func (g *grid) margins() []margin {
	var list []margin
	n := len(g.domains)
	for m := g.all() + 1; m > 0; m-- {
		kept := 0
		for d := range n {
			kept += int(m-1) >> d & 1
		}
		if n <= fullMargins || kept <= 1 || kept >= n-1 {
			list = append(list, m-1)
		}
	}
	return list
}

// keeps says whether a margin keeps a dimension.
func (m margin) keeps(dim int) bool { return m>>dim&1 == 1 }

// place is the number of the cell of a margin that labels (places in the domains) fall into.
func (g *grid) place(m margin, label func(dim int) int32) int32 {
	at := int32(0)
	for d := range g.domains {
		if m.keeps(d) {
			at = at*int32(len(g.domains[d])) + label(d)
		}
	}
	return at
}

// labels undoes place: the place in each kept domain, nobody for a dimension summed over.
func (g *grid) labels(m margin, at int32) []int32 {
	list := make([]int32, len(g.domains))
	for d := len(g.domains) - 1; d >= 0; d-- {
		list[d] = nobody
		if m.keeps(d) {
			n := int32(len(g.domains[d]))
			list[d], at = at%n, at/n
		}
	}
	return list
}

// key names a cell of a margin by its labels, "*" for a dimension summed over.
func (g *grid) key(m margin, at int32) []string {
	key := []string{}
	for d, l := range g.labels(m, at) {
		if l == nobody {
			key = append(key, "*")
			continue
		}
		key = append(key, g.domains[d][l])
	}
	return key
}

// believed lists the rows that count: every label declared and every token staged.
func (r *relation) believed() []int32 {
	var list []int32
	for row := range r.rows {
		ok := true
		for _, l := range r.labels {
			ok = ok && l[row] != nobody
		}
		for _, u := range r.units {
			ok = ok && (u == nil || u[row] != nobody)
		}
		if ok {
			list = append(list, int32(row))
		}
	}
	return list
}

// share is the rows of one unit in one cell.
type share struct {
	cell, unit int32
	rows       []int32
}

// shares groups the believed rows of one kind by cell of a margin and unit, in that order. Rows keep their
// file order, so sums are the same on every run.
func (r *relation) shares(g *grid, m margin, kind int, rows []int32) []share {
	if r.units[kind] == nil {
		return nil
	}
	type keyed struct{ cell, unit, row int32 }
	list := make([]keyed, len(rows))
	for i, row := range rows {
		at := g.place(m, func(d int) int32 { return r.labels[d][row] })
		list[i] = keyed{at, r.units[kind][row], row}
	}
	slices.SortFunc(list, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.cell, b.cell), cmp.Compare(a.unit, b.unit), cmp.Compare(a.row, b.row))
	})
	sorted := make([]int32, len(list))
	var out []share
	for i, k := range list {
		sorted[i] = k.row
		if n := len(out); n > 0 && out[n-1].cell == k.cell && out[n-1].unit == k.unit {
			out[n-1].rows = sorted[i-len(out[n-1].rows) : i+1]
			continue
		}
		out = append(out, share{k.cell, k.unit, sorted[i : i+1]})
	}
	return out
}

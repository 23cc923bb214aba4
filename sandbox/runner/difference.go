package runner

import (
	"bytes"
	"cmp"
	"path/filepath"
	"slices"

	"github.com/sluicedata/sluice/policy/screen"
)

// maxDifferences bounds the evidence about one output. One is enough to block it.
const maxDifferences = 1000

// differences compares every output with itself, with the others of the letter and with every earlier release,
// and lists the pairs of cells or margins that few units tell apart.
//
// Cells of few units stay out on both sides: they are blocked for being small, and a pair listed or not would
// tell a small cell from an empty one.
func (s *screening) differences(list []*screened) error {
	for _, o := range list {
		o.fact.Differences = append(o.fact.Differences, s.withinOne(o)...)
		for _, other := range list {
			if other != o {
				s.between(o, other.members, other.title())
			}
		}
	}
	for _, e := range s.letter.Earlier {
		if err := fileName(e.Name); err != nil {
			return err
		}
		// One file at a time: earlier releases only grow in number.
		m, err := readMembers(filepath.Join(s.in, earlierDir, e.Name))
		if err != nil {
			return err
		}
		for _, o := range list {
			s.between(o, m, e.Title)
		}
	}
	return nil
}

// few is the number of units up to which a cell is blocked for its size alone.
func (s *screening) few() int {
	return min(s.letter.Near, screen.Default().MinUnits-1)
}

// between compares all cells and margins of an output with all of another table.
func (s *screening) between(o *screened, other *memberTable, title string) {
	order := make([]int, len(other.cells))
	for i := range order {
		order[i] = i
	}
	size := func(i int) int { return len(other.cells[i].units) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(size(a), size(b)) })
	p := pairing{near: s.letter.Near, a: o.members, b: other}
	p.match()
	for i := range o.members.cells {
		a := &o.members.cells[i]
		if len(a.units) <= s.few() {
			continue
		}
		from, _ := slices.BinarySearchFunc(order, len(a.units)-p.near,
			func(at, n int) int { return cmp.Compare(size(at), n) })
		for _, at := range order[from:] {
			b := &other.cells[at]
			if len(b.units) > len(a.units)+p.near || len(o.fact.Differences) >= maxDifferences {
				break
			}
			if len(b.units) <= s.few() || a.kind != b.kind {
				continue
			}
			if units, rows := p.compare(a, b); units > 0 || rows > 0 {
				o.fact.Differences = append(o.fact.Differences, screen.Difference{
					Key: a.key, Other: title, OtherKey: b.key, Units: units, Rows: rows})
			}
		}
	}
}

// pairing compares cells of two tables by what both say about a unit.
type pairing struct {
	near    int
	a, b    *memberTable
	columns [][2]int // places of common contributions
	rows    bool     // row counts are comparable
}

// match finds the common contributions.
func (p *pairing) match() {
	p.rows = p.a.rowsComparable && p.b.rowsComparable
	for i, key := range p.a.contributions {
		if j := slices.Index(p.b.contributions, key); j >= 0 {
			p.columns = append(p.columns, [2]int{i, j})
		}
	}
}

// compare counts the units in only one of two cells, and those in both that contribute differently. Both are
// zero when there is nothing to list: no difference, or more than near of it.
func (p *pairing) compare(a, b *memberCell) (units, rows int64) {
	near := int64(p.near)
	for i, j := 0, 0; i < len(a.units) || j < len(b.units); {
		side := 0
		switch {
		case i == len(a.units):
			side = 1
		case j == len(b.units):
			side = -1
		default:
			side = bytes.Compare(a.units[i][:], b.units[j][:])
		}
		if side != 0 {
			if units++; units > near {
				return 0, 0
			}
		} else if !p.same(a, i, b, j) {
			rows++
		}
		if side <= 0 {
			i++
		}
		if side >= 0 {
			j++
		}
	}
	if units == 0 && rows > near {
		return 0, 0
	}
	return units, rows
}

// same says whether a unit contributes the same to both cells, as far as both say.
func (p *pairing) same(a *memberCell, i int, b *memberCell, j int) bool {
	if p.rows && a.rows[i] != b.rows[j] {
		return false
	}
	for _, c := range p.columns {
		if !sameDigest(a.digests[i*len(p.a.contributions)+c[0]], b.digests[j*len(p.b.contributions)+c[1]]) {
			return false
		}
	}
	return true
}

// withinOne compares the cells of one table with the margins they are part of. Only units matter: of rows, a
// margin has more than each of its cells. Units that are missing from the cell because they are in small cells
// do not count; those are blocked already.
func (s *screening) withinOne(o *screened) []screen.Difference {
	list := []screen.Difference{}
	w := within{screened: o, near: s.letter.Near, large: map[string][][]int{}, cells: map[cellName]*memberCell{}}
	w.index(s.few())
	for i := range o.members.cells {
		inner := &o.members.cells[i]
		if len(inner.units) <= s.few() {
			continue
		}
		for _, outer := range w.around(inner) {
			n := w.missing(outer, inner)
			if n > 0 && len(list) < maxDifferences {
				list = append(list, screen.Difference{Key: inner.key, Other: o.title(), OtherKey: outer.key, Units: n})
			}
		}
	}
	return list
}

// title is what a finding calls an output of the same letter.
func (o *screened) title() string { return "output " + o.grid.table.Name }

// covers says whether every label a margin keeps is the cell's.
func covers(outer, inner *memberCell) bool {
	for d, l := range outer.labels {
		if l != nobody && l != inner.labels[d] {
			return false
		}
	}
	return true
}

// within compares the cells of one table.
type within struct {
	*screened
	near  int
	large map[string][][]int // kind → a unit's place → the large cells it is in
	cells map[cellName]*memberCell
}

// cellName finds a cell of a margin.
type cellName struct {
	kind  string
	keeps margin
	place int32
}

// index names every cell, and lists for every unit the cells it is in that are not small.
func (w *within) index(few int) {
	for i := range w.members.cells {
		c := &w.members.cells[i]
		w.cells[w.name(c, c.keeps)] = c
		if c.keeps != w.grid.all() || len(c.units) <= few {
			continue
		}
		for _, u := range c.places {
			for len(w.large[c.kind]) <= int(u) {
				w.large[c.kind] = append(w.large[c.kind], nil)
			}
			w.large[c.kind][u] = append(w.large[c.kind][u], i)
		}
	}
}

// name is the name of the cell of a coarser margin that a cell is part of.
func (w *within) name(c *memberCell, m margin) cellName {
	return cellName{c.kind, m, w.grid.place(m, func(d int) int32 { return c.labels[d] })}
}

// around lists the margins a cell is a proper part of.
func (w *within) around(c *memberCell) []*memberCell {
	var list []*memberCell
	for _, m := range w.grid.margins() {
		if m == c.keeps || m&c.keeps != m {
			continue
		}
		if outer := w.cells[w.name(c, m)]; outer != nil {
			list = append(list, outer)
		}
	}
	return list
}

// missing counts the units of a margin that are not in its part, but in a large cell of the margin; 0 when
// they are more than near.
func (w *within) missing(outer, inner *memberCell) (n int64) {
	j := 0
	for _, u := range outer.places {
		for j < len(inner.places) && inner.places[j] < u {
			j++
		}
		if j < len(inner.places) && inner.places[j] == u || !w.inLarge(outer, u) {
			continue
		}
		if n++; n > int64(w.near) {
			return 0
		}
	}
	return n
}

// inLarge says whether a unit is in a large cell of a margin.
func (w *within) inLarge(outer *memberCell, unit int32) bool {
	if int(unit) >= len(w.large[outer.kind]) {
		return false
	}
	for _, i := range w.large[outer.kind][unit] {
		if covers(outer, &w.members.cells[i]) {
			return true
		}
	}
	return false
}

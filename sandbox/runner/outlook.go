package runner

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// Bounds of what is kept of a column while a file is inspected.
const (
	maxDistinct      = 10_000    // values counted apart, a column
	maxDistinctTable = 1_000_000 // and a table
	sampledWhole     = 10_000    // rows looked at one by one; after them every sampledEvery-th
	sampledEvery     = 64
)

// outlook gathers what one column looks like. It keeps no value.
type outlook struct {
	header   string
	rows     int64
	empty    int64
	looked   int64 // cells the traits looked at
	rough    int64
	values   map[uint64]bool // digests of values
	most     int             // bound of values
	more     bool
	types    []task.Type // that every cell so far is of; the narrowest first
	traits   []trait
	matching []int64 // of looked, a trait
}

func newOutlook(header string, columns int) *outlook {
	ts := traits()
	return &outlook{
		header: header, values: map[uint64]bool{}, most: min(maxDistinct, maxDistinctTable/columns),
		types:  []task.Type{task.Boolean, task.Integer, task.Number, task.Date},
		traits: ts, matching: make([]int64, len(ts)),
	}
}

// add looks at one cell.
func (o *outlook) add(f field) {
	o.rows++
	if f.text == "" {
		o.empty++
		return
	}
	if f.rough {
		o.rough++
	}
	o.count(f.text)
	o.narrow(f)
	if o.rows <= sampledWhole || o.rows%sampledEvery == 0 {
		o.look(f.text)
	}
}

// count counts distinct values by digest.
func (o *outlook) count(text string) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	sum := h.Sum64()
	if o.values[sum] {
		return
	}
	if len(o.values) >= o.most {
		o.more = true
		return
	}
	o.values[sum] = true
}

// narrow drops the types a cell is not of.
func (o *outlook) narrow(f field) {
	kept := o.types[:0]
	for _, t := range o.types {
		p := parser{column: task.Column{Type: t}}
		if _, reason := p.value(f); reason == "" {
			kept = append(kept, t)
		}
	}
	o.types = kept
}

// look tries every trait on a cell.
func (o *outlook) look(text string) {
	o.looked++
	sight := sightOf(text)
	for i, t := range o.traits {
		if t.cells != nil && t.cells(sight) {
			o.matching[i]++
		}
	}
}

// share is the part of the looked-at cells that match a trait.
func (o *outlook) share(i int) float64 {
	if o.looked == 0 {
		return 0
	}
	return float64(o.matching[i]) / float64(o.looked)
}

// speaksOf says whether the column's cells or its name convince of a trait.
func (o *outlook) speaksOf(t trait) bool {
	i := slices.IndexFunc(o.traits, func(own trait) bool { return own.code == t.code })
	return t.hinted(o.header) || o.matching[i] > 0 && o.share(i) >= t.least
}

// leastShare is the share below which a match is not worth a word: chance gives a tenth of all long numbers a
// right check digit.
const leastShare = 0.02

// propose sums up: every suspicion, and the first convincing trait's role, level and mask.
func (o *outlook) propose() (c task.ColumnOutlook, unit string) {
	c = task.ColumnOutlook{Distinct: int64(len(o.values)), More: o.more, Suspicions: []task.Suspicion{}}
	if o.rows > 0 {
		c.Empty = float64(o.empty) / float64(o.rows)
	}
	c.Role, c.Level, c.Type = task.Other, 2, task.Text
	if len(o.types) > 0 && o.empty < o.rows {
		c.Type = o.types[0]
	}
	var strongest *trait
	for i := range o.traits {
		t, share := &o.traits[i], o.share(i)
		if share >= leastShare {
			c.Suspicions = append(c.Suspicions, task.Suspicion{Code: t.code, Share: share})
		}
		if t.hinted(o.header) {
			c.Suspicions = append(c.Suspicions, task.Suspicion{Code: "name." + t.code})
		}
		if strongest == nil && o.speaksOf(*t) {
			strongest = t
		}
	}
	if o.rough > 0 {
		c.Suspicions = append(c.Suspicions, task.Suspicion{Code: "precision_lost", Share: float64(o.rough) / float64(o.rows-o.empty)})
	}
	if strongest == nil {
		c.Name = identOf(o.header)
		return c, ""
	}
	if o.empty == 0 { // every row belongs to one of a table's units
		unit = strongest.unit
	}
	return o.take(c, *strongest), unit
}

// take proposes what a trait stands for. A column with gaps can be no identifier, which is never empty: it
// identifies together with others, under the same mask.
func (o *outlook) take(c task.ColumnOutlook, t trait) task.ColumnOutlook {
	c.Role, c.Level, c.Mask = t.role, t.level, t.mask
	if o.empty > 0 && c.Role == task.Identifier {
		c.Role = task.Quasi
	}
	if t.text {
		c.Type = task.Text
	}
	if c.Type != task.Text && c.Mask != task.MaskNone {
		c.Mask = task.MaskDrop // the others need letters to work on
	}
	if c.Name = identOf(o.header); c.Name == "" {
		c.Name = t.ident
	}
	return c
}

// identOf makes a column name of a header: lower case, runs of other characters as one underscore; "" when
// nothing is left that could begin a name.
func identOf(header string) string {
	if strings.ContainsFunc(header, func(r rune) bool { return r > '~' }) {
		return "" // half of a name in another script would say something else
	}
	s := strings.Join(strings.FieldsFunc(strings.ToLower(header), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "_")
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return ""
	}
	return s[:min(len(s), 63)] // the longest a name may be
}

// nameColumns settles the proposed names: each there once, and the header as title where it differs.
func nameColumns(cols []task.ColumnOutlook, headers []string) {
	taken := map[string]bool{}
	for i := range cols {
		c := &cols[i]
		if c.Name == "" || taken[c.Name] {
			c.Name = fmt.Sprintf("column_%d", i+1)
		}
		taken[c.Name] = true
		if c.Name != headers[i] {
			c.Title = headers[i]
		}
	}
}

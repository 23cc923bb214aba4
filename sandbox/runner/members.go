package runner

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"
	"slices"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// memberTable says, for every cell and margin of one declared table that is not empty, who is in it and what
// each unit contributes there. It is what tells two tables apart that differ in one person.
//
// A unit is named by its stable name, which is the same for every version and run of a dataset. What it
// contributes is a keyed digest a contribution key, so that whoever reads the file learns equality and nothing
// else. Contribution keys are made of the dataset's column and not of the job's input name, which an author
// chooses: the column itself and its sum share the key "visits:total", because a raw table and a per-unit table
// give the same sums; avg, min, max and count have keys of their own.
type memberTable struct {
	name          string
	dimensions    []string
	contributions []string // keys, sorted
	// rowsComparable says that a row of the relation stands for a row of an input, so that row counts of two
	// tables may be compared: no column is an aggregate.
	rowsComparable bool
	cells          []memberCell
}

// memberCell is one cell or margin.
type memberCell struct {
	kind    string
	key     []string // "*" for a dimension summed over
	keeps   margin
	units   []duckdb.UUID // ascending
	rows    []uint32      // a unit
	digests []uint64      // a unit, a contribution

	labels []int32 // places in the domains; only in tables of this run
	places []int32 // of units in staged.units; only in tables of this run
}

// contribution makes the digests of one key.
type contribution struct {
	key      string
	measure  *measure
	additive bool // its total over rows is what counts; otherwise the multiset of values
}

// membersOf computes the memberships of every margin and kind.
func membersOf(g *grid, r *relation, rows []int32, s *staged, digestKey []byte) *memberTable {
	t := &memberTable{name: g.table.Name, rowsComparable: true}
	for _, d := range g.table.By {
		t.dimensions = append(t.dimensions, d.Column)
	}
	for _, c := range r.plan.Columns {
		t.rowsComparable = t.rowsComparable && c.Form == ""
	}
	contributions := contributionsOf(r)
	for _, c := range contributions {
		t.contributions = append(t.contributions, c.key)
	}
	d := digester{mac: newMAC(digestKey)}
	for _, m := range g.margins() {
		for k, kind := range r.kinds {
			t.add(g, m, kind, r.shares(g, m, k, rows), s.units[kind], contributions, &d)
		}
	}
	return t
}

// contributionsOf lists the contribution keys of a relation's measures, sorted, each once.
func contributionsOf(r *relation) []contribution {
	var list []contribution
	for i := range r.measures {
		m := &r.measures[i]
		_, column, _ := strings.Cut(m.column.Source, ".")
		form := m.column.Form
		if form == "" || form == "sum" {
			form = "total"
		}
		list = append(list, contribution{column + ":" + form, m, form == "total" || form == "count"})
	}
	slices.SortStableFunc(list, func(a, b contribution) int { return strings.Compare(a.key, b.key) })
	return slices.CompactFunc(list, func(a, b contribution) bool { return a.key == b.key })
}

// add adds the cells of one margin and kind.
func (t *memberTable) add(g *grid, m margin, kind string, shares []share, units []duckdb.UUID,
	cs []contribution, d *digester) {
	for i, s := range shares {
		if i == 0 || shares[i-1].cell != s.cell {
			t.cells = append(t.cells, memberCell{
				kind: kind, key: g.key(m, s.cell), keeps: m, labels: g.labels(m, s.cell)})
		}
		c := &t.cells[len(t.cells)-1]
		c.units = append(c.units, units[s.unit])
		c.places = append(c.places, s.unit)
		c.rows = append(c.rows, uint32(len(s.rows)))
		for _, x := range cs {
			c.digests = append(c.digests, d.digest(units[s.unit], x, s.rows))
		}
	}
}

// newMAC is the function behind every digest of a contribution.
func newMAC(key []byte) hash.Hash { return hmac.New(sha256.New, key) }

// digester makes keyed digests.
type digester struct {
	mac hash.Hash
	sum []byte
}

// digest is the digest of what a unit contributes in some rows: two halves of 32 bits, over the value as read
// on two grids half a step apart. Two contributions count as equal when either half is (sameDigest): sums of
// floating-point numbers formed in another order differ in their last bits, and whatever lies so near falls
// into one step of at least one grid. A real difference goes unseen with probability 2^-31.
func (d *digester) digest(unit duckdb.UUID, c contribution, rows []int32) uint64 {
	a, b := c.texts(rows)
	first := d.mac64(unit, c.key, a)
	if a == b {
		return first
	}
	return first&^math.MaxUint32 | d.mac64(unit, c.key, b)&math.MaxUint32
}

// mac64 is the first 64 bits of HMAC-SHA256 over unit ‖ key ‖ 0 ‖ text.
func (d *digester) mac64(unit duckdb.UUID, key, text string) uint64 {
	d.mac.Reset()
	// A hash never fails to write.
	_, _ = d.mac.Write(unit[:])
	_, _ = d.mac.Write([]byte(key + "\x00" + text))
	d.sum = d.mac.Sum(d.sum[:0])
	return binary.BigEndian.Uint64(d.sum)
}

// sameDigest says whether two digests stand for one contribution.
func sameDigest(a, b uint64) bool { return a>>32 == b>>32 || uint32(a) == uint32(b) }

// texts is the contribution of some rows on the two grids.
func (c contribution) texts(rows []int32) (a, b string) {
	if c.additive {
		t, n := c.measure.total(rows)
		if n == 0 {
			return "-", "-"
		}
		return onGrids(t)
	}
	values := make([]float64, 0, len(rows))
	for _, row := range rows {
		if !c.measure.null[row] {
			values = append(values, c.measure.values[row])
		}
	}
	slices.Sort(values)
	a, b = strconv.Itoa(len(rows)), strconv.Itoa(len(rows))
	for _, v := range values {
		x, y := onGrids(v)
		a, b = a+" "+x, b+" "+y
	}
	return a, b
}

// onGrids writes a number with gridDigits significant digits, rounded and cut off. A number near a step of the
// first grid is in the middle of a step of the second.
func onGrids(v float64) (rounded, cut string) {
	const gridDigits = 12
	if v == 0 || math.IsInf(v, 0) {
		s := strconv.FormatFloat(v+0, 'e', 0, 64)
		return s, s
	}
	rounded = strconv.FormatFloat(v, 'e', gridDigits-1, 64)
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', 25, 64), "e")
	whole := gridDigits + 1 // digits and the point
	if v < 0 {
		whole++
	}
	return rounded, mantissa[:whole] + "e" + exponent
}

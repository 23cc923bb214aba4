package runner

import (
	"database/sql/driver"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicedata/sluice/catalog/task"
)

// drawer draws the values of one synthetic column.
type drawer struct {
	column task.Column
	named  bool           // identifier: one obviously synthetic value a unit
	shown  []driver.Value // values of the profile, by weight
	upTo   []int64        // running sums of the weights: shown values, then missing, then the rest
	rest   []driver.Value // the declared domain, for rows whose value the profile does not show
	keep   []driver.Value // values a row filter keeps; nil without one
	min    driver.Value
	max    driver.Value
}

// drawers makes one drawer a column of the scope. A column the profile does not describe, or describes
// otherwise than the scope does, is drawn from its declaration alone.
func drawers(s task.Scope, p task.TableProfile) ([]drawer, error) {
	described := map[string]task.ColumnProfile{}
	for _, c := range p.Columns {
		described[c.Name] = c
	}
	units := map[string]bool{}
	for _, u := range s.Units {
		units[u.Column] = true
	}
	var ds []drawer
	for _, c := range s.Columns {
		d := drawer{column: c, named: units[c.Name] || c.Role == task.Identifier || c.Mask != task.MaskNone}
		if err := d.weigh(described[c.Name], p.Rows); err != nil {
			return nil, fmt.Errorf("reading column %q: %w", c.Name, err)
		}
		for _, f := range s.Rows {
			if f.Column == c.Name {
				d.keep = typedAll(c.Type, f.In)
			}
		}
		ds = append(ds, d)
	}
	return ds, nil
}

// weigh reads frequencies, domain and range.
func (d *drawer) weigh(p task.ColumnProfile, rows int64) (err error) {
	c := d.column
	d.rest = typedAll(c.Type, c.Domain)
	if d.min, err = bound(c, c.Min); err != nil {
		return err
	}
	if d.max, err = bound(c, c.Max); err != nil {
		return err
	}
	var sum int64
	for _, v := range p.Values {
		t, reason := typed(c.Type, v.Value)
		if reason != "" || v.Rows < 0 {
			continue
		}
		sum += v.Rows
		d.shown, d.upTo = append(d.shown, t), append(d.upTo, sum)
	}
	sum += max(p.Missing, 0)
	d.upTo = append(d.upTo, sum, max(rows, sum))
	return nil
}

// typedAll parses a list and leaves out what is not of the type.
func typedAll(t task.Type, texts []string) []driver.Value {
	vs := []driver.Value{}
	for _, s := range texts {
		if v, reason := typed(t, s); reason == "" {
			vs = append(vs, v)
		}
	}
	return vs
}

// draw draws a value for a row of the unit at a place of the dataset's list.
func (d *drawer) draw(r *rand.Rand, unit int) driver.Value {
	v := d.unfiltered(r, unit)
	if len(d.keep) == 0 {
		return v
	}
	for _, k := range d.keep {
		if k == v {
			return v
		}
	}
	return d.keep[r.IntN(len(d.keep))]
}

// unfiltered draws by the profile's frequencies.
func (d *drawer) unfiltered(r *rand.Rand, unit int) driver.Value {
	if d.named {
		return d.name(unit)
	}
	if total := d.upTo[len(d.upTo)-1]; total > 0 {
		at := r.Int64N(total)
		for i, upTo := range d.upTo[:len(d.upTo)-1] {
			if at < upTo && i < len(d.shown) {
				return d.shown[i]
			}
			if at < upTo {
				return nil
			}
		}
	}
	if len(d.rest) > 0 {
		return d.rest[r.IntN(len(d.rest))]
	}
	return d.invent(r)
}

// name is the value of an identifier or masked column: nobody can take it for a person's.
func (d *drawer) name(unit int) driver.Value {
	switch d.column.Type {
	case task.Text:
		return masked(d.column.Mask, fmt.Sprintf("synthetic-%s-%06d", d.column.Name, unit+1))
	case task.Integer:
		return int64(unit + 1)
	case task.Number:
		return float64(unit + 1)
	case task.Boolean:
		return unit%2 == 0
	case task.Date:
		return epoch().AddDate(0, 0, unit%10_000)
	}
	return nil
}

// masked shows a text as stage's masks show one.
func masked(m task.Mask, s string) string {
	switch m {
	case task.MaskSurname:
		_, n := utf8.DecodeRuneInString(s)
		return s[:n] + strings.Repeat("*", utf8.RuneCountInString(s)-1)
	case task.MaskPhone:
		return "000****" + s[max(len(s)-4, 0):]
	default:
		return s
	}
}

// epoch is where invented dates without a declared range begin.
func epoch() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// invent draws from the declared range, or from a plain one where it is open.
func (d *drawer) invent(r *rand.Rand) driver.Value {
	switch d.column.Type {
	case task.Text:
		return fmt.Sprintf("synthetic-%03d", r.IntN(1000))
	case task.Boolean:
		return r.IntN(2) == 0
	case task.Integer:
		low, high := ends(d.min, d.max, int64(100))
		span := uint64(high) - uint64(low)
		if span == math.MaxUint64 {
			return int64(r.Uint64())
		}
		return low + int64(r.Uint64N(span+1))
	case task.Number:
		low, high := ends(d.min, d.max, 100.0)
		return low + r.Float64()*(high-low)
	case task.Date:
		low, okLow := d.min.(time.Time)
		high, okHigh := d.max.(time.Time)
		switch {
		case !okLow && !okHigh:
			low, high = epoch(), epoch().AddDate(0, 0, 9_999)
		case !okLow:
			low = high.AddDate(0, 0, -9_999)
		case !okHigh:
			high = low.AddDate(0, 0, 9_999)
		}
		days := int(high.Sub(low).Hours() / 24)
		return low.AddDate(0, 0, r.IntN(max(days, 0)+1))
	}
	return nil
}

// ends is the range low … high ≥ low: declared ends where there are any, otherwise width apart from the other
// or from 0.
func ends[T int64 | float64](low, high driver.Value, width T) (T, T) {
	l, okLow := low.(T)
	h, okHigh := high.(T)
	switch {
	case !okLow && !okHigh:
		l, h = 0, width
	case !okLow:
		l = min(h-width, h)
	case !okHigh:
		h = max(l+width, l)
	}
	return l, max(l, h)
}

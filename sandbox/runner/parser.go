package runner

import (
	"cmp"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluicedata/sluice/catalog/task"
)

// parser turns the text of one column's cells into typed values under the column's declaration.
type parser struct {
	column   task.Column
	required bool // identifiers and unit columns are never empty
	domain   map[driver.Value]bool
	min, max driver.Value
}

// parsers makes one parser a declared column. A declaration that contradicts itself is an error of the letter.
func parsers(l *task.IngestLetter) ([]parser, error) {
	if len(l.Columns) == 0 || len(l.Columns) > maxColumns {
		return nil, errors.New("no columns, or too many")
	}
	units, seen := map[string]bool{}, map[string]bool{}
	for _, u := range l.Units {
		units[u.Column] = true
	}
	var ps []parser
	for _, c := range l.Columns {
		if c.Name == "" || c.Name == ordinalColumn || seen[c.Name] {
			return nil, errors.New("a column's name is empty, reserved or declared twice")
		}
		seen[c.Name] = true
		p, err := newParser(c, units[c.Name])
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
		delete(units, c.Name)
	}
	if len(units) > 0 {
		return nil, errors.New("a unit's column is not declared")
	}
	return ps, nil
}

// newParser makes the parser of one column.
func newParser(c task.Column, unit bool) (parser, error) {
	if _, err := sqlType(c.Type); err != nil {
		return parser{}, err
	}
	p := parser{column: c, required: unit || c.Role == task.Identifier}
	if len(c.Domain) > 0 {
		p.domain = map[driver.Value]bool{}
	}
	for _, text := range c.Domain {
		v, reason := typed(c.Type, text)
		if reason != "" {
			return parser{}, fmt.Errorf("declared domain of %q: %s", c.Name, reason)
		}
		p.domain[v] = true
	}
	var err error
	if p.min, err = bound(c, c.Min); err != nil {
		return parser{}, err
	}
	p.max, err = bound(c, c.Max)
	return p, err
}

// bound parses a declared end of a range; nil is open.
func bound(c task.Column, text *string) (driver.Value, error) {
	if text == nil {
		return nil, nil
	}
	v, reason := typed(c.Type, *text)
	if reason != "" || c.Type == task.Text || c.Type == task.Boolean {
		return nil, fmt.Errorf("declared range of %q: not of its type", c.Name)
	}
	return v, nil
}

// value parses one cell; an empty cell is NULL. A reason means that the value must not be used.
func (p *parser) value(f field) (driver.Value, string) {
	switch {
	case f.reason != "":
		return nil, f.reason
	case f.rough && p.column.Type != task.Number:
		return nil, "value.precision_lost"
	case f.text == "" && p.required:
		return nil, "value.empty"
	case f.text == "":
		return nil, ""
	}
	v, reason := typed(p.column.Type, f.text)
	switch {
	case reason != "":
		return nil, reason
	case p.domain != nil && !p.domain[v]:
		return nil, "value.outside_domain"
	case p.min != nil && compareValues(v, p.min) < 0:
		return nil, "value.below_min"
	case p.max != nil && compareValues(v, p.max) > 0:
		return nil, "value.above_max"
	}
	return v, ""
}

// compareValues compares two values of one ordered type.
func compareValues(a, b driver.Value) int {
	switch x := a.(type) {
	case int64:
		y, _ := b.(int64)
		return cmp.Compare(x, y)
	case float64:
		y, _ := b.(float64)
		return cmp.Compare(x, y)
	case time.Time:
		y, _ := b.(time.Time)
		return x.Compare(y)
	}
	return 0
}

// typed parses a text that is not empty.
func typed(t task.Type, text string) (driver.Value, string) {
	switch t {
	case task.Text:
		return text, badText(text)
	case task.Integer:
		return parseInteger(text)
	case task.Number:
		return parseNumber(text)
	case task.Boolean:
		if text != "true" && text != "false" {
			return nil, "value.not_boolean"
		}
		return text == "true", ""
	case task.Date:
		d, err := time.Parse(time.DateOnly, text)
		if err != nil || d.Year() < 1 {
			return nil, "value.not_date"
		}
		return d, ""
	}
	return nil, "value.type"
}

// badText allows valid UTF-8 without control characters other than tab and line feed: everything else hides
// from the people who read a preview or a product.
func badText(s string) string {
	if !utf8.ValidString(s) {
		return "utf8.invalid"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' }) {
		return "value.control"
	}
	return ""
}

// parseInteger allows an optional minus and digits without leading zeros: 007 is a code, to be declared as text.
func parseInteger(s string) (driver.Value, string) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > 1 && digits[0] == '0' || strings.Trim(digits, "0123456789") != "" {
		return nil, "value.not_integer"
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil, "value.not_integer"
	}
	return n, ""
}

// parseNumber allows decimal notation of a finite value; minus zero is zero.
func parseNumber(s string) (driver.Value, string) {
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return nil, "value.not_number"
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, "value.not_number"
	}
	return f + 0, ""
}

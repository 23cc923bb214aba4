package grant

import (
	"slices"
	"strconv"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/name"
)

// Comparison holds one dimension of a scope against what bounds it now. Whether a grant may be approved is policy's
// question; this tells a person where to look.
type Comparison struct {
	Dimension string   `json:"dimension"` // a member of Scope
	Bound     string   `json:"bound"`     // terms, agreement or dataset
	Granted   []string `json:"granted"`   // of level_cap: the highest level among the columns
	Allowed   []string `json:"allowed"`   // a list, or one value: the least, the first or last day, the cap
	Beyond    []string `json:"beyond"`    // granted and not allowed
}

// Dimensions lists what is compared.
func Dimensions() []string {
	return []string{"columns", "purposes", "operations", "outputs", "min_units", "to", "from", "level_cap"}
}

// Bounds is what a scope is held against. What is nil allows nothing.
type Bounds struct {
	Terms     *Ceiling // of the provider
	Agreement *Term    // nil too when it does not cover the dataset
	Level     int      // highest of the scope's columns
}

// Ceiling is the part of a provider's terms that bounds a scope.
type Ceiling struct {
	Columns    []string
	Purposes   []string
	Operations []name.Operation
	Outputs    []name.OutputKind
	MinUnits   int           // at least
	To         calendar.Date // last day
}

// Term is the first and the last day of an agreement.
type Term struct{ From, To calendar.Date }

// Compare holds a scope against its bounds, dimension by dimension.
func (s Scope) Compare(b Bounds) []Comparison {
	var t Ceiling
	var a Term
	least := ""
	if b.Terms != nil {
		t, least = *b.Terms, strconv.Itoa(b.Terms.MinUnits)
	}
	if b.Agreement != nil {
		a = *b.Agreement
	}
	return []Comparison{
		sets("columns", "terms", s.Columns, t.Columns),
		sets("purposes", "terms", s.Purposes, t.Purposes),
		sets("operations", "terms", s.Operations, t.Operations),
		sets("outputs", "terms", s.Outputs, t.Outputs),
		edge("min_units", "terms", strconv.Itoa(s.MinUnits), least, s.MinUnits >= t.MinUnits),
		edge("to", "terms", s.To.String(), t.To.String(), !t.To.Before(s.To)),
		edge("from", "agreement", s.From.String(), a.From.String(), !s.From.Before(a.From)),
		edge("to", "agreement", s.To.String(), a.To.String(), !a.To.Before(s.To)),
		edge("level_cap", "dataset", strconv.Itoa(b.Level), strconv.Itoa(s.LevelCap), b.Level <= s.LevelCap),
	}
}

// sets compares lists of which each entry must be allowed.
func sets[S ~string](dimension, bound string, granted, allowed []S) Comparison {
	c := Comparison{Dimension: dimension, Bound: bound, Granted: texts(granted), Allowed: texts(allowed), Beyond: []string{}}
	for _, g := range c.Granted {
		if !slices.Contains(c.Allowed, g) {
			c.Beyond = append(c.Beyond, g)
		}
	}
	return c
}

// edge compares two values of which one bounds the other; without a bound nothing is within.
func edge(dimension, bound, granted, allowed string, within bool) Comparison {
	c := Comparison{Dimension: dimension, Bound: bound, Granted: []string{granted}, Allowed: []string{}, Beyond: []string{}}
	if allowed != "" {
		c.Allowed = []string{allowed}
	}
	if allowed == "" || !within {
		c.Beyond = c.Granted
	}
	return c
}

func texts[S ~string](values []S) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

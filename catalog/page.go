package catalog

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// Bounds of a list.
const (
	MaxPage     = 200
	defaultPage = 50
	maxMatch    = 200 // bytes
)

// Page asks for a part of a list, newest first. The zero value asks for the beginning.
type Page struct {
	After string // where the part before ended; "" begins
	Limit int    // 1 … MaxPage; 0: 50
	State string // only elements in this state; "" all
	// Facets narrow the list of datasets. No other list reads them.
	Facets dataset.Facets
	// Dataset, a slug, leaves the grants over one dataset; "" all. No other list reads it.
	Dataset string
}

// Listed is one part of a list. What is added meanwhile comes before what was seen: parts never repeat and
// never leave out an element.
type Listed[V any] struct {
	Items []V
	Next  string // the After of the part that follows; "" when nothing follows
}

// window reads a page as the record takes it: one row more than asked for tells whether more follow. states are those
// of what is listed: one that nothing can be in is a slip, and an empty list would hide it; what keeps no state has none, and every one is a slip.
func (p Page) window(states []string) (postgres.Window, error) {
	var places fault.Places
	places.Require(p.Limit >= 0 && p.Limit <= MaxPage, "query.limit", "limit.out_of_range")
	if p.After != "" {
		_, err := name.ParseID(p.After)
		places.Require(err == nil, "query.cursor", "cursor.invalid")
	}
	places.Require(p.Facets.Match == "" || name.Shows(p.Facets.Match, maxMatch), "query.match", "match.invalid")
	places.Require(p.Facets.Level >= 0 && p.Facets.Level <= dataset.MaxLevel, "query.level", "level.out_of_range")
	known := p.State == "" || slices.Contains(states, p.State)
	places.Require(known, "query.state", "state.unknown")
	w := postgres.Window{Before: p.After, Limit: p.limit() + 1, State: p.State}
	return w, offering(places.Err("request.invalid"), known, states)
}

// offering has a refusal name the values there are, unless the one asked for was among them.
func offering(err error, known bool, values []string) error {
	var f *fault.Error
	if !known && errors.As(err, &f) {
		f.Allowed = values
	}
	return err
}

func (p Page) limit() int {
	if p.Limit == 0 {
		return defaultPage
	}
	return p.Limit
}

// listed reads one part of a list and shows its rows. lives are the tables their states are from.
func listed[R, V any](p Page, read func(postgres.Window) ([]R, error), id func(R) string, view func(R) (V, error), lives ...flow.Table) (Listed[V], error) {
	w, err := p.window(flow.States(lives...))
	if err != nil {
		return Listed[V]{}, err
	}
	rows, err := read(w)
	if err != nil {
		return Listed[V]{}, fmt.Errorf("listing: %w", err)
	}
	var next string
	if len(rows) == w.Limit {
		rows = rows[:p.limit()]
		next = id(rows[len(rows)-1])
	}
	views, err := each(rows, view)
	return Listed[V]{Items: views, Next: next}, err
}

// plain makes a view that cannot fail one that does not.
func plain[R, V any](view func(R) V) func(R) (V, error) {
	return func(r R) (V, error) { return view(r), nil }
}

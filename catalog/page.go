package catalog

import (
	"fmt"

	"github.com/sluicedata/sluice/catalog/fault"
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
	// Match keeps datasets whose title or slug holds this text, whatever its case; "" all. No other list reads it.
	Match string
}

// Listed is one part of a list. What is added meanwhile comes before what was seen: parts never repeat and
// never leave out an element.
type Listed[V any] struct {
	Items []V
	Next  string // the After of the part that follows; "" when nothing follows
}

// window reads a page as the record takes it: one row more than asked for tells whether more follow.
func (p Page) window() (postgres.Window, error) {
	var places fault.Places
	places.Require(p.Limit >= 0 && p.Limit <= MaxPage, "query.limit", "limit.out_of_range")
	if p.After != "" {
		_, err := name.ParseID(p.After)
		places.Require(err == nil, "query.cursor", "cursor.invalid")
	}
	places.Require(p.Match == "" || name.Shows(p.Match, maxMatch), "query.match", "match.invalid")
	return postgres.Window{Before: p.After, Limit: p.limit() + 1, State: p.State}, places.Err("request.invalid")
}

func (p Page) limit() int {
	if p.Limit == 0 {
		return defaultPage
	}
	return p.Limit
}

// listed reads one part of a list and shows its rows.
func listed[R, V any](p Page, read func(postgres.Window) ([]R, error), id func(R) string, view func(R) (V, error)) (Listed[V], error) {
	w, err := p.window()
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

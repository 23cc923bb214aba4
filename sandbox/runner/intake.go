package runner

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/sluicedata/sluice/catalog/task"
)

// field is one cell of a file, as text in the notation its declared type is read from.
type field struct {
	text   string
	reason string // fault of the cell itself, whatever its type
	rough  bool   // a stored number with more digits than its form keeps exactly
}

// rows reads the rows of one file, the header first. The fields returned last are valid until the next call.
type rows interface {
	// next returns a row; a *badRow tells a faulty one, io.EOF ends them, any other error ends the program.
	next(ctx context.Context) ([]field, error)
	// line is the 1-based line of a field of the row returned last; 0 where the form has no lines.
	line(i int) int64
	// close releases what the form holds open.
	close() error
}

// merging is what rows may offer besides: a header spoilt by merged cells is told as such only by what comes
// after the last row.
type merging interface {
	// skim reads to the end without looking at cells.
	skim()
}

// badRow is a fault of a row or of the whole file: a code and a place, never a value.
type badRow struct {
	line   int64
	column string
	reason string
	whole  bool // of the file: it has no row
	last   bool // nothing after it can be told apart
}

func (b *badRow) Error() string { return b.reason }

// badFile is a fault that makes a file unreadable as a whole.
func badFile(reason string) error { return &badRow{reason: reason, whole: true, last: true} }

// intake reads data rows under declared columns, or under none, and tells every fault to a tally.
type intake struct {
	src   rows
	tally *tally
	row   int64 // 1-based data row; 0 in the header
	all   bool  // read on past the tally's bound
	done  bool
}

// next returns the next data row; nil without an error was faulty, and io.EOF ends them.
func (t *intake) next(ctx context.Context) ([]field, error) {
	t.row++
	return t.read(ctx)
}

func (t *intake) read(ctx context.Context) ([]field, error) {
	if t.done {
		return nil, io.EOF
	}
	rec, err := t.src.next(ctx)
	var bad *badRow
	if errors.As(err, &bad) {
		t.tell(bad)
		return nil, nil
	}
	return rec, err
}

// tell takes a fault the rows found.
func (t *intake) tell(b *badRow) {
	row := t.row
	if b.whole {
		row = 0
	}
	t.done = t.done || b.last
	t.add(task.BadCell{Row: row, Line: b.line, Column: b.column, Reason: b.reason})
}

// fault tells one fault of the current row.
func (t *intake) fault(line int64, column, reason string) {
	t.add(task.BadCell{Row: t.row, Line: line, Column: column, Reason: reason})
}

// add tells one fault; past the tally's bound nothing more is read, unless all is asked for.
func (t *intake) add(b task.BadCell) {
	if !t.tally.add(b) && !t.all {
		t.done = true
	}
}

// names reads the header as texts; nil when there is none to speak of, which has been told.
func (t *intake) names(ctx context.Context) ([]string, error) {
	rec, err := t.read(ctx)
	switch {
	case errors.Is(err, io.EOF):
		t.tell(&badRow{reason: "file.empty", whole: true, last: true})
		return nil, nil
	case err != nil || rec == nil:
		return nil, err
	case len(rec) > maxColumns:
		t.tell(&badRow{reason: "columns.too_many", whole: true, last: true})
		return nil, nil
	}
	var names []string
	for _, f := range rec {
		names = append(names, f.text)
	}
	return names, nil
}

// header reads the header and returns, for every declared column, its place in a row; nil when the header is at
// fault. What is missing, unknown and there twice is told all at once.
func (t *intake) header(ctx context.Context, cols []parser) ([]int, error) {
	names, err := t.names(ctx)
	if err != nil || names == nil {
		return nil, err
	}
	places := map[string]int{}
	for i, name := range names {
		t.headerName(places, cols, i, name)
	}
	var order []int
	for _, p := range cols {
		i, ok := places[p.column.Name]
		if !ok {
			t.fault(t.src.line(0), p.column.Name, "column.missing")
		}
		order = append(order, i)
	}
	if len(t.tally.bad) == 0 {
		return order, nil
	}
	return nil, t.explain(ctx)
}

// explain tells what a faulty header may come from: cells merged across it.
func (t *intake) explain(ctx context.Context) error {
	m, ok := t.src.(merging)
	if !ok {
		return nil
	}
	m.skim()
	for {
		rec, err := t.read(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || rec != nil {
			return err
		}
	}
}

// headerName places one name of the header: a column's name, or else its title, which may be of any script. An
// undeclared name is told by its position, never by its text.
func (t *intake) headerName(places map[string]int, cols []parser, i int, name string) {
	column, declared := named(cols, name)
	_, twice := places[column]
	line, at := t.src.line(i), fmt.Sprintf("#%d", i+1)
	switch {
	case !utf8.ValidString(name), strings.ContainsRune(name, utf8.RuneError):
		t.fault(line, at, "utf8.invalid")
	case !declared:
		t.fault(line, at, "column.unknown")
	case twice:
		t.fault(line, column, "column.duplicate")
	default:
		places[column] = i
	}
}

// named finds the column a header speaks of.
func named(cols []parser, name string) (string, bool) {
	for _, p := range cols {
		if p.column.Name == name {
			return name, true
		}
	}
	for _, p := range cols {
		if name != "" && p.column.Title == name {
			return p.column.Name, true
		}
	}
	return "", false
}

// parse fills row from rec in declared order and tells every faulty cell; it says whether there was none.
func (t *intake) parse(rec []field, cols []parser, order []int, row []driver.Value) bool {
	good := true
	for i := range cols {
		v, reason := cols[i].value(rec[order[i]])
		row[i] = v
		if reason != "" {
			t.fault(t.src.line(order[i]), cols[i].column.Name, reason)
			good = false
		}
	}
	return good
}

// tally gathers faults up to a bound.
type tally struct {
	bad  []task.BadCell
	max  int
	more bool
}

// add records a fault and says whether to go on looking for more.
func (t *tally) add(b task.BadCell) bool {
	if len(t.bad) >= t.max {
		t.more = true
		return false
	}
	t.bad = append(t.bad, b)
	return true
}

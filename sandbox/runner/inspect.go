package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// Names and bounds of an inspection.
const (
	inspectionFile    = "inspection.json"
	inspectionVersion = 1
	inspectedRows     = 20
	maxInspectedRows  = 100
	maxInspectedCell  = 200 // characters of one cell in the preview
	maxRowFaults      = 20
)

// inspect looks at /in/raw before anything is declared, and proposes a declaration. The file is read once, as a
// stream; of its values only the first rows are kept. The same bytes give the same proposal.
func inspect(ctx context.Context, in, out string, l *task.InspectLetter) (*task.InspectReport, error) {
	if l.Rows < 0 || l.Rows > maxInspectedRows || l.MaxBytes < 0 {
		return nil, errors.New("reading letter: the number of rows or bytes is out of bounds")
	}
	t := &tally{max: maxRowFaults}
	found, err := inspectUpload(ctx, in, l, t)
	var bad *badRow
	switch {
	case errors.As(err, &bad):
		t.bad = append(t.bad, task.BadCell{Line: bad.line, Column: bad.column, Reason: bad.reason})
	case err != nil:
		return nil, err
	}
	whole := slices.DeleteFunc(slices.Clone(t.bad), func(b task.BadCell) bool { return b.Row > 0 })
	if len(whole) > 0 {
		return &task.InspectReport{Errors: whole}, nil
	}
	found.Faults = append([]task.BadCell{}, t.bad...)
	r := &task.InspectReport{Rows: found.Rows, File: inspectionFile, Errors: []task.BadCell{}}
	return r, writeJSON(filepath.Join(out, inspectionFile), found)
}

// inspectUpload reads the whole file.
func inspectUpload(ctx context.Context, in string, l *task.InspectLetter, t *tally) (found task.Inspection, err error) {
	u, err := openUpload(in, l.Source, l.MaxBytes, true)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, u.close()) }()
	src, err := u.rows(ctx)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, src.close()) }()
	found = task.Inspection{Version: inspectionVersion, Source: u.source, Units: []task.Unit{}, Faults: []task.BadCell{}}
	if s, ok := src.(*sheetRows); ok {
		found.Sheets, found.Source.Sheet = s.book.names(), s.name
	}
	i := &inspector{intake: &intake{src: src, tally: t, all: true}, preview: l.Rows}
	if i.preview == 0 {
		i.preview = inspectedRows
	}
	return found, i.read(ctx, &found)
}

// inspector reads rows that nobody has declared.
type inspector struct {
	*intake
	preview int
	columns []*outlook
}

func (i *inspector) read(ctx context.Context, found *task.Inspection) error {
	headers, err := i.headers(ctx)
	if err != nil || headers == nil {
		return err
	}
	found.Preview = task.PreviewTable{Columns: headers, Rows: [][]string{}}
	for ctx.Err() == nil {
		rec, err := i.next(ctx)
		if errors.Is(err, io.EOF) {
			found.Rows = i.row - 1
			i.propose(found)
			return nil
		}
		if err != nil {
			return err
		}
		if rec == nil {
			continue
		}
		for c, f := range rec {
			i.columns[c].add(f)
		}
		if len(found.Preview.Rows) < i.preview {
			found.Preview.Rows = append(found.Preview.Rows, shownRow(rec))
		}
	}
	return ctx.Err()
}

// headers reads the header; nil when it is at fault.
func (i *inspector) headers(ctx context.Context) ([]string, error) {
	names, err := i.names(ctx)
	if err != nil || names == nil {
		return nil, err
	}
	for c, name := range names {
		at := fmt.Sprintf("#%d", c+1)
		switch {
		case strings.TrimSpace(name) == "":
			i.fault(i.src.line(c), at, "column.unnamed")
		case badText(name) != "" || len(name) > 200:
			i.fault(i.src.line(c), at, "column.name_invalid")
		case slices.Contains(names[:c], name):
			i.fault(i.src.line(c), at, "column.duplicate")
		}
		i.columns = append(i.columns, newOutlook(name, len(names)))
	}
	if len(i.tally.bad) > 0 {
		return nil, i.explain(ctx)
	}
	return names, nil
}

// shownRow is a row of the preview.
func shownRow(rec []field) []string {
	row := []string{}
	for _, f := range rec {
		text := []rune(strings.ToValidUTF8(f.text, "\ufffd"))
		row = append(row, string(text[:min(len(text), maxInspectedCell)]))
	}
	return row
}

// propose sums the columns up. A column that names a protected unit is left unmasked: staging puts tokens in its
// place.
func (i *inspector) propose(found *task.Inspection) {
	var kinds []string
	for _, o := range i.columns {
		c, unit := o.propose()
		found.Columns = append(found.Columns, c)
		kinds = append(kinds, unit)
	}
	nameColumns(found.Columns, found.Preview.Columns)
	for _, t := range traits() { // the strongest first
		for c, kind := range kinds {
			if t.unit == "" || kind != t.unit || !i.columns[c].speaksOf(t) {
				continue
			}
			found.Units = addUnit(found.Units, found.Columns, task.Unit{Kind: kind, Column: found.Columns[c].Name})
		}
	}
	for c := range found.Columns {
		col := &found.Columns[c].Column
		if slices.ContainsFunc(found.Units, func(u task.Unit) bool { return u.Column == col.Name }) {
			col.Mask = task.MaskNone
		}
	}
}

// addUnit adds a unit unless its kind or column is there, or a column has the kind's name, which the token column
// of a staged table will need.
func addUnit(units []task.Unit, cols []task.ColumnOutlook, u task.Unit) []task.Unit {
	if slices.ContainsFunc(units, func(o task.Unit) bool { return o.Kind == u.Kind || o.Column == u.Column }) ||
		slices.ContainsFunc(cols, func(c task.ColumnOutlook) bool { return c.Name == u.Kind }) {
		return units
	}
	return append(units, u)
}

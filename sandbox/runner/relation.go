package runner

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/sluicedata/sluice/catalog/task"
)

// nobody stands for a token that was never staged, and for a label outside its domain.
const nobody = -1

// staged is who was staged: every unit once, in the order of its stable name.
type staged struct {
	units map[string][]duckdb.UUID         // kind → stable units, ascending
	place map[string]map[duckdb.UUID]int32 // kind → token → place in units
}

// readUnits reads units.parquet. A token that stands for two units joins two datasets; it is refused.
func readUnits(ctx context.Context, db *sql.DB, in string) (*staged, error) {
	rows, err := db.QueryContext(ctx, "SELECT kind, token, unit FROM read_parquet(?) ORDER BY kind, unit",
		filepath.Join(in, unitsFile))
	if err != nil {
		return nil, engineError("reading units", err)
	}
	defer func() { _ = rows.Close() }()
	s := &staged{units: map[string][]duckdb.UUID{}, place: map[string]map[duckdb.UUID]int32{}}
	for rows.Next() {
		var kind string
		var token, unit duckdb.UUID
		if err := rows.Scan(&kind, &token, &unit); err != nil {
			return nil, engineError("reading units", err)
		}
		if err := s.add(kind, token, unit); err != nil {
			return nil, err
		}
	}
	return s, engineError("reading units", rows.Err())
}

// add adds the next unit.
func (s *staged) add(kind string, token, unit duckdb.UUID) error {
	if s.place[kind] == nil {
		s.place[kind] = map[duckdb.UUID]int32{}
	}
	if _, twice := s.place[kind][token]; twice || len(s.units[kind]) == math.MaxInt32 {
		return errors.New("reading units: a token stands for two units, or there are too many")
	}
	s.place[kind][token] = int32(len(s.units[kind]))
	s.units[kind] = append(s.units[kind], unit)
	return nil
}

// relation is what one declared table needs of the relation it is made from, row by row in file order.
type relation struct {
	plan     *task.RelationPlan
	rows     int
	kinds    []string  // every unit kind of its inputs, the table's count first
	units    [][]int32 // a kind: place of the row's unit or nobody; nil for a kind it carries no token of
	labels   [][]int32 // a dimension: place in the declared domain or nobody
	measures []measure
}

// measure is one measure column.
type measure struct {
	column task.RelationColumn
	values []float64
	null   []bool
}

// relationReader builds a relation's one SELECT and takes its rows.
type relationReader struct {
	into  *relation
	staff *staged
	exprs []string
	args  []any
	takes []func() any          // makes the destination of one column
	keeps []func(v any) error   // keeps the scanned destination
	files map[string]fileColumn // columns the file really has
}

// readRelation reads the columns a declared table uses. Every column must be what the checked plan says it
// is: a label for a dimension, a measure for a figure.
func (s *screening) readRelation(ctx context.Context, t *grid) (*relation, error) {
	plan, err := s.plan(t.table.From)
	if err != nil {
		return nil, err
	}
	path, err := tableFile(filepath.Join(s.in, relationsDir), plan.Relation)
	if err != nil {
		return nil, err
	}
	cols, err := fileColumns(ctx, s.db, path)
	if err != nil {
		return nil, err
	}
	r := &relationReader{into: &relation{plan: plan}, staff: s.staged, files: map[string]fileColumn{}}
	for _, c := range cols {
		r.files[c.name] = c
	}
	if err := errors.Join(r.tokens(s.kinds(plan)), r.dimensions(t), r.figures(t.table)); err != nil {
		return nil, fmt.Errorf("reading relation %q: %w", plan.Relation, err)
	}
	return r.into, r.read(ctx, s.db, path)
}

// tokens asks for the token column of every kind.
func (r *relationReader) tokens(kinds []string) error {
	for _, c := range r.into.plan.Columns {
		if c.Kind == task.KindToken && !slices.Contains(kinds, c.Unit) {
			return errors.New("a token of a kind none of its inputs protects")
		}
	}
	r.into.kinds = kinds
	r.into.units = make([][]int32, len(kinds))
	for i, kind := range kinds {
		at := slices.IndexFunc(r.into.plan.Columns, func(c task.RelationColumn) bool {
			return c.Kind == task.KindToken && c.Unit == kind
		})
		if at < 0 {
			continue // counted as no unit at all, which the threshold blocks
		}
		place := r.staff.place[kind]
		r.into.units[i] = []int32{}
		r.ask(quoteIdent(r.into.plan.Columns[at].Name), func() any { return new(sql.Null[duckdb.UUID]) },
			func(v any) error {
				token, _ := v.(*sql.Null[duckdb.UUID])
				unit, ok := place[token.V]
				if !ok || !token.Valid {
					unit = nobody
				}
				r.into.units[i] = append(r.into.units[i], unit)
				return nil
			})
	}
	return nil
}

// dimensions asks for the place of every label in its declared domain.
func (r *relationReader) dimensions(t *grid) error {
	r.into.labels = make([][]int32, len(t.table.By))
	for i, d := range t.table.By {
		c, ok := r.files[d.Column]
		if !ok || !r.is(d.Column, task.KindLabel, task.KindMeasure) {
			return fmt.Errorf("%q cannot be a label", d.Column)
		}
		list, err := parameterList(t.domains[i])
		if err != nil {
			return err
		}
		r.args = append(r.args, list)
		r.ask("list_position(CAST(from_json(?::VARCHAR, '[\"VARCHAR\"]') AS VARCHAR[]), "+textExpr(c)+")",
			func() any { return new(sql.NullInt32) },
			func(v any) error {
				at, _ := v.(*sql.NullInt32)
				r.into.labels[i] = append(r.into.labels[i], at.Int32-1) // NULL is 0: nobody
				return nil
			})
	}
	return nil
}

// figures asks for every measure column the table's figures are made of, once.
func (r *relationReader) figures(t *task.Table) error {
	for _, name := range measureColumns(t) {
		if _, ok := r.files[name]; !ok || !r.is(name, task.KindMeasure) {
			return fmt.Errorf("%q cannot be a measure", name)
		}
		i := len(r.into.measures)
		r.into.measures = append(r.into.measures, measure{column: r.column(name)})
		r.ask("CAST("+quoteIdent(name)+" AS DOUBLE)", func() any { return new(sql.NullFloat64) },
			func(v any) error {
				f, _ := v.(*sql.NullFloat64)
				if math.IsNaN(f.Float64) || math.IsInf(f.Float64, 0) {
					return errors.New("reading measures: a value is not finite")
				}
				m := &r.into.measures[i]
				m.values, m.null = append(m.values, f.Float64), append(m.null, !f.Valid)
				return nil
			})
	}
	return nil
}

// measureColumns lists the measure columns of a table in the order of their first use.
func measureColumns(t *task.Table) []string {
	var names []string
	for _, m := range t.Measures {
		used := []string{m.Of}
		if m.Stat == task.StatRatio {
			used = append(used, m.Per)
		}
		for _, name := range used {
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// column finds a column of the plan; the zero column where it is absent.
func (r *relationReader) column(name string) task.RelationColumn {
	for _, c := range r.into.plan.Columns {
		if c.Name == name {
			return c
		}
	}
	return task.RelationColumn{}
}

// is says whether the plan gives a column one of the kinds.
func (r *relationReader) is(name string, kinds ...task.ColumnKind) bool {
	return slices.Contains(kinds, r.column(name).Kind)
}

// ask adds one expression with its destination.
func (r *relationReader) ask(expr string, take func() any, keep func(v any) error) {
	r.exprs, r.takes, r.keeps = append(r.exprs, expr), append(r.takes, take), append(r.keeps, keep)
}

// read runs the SELECT and keeps its rows.
func (r *relationReader) read(ctx context.Context, db *sql.DB, path string) error {
	rows, err := db.QueryContext(ctx, "SELECT "+strings.Join(append(r.exprs, "file_row_number"), ", ")+ //nolint:gosec // identifiers are quoted, values are parameters
		" FROM read_parquet(?, file_row_number = true) ORDER BY file_row_number", append(r.args, path)...)
	if err != nil {
		return engineError("reading relation", err)
	}
	defer func() { _ = rows.Close() }()
	into := make([]any, len(r.takes)+1)
	for i, take := range r.takes {
		into[i] = take()
	}
	into[len(r.takes)] = new(int64)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return engineError("reading relation", err)
		}
		for i, keep := range r.keeps {
			if err := keep(into[i]); err != nil {
				return err
			}
		}
		r.into.rows++
	}
	return engineError("reading relation", rows.Err())
}

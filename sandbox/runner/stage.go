package runner

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// stage cuts every input to its scope: columns, rows, masks, and tokens in place of the protected units'
// identifiers. It is the only program between a grant and the author's code.
func stage(ctx context.Context, in, out string, l *task.StageLetter) (*task.StageReport, error) {
	if len(l.TokenKey) != keyBytes {
		return nil, errors.New("reading keys: the token key has the wrong length")
	}
	db, err := openDuck(ctx, duckConfig{Read: in, Write: out})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	if err := createUnits(ctx, db); err != nil {
		return nil, err
	}
	r := &task.StageReport{Inputs: []task.StagedTable{}}
	for i := range l.Inputs {
		c := cutter{db: db, in: in, out: out, tokenKey: l.TokenKey, input: &l.Inputs[i]}
		t, err := c.cut(ctx)
		if err != nil {
			return nil, fmt.Errorf("staging %q: %w", l.Inputs[i].Input, err)
		}
		r.Inputs = append(r.Inputs, t)
	}
	return r, writeUnits(ctx, db, out)
}

// createUnits makes the table the units of all inputs gather in.
func createUnits(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "CREATE TABLE units (kind VARCHAR, token UUID, unit UUID)")
	return engineError("creating units", err)
}

// writeUnits writes what createUnits gathered, once a unit.
func writeUnits(ctx context.Context, db *sql.DB, out string) error {
	return copyParquet(ctx, db, "SELECT DISTINCT kind, token, unit FROM units ORDER BY ALL",
		filepath.Join(out, unitsFile))
}

// cutter cuts one input.
type cutter struct {
	db       *sql.DB
	in, out  string
	tokenKey []byte
	input    *task.StageInput
}

// cut writes the staged table and adds its units.
func (c *cutter) cut(ctx context.Context) (task.StagedTable, error) {
	if err := checkScope(c.input.Scope); err != nil {
		return task.StagedTable{}, err
	}
	if len(c.input.UnitKey) != keyBytes {
		return task.StagedTable{}, errors.New("reading keys: the unit key has the wrong length")
	}
	query, args, err := c.query(ctx)
	if err != nil {
		return task.StagedTable{}, err
	}
	// The rows in scope become one table first: the staged file and the units come from the same rows.
	if _, err := c.db.ExecContext(ctx, "CREATE OR REPLACE TABLE cut AS "+query, args...); err != nil {
		return task.StagedTable{}, engineError("cutting rows", err)
	}
	if err := c.units(ctx); err != nil {
		return task.StagedTable{}, err
	}
	return writeStaged(ctx, c.db, c.out, c.input.Scope, "cut")
}

// query selects the rows in scope: tokens, shown columns, ordinal, and the stable units as "unit 1", ….
func (c *cutter) query(ctx context.Context) (string, []any, error) {
	from, args, err := c.parts(ctx)
	if err != nil {
		return "", nil, err
	}
	var cols []string
	var keys []any
	for i, u := range c.input.Units {
		cols = append(cols, keyed(u)+" AS "+quoteIdent(u.Kind), keyed(u)+" AS "+unitColumn(i))
		keys = append(keys, c.tokenKey, u.Kind, c.tokenKey, c.input.UnitKey, u.Kind, c.input.UnitKey)
	}
	for _, col := range c.input.Columns {
		expr, err := maskExpr(col)
		if err != nil {
			return "", nil, err
		}
		t, err := sqlType(col.Type)
		if err != nil {
			return "", nil, err
		}
		cols = append(cols, "CAST("+expr+" AS "+t+") AS "+quoteIdent(col.Name))
	}
	cols = append(cols, quoteIdent(ordinalColumn))
	where, values, err := c.filters()
	if err != nil {
		return "", nil, err
	}
	args = append(keys, append(args, values...)...)
	return "SELECT " + strings.Join(cols, ", ") + " FROM (" + from + ")" + where, args, nil
}

// keyed is the expression of a keyed token: the first 128 bits of SHA-256(key ‖ kind ‖ 0 ‖ id ‖ key). The key
// on both ends leaves no prefix to extend; the zero keeps kind and id apart.
func keyed(u task.Unit) string {
	return `CAST(substr(sha256(?::BLOB || encode(?::VARCHAR) || '\x00'::BLOB || encode(CAST(` +
		quoteIdent(u.Column) + ` AS VARCHAR)) || ?::BLOB), 1, 32) AS UUID)`
}

// unitColumn names the stable unit of the i-th kind inside the engine.
func unitColumn(i int) string { return quoteIdent(fmt.Sprintf("unit %d", i+1)) }

// parts selects all rows of the parts in order, with their ordinal: 1-based over the whole version, before
// any filter, so that a row keeps its number whatever the scope.
func (c *cutter) parts(ctx context.Context) (string, []any, error) {
	if len(c.input.Parts) == 0 {
		return "", nil, errors.New("opening parts: none named")
	}
	var selects []string
	var args []any
	var before int64
	for _, p := range c.input.Parts {
		path, err := localPath(c.in, p)
		if err != nil {
			return "", nil, err
		}
		n, err := count(ctx, c.db, "SELECT count(*) FROM read_parquet(?)", path)
		if err != nil {
			return "", nil, err
		}
		selects = append(selects, "SELECT * EXCLUDE (file_row_number), file_row_number + 1 + ?::BIGINT AS "+
			quoteIdent(ordinalColumn)+" FROM read_parquet(?, file_row_number = true)")
		args = append(args, before, path)
		before += n
	}
	return strings.Join(selects, " UNION ALL BY NAME "), args, nil
}

// filters is the row scope: every entry must hold, an empty list keeps nothing. Values compare as text, those
// of a number column as numbers, because 1 and 1.0 are one number.
func (c *cutter) filters() (string, []any, error) {
	var conds []string
	var args []any
	numbers := map[string]bool{}
	for _, col := range c.input.Columns {
		numbers[col.Name] = col.Type == task.Number
	}
	for _, f := range c.input.Rows {
		list, err := parameterList(f.In)
		if err != nil {
			return "", nil, err
		}
		left, right := "CAST("+quoteIdent(f.Column)+" AS VARCHAR)", "v"
		if numbers[f.Column] {
			left, right = quoteIdent(f.Column), "TRY_CAST(v AS DOUBLE)"
		}
		conds = append(conds, left+" IN (SELECT "+right+
			" FROM (SELECT unnest(from_json(?::VARCHAR, '[\"VARCHAR\"]')) AS v))")
		args = append(args, list)
	}
	if len(conds) == 0 {
		return "", nil, nil
	}
	return " WHERE " + strings.Join(conds, " AND "), args, nil
}

// units adds the units of the rows in scope. A row without a unit is refused: it would be nobody's.
func (c *cutter) units(ctx context.Context) error {
	for i, u := range c.input.Units {
		n, err := count(ctx, c.db, "SELECT count(*) FROM cut WHERE "+quoteIdent(u.Kind)+" IS NULL")
		if err != nil {
			return err
		}
		if n > 0 {
			return errors.New("making tokens: a row names no unit")
		}
		_, err = c.db.ExecContext(ctx, "INSERT INTO units SELECT DISTINCT ?, "+quoteIdent(u.Kind)+", "+ //nolint:gosec // identifiers are quoted, values are parameters
			unitColumn(i)+" FROM cut", u.Kind)
		if err != nil {
			return engineError("gathering units", err)
		}
	}
	return nil
}

// writeStaged writes Out/<input>.parquet from a table of the engine and describes it.
func writeStaged(ctx context.Context, db *sql.DB, out string, s task.Scope, table string) (task.StagedTable, error) {
	path, err := tableFile(out, s.Input)
	if err != nil {
		return task.StagedTable{}, err
	}
	var cols, sort []string
	for _, u := range s.Units {
		cols = append(cols, quoteIdent(u.Kind))
	}
	if len(cols) > 0 {
		sort = cols[:1:1]
	}
	for _, c := range s.Columns {
		cols = append(cols, quoteIdent(c.Name))
	}
	cols = append(cols, quoteIdent(ordinalColumn))
	sort = append(sort, quoteIdent(ordinalColumn))
	query := "SELECT " + strings.Join(cols, ", ") + " FROM " + table + " ORDER BY " + strings.Join(sort, ", ")
	if err := copyParquet(ctx, db, query, path); err != nil {
		return task.StagedTable{}, err
	}
	t := task.StagedTable{Input: s.Input, File: filepath.Base(path)}
	if t.Rows, err = count(ctx, db, "SELECT count(*) FROM "+table); err != nil {
		return task.StagedTable{}, err
	}
	if len(s.Units) > 0 {
		t.Units, err = count(ctx, db, "SELECT count(DISTINCT "+quoteIdent(s.Units[0].Kind)+") FROM "+table)
		if err != nil {
			return task.StagedTable{}, err
		}
	}
	t.SHA256, err = fileSHA256(path)
	return t, err
}

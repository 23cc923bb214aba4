package runner

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// Names and bounds of a profile.
const (
	profileFile    = "profile.json"
	profileVersion = 1
	maxShown       = 1000 // values of one column
	maxProfile     = 16 << 20
)

// profile describes a dataset version without showing a person: declared domains and ranges instead of
// observed ones, values only when enough units hold them, counts rounded, identifiers never.
func profile(ctx context.Context, in, out string, l *task.ProfileLetter) (*task.ProfileReport, error) {
	if l.MinUnits < 1 || l.RoundTo < 1 || len(l.Columns) > maxColumns {
		return nil, errors.New("reading letter: a profile needs a threshold and a rounding base")
	}
	db, err := openDuck(ctx, duckConfig{Read: in})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	p := profiler{db: db, letter: l}
	if err := openParts(ctx, db, in, l.Columns); err != nil {
		return nil, err
	}
	t, err := p.table(ctx)
	if err != nil {
		return nil, err
	}
	return &task.ProfileReport{Rows: t.Rows}, writeJSON(filepath.Join(out, profileFile), t)
}

// profiler describes the rows of the table "parts".
type profiler struct {
	db     *sql.DB
	letter *task.ProfileLetter
}

// openParts reads the parts of a version, in name order, into one table "parts" of the declared columns.
func openParts(ctx context.Context, db *sql.DB, in string, columns []task.Column) error {
	parts, err := filepath.Glob(filepath.Join(in, "part-*.parquet"))
	if err != nil || len(parts) == 0 {
		return errors.Join(errors.New("opening parts: none there"), err)
	}
	var cols, selects []string
	for _, c := range columns {
		cols = append(cols, quoteIdent(c.Name))
	}
	var args []any
	for _, path := range parts {
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			return errors.Join(errors.New("opening parts: not a regular file"), err)
		}
		selects = append(selects, "SELECT "+strings.Join(cols, ", ")+" FROM read_parquet(?)")
		args = append(args, path)
	}
	_, err = db.ExecContext(ctx, "CREATE TABLE parts AS "+strings.Join(selects, " UNION ALL "), args...)
	return engineError("opening parts", err)
}

// table is the whole profile.
func (p *profiler) table(ctx context.Context) (task.TableProfile, error) {
	t := task.TableProfile{Version: profileVersion, Units: []task.UnitProfile{}, Columns: []task.ColumnProfile{}}
	n, err := count(ctx, p.db, "SELECT count(*) FROM parts")
	if err != nil {
		return t, err
	}
	t.Rows = roundTo(n, p.letter.RoundTo)
	for _, u := range p.letter.Units {
		up, err := p.unit(ctx, u)
		if err != nil {
			return t, fmt.Errorf("profiling units %q: %w", u.Kind, err)
		}
		t.Units = append(t.Units, up)
	}
	for _, c := range p.letter.Columns {
		cp, err := p.column(ctx, c)
		if err != nil {
			return t, fmt.Errorf("profiling column %q: %w", c.Name, err)
		}
		t.Columns = append(t.Columns, cp)
	}
	return t, nil
}

// unit counts the units of one kind. RowsPer is the greatest k such that enough units have at least k rows,
// which is the row count of the MinUnits-th largest unit.
func (p *profiler) unit(ctx context.Context, u task.Unit) (task.UnitProfile, error) {
	up := task.UnitProfile{Kind: u.Kind, Column: u.Column}
	q := quoteIdent(u.Column)
	n, err := count(ctx, p.db, "SELECT count(DISTINCT "+q+") FROM parts")
	if err != nil {
		return up, err
	}
	if n < int64(p.letter.MinUnits) {
		return up, nil
	}
	up.Count = roundTo(n, p.letter.RoundTo)
	up.RowsPer, err = count(ctx, p.db, "SELECT min(n) FROM (SELECT count(*) AS n FROM parts WHERE "+q+
		" IS NOT NULL GROUP BY "+q+" ORDER BY n DESC LIMIT ?)", p.letter.MinUnits)
	return up, err
}

// column describes one column: its declaration, its missing values, and the values enough units hold.
func (p *profiler) column(ctx context.Context, c task.Column) (task.ColumnProfile, error) {
	cp := task.ColumnProfile{Column: c}
	q := quoteIdent(c.Name)
	missing, err := count(ctx, p.db, "SELECT CASE WHEN "+held(p.letter.Units)+" THEN count(*) END FROM parts WHERE "+q+
		" IS NULL", thresholds(p.letter.Units, p.letter.MinUnits)...)
	if err != nil {
		return cp, err
	}
	cp.Missing = roundTo(missing, p.letter.RoundTo)
	if !p.shown(c) {
		return cp, nil
	}
	cp.Values, err = p.values(ctx, c)
	return cp, err
}

// shown says whether values of a column may be shown at all: never of an identifier, a unit's column, or a
// column that a grant would show only under a mask.
func (p *profiler) shown(c task.Column) bool {
	for _, u := range p.letter.Units {
		if u.Column == c.Name {
			return false
		}
	}
	return c.Role != task.Identifier && c.Mask == task.MaskNone
}

// held is the condition that enough units of every kind stand behind a group of rows. Without protected units
// rows stand for themselves.
func held(units []task.Unit) string {
	conds := []string{"count(*) >= ?"}
	for _, u := range units {
		conds = append(conds, "count(DISTINCT "+quoteIdent(u.Column)+") >= ?")
	}
	return strings.Join(conds, " AND ")
}

// thresholds are the parameters of held.
func thresholds(units []task.Unit, least int) []any {
	args := []any{least}
	for range units {
		args = append(args, least)
	}
	return args
}

// values lists the most frequent values that may be shown, in the order of their text: an order by exact
// counts would tell more than the rounded ones.
func (p *profiler) values(ctx context.Context, c task.Column) ([]task.ValueFreq, error) {
	t, err := sqlType(c.Type)
	if err != nil {
		return nil, err
	}
	text := textExpr(fileColumn{c.Name, t})
	if c.Type == task.Text {
		text = quoteIdent(c.Name)
	}
	rows, err := p.db.QueryContext(ctx, "SELECT v, n FROM (SELECT "+text+" AS v, count(*) AS n FROM parts WHERE "+ //nolint:gosec // identifiers are quoted, values are parameters
		quoteIdent(c.Name)+" IS NOT NULL GROUP BY v HAVING "+held(p.letter.Units)+" ORDER BY n DESC, v LIMIT ?) ORDER BY v",
		append(thresholds(p.letter.Units, p.letter.MinUnits), maxShown)...)
	if err != nil {
		return nil, engineError("listing values", err)
	}
	defer func() { _ = rows.Close() }()
	var vs []task.ValueFreq
	for rows.Next() {
		var v task.ValueFreq
		if err := rows.Scan(&v.Value, &v.Rows); err != nil {
			return nil, engineError("listing values", err)
		}
		v.Rows = roundTo(v.Rows, p.letter.RoundTo)
		vs = append(vs, v)
	}
	return vs, engineError("listing values", rows.Err())
}

// roundTo rounds n ≥ 0 to the nearest multiple of base; a half goes to the even multiple.
func roundTo(n int64, base int) int64 {
	b := int64(max(base, 1))
	q, rest := n/b, n%b
	if 2*rest > b || 2*rest == b && q%2 == 1 {
		q++
	}
	return q * b
}

package runner

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// twinFile is the part a twin was parsed to.
const twinFile = "twin.parquet"

// twin measures how much of a department's twin is its real data: rows that name a real unit, and rows that
// equal a real one few people share. It judges nothing.
func twin(ctx context.Context, in, _ string, l *task.TwinLetter) (*task.TwinReport, error) {
	if l.MinUnits < 1 || len(l.Columns) == 0 || len(l.Columns) > maxColumns {
		return nil, errors.New("reading letter: a twin needs columns and a threshold")
	}
	db, err := openDuck(ctx, duckConfig{Read: in})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	if err := openParts(ctx, db, in, l.Columns); err != nil {
		return nil, err
	}
	if err := openTwin(ctx, db, in, l.Columns); err != nil {
		return nil, err
	}
	c := comparer{db: db, letter: l, limit: min(max(l.MaxErrors, 1), maxBadCells)}
	return c.compare(ctx)
}

// openTwin reads the twin's part into a table "twin" of the declared columns and the row's number.
func openTwin(ctx context.Context, db *sql.DB, in string, columns []task.Column) error {
	path := filepath.Join(in, twinFile)
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return errors.Join(errors.New("opening twin: not a regular file"), err)
	}
	_, err := db.ExecContext(ctx, "CREATE TABLE twin AS SELECT "+names(columns, "")+", file_row_number + 1 AS "+ //nolint:gosec // identifiers are quoted, values are parameters
		quoteIdent(ordinalColumn)+" FROM read_parquet(?, file_row_number = true)", path)
	return engineError("opening twin", err)
}

// names lists columns, each behind a prefix.
func names(columns []task.Column, prefix string) string {
	var list []string
	for _, c := range columns {
		list = append(list, prefix+quoteIdent(c.Name))
	}
	return strings.Join(list, ", ")
}

// comparer holds the tables "twin" and "parts" against each other.
type comparer struct {
	db     *sql.DB
	letter *task.TwinLetter
	limit  int // errors told of one kind
	report task.TwinReport
}

func (c *comparer) compare(ctx context.Context) (*task.TwinReport, error) {
	c.report.Errors = []task.BadCell{}
	var err error
	if c.report.Rows, err = count(ctx, c.db, "SELECT count(*) FROM twin"); err != nil {
		return nil, err
	}
	if c.report.Shared, err = c.shared(ctx); err != nil {
		return nil, fmt.Errorf("comparing units: %w", err)
	}
	if c.report.Equal, err = c.equal(ctx); err != nil {
		return nil, fmt.Errorf("comparing rows: %w", err)
	}
	return &c.report, nil
}

// shared counts the rows that name a real unit of any kind and tells each row and column of them.
func (c *comparer) shared(ctx context.Context) (int64, error) {
	var conds []string
	for _, u := range c.letter.Units {
		cond := plainID(u) + " IN (SELECT " + plainID(u) + " FROM parts)"
		if err := c.tell(ctx, cond, task.BadCell{Column: u.Column, Reason: task.UnitShared}); err != nil {
			return 0, err
		}
		conds = append(conds, cond)
	}
	if len(conds) == 0 {
		return 0, nil
	}
	return count(ctx, c.db, "SELECT count(*) FROM twin WHERE "+strings.Join(conds, " OR "))
}

// plainID is a unit's identifier without what a copy is dressed up with: case, spaces, punctuation.
func plainID(u task.Unit) string {
	return "lower(regexp_replace(CAST(" + quoteIdent(u.Column) + ` AS VARCHAR), '[\s\p{P}]', '', 'g'))`
}

// equal counts the rows that equal a real one on the compared columns, where too few units hold that combination
// for it to be nobody's. An empty value equals an empty one.
func (c *comparer) equal(ctx context.Context) (int64, error) {
	columns := c.compared()
	if len(columns) == 0 {
		return 0, nil
	}
	_, err := c.db.ExecContext(ctx, "CREATE TABLE rare AS SELECT "+names(columns, "")+" FROM parts GROUP BY ALL HAVING NOT ("+ //nolint:gosec // identifiers are quoted, values are parameters
		held(c.letter.Units)+")", thresholds(c.letter.Units, c.letter.MinUnits)...)
	if err != nil {
		return 0, engineError("finding rare rows", err)
	}
	var same []string
	for _, col := range columns {
		q := quoteIdent(col.Name)
		same = append(same, "twin."+q+" IS NOT DISTINCT FROM rare."+q)
	}
	cond := "EXISTS (SELECT 1 FROM rare WHERE " + strings.Join(same, " AND ") + ")"
	if err := c.tell(ctx, cond, task.BadCell{Reason: task.RowEqual}); err != nil {
		return 0, err
	}
	return count(ctx, c.db, "SELECT count(*) FROM twin WHERE "+cond)
}

// compared are the columns rows are compared on: what points at a person and what is said of them. Where nothing
// is declared as either, every column but the units' own may.
func (c *comparer) compared() []task.Column {
	telling := slices.DeleteFunc(slices.Clone(c.letter.Columns), func(k task.Column) bool {
		return k.Role != task.Quasi && k.Role != task.Sensitive
	})
	if len(telling) > 0 {
		return telling
	}
	return slices.DeleteFunc(slices.Clone(c.letter.Columns), func(k task.Column) bool {
		return slices.ContainsFunc(c.letter.Units, func(u task.Unit) bool { return u.Column == k.Name })
	})
}

// tell adds the rows of the twin that a condition holds for, up to the limit.
func (c *comparer) tell(ctx context.Context, cond string, of task.BadCell) (err error) {
	q := quoteIdent(ordinalColumn)
	rows, err := c.db.QueryContext(ctx, "SELECT "+q+" FROM twin WHERE "+cond+" ORDER BY "+q+" LIMIT ?", c.limit+1) //nolint:gosec // a column of ours, and conditions over quoted columns
	if err != nil {
		return engineError("listing rows", err)
	}
	defer func() { _ = rows.Close() }()
	for n := 0; rows.Next(); n++ {
		if n == c.limit {
			c.report.More = true
			break
		}
		if err := rows.Scan(&of.Row); err != nil {
			return engineError("listing rows", err)
		}
		c.report.Errors = append(c.report.Errors, of)
	}
	return engineError("listing rows", rows.Err())
}

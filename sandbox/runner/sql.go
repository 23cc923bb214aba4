package runner

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/runner/grammar"
)

// resultTable holds the relation being made. No author's statement can name it: names are inputs and CTEs.
const resultTable = "_result"

// runSQL makes each relation over the staged tables. Only what the grammar lets through reaches the engine: it
// is checked again here, because the letter's plan is a promise and the engine is where it is kept.
func runSQL(ctx context.Context, in, out string, l *task.SQLLetter) (*task.SQLReport, *task.Failure, error) {
	db, err := openDuck(ctx, duckConfig{
		MemoryMB: l.MemoryMB, Threads: max(l.Threads, 1), Read: in, Write: out, Placed: true,
	})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = db.Close() }()
	v := &verifier{db: db, grammar: grammar.New(), tables: l.Tables}
	if err := v.stagedViews(ctx, in); err != nil {
		return nil, nil, err
	}
	todo, failure, err := v.verifyAll(ctx, l.Relations)
	if err != nil || failure != nil {
		return nil, failure, err
	}
	report := &task.SQLReport{Relations: []task.RelationRows{}}
	defer func() { report.PeakMB = peakMB() }()
	for _, r := range todo {
		rows, err := v.make(ctx, r, filepath.Join(out, r.stmt.Relation+".parquet"))
		if f, ok := r.failure(ctx, err, l.Synthetic); ok {
			return report, f, nil // with the relations before it
		}
		if err != nil {
			return nil, nil, fmt.Errorf("making relation %q: %w", r.stmt.Relation, engineError("running", err))
		}
		report.Relations = append(report.Relations, task.RelationRows{Relation: r.stmt.Relation, Rows: rows})
	}
	return report, nil, nil
}

// peakMB is the most memory this process ever held, in MiB; 0 when the kernel does not tell.
func peakMB() int64 {
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return used.Maxrss >> 10
}

// stagedViews makes each input a view of its staged file: tokens, columns, row number, in staged order.
func (v *verifier) stagedViews(ctx context.Context, in string) error {
	for _, t := range v.tables {
		from, err := stagedSelect(in, t)
		if err != nil {
			return err
		}
		if _, err := v.db.ExecContext(ctx, "CREATE VIEW "+quoteIdent(t.Input)+" AS "+from); err != nil {
			return engineError("opening a staged table", err)
		}
	}
	return nil
}

// stagedSelect reads a staged file with the columns and types it was promised with.
func stagedSelect(in string, t task.TableSpec) (string, error) {
	path, err := tableFile(in, t.Input)
	if err != nil {
		return "", err
	}
	cols, err := stagedColumns(t)
	if err != nil {
		return "", err
	}
	var list []string
	for _, c := range cols {
		q := quoteIdent(c[0])
		list = append(list, "CAST("+q+" AS "+c[1]+") AS "+q)
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM read_parquet(" + quoteLiteral(path) + ")", nil
}

const createResult = "CREATE TABLE " + resultTable + " AS "

// make runs one relation and writes its rows, sorted by all columns: their order says nothing. Errors are the
// engine's own, for failure to read.
func (v *verifier) make(ctx context.Context, r *verified, path string) (rows int64, err error) {
	query, _ := r.query()
	if _, err := v.db.ExecContext(ctx, createResult+query); err != nil {
		return 0, err
	}
	if err := v.db.QueryRowContext(ctx, "SELECT count(*) FROM "+resultTable).Scan(&rows); err != nil {
		return 0, err
	}
	_, err = v.db.ExecContext(ctx, "COPY (SELECT * FROM "+resultTable+" ORDER BY ALL) TO "+quoteLiteral(path)+ //nolint:gosec // a table and a path of our own naming
		" (FORMAT parquet, COMPRESSION zstd)")
	if err != nil {
		return 0, err
	}
	_, err = v.db.ExecContext(ctx, "DROP TABLE "+resultTable)
	return rows, err
}

// failure is the author's side of an error while a relation was made: a class and a line, never the words
// unless the data is synthetic. An error of another origin is none of theirs.
func (r *verified) failure(ctx context.Context, err error, synthetic bool) (*task.Failure, bool) {
	f, ok := readFault(err)
	if !ok || ctx.Err() != nil {
		return nil, false
	}
	_, start := r.query()
	at := f.at - start - len(createResult)
	out := &task.Failure{
		Class: failureClass(f.class), Relation: r.stmt.Relation, Line: grammar.Line(r.stmt, r.place(at)),
	}
	if f.at >= 0 && at < 0 && out.Class == task.FailCast {
		out.Class = task.FailOverflow // our own cast of a sum to the type it leaves with
	}
	if synthetic {
		out.Message = f.words
	}
	return out, true
}

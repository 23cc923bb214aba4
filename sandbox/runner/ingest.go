package runner

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/sluicedata/sluice/catalog/task"
)

// Names and bounds of ingest.
const (
	partFile     = "part-0001.parquet"
	maxBadCells  = 10_000
	ingestedName = "ingested"
)

// ingest parses /in/raw into one part, or names the place and reason of every fault up to the letter's bound and
// makes no part. The file is read as a stream; rows wait in the engine, which spills.
func ingest(ctx context.Context, in, out string, l *task.IngestLetter) (*task.IngestReport, error) {
	cols, err := parsers(l)
	if err != nil {
		return nil, fmt.Errorf("reading declared columns: %w", err)
	}
	t := &tally{max: min(max(l.MaxErrors, 1), maxBadCells)}
	r, err := ingestUpload(ctx, in, out, l.Source, cols, t)
	var bad *badRow
	if errors.As(err, &bad) {
		t.add(task.BadCell{Line: bad.line, Column: bad.column, Reason: bad.reason})
		err = nil
	}
	if err != nil {
		return nil, err
	}
	if len(t.bad) > 0 {
		return &task.IngestReport{Parts: []string{}, Errors: t.bad, More: t.more}, nil
	}
	return r, nil
}

// ingestUpload makes the part while the tally stays empty.
func ingestUpload(ctx context.Context, in, out string, s task.Source, cols []parser, t *tally) (r *task.IngestReport, err error) {
	u, err := openUpload(in, s, 0, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, u.close()) }()
	src, err := u.rows(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.close()) }()
	db, err := openDuck(ctx, duckConfig{Read: in, Write: out})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	n, err := load(ctx, db, cols, &intake{src: src, tally: t})
	if err != nil || len(t.bad) > 0 {
		return nil, err
	}
	r = &task.IngestReport{Rows: n, Parts: []string{partFile}, Errors: []task.BadCell{}}
	return r, copyParquet(ctx, db, "SELECT * FROM "+ingestedName, filepath.Join(out, partFile))
}

// load streams records into the engine's table and returns how many there were. After the first fault rows
// are only looked at, no longer kept.
func load(ctx context.Context, db *sql.DB, cols []parser, recs *intake) (rows int64, err error) {
	if err := createTable(ctx, db, cols); err != nil {
		return 0, err
	}
	order, err := recs.header(ctx, cols)
	if err != nil || order == nil {
		return 0, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, engineError("opening connection", err)
	}
	defer func() { _ = conn.Close() }()
	err = conn.Raw(func(c any) (err error) {
		rows, err = appendRecords(ctx, c, cols, order, recs)
		return err
	})
	return rows, err
}

// createTable makes the typed table rows wait in.
func createTable(ctx context.Context, db *sql.DB, cols []parser) error {
	var defs []string
	for _, p := range cols {
		t, err := sqlType(p.column.Type)
		if err != nil {
			return err
		}
		defs = append(defs, quoteIdent(p.column.Name)+" "+t)
	}
	_, err := db.ExecContext(ctx, "CREATE TABLE "+ingestedName+" ("+strings.Join(defs, ", ")+")")
	return engineError("creating table", err)
}

// appendRecords parses every record and appends the good ones while there was no fault.
func appendRecords(ctx context.Context, c any, cols []parser, order []int, recs *intake) (int64, error) {
	dc, ok := c.(driver.Conn)
	if !ok {
		return 0, errors.New("opening appender: not an engine connection")
	}
	a, err := duckdb.NewAppenderFromConn(dc, "", ingestedName)
	if err != nil {
		return 0, engineError("opening appender", err)
	}
	var rows int64
	row := make([]driver.Value, len(cols))
	for ctx.Err() == nil {
		rec, err := recs.next(ctx)
		if errors.Is(err, io.EOF) {
			return rows, engineError("closing appender", a.Close())
		}
		if err != nil {
			return 0, errors.Join(err, engineError("closing appender", a.Close()))
		}
		rows++
		if rec == nil || !recs.parse(rec, cols, order, row) || len(recs.tally.bad) > 0 {
			continue
		}
		if err := a.AppendRow(row...); err != nil {
			return 0, errors.Join(engineError("appending", err), engineError("closing appender", a.Close()))
		}
	}
	return 0, errors.Join(ctx.Err(), engineError("closing appender", a.Close()))
}

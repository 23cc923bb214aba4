package runner

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// Bounds of a Parquet upload.
const (
	parquetBatch    = 1 << 16     // rows read at once
	maxParquetRows  = 200_000_000 // a footer may claim any number of repeated rows
	parquetMemoryMB = 256
)

// parquetRows reads a flat Parquet file as texts, batch by batch. The engine's words never leave: whatever it
// finds wrong is file.parquet.
type parquetRows struct {
	db      *sql.DB
	path    string
	cols    []fileColumn
	query   string
	total   int64
	at      int64 // row of the file, from 0
	batch   [][]sql.NullString
	fields  []field
	started bool
}

// openParquetRows opens a file. Faults of the file are *badRow.
func openParquetRows(ctx context.Context, path string) (*parquetRows, error) {
	db, err := openDuck(ctx, duckConfig{MemoryMB: parquetMemoryMB, Read: filepath.Dir(path)})
	if err != nil {
		return nil, err
	}
	p := &parquetRows{db: db, path: path}
	if err := p.describe(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return p, nil
}

func (p *parquetRows) close() error { return p.db.Close() }

func (p *parquetRows) line(int) int64 { return 0 }

// describe reads the footer: columns and the number of rows.
func (p *parquetRows) describe(ctx context.Context) error {
	var n sql.NullInt64
	err := p.db.QueryRowContext(ctx, "SELECT num_rows FROM parquet_file_metadata(?)", p.path).Scan(&n)
	switch {
	case err != nil:
		return parquetFault(err)
	case n.Int64 < 0:
		return badFile("file.parquet")
	case n.Int64 > maxParquetRows:
		return badFile("file.too_large")
	}
	p.total = n.Int64
	list, err := p.db.QueryContext(ctx, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM "+p.read()+")") //nolint:gosec // the path is ours and quoted
	if err != nil {
		return parquetFault(err)
	}
	defer func() { _ = list.Close() }()
	for list.Next() {
		var c fileColumn
		if err := list.Scan(&c.name, &c.kind); err != nil {
			return parquetFault(err)
		}
		p.cols = append(p.cols, c)
	}
	if err := list.Err(); err != nil {
		return parquetFault(err)
	}
	switch {
	case len(p.cols) == 0:
		return badFile("file.empty")
	case len(p.cols) > maxColumns:
		return badFile("columns.too_many")
	}
	return nil
}

// read is the table function over the file. Old writers leave texts unmarked.
func (p *parquetRows) read() string {
	return "read_parquet(" + quoteLiteral(p.path) + ", binary_as_string = true, file_row_number = false)"
}

// parquetFault is a fault of the file, unless the program itself ended or ran out of memory.
func parquetFault(err error) error {
	var e *duckdb.Error
	if errors.As(err, &e) && e.Type != duckdb.ErrorTypeOutOfMemory {
		return badFile("file.parquet")
	}
	return engineError("reading "+rawFile, err)
}

func (p *parquetRows) next(ctx context.Context) ([]field, error) {
	if !p.started {
		p.started = true
		return p.head()
	}
	if len(p.batch) == 0 {
		if err := p.fill(ctx); err != nil {
			return nil, err
		}
	}
	row := p.batch[0]
	p.batch = p.batch[1:]
	p.at++
	p.fields = p.fields[:0]
	for i, cell := range row {
		p.fields = append(p.fields, parquetField(p.cols[i].kind, cell))
	}
	return p.fields, nil
}

// head is the header: the names, each with what its type speaks against.
func (p *parquetRows) head() ([]field, error) {
	var exprs []string
	p.fields = p.fields[:0]
	for _, c := range p.cols {
		expr, ok := parquetText(c)
		if !ok {
			return nil, &badRow{column: fmt.Sprintf("#%d", len(p.fields)+1), reason: "column.nested", whole: true, last: true}
		}
		exprs = append(exprs, expr)
		p.fields = append(p.fields, field{text: c.name})
	}
	p.query = "SELECT " + strings.Join(exprs, ", ") + " FROM read_parquet(" + quoteLiteral(p.path) +
		", binary_as_string = true, file_row_number = true) WHERE file_row_number >= ? AND file_row_number < ? ORDER BY file_row_number"
	return p.fields, nil
}

// fill reads the next batch.
func (p *parquetRows) fill(ctx context.Context) error {
	if p.at >= p.total {
		return io.EOF
	}
	list, err := p.db.QueryContext(ctx, p.query, p.at, p.at+parquetBatch)
	if err != nil {
		return parquetFault(err)
	}
	defer func() { _ = list.Close() }()
	p.batch = p.batch[:0]
	into := make([]any, len(p.cols))
	for list.Next() {
		row := make([]sql.NullString, len(p.cols))
		for i := range row {
			into[i] = &row[i]
		}
		if err := list.Scan(into...); err != nil {
			return parquetFault(err)
		}
		p.batch = append(p.batch, row)
	}
	if err := list.Err(); err != nil {
		return parquetFault(err)
	}
	if len(p.batch) != int(min(parquetBatch, p.total-p.at)) {
		return badFile("file.parquet") // the footer promised others
	}
	return nil
}

// parquetText is the text of a column in the notation of a declared type; false for a type without one.
func parquetText(c fileColumn) (string, bool) {
	q := quoteIdent(c.name)
	switch kind, _, _ := strings.Cut(c.kind, "("); kind {
	case "VARCHAR", "UUID", "ENUM", "BOOLEAN", "DATE", "DECIMAL", "FLOAT", "DOUBLE",
		"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT":
		if strings.HasSuffix(c.kind, "]") {
			return "", false
		}
		return "CAST(" + q + " AS VARCHAR)", true
	case "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE":
		at := "CAST(" + q + " AS TIMESTAMP)" // the engine's time zone is UTC
		return "CASE WHEN " + at + " = date_trunc('day', " + at + ") THEN CAST(CAST(" + at +
			" AS DATE) AS VARCHAR) ELSE CAST(" + at + " AS VARCHAR) END", true
	}
	return "", false
}

// parquetField reads one text; NULL is the empty cell.
func parquetField(kind string, cell sql.NullString) field {
	switch {
	case !cell.Valid:
		return field{}
	case kind == "DOUBLE", kind == "FLOAT":
		return numeral(cell.String)
	}
	return field{text: cell.String}
}

package runner

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// Names and bounds of a preview.
const (
	previewFile    = "preview.json"
	maxPreviewRows = 1000
)

// preview shows the first rows of a staged table as text, tokens included, the ordinal not: it is what the
// author's code sees. NULL is the empty text.
func preview(ctx context.Context, in, out string, l *task.PreviewLetter) (*task.PreviewReport, error) {
	if l.Rows < 1 || l.Rows > maxPreviewRows {
		return nil, errors.New("reading letter: the number of rows is out of bounds")
	}
	path, err := tableFile(in, l.Input)
	if err != nil {
		return nil, err
	}
	db, err := openDuck(ctx, duckConfig{Read: in})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	cols, err := fileColumns(ctx, db, path)
	if err != nil {
		return nil, err
	}
	t := task.PreviewTable{Columns: []string{}, Rows: [][]string{}}
	var exprs []string
	for _, c := range cols {
		if c.name != ordinalColumn {
			t.Columns = append(t.Columns, c.name)
			exprs = append(exprs, "coalesce("+textExpr(c)+", '')")
		}
	}
	if len(exprs) == 0 {
		return nil, errors.New("reading staged table: it shows no column")
	}
	query := "SELECT " + strings.Join(exprs, ", ") +
		" FROM read_parquet(?, file_row_number = true) ORDER BY file_row_number LIMIT ?"
	if t.Rows, err = textRows(ctx, db, len(exprs), query, path, l.Rows); err != nil {
		return nil, err
	}
	return &task.PreviewReport{Rows: len(t.Rows)}, writeJSON(filepath.Join(out, previewFile), t)
}

// textRows runs a query whose n columns are all texts.
func textRows(ctx context.Context, db *sql.DB, n int, query string, args ...any) ([][]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, engineError("reading rows", err)
	}
	defer func() { _ = rows.Close() }()
	list := [][]string{}
	for rows.Next() {
		row, into := make([]string, n), make([]any, n)
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, engineError("reading rows", err)
		}
		list = append(list, row)
	}
	return list, engineError("reading rows", rows.Err())
}

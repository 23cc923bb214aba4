package runner

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/sluicedata/sluice/catalog/task"
)

// Names every staged table and every container knows.
const (
	ordinalColumn = "_ordinal"      // unique row number, last column of a staged table
	unitsFile     = "units.parquet" // (kind, token, unit)
	relationsDir  = "relations"
	earlierDir    = "earlier"
	maxColumns    = 1024 // of a table
)

// sqlType is the engine's type of a column type.
func sqlType(t task.Type) (string, error) {
	s, ok := map[task.Type]string{
		task.Text: "VARCHAR", task.Integer: "BIGINT", task.Number: "DOUBLE",
		task.Boolean: "BOOLEAN", task.Date: "DATE",
	}[t]
	if !ok {
		return "", errors.New("naming a column's type: unknown type")
	}
	return s, nil
}

// fileName refuses a name that could leave its directory or hide in it.
func fileName(name string) error {
	if name == "" || len(name) > 200 || name[0] == '.' || !utf8.ValidString(name) ||
		strings.ContainsAny(name, "/\\\x00") {
		return errors.New("naming a file: not a plain name")
	}
	return nil
}

// tableFile is the path of a table below a container directory.
func tableFile(dir, name string) (string, error) {
	if err := fileName(name); err != nil {
		return "", err
	}
	return filepath.Join(dir, name+".parquet"), nil
}

// copyParquet writes the rows of a SELECT, in their order, as one zstd Parquet file.
func copyParquet(ctx context.Context, db *sql.DB, query, path string) error {
	_, err := db.ExecContext(ctx,
		"COPY ("+query+") TO "+quoteLiteral(path)+" (FORMAT parquet, COMPRESSION zstd)")
	return engineError("writing "+filepath.Base(path), err)
}

// count runs a query whose answer is one number; NULL counts as 0.
func count(ctx context.Context, db *sql.DB, query string, args ...any) (int64, error) {
	var n sql.NullInt64
	err := db.QueryRowContext(ctx, query, args...).Scan(&n)
	return n.Int64, engineError("counting", err)
}

// fileSHA256 is the hex digest of a file.
func fileSHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("digesting %s: %w", filepath.Base(path), err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("digesting %s: %w", filepath.Base(path), err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// fileColumn is one column of a Parquet file.
type fileColumn struct {
	name string
	kind string // the engine's type name
}

// fileColumns lists the columns of a Parquet file.
func fileColumns(ctx context.Context, db *sql.DB, path string) ([]fileColumn, error) {
	rows, err := db.QueryContext(ctx, "SELECT * FROM read_parquet(?) LIMIT 0", path)
	if err != nil {
		return nil, engineError("reading columns of "+filepath.Base(path), err)
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, engineError("reading columns of "+filepath.Base(path), err)
	}
	var cols []fileColumn
	for _, t := range types {
		cols = append(cols, fileColumn{t.Name(), t.DatabaseTypeName()})
	}
	return cols, rows.Err()
}

// textExpr is the canonical text of a column: whole numbers without a decimal point whatever their type, text
// in Unicode normal form C, so that a declared label matches however the author's expression was typed.
func textExpr(c fileColumn) string {
	q := quoteIdent(c.name)
	switch {
	case c.kind == "VARCHAR":
		return "nfc_normalize(" + q + ")"
	case c.kind == "DOUBLE", c.kind == "FLOAT", strings.HasPrefix(c.kind, "DECIMAL"):
		d := "CAST(" + q + " AS DOUBLE)"
		return "CASE WHEN abs(" + d + ") < 1e15 AND " + d + " = trunc(" + d + ") THEN CAST(CAST(" + d +
			" AS BIGINT) AS VARCHAR) ELSE CAST(" + d + " AS VARCHAR) END"
	default:
		return "CAST(" + q + " AS VARCHAR)"
	}
}

package runner

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
)

// envPlain turns the tests' program into a plain process around the engine, for the benchmark that measures a
// job beside it (deploy/demo): `ingest` does ./in/task.json into ./out, `query` runs ./query.sql and prints
// its rows. DuckDB is reached from this package only, so the process is this one.
const envPlain = "SLUICE_PLAIN"

func TestMain(m *testing.M) {
	act := os.Getenv(envPlain)
	if act == "" {
		os.Exit(m.Run())
	}
	if err := plain(act); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func plain(act string) error {
	if act == "ingest" {
		return Run(context.Background(), "in", "out")
	}
	text, err := os.ReadFile("query.sql")
	if err != nil {
		return err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(context.Background(), string(text))
	if err != nil {
		return err
	}
	defer rows.Close()
	return printRows(rows)
}

// printRows prints rows as comma-separated lines.
func printRows(rows *sql.Rows) error {
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	row, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		fmt.Println(strings.ReplaceAll(strings.Trim(fmt.Sprint(row), "[]"), " ", ","))
	}
	return rows.Err()
}

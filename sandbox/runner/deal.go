package runner

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// dealtRun is one run of a Python job: everybody, or one half of one split.
type dealtRun struct {
	kind string // of the units that are split; "" for everybody
	bit  int
	side int
}

// dealtRuns lists the runs in the order of their numbers: everybody first, then the sides of each split side by side.
func (s *splitter) dealtRuns() []dealtRun {
	runs := []dealtRun{{}}
	for _, kind := range s.kinds() {
		for bit := range s.splits {
			runs = append(runs, dealtRun{kind, bit, 0}, dealtRun{kind, bit, 1})
		}
	}
	return runs
}

// runFile names a file of one run.
func runFile(run int, rest string) string { return fmt.Sprintf("%02d-%s", run, rest) }

// deal writes every table for every run. What a run is given tells neither which one it is nor who is in the others.
func deal(ctx context.Context, in, out string, l *task.DealLetter) (*task.DealReport, error) {
	if l.Splits < 0 || l.Splits > maxSplits || len(l.Seed) < shortestSeed {
		return nil, errors.New("reading letter: too many splits, or a short seed")
	}
	db, err := openDuck(ctx, duckConfig{Threads: 1, Read: in, Write: out})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	s := &splitter{db: db, tables: l.Tables, in: in, splits: l.Splits, seed: l.Seed}
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	runs := s.dealtRuns()
	for i, r := range runs {
		for _, t := range s.tables {
			if err := s.deal(ctx, t, r, filepath.Join(out, runFile(i, t.Input+".csv.gz"))); err != nil {
				return nil, err
			}
		}
	}
	return &task.DealReport{Runs: len(runs)}, nil
}

// deal writes one table for one run, in staged order.
func (s *splitter) deal(ctx context.Context, t task.TableSpec, r dealtRun, path string) error {
	if err := fileName(t.Input); err != nil {
		return err
	}
	cols := []string{s.rowName(t.Input) + " AS " + quoteIdent(task.RowColumn)}
	for _, u := range t.Units {
		cols = append(cols, quoteIdent(u.Kind))
	}
	for _, c := range t.Columns {
		cols = append(cols, quoteIdent(c.Name))
	}
	condition := ""
	if r.kind != "" {
		condition = half(t, r.kind, r.bit, r.side)
	}
	_, err := s.db.ExecContext(ctx, "COPY (SELECT "+strings.Join(cols, ", ")+" FROM "+quoteIdent(stagedPrefix+t.Input)+condition+ //nolint:gosec // names are quoted, the key is hexadecimal
		") TO "+quoteLiteral(path)+" (FORMAT csv, HEADER true, NULLSTR '', COMPRESSION gzip)")
	return engineError("dealing a table", err)
}

// rowName is the expression of a row's opaque name: 128 bits of a keyed hash of its number, which would tell where in
// its file the row stood, and in a half how many rows are missing before it.
func (s *splitter) rowName(input string) string {
	return "substr(sha256(" + quoteLiteral(s.key("row "+input)) + " || CAST(" + quoteIdent(ordinalColumn) + " AS VARCHAR)), 1, 32)"
}

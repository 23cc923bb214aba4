package runner

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
)

// attach tests what a Python job made of everybody against what it made of each half, and puts the platform's own
// columns beside the labels.
func attach(ctx context.Context, in, out string, l *task.AttachLetter) (*task.AttachReport, error) {
	if l.Splits < 0 || l.Splits > maxSplits || len(l.Seed) < shortestSeed {
		return nil, errors.New("reading letter: too many splits, or a short seed")
	}
	db, err := openDuck(ctx, duckConfig{Read: in, Write: out})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	s := &splitter{db: db, tables: l.Tables, in: in, splits: l.Splits, seed: l.Seed}
	report := &task.AttachReport{SplitReport: task.SplitReport{Splits: l.Splits, Failed: []string{}}, Relations: []task.RelationRows{}}
	for _, p := range l.Relations {
		dependent, err := s.dependent(ctx, p.Relation)
		if err != nil {
			return nil, fmt.Errorf("comparing relation %q: %w", p.Relation, err)
		}
		if dependent || slices.Contains(l.Broken, p.Relation) {
			report.Failed = append(report.Failed, p.Relation)
		}
		rows, err := s.attach(ctx, p, out)
		if err != nil {
			return nil, fmt.Errorf("attaching to relation %q: %w", p.Relation, err)
		}
		report.Relations = append(report.Relations, task.RelationRows{Relation: p.Relation, Rows: rows})
	}
	return report, nil
}

// normalized is the path of what one run made of a relation.
func (s *splitter) normalized(run int, relation string) (string, error) {
	return tableFile(filepath.Join(s.in, relationsDir), runFile(run, relation))
}

// dependent says that in some split the halves together are not the whole: the relation depends on other people's rows.
func (s *splitter) dependent(ctx context.Context, relation string) (bool, error) {
	whole, err := s.normalized(0, relation)
	if err != nil {
		return false, err
	}
	for run := 1; run < len(s.dealtRuns()); run += 2 {
		var halves []string
		for side := range 2 {
			path, err := s.normalized(run+side, relation)
			if err != nil {
				return false, err
			}
			halves = append(halves, quoteLiteral(path))
		}
		equal, err := s.equal(ctx, "read_parquet(["+strings.Join(halves, ", ")+"])", whole)
		if err != nil || !equal {
			return true, err
		}
	}
	return false, nil
}

// attach writes a relation as its plan has it. A row that names no staged one has neither token nor measures; one whose
// token is another unit's has no token: screening counts both as foreign.
func (s *splitter) attach(ctx context.Context, p task.RelationPlan, out string) (int64, error) {
	if len(p.Inputs) != 1 {
		return 0, errors.New("reading letter: a labelled relation is of one input")
	}
	i := slices.IndexFunc(s.tables, func(t task.TableSpec) bool { return t.Input == p.Inputs[0] })
	if i < 0 {
		return 0, errors.New("reading letter: a labelled relation of no input")
	}
	staged, err := stagedSelect(s.in, s.tables[i])
	if err != nil {
		return 0, err
	}
	whole, err := s.normalized(0, p.Relation)
	if err != nil {
		return 0, err
	}
	path, err := tableFile(out, p.Relation)
	if err != nil {
		return 0, err
	}
	row := quoteIdent(task.RowColumn)
	query := "SELECT " + attached(p) + " FROM read_parquet(" + quoteLiteral(whole) + ") AS made LEFT JOIN (SELECT *, " +
		s.rowName(p.Inputs[0]) + " AS " + row + " FROM (" + staged + ")) AS staged ON made." + row + " = staged." + row
	if err := copyParquet(ctx, s.db, query+" ORDER BY ALL", path); err != nil {
		return 0, err
	}
	return count(ctx, s.db, "SELECT count(*) FROM read_parquet(?)", path)
}

// attached lists a plan's columns: labels as the code wrote them, tokens only where it left them alone, and all else
// from the staged row.
func attached(p task.RelationPlan) string {
	var cols []string
	for _, c := range p.Columns {
		q := quoteIdent(c.Name)
		switch c.Kind {
		case task.KindToken:
			cols = append(cols, "CASE WHEN made."+q+" = CAST(staged."+q+" AS VARCHAR) THEN staged."+q+" END AS "+q)
		case task.KindLabel:
			cols = append(cols, "made."+q+" AS "+q)
		default:
			cols = append(cols, "staged."+q+" AS "+q)
		}
	}
	return strings.Join(cols, ", ")
}

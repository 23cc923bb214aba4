package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/runner/grammar"
)

// check decides whether every relation of a code file is verified and every declared table fits. It reads no
// row: the tables it binds over are empty.
func check(ctx context.Context, in, _ string, l *task.CheckLetter) (*task.CheckReport, error) {
	if len(l.Files) > 0 {
		return checkFolder(in, l)
	}
	db, err := openDuck(ctx, duckConfig{Threads: 1, Read: in, Placed: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	v := &verifier{db: db, grammar: grammar.New(), tables: l.Tables}
	if err := v.emptyTables(ctx); err != nil {
		return nil, err
	}
	return v.check(ctx, l)
}

// check is check in an engine that has the tables.
func (v *verifier) check(ctx context.Context, l *task.CheckLetter) (*task.CheckReport, error) {
	stmts, findings := grammar.Split(l.Code)
	r := &task.CheckReport{Relations: []task.RelationPlan{}, Reads: []task.ColumnReading{}}
	verdicts := map[string]grammar.Verdict{}
	reads := map[string]map[string]bool{}
	for _, s := range stmts {
		ok, refused, err := v.verify(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("checking relation %q: %w", s.Relation, err)
		}
		findings = append(findings, refused...)
		if ok == nil {
			continue
		}
		r.Relations = append(r.Relations, ok.plan())
		verdicts[s.Relation] = ok.Verdict
		addReads(reads, ok.Reads)
	}
	slices.SortStableFunc(findings, func(a, b task.CheckFinding) int { return a.Line - b.Line })
	r.Findings = append(findings, grammar.Outputs(l.Output, verdicts)...) // causes before what follows from them
	for input, cols := range reads {
		r.Reads = append(r.Reads, task.ColumnReading{Input: input, Columns: sortedKeys(cols)})
	}
	slices.SortFunc(r.Reads, func(a, b task.ColumnReading) int { return strings.Compare(a.Input, b.Input) })
	return r, nil
}

func addReads(to map[string]map[string]bool, reads map[string][]string) {
	for input, cols := range reads {
		if to[input] == nil {
			to[input] = map[string]bool{}
		}
		for _, c := range cols {
			to[input][c] = true
		}
	}
}

func sortedKeys(set map[string]bool) []string {
	out := []string{}
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// emptyTables makes each input without a row.
func (v *verifier) emptyTables(ctx context.Context) error {
	for _, t := range v.tables {
		cols, err := stagedColumns(t)
		if err != nil {
			return err
		}
		var defs []string
		for _, c := range cols {
			defs = append(defs, quoteIdent(c[0])+" "+c[1])
		}
		_, err = v.db.ExecContext(ctx, "CREATE TABLE "+quoteIdent(t.Input)+" ("+strings.Join(defs, ", ")+")")
		if err != nil {
			return engineError("making an empty table", err)
		}
	}
	return nil
}

package runner

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/policy/screen"
)

// screening is one run of screen.
type screening struct {
	db      *sql.DB
	in, out string
	letter  *task.ScreenLetter
	staged  *staged
	tables  map[string]*task.TableSpec
}

// screened is one declared table on its way out.
type screened struct {
	grid    *grid
	rel     *relation
	cells   []cell
	table   published
	members *memberTable
	fact    screen.Evidence
}

// screenOutputs computes the declared tables from the relations, and the evidence about them. It judges
// nothing: that is policy/screen's, outside. No code of the author runs here.
func screenOutputs(ctx context.Context, in, out string, l *task.ScreenLetter) (*task.ScreenEvidence, error) {
	if l.RoundTo < 1 || l.Near < 1 || len(l.DigestKey) != keyBytes {
		return nil, errors.New("reading letter: rounding base, bound of differences or digest key missing")
	}
	db, err := openDuck(ctx, duckConfig{Read: in})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	s := &screening{db: db, in: in, out: out, letter: l, tables: map[string]*task.TableSpec{}}
	for i := range l.Tables {
		s.tables[l.Tables[i].Input] = &l.Tables[i]
	}
	if s.staged, err = readUnits(ctx, db, in); err != nil {
		return nil, err
	}
	var list []*screened
	for i := range l.Output {
		o, err := s.output(ctx, &l.Output[i])
		if err != nil {
			return nil, fmt.Errorf("screening %q: %w", l.Output[i].Name, err)
		}
		list = append(list, o)
	}
	if err := s.differences(list); err != nil {
		return nil, err
	}
	return s.write(list)
}

// plan finds a relation of the letter.
func (s *screening) plan(relation string) (*task.RelationPlan, error) {
	for i := range s.letter.Relations {
		if s.letter.Relations[i].Relation == relation {
			return &s.letter.Relations[i], nil
		}
	}
	return nil, errors.New("reading a declared table: its relation was not checked")
}

// kinds lists the unit kinds a relation's inputs protect.
func (s *screening) kinds(p *task.RelationPlan) []string {
	var kinds []string
	for _, input := range p.Inputs {
		if t := s.tables[input]; t != nil {
			for _, u := range t.Units {
				if !slices.Contains(kinds, u.Kind) {
					kinds = append(kinds, u.Kind)
				}
			}
		}
	}
	return kinds
}

// output computes one declared table and the evidence about it alone.
func (s *screening) output(ctx context.Context, t *task.Table) (*screened, error) {
	g, err := newGrid(ctx, s.db, t)
	if err != nil {
		return nil, err
	}
	r, err := s.readRelation(ctx, g)
	if err != nil {
		return nil, err
	}
	rows := r.believed()
	o := &screened{grid: g, rel: r, cells: cellsOf(g, r, rows)}
	o.table = publish(g, r, o.cells, s.letter.RoundTo)
	o.members = membersOf(g, r, rows, s.staged, s.letter.DigestKey)
	o.fact = screen.Evidence{
		Output: t.Name, Relations: []screen.RelationFact{}, Cells: []screen.Cell{},
		OutsideDomain: outside(g, r), Differences: []screen.Difference{},
		Identifiers: identifiersIn(g, o.table.header),
	}
	for i := range o.cells {
		o.fact.Cells = append(o.fact.Cells, o.cells[i].fact)
	}
	fact, err := s.relationFact(ctx, r)
	if err != nil {
		return nil, err
	}
	o.fact.Relations = append(o.fact.Relations, fact)
	o.fact.CopiedRows, err = s.copied(ctx, o)
	return o, err
}

// outside counts the rows whose label is not declared, a missing label included.
func outside(g *grid, r *relation) []screen.ColumnCount {
	list := []screen.ColumnCount{}
	for d, dim := range g.table.By {
		n := int64(0)
		for _, l := range r.labels[d] {
			if l == nobody {
				n++
			}
		}
		if n > 0 {
			list = append(list, screen.ColumnCount{Column: dim.Column, Count: n})
		}
	}
	return list
}

// relationFact measures whether the tokens of a relation are what was staged.
func (s *screening) relationFact(ctx context.Context, r *relation) (screen.RelationFact, error) {
	f := screen.RelationFact{Relation: r.plan.Relation, Rows: int64(r.rows)}
	for row := range r.rows {
		for _, u := range r.units {
			if u != nil && u[row] == nobody {
				f.Foreign++
				break
			}
		}
	}
	for k, kind := range r.kinds {
		allowed, err := s.stagedRows(ctx, r.plan, kind)
		if err != nil {
			return f, err
		}
		held := make([]int64, len(allowed))
		for _, u := range r.units[k] {
			if u != nobody {
				held[u]++
			}
		}
		for u := range held {
			if held[u] > allowed[u] {
				f.Repeated++
			}
		}
	}
	return f, nil
}

// stagedRows is, for every unit of a kind, the most rows that one of a relation's inputs staged for it.
func (s *screening) stagedRows(ctx context.Context, p *task.RelationPlan, kind string) ([]int64, error) {
	most := make([]int64, len(s.staged.units[kind]))
	for _, input := range p.Inputs {
		t := s.tables[input]
		if t == nil || !slices.ContainsFunc(t.Units, func(u task.Unit) bool { return u.Kind == kind }) {
			continue
		}
		if err := s.countStaged(ctx, input, kind, most); err != nil {
			return nil, fmt.Errorf("counting staged rows: %w", err)
		}
	}
	return most, nil
}

// countStaged raises most to the row counts of one staged table.
func (s *screening) countStaged(ctx context.Context, input, kind string, most []int64) error {
	path, err := tableFile(s.in, input)
	if err != nil {
		return err
	}
	q := quoteIdent(kind)
	rows, err := s.db.QueryContext(ctx, "SELECT "+q+", count(*) FROM read_parquet(?) GROUP BY "+q, path) //nolint:gosec // identifiers are quoted, values are parameters
	if err != nil {
		return engineError("reading staged rows", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var token duckdb.UUID
		var n int64
		if err := rows.Scan(&token, &n); err != nil {
			return engineError("reading staged rows", err)
		}
		if at, ok := s.staged.place[kind][token]; ok {
			most[at] = max(most[at], n)
		}
	}
	return engineError("reading staged rows", rows.Err())
}

// write writes the files of every output.
func (s *screening) write(list []*screened) (*task.ScreenEvidence, error) {
	e := &task.ScreenEvidence{Outputs: []task.ScreenedOutput{}, Facts: []screen.Evidence{}}
	for _, o := range list {
		name := o.grid.table.Name
		b, err := o.table.csv()
		if err != nil {
			return nil, err
		}
		if err := writeFile(filepath.Join(s.out, name+".csv"), b); err != nil {
			return nil, err
		}
		if err := o.members.write(filepath.Join(s.out, name+".members")); err != nil {
			return nil, err
		}
		digest := sha256.Sum256(b)
		e.Outputs = append(e.Outputs, task.ScreenedOutput{
			Name: name, File: name + ".csv", SHA256: hex.EncodeToString(digest[:]),
			Rows: len(o.table.cells), Membership: name + ".members",
		})
		e.Facts = append(e.Facts, o.fact)
	}
	return e, nil
}

package runner

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/sluicedata/sluice/catalog/task"
)

// Bounds of synthetic tables.
const (
	maxSynthRows  = 10_000_000
	maxSynthUnits = 1_000_000
	fewestUnits   = 20 // invented where a profile shows no count
)

// synth makes staged tables for debug runs: invented from signed profiles, or cut from a department's own twin.
// The same letter gives the same rows.
// Inputs of one dataset draw from one list of units in one order, so that joins between them find partners.
func synth(ctx context.Context, in, out string, l *task.SynthLetter) (*task.SynthReport, error) {
	if l.Rows < 1 || l.Rows > maxSynthRows || len(l.Seed) == 0 {
		return nil, errors.New("reading letter: rows out of bounds, or no seed")
	}
	s, err := newInventor(in, l)
	if err != nil {
		return nil, err
	}
	db, err := openDuck(ctx, duckConfig{Read: in, Write: out})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	if err := createUnits(ctx, db); err != nil {
		return nil, err
	}
	r := &task.SynthReport{Inputs: []task.StagedTable{}}
	for i := range l.Inputs {
		t, err := s.staged(ctx, db, in, out, i)
		if err != nil {
			return nil, fmt.Errorf("inventing %q: %w", l.Inputs[i].Input, err)
		}
		r.Inputs = append(r.Inputs, t)
	}
	return r, writeUnits(ctx, db, out)
}

// inventor holds what all tables of a letter share.
type inventor struct {
	letter   *task.SynthLetter
	profiles []task.TableProfile      // an input; of one with a twin empty
	units    map[string][]duckdb.UUID // dataset and kind → tokens; the stable unit is the same UUID
}

// newInventor reads the profiles and invents the units of every dataset: as many as the largest profile has.
func newInventor(in string, l *task.SynthLetter) (*inventor, error) {
	s := &inventor{letter: l, units: map[string][]duckdb.UUID{}}
	counts := map[string]int64{}
	for _, input := range l.Inputs {
		if err := checkScope(input.Scope); err != nil {
			return nil, err
		}
		if len(input.Twin) > 0 {
			s.profiles = append(s.profiles, task.TableProfile{})
			continue
		}
		var p task.TableProfile
		if err := readJSON(filepath.Join(in, input.Input, profileFile), maxProfile, &p); err != nil {
			return nil, fmt.Errorf("reading profile: %w", err)
		}
		if p.Version != profileVersion {
			return nil, errors.New("reading profile: unknown version")
		}
		s.profiles = append(s.profiles, p)
		for _, u := range input.Units {
			k := unitsKey(input.Dataset, u.Kind)
			counts[k] = min(max(counts[k], unitProfile(p, u.Kind).Count, fewestUnits), maxSynthUnits)
		}
	}
	for k, n := range counts {
		s.units[k] = inventUnits(s.random("units", k), n)
	}
	return s, nil
}

// unitsKey names the units of one kind of one dataset.
func unitsKey(dataset, kind string) string { return dataset + "\x00" + kind }

// random is a generator of its own for one purpose, so that one more input changes no other table.
func (s *inventor) random(purpose ...string) *rand.Rand {
	seed := sha256.Sum256([]byte(string(s.letter.Seed) + "\x00" + strings.Join(purpose, "\x00")))
	return rand.New(rand.NewChaCha8(seed)) //nolint:gosec // invented rows, not secrets
}

// inventUnits draws n UUIDs.
func inventUnits(r *rand.Rand, n int64) []duckdb.UUID {
	list := make([]duckdb.UUID, n)
	for i := range list {
		for j := 0; j < len(list[i]); j += 8 {
			v := r.Uint64()
			for b := range 8 {
				list[i][j+b] = byte(v >> (8 * b))
			}
		}
	}
	return list
}

// unitProfile finds a kind in a profile; the zero profile where it is absent.
func unitProfile(p task.TableProfile, kind string) task.UnitProfile {
	for _, u := range p.Units {
		if u.Kind == kind {
			return u
		}
	}
	return task.UnitProfile{Kind: kind}
}

// staged makes one input from what the letter gives it.
func (s *inventor) staged(ctx context.Context, db *sql.DB, in, out string, i int) (task.StagedTable, error) {
	input := &s.letter.Inputs[i]
	if len(input.Twin) == 0 {
		return s.table(ctx, db, out, i)
	}
	key := s.letter.TokenKey
	c := cutter{db: db, in: in, out: out, tokenKey: key, input: &task.StageInput{Scope: input.Scope, UnitKey: key, Parts: input.Twin}}
	return c.cut(ctx)
}

// table invents one input and writes it as a staged table.
func (s *inventor) table(ctx context.Context, db *sql.DB, out string, i int) (task.StagedTable, error) {
	input := &s.letter.Inputs[i]
	name := fmt.Sprintf("input_%d", i)
	if err := createStaged(ctx, db, name, input.Scope); err != nil {
		return task.StagedTable{}, err
	}
	cols, err := drawers(input.Scope, s.profiles[i])
	if err != nil {
		return task.StagedTable{}, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return task.StagedTable{}, engineError("opening connection", err)
	}
	err = conn.Raw(func(c any) error { return s.fill(ctx, c, name, i, cols) })
	if err := errors.Join(err, conn.Close()); err != nil {
		return task.StagedTable{}, err
	}
	for _, u := range input.Units {
		q := quoteIdent(u.Kind)
		_, err := db.ExecContext(ctx, "INSERT INTO units SELECT DISTINCT ?, "+q+", "+q+" FROM "+name, u.Kind) //nolint:gosec // identifiers are quoted, values are parameters
		if err != nil {
			return task.StagedTable{}, engineError("gathering units", err)
		}
	}
	return writeStaged(ctx, db, out, input.Scope, name)
}

// createStaged makes an empty table of a staged table's shape.
func createStaged(ctx context.Context, db *sql.DB, name string, s task.Scope) error {
	var defs []string
	for _, u := range s.Units {
		defs = append(defs, quoteIdent(u.Kind)+" UUID")
	}
	for _, c := range s.Columns {
		t, err := sqlType(c.Type)
		if err != nil {
			return err
		}
		defs = append(defs, quoteIdent(c.Name)+" "+t)
	}
	defs = append(defs, quoteIdent(ordinalColumn)+" BIGINT")
	_, err := db.ExecContext(ctx, "CREATE TABLE "+name+" ("+strings.Join(defs, ", ")+")")
	return engineError("creating table", err)
}

// fill appends the rows of one input: unit by unit in the dataset's order, 1 to RowsPer rows each, until the
// letter's or the profile's number of rows is reached.
func (s *inventor) fill(ctx context.Context, c any, name string, i int, cols []drawer) error {
	dc, ok := c.(driver.Conn)
	if !ok {
		return errors.New("opening appender: not an engine connection")
	}
	a, err := duckdb.NewAppenderFromConn(dc, "", name)
	if err != nil {
		return engineError("opening appender", err)
	}
	err = s.rows(ctx, i, cols, a.AppendRow)
	return errors.Join(err, engineError("closing appender", a.Close()))
}

// rows hands every invented row to add.
func (s *inventor) rows(ctx context.Context, i int, cols []drawer, add func(...driver.Value) error) error {
	input, p := &s.letter.Inputs[i], s.profiles[i]
	r := s.random("rows", input.Input)
	limit := s.letter.Rows
	if p.Rows > 0 {
		limit = min(limit, p.Rows)
	}
	for _, f := range input.Rows {
		if len(f.In) == 0 {
			limit = 0 // an empty list keeps no rows, here as in stage
		}
	}
	row := make([]driver.Value, len(input.Units)+len(cols)+1)
	var ordinal int64
	for unit := 0; ordinal < limit; unit++ {
		n, ok := s.rowsOf(r, input, p, unit)
		for ; ok && n > 0 && ordinal < limit; n-- {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("appending: %w", err)
			}
			ordinal++
			s.row(r, input, cols, unit, ordinal, row)
			if err := add(row...); err != nil {
				return engineError("appending", err)
			}
		}
		if !ok {
			break
		}
	}
	return nil
}

// rowsOf draws how many rows the unit at a place of the list has; false when the list has ended.
func (s *inventor) rowsOf(r *rand.Rand, in *task.SynthInput, p task.TableProfile, unit int) (int64, bool) {
	if len(in.Units) == 0 {
		return 1, true
	}
	first := in.Units[0].Kind
	return 1 + r.Int64N(max(unitProfile(p, first).RowsPer, 1)), unit < len(s.units[unitsKey(in.Dataset, first)])
}

// row fills one row: the unit itself, any unit of the further kinds, the drawn columns, the ordinal.
func (s *inventor) row(r *rand.Rand, in *task.SynthInput, cols []drawer, unit int, ordinal int64, row []driver.Value) {
	place := map[string]int{}
	for k, u := range in.Units {
		list := s.units[unitsKey(in.Dataset, u.Kind)]
		at := unit
		if k > 0 {
			at = r.IntN(len(list))
		}
		row[k] = list[at]
		place[u.Column] = at
	}
	for k := range cols {
		at, ok := place[cols[k].column.Name]
		if !ok {
			at = unit
		}
		row[len(in.Units)+k] = cols[k].draw(r, at)
	}
	row[len(row)-1] = ordinal
}

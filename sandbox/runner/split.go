package runner

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/runner/grammar"
)

// Bounds and names of the split test.
const (
	maxSplits    = 48      // bits of one keyed hash that are used
	halvesTable  = "_half" // of both halves' rows of a relation
	stagedPrefix = "_staged "
	maskColumn   = "_mask"
	shortestSeed = 16
)

// split runs every relation over halves of the units and compares: R(D) = R(A) ⊎ R(B) as multisets, doubles
// included to the last bit but for the sign of zero. A relation for which that fails in any split depends on
// other people's rows. It runs with one thread, over rows in staged order, so that honest sums are equal.
func split(ctx context.Context, in, _ string, l *task.SplitLetter) (*task.SplitReport, error) {
	if l.Splits < 1 || l.Splits > maxSplits || len(l.Seed) < shortestSeed {
		return nil, errors.New("reading letter: too few or too many splits, or a short seed")
	}
	db, err := openDuck(ctx, duckConfig{MemoryMB: l.MemoryMB, Threads: 1, Read: in, Placed: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	s := &splitter{db: db, tables: l.Tables, in: in, splits: l.Splits, seed: l.Seed}
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	v := &verifier{db: db, grammar: grammar.New(), tables: l.Tables}
	todo, failure, err := v.verifyAll(ctx, l.Relations)
	if err != nil {
		return nil, err
	}
	if failure != nil {
		return nil, fmt.Errorf("checking relation %q: it is not verified", failure.Relation)
	}
	var queries []splitQuery
	for _, r := range todo {
		q, _ := r.query()
		queries = append(queries, splitQuery{relation: r.stmt.Relation, query: q})
	}
	failed, err := s.run(ctx, queries)
	if err != nil {
		return nil, err
	}
	return &task.SplitReport{Splits: l.Splits, Failed: failed}, nil
}

// splitQuery is one relation to test.
type splitQuery struct {
	relation, query string
}

// splitter holds the staged tables in memory, each row with one bit a split that says which half its unit is in.
type splitter struct {
	db     *sql.DB
	tables []task.TableSpec
	in     string
	splits int
	seed   []byte
}

// load reads the staged tables in their order, and shows each as a view of everybody.
func (s *splitter) load(ctx context.Context) error {
	for _, t := range s.tables {
		from, err := stagedSelect(s.in, t)
		if err != nil {
			return err
		}
		list := []string{"*"}
		var keys []any
		for _, u := range t.Units {
			// One keyed hash of the token holds a bit for each split, so that a row is hashed once.
			list = append(list, "CAST('0x' || substr(sha256(CAST(? AS VARCHAR) || CAST("+quoteIdent(u.Kind)+
				" AS VARCHAR)), 1, 12) AS UBIGINT) AS "+quoteIdent(maskColumn+" "+u.Kind))
			keys = append(keys, s.key(u.Kind))
		}
		_, err = s.db.ExecContext(ctx, "CREATE TABLE "+quoteIdent(stagedPrefix+t.Input)+" AS SELECT "+
			strings.Join(list, ", ")+" FROM ("+from+")", keys...)
		if err != nil {
			return engineError("loading a staged table", err)
		}
		if err := s.show(ctx, t, ""); err != nil {
			return err
		}
	}
	return nil
}

// key is a key of fixed length for the tokens of one unit kind, so that key and token cannot run together.
func (s *splitter) key(kind string) string {
	m := hmac.New(sha256.New, s.seed)
	m.Write([]byte("split " + kind))
	return hex.EncodeToString(m.Sum(nil))
}

// show makes an input a view of the rows a condition keeps.
func (s *splitter) show(ctx context.Context, t task.TableSpec, condition string) error {
	cols, err := stagedColumns(t)
	if err != nil {
		return err
	}
	var list []string
	for _, c := range cols {
		list = append(list, quoteIdent(c[0]))
	}
	_, err = s.db.ExecContext(ctx, "CREATE OR REPLACE VIEW "+quoteIdent(t.Input)+" AS SELECT "+
		strings.Join(list, ", ")+" FROM "+quoteIdent(stagedPrefix+t.Input)+condition)
	return engineError("showing a half", err)
}

// kinds lists the unit kinds of all tables.
func (s *splitter) kinds() []string {
	var kinds []string
	for _, t := range s.tables {
		for _, u := range t.Units {
			kinds = append(kinds, u.Kind)
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// run tests every query in every split of every unit kind, and lists the relations that failed.
func (s *splitter) run(ctx context.Context, queries []splitQuery) ([]string, error) {
	failed := map[string]bool{}
	for _, kind := range s.kinds() {
		for bit := range s.splits {
			if err := s.split(ctx, queries, failed, kind, bit); err != nil {
				return nil, err
			}
		}
	}
	return sortedKeys(failed), nil
}

// split tests every query that has not failed yet in one split.
func (s *splitter) split(ctx context.Context, queries []splitQuery, failed map[string]bool, kind string, bit int) error {
	for side := range 2 {
		for _, t := range s.tables {
			if err := s.show(ctx, t, half(t, kind, bit, side)); err != nil {
				return err
			}
		}
		for i, q := range queries {
			if failed[q.relation] {
				continue
			}
			if err := s.half(ctx, i, side, q.query); err != nil {
				if ctx.Err() != nil {
					return fmt.Errorf("splitting: %w", ctx.Err())
				}
				// What runs over everybody and not over half of them depends on the other half.
				failed[q.relation] = true
			}
		}
	}
	return s.compare(ctx, queries, failed)
}

// half is the condition that keeps one side's rows; a table without the kind stays whole.
func half(t task.TableSpec, kind string, bit, side int) string {
	if !slices.ContainsFunc(t.Units, func(u task.Unit) bool { return u.Kind == kind }) {
		return ""
	}
	return " WHERE (" + quoteIdent(maskColumn+" "+kind) + " >> " + strconv.Itoa(bit) + ") & 1 = " + strconv.Itoa(side)
}

// half adds one side's rows of a query to its table.
func (s *splitter) half(ctx context.Context, i, side int, query string) error {
	into := "CREATE OR REPLACE TABLE " + quoteIdent(halvesTable+strconv.Itoa(i)) + " AS "
	if side == 1 {
		into = "INSERT INTO " + quoteIdent(halvesTable+strconv.Itoa(i)) + " "
	}
	_, err := s.db.ExecContext(ctx, into+query)
	return err
}

// compare compares both halves of each query with the relation over everybody.
func (s *splitter) compare(ctx context.Context, queries []splitQuery, failed map[string]bool) error {
	for i, q := range queries {
		if failed[q.relation] {
			continue
		}
		path, err := tableFile(filepath.Join(s.in, relationsDir), q.relation)
		if err != nil {
			return err
		}
		equal, err := s.equal(ctx, quoteIdent(halvesTable+strconv.Itoa(i)), path)
		if err != nil {
			return fmt.Errorf("comparing relation %q: %w", q.relation, err)
		}
		if !equal {
			failed[q.relation] = true
		}
	}
	return nil
}

// equal says that a table and a file hold the same rows, each as often: rows of the one weigh 1, of the other -1,
// and every kind of row must add up to nothing. Columns are told apart by place, so that no name is in the way.
func (s *splitter) equal(ctx context.Context, table, path string) (bool, error) {
	cols, err := fileColumns(ctx, s.db, path)
	if err != nil {
		return false, err
	}
	places := make([]string, len(cols))
	for i := range cols {
		places[i] = "c" + strconv.Itoa(i)
	}
	all := strings.Join(places, ", ")
	n, err := count(ctx, s.db, "SELECT count(*) FROM (SELECT sum(weight) AS rest FROM (SELECT *, 1 FROM "+table+
		" UNION ALL SELECT *, -1 FROM read_parquet("+quoteLiteral(path)+")) AS line("+all+", weight) GROUP BY "+all+") WHERE rest <> 0")
	return err == nil && n == 0, err
}

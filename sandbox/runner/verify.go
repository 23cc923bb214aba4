package runner

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/runner/grammar"
)

// verifier checks statements with the engine that will run them.
type verifier struct {
	db      *sql.DB
	grammar *grammar.Grammar
	tables  []task.TableSpec
}

// verified is a statement that may run. text is what runs: the checked tree written out again, with every
// star expanded, and checked again.
type verified struct {
	grammar.Verdict
	stmt   task.Statement
	text   string
	casts  []string // the type each column leaves with
	places map[int]int
}

// describe is what goes before a text to have its columns told.
const describe = "SELECT column_name, column_type FROM (DESCRIBE "

// verify decides about one statement. Findings are about the author's text; an error is about the engine.
func (v *verifier) verify(ctx context.Context, stmt task.Statement) (*verified, []task.CheckFinding, error) {
	refuse := func(c grammar.Code, at int) (*verified, []task.CheckFinding, error) {
		return nil, []task.CheckFinding{grammar.Refuse(stmt, c, at, "")}, nil
	}
	tree, err := v.serialize(ctx, stmt.SQL)
	if err != nil {
		return nil, nil, err
	}
	if class, at, failed := tree.Fault(); failed {
		if class == "not implemented" {
			return refuse(grammar.NotSelect, at)
		}
		return refuse(grammar.Syntax, at)
	}
	verdict := v.grammar.Check(stmt, v.tables, tree)
	if len(verdict.Findings) > 0 {
		return nil, verdict.Findings, nil
	}
	out := &verified{Verdict: verdict, stmt: stmt}
	if ok, err := v.rewrite(ctx, out, tree); !ok || err != nil {
		f := grammar.Refuse(stmt, grammar.Canonical, -1, "")
		return nil, []task.CheckFinding{f}, err
	}
	findings, err := v.bind(ctx, out)
	if err != nil || len(findings) > 0 {
		return nil, findings, err
	}
	return out, nil, nil
}

// serialize asks the engine for the tree of a statement. The statement goes as a value, never as text.
func (v *verifier) serialize(ctx context.Context, stmt string) (*grammar.Tree, error) {
	var s string
	err := v.db.QueryRowContext(ctx, "SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)", stmt).Scan(&s)
	if err != nil {
		return nil, engineError("serializing statement", err)
	}
	return grammar.ParseTree(s)
}

// rewrite writes the checked tree out as text and checks that text like an author's: what runs is what was
// checked, whatever the engine's writer and reader make of it.
func (v *verifier) rewrite(ctx context.Context, out *verified, tree *grammar.Tree) (ok bool, err error) {
	err = v.db.QueryRowContext(ctx, "SELECT json_deserialize_sql(CAST(? AS JSON))", tree.String()).Scan(&out.text)
	if err != nil {
		return false, engineError("writing statement", err)
	}
	again, err := v.serialize(ctx, out.text)
	if err != nil {
		return false, err
	}
	if _, _, failed := again.Fault(); failed {
		return false, nil
	}
	out.places = grammar.Places(again, tree)
	verdict := v.grammar.Check(task.Statement{SQL: out.text}, v.tables, again)
	return len(verdict.Findings) == 0 && slices.Equal(verdict.Columns, out.Columns), nil
}

// bind has the engine bind a statement over the tables that are there, and chooses the type of each column.
func (v *verifier) bind(ctx context.Context, out *verified) ([]task.CheckFinding, error) {
	refuse := func(c grammar.Code, at int, what string) ([]task.CheckFinding, error) {
		return []task.CheckFinding{grammar.Refuse(out.stmt, c, at, what)}, nil
	}
	cols, err := v.columns(ctx, out.text)
	if err != nil {
		f, ok := readFault(err)
		if !ok || ctx.Err() != nil {
			return nil, engineError("binding statement", err)
		}
		return refuse(grammar.Bind, out.place(f.at-len(describe)), "")
	}
	if len(cols) != len(out.Columns) {
		return refuse(grammar.Canonical, -1, "")
	}
	for i, c := range out.Columns {
		cast, ok := leavingType(cols[i].kind)
		if !ok || !strings.EqualFold(cols[i].name, c.Name) || (c.Kind == task.KindToken) != (cast == "UUID") {
			return refuse(grammar.Type, -1, c.Name)
		}
		out.casts = append(out.casts, cast)
	}
	return nil, nil
}

// columns lists the result columns of a checked text.
func (v *verifier) columns(ctx context.Context, text string) (cols []fileColumn, err error) {
	rows, err := v.db.QueryContext(ctx, describe+text+")")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c fileColumn
		if err := rows.Scan(&c.name, &c.kind); err != nil {
			return nil, err
		}
		cols = append(cols, c)
	}
	return cols, rows.Err()
}

// leavingType is the type a column of an engine's type leaves with: one of the staged types or a token.
func leavingType(engine string) (string, bool) {
	if strings.HasPrefix(engine, "DECIMAL") {
		return "DOUBLE", true
	}
	t, ok := map[string]string{
		"UUID": "UUID", "VARCHAR": "VARCHAR", "BOOLEAN": "BOOLEAN", "DATE": "DATE",
		"TINYINT": "BIGINT", "SMALLINT": "BIGINT", "INTEGER": "BIGINT", "BIGINT": "BIGINT", "HUGEINT": "BIGINT",
		"FLOAT": "DOUBLE", "DOUBLE": "DOUBLE", `"NULL"`: "VARCHAR",
	}[engine]
	return t, ok
}

// place is the byte of the author's text that a byte of the running text came from; -1 unknown.
func (r *verified) place(at int) int {
	if p, ok := r.places[at]; ok {
		return p
	}
	return -1
}

// query is the statement to run: the checked text with its columns renamed and cast to the types they leave
// with. start is where the checked text begins in it.
func (r *verified) query() (query string, start int) {
	var out, names []string
	for i, c := range r.Columns {
		q := quoteIdent(c.Name)
		out = append(out, "CAST("+q+" AS "+r.casts[i]+") AS "+q)
		names = append(names, q)
	}
	head := "SELECT " + strings.Join(out, ", ") + " FROM ("
	return head + r.text + ") AS _checked(" + strings.Join(names, ", ") + ")", len(head)
}

// plan is what the platform keeps of a verified statement.
func (r *verified) plan() task.RelationPlan {
	p := task.RelationPlan{Statement: r.stmt, Inputs: r.Inputs}
	for _, c := range r.Columns {
		p.Columns = append(p.Columns, c.RelationColumn)
	}
	return p
}

// verifyAll verifies plans that were checked before. One that is not verified now, or means something else
// now, is an error that says which: only a checked plan runs.
func (v *verifier) verifyAll(ctx context.Context, plans []task.RelationPlan) ([]*verified, *task.Failure, error) {
	var out []*verified
	for _, p := range plans {
		r, findings, err := v.verify(ctx, p.Statement)
		if err != nil {
			return nil, nil, fmt.Errorf("checking relation %q: %w", p.Relation, err)
		}
		if len(findings) > 0 {
			f := findings[0]
			return nil, &task.Failure{Class: task.FailSyntax, Relation: p.Relation, Line: f.Line}, nil
		}
		if now := r.plan(); !slices.Equal(now.Columns, p.Columns) || !slices.Equal(now.Inputs, p.Inputs) {
			return nil, &task.Failure{Class: task.FailSyntax, Relation: p.Relation, Line: p.Line}, nil
		}
		out = append(out, r)
	}
	return out, nil, nil
}

// stagedColumns lists the columns of a staged table with their types, in their order.
func stagedColumns(t task.TableSpec) ([][2]string, error) {
	var cols [][2]string
	for _, u := range t.Units {
		cols = append(cols, [2]string{u.Kind, "UUID"})
	}
	for _, c := range t.Columns {
		typ, err := sqlType(c.Type)
		if err != nil {
			return nil, err
		}
		cols = append(cols, [2]string{c.Name, typ})
	}
	return append(cols, [2]string{ordinalColumn, "BIGINT"}), nil
}

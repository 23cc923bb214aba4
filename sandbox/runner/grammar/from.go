package grammar

import (
	"slices"
)

// env maps the CTEs a query sees.
type env map[string]relation

// statement checks a query with its frame.
func (w *walker) statement(n *node, e env) relation {
	if !w.shaped(n, n.get("node"), "statement") {
		return relation{}
	}
	return w.query(n.get("node"), e)
}

// query checks a SELECT or a UNION ALL.
func (w *walker) query(n *node, e env) relation {
	switch typ := n.str("type"); typ {
	case "SELECT_NODE":
		return w.selectNode(n, e)
	case "SET_OPERATION_NODE":
		return w.union(n, e)
	default:
		w.unknown(n, typ)
		return relation{}
	}
}

// ctes checks the WITH of a query and returns what the query sees.
func (w *walker) ctes(n *node, outer env) env {
	e := env{}
	for name, r := range outer {
		e[name] = r
	}
	if !w.shaped(n, n, "ctes") {
		return e
	}
	for _, entry := range n.list("map") {
		v := entry.get("value")
		if !w.shaped(entry, nil, "cte entry") || !w.shaped(v, nil, "cte") {
			continue
		}
		name := lower(entry.str("key"))
		at := v.get("query").get("node").get("from_table")
		if _, taken := e[name]; taken || w.input(name) != nil {
			w.refuse(at, codeShadow, entry.str("key"))
		}
		e[name] = w.statement(v.get("query"), e)
	}
	return e
}

// union checks a UNION ALL: both arms carry the same tokens at the same places.
func (w *walker) union(n *node, outer env) relation {
	if !w.shaped(n, n.get("left"), "SET_OPERATION_NODE") {
		return relation{}
	}
	at := n.get("right").get("from_table")
	if n.str("setop_type") != "UNION" || !n.get("setop_all").isTrue() {
		w.refuse(at, codeSetOp, n.str("setop_type"))
	}
	for _, m := range n.list("modifiers") {
		w.unknown(at, m.str("type"))
	}
	e := w.ctes(n.get("cte_map"), outer)
	a, b := w.query(n.get("left"), e), w.query(n.get("right"), e)
	if len(a.cols) == 0 || len(b.cols) == 0 {
		return relation{}
	}
	if len(a.cols) != len(b.cols) || !slices.Equal(a.units, b.units) {
		w.refuse(at, codeUnionArms, "")
		return relation{}
	}
	r := relation{units: a.units}
	rows := w.newRows("union")
	for i := range a.cols {
		if a.cols[i].token != b.cols[i].token {
			w.refuse(at, codeUnionArms, a.cols[i].name)
		}
		r.cols = append(r.cols, merge(a.cols[i], b.cols[i], rows))
	}
	return r
}

// merge is a column of two arms: a measure when both bring the same one.
func merge(a, b column, rows string) column {
	if a.source == "" || a.source != b.source || a.form != b.form {
		l := a.label()
		l.token, l.ident = a.token, a.ident || b.ident
		return l
	}
	a.rows = rows + a.rows + b.rows
	return a
}

// from checks a table reference.
func (w *walker) from(n *node, e env) scope {
	switch typ := n.str("type"); typ {
	case "BASE_TABLE":
		return w.baseTable(n, e)
	case "SUBQUERY":
		return w.subselect(n, e)
	case "JOIN":
		return w.join(n, e)
	default:
		w.unknown(n, typ)
		return scope{broken: true}
	}
}

func single(t table) scope {
	return scope{tables: []table{t}, units: t.units, unique: t.unique, rows: t.rows, input: t.input,
		broken: len(t.cols) == 0}
}

func (w *walker) baseTable(n *node, e env) scope {
	if !w.shaped(n, n, "BASE_TABLE") {
		return scope{broken: true}
	}
	name := n.str("table_name")
	t := table{}
	if cte, ok := e[lower(name)]; ok {
		t.relation = cte
	} else if spec := w.input(name); spec != nil {
		t = inputTable(spec, w.newRows(spec.Input))
		w.read(spec.Input, "")
	} else {
		w.refuse(n, NoTable, name)
		return scope{broken: true}
	}
	t.alias = name
	if a := n.str("alias"); a != "" {
		t.alias = a
	}
	return single(t)
}

func (w *walker) subselect(n *node, e env) scope {
	if !w.shaped(n, n, "SUBQUERY") {
		return scope{broken: true}
	}
	return single(table{relation: w.statement(n.get("subquery"), e), alias: n.str("alias")})
}

// join checks an inner or left join on the tokens, whose right side has at most one row a unit.
func (w *walker) join(n *node, e env) scope {
	l, r := w.from(n.get("left"), e), w.from(n.get("right"), e)
	both := joined(l, r, n.str("join_type") == "LEFT", w.newRows("join"))
	for _, t := range r.tables {
		if slices.ContainsFunc(l.tables, func(o table) bool { return same(o.alias, t.alias) && t.alias != "" }) {
			w.refuse(n, codeShadow, t.alias)
		}
	}
	if typ, ref := n.str("join_type"), n.str("ref_type"); ref != "REGULAR" || typ != "INNER" && typ != "LEFT" {
		w.refuse(n, codeJoinKind, joinName(typ, ref))
		both.broken = true
		return both
	}
	if !w.shaped(n, n, "JOIN") || l.broken || r.broken {
		both.broken = true
		return both
	}
	if n.str("alias") != "" {
		w.refuse(n, codeField, "alias")
	}
	if !w.joinsTokens(n, &l, &r) {
		w.refuse(n, codeJoinCondition, "")
	}
	if !r.unique {
		w.refuse(n, codeJoinRepeats, r.tables[0].alias)
	}
	if using := n.texts("using_columns"); len(using) > 0 {
		both.merged = append(both.merged, using...)
	}
	return both
}

func joinName(typ, ref string) string {
	if ref != "REGULAR" {
		return ref
	}
	return typ
}

// joined is the scope of both sides; the right side's tokens of a left join may be empty. The right side's
// measures are over a row set of their own, whatever they were made from: its filters are not the left side's.
func joined(l, r scope, left bool, rows string) scope {
	s := l
	s.tables = slices.Clone(l.tables)
	s.merged = append(slices.Clone(l.merged), r.merged...)
	s.broken = l.broken || r.broken
	for _, t := range r.tables {
		t.cols = slices.Clone(t.cols)
		for i, c := range t.cols {
			if left && c.token != "" {
				t.cols[i].token, t.cols[i].outer = "", c.token
			}
			if c.rows != "" {
				t.cols[i].rows = rows + c.rows
			}
		}
		s.tables = append(s.tables, t)
	}
	return s
}

// joinsTokens says that a join equates each token of the right side with the left side's, and no more.
func (w *walker) joinsTokens(n *node, l, r *scope) bool {
	var kinds []string
	if using := n.list("using_columns"); len(using) > 0 {
		if n.get("condition") != nil {
			return false
		}
		for _, name := range n.texts("using_columns") {
			kinds = append(kinds, tokenOf(l, r, []string{name}, []string{name}))
		}
	} else {
		for _, c := range conjuncts(n.get("condition")) {
			kinds = append(kinds, w.equated(c, l, r))
		}
	}
	slices.Sort(kinds)
	return len(kinds) > 0 && slices.Equal(kinds, r.units)
}

// conjuncts splits a condition at its ANDs.
func conjuncts(n *node) []*node {
	if n.str("type") != "CONJUNCTION_AND" {
		return []*node{n}
	}
	var out []*node
	for _, c := range n.list("children") {
		out = append(out, conjuncts(c)...)
	}
	return out
}

// equated is the unit kind whose tokens a condition equates across the sides; "" for any other condition.
func (w *walker) equated(n *node, l, r *scope) string {
	a, b := n.get("left"), n.get("right")
	if n.str("type") != "COMPARE_EQUAL" || !w.shaped(n, n, "COMPARISON") ||
		a.str("class") != "COLUMN_REF" || b.str("class") != "COLUMN_REF" ||
		!w.shaped(a, n, "COLUMN_REF") || !w.shaped(b, n, "COLUMN_REF") {
		return ""
	}
	x, y := a.texts("column_names"), b.texts("column_names")
	if kind := tokenOf(l, r, x, y); kind != "" {
		return kind
	}
	return tokenOf(l, r, y, x)
}

// tokenOf is the unit kind when x means a token on the left only and y the same kind on the right only.
func tokenOf(l, r *scope, x, y []string) string {
	a, b := findRef(l, x), findRef(r, y)
	if len(a) != 1 || len(b) != 1 || a[0].token == "" || a[0].token != b[0].token {
		return ""
	}
	return a[0].token
}

// findRef looks a written reference up; a name without a qualifier must not be read from both sides, which
// the engine refuses itself unless it is a USING column.
func findRef(s *scope, names []string) []column {
	switch len(names) {
	case 1:
		return s.find("", names[0])
	case 2:
		return s.find(names[0], names[1])
	default:
		return nil
	}
}

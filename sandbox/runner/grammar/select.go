package grammar

import (
	"slices"
	"strconv"
)

// selection is the check of one SELECT.
type selection struct {
	*walker
	scope scope
	items []item
	// grouped says that there is a GROUP BY that contains every token; perUnit, that it is of the tokens only.
	grouped, perUnit bool
}

// item is one column of a SELECT list.
type item struct {
	node *node
	name string
	expr expr
}

// place says what may stand where an expression stands.
type place struct {
	aggregate, window bool
	aliases           int // how many items of the SELECT list may be meant by their alias
}

// selectNode checks one SELECT: FROM first, then GROUP BY, because both decide what the rest may be.
func (w *walker) selectNode(n *node, outer env) relation {
	if !w.shaped(n, n.get("from_table"), "SELECT_NODE") {
		return relation{}
	}
	e := w.ctes(n.get("cte_map"), outer)
	s := &selection{walker: w, scope: w.from(n.get("from_table"), e)}
	distinct := s.modifiers(n)
	s.groups(n)
	s.selectList(n)
	all := place{aliases: len(s.items)}
	s.condition(n.get("where_clause"), all)
	for _, g := range n.list("group_expressions") {
		s.groupExpression(g, all)
	}
	s.condition(n.get("having"), place{aggregate: s.grouped, aliases: len(s.items)})
	s.condition(n.get("qualify"), place{aggregate: s.grouped, window: true, aliases: len(s.items)})
	return s.result(distinct, len(n.list("group_expressions")) > 0)
}

// modifiers checks DISTINCT; all others refuse.
func (s *selection) modifiers(n *node) (distinct bool) {
	at := n.get("from_table")
	for _, m := range n.list("modifiers") {
		if typ := m.str("type"); typ != "DISTINCT_MODIFIER" {
			s.unknown(at, typ)
		} else if s.shaped(m, at, typ) {
			distinct = true
		}
	}
	return distinct
}

// groups finds out what is grouped by. One grouping set of all expressions is the plain GROUP BY.
func (s *selection) groups(n *node) {
	at, by := n.get("from_table"), n.list("group_expressions")
	if n.str("aggregate_handling") != "STANDARD_HANDLING" {
		s.refuse(at, codeGroupForm, "ALL")
		return
	}
	if len(by) == 0 {
		if len(n.list("group_sets")) != 0 {
			s.refuse(at, codeGroupForm, "GROUPING SETS")
		}
		return
	}
	if !plainGrouping(n.list("group_sets"), len(by)) {
		s.refuse(by[0], codeGroupForm, "GROUPING SETS")
		return
	}
	kinds := map[string]bool{}
	s.perUnit = true
	for _, g := range by {
		kind := s.tokenAt(g)
		kinds[kind] = true
		s.perUnit = s.perUnit && kind != ""
	}
	s.grouped = s.allKinds(kinds)
	s.perUnit = s.perUnit && s.grouped
	if !s.grouped && !s.scope.broken {
		s.refuse(by[0], codeGroupToken, firstMissing(s.scope.units, kinds))
	}
}

// plainGrouping says that there is one set and it holds each of n expressions. The engine keeps a repeated
// expression once, so that n counts distinct ones.
func plainGrouping(sets []*node, n int) bool {
	if len(sets) != 1 || sets[0] == nil || len(sets[0].items) != n {
		return false
	}
	for i, x := range sets[0].items {
		if x == nil || x.value != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

// tokenAt is the unit kind of a bare, untouched token; "" for everything else.
func (s *selection) tokenAt(n *node) string {
	if n.str("class") != "COLUMN_REF" {
		return ""
	}
	if c := findRef(&s.scope, n.texts("column_names")); len(c) == 1 {
		return c[0].token
	}
	return ""
}

// allKinds says that every unit kind of the scope is there, and that there is one at all.
func (s *selection) allKinds(kinds map[string]bool) bool {
	return len(s.scope.units) > 0 && firstMissing(s.scope.units, kinds) == ""
}

func firstMissing(units []string, kinds map[string]bool) string {
	if i := slices.IndexFunc(units, func(u string) bool { return !kinds[u] }); i >= 0 {
		return units[i]
	}
	return ""
}

// condition checks WHERE, HAVING and QUALIFY.
func (s *selection) condition(n *node, p place) {
	if n != nil {
		s.value(n, p)
	}
}

// groupExpression checks one expression of GROUP BY: a column or a label, never a position.
func (s *selection) groupExpression(n *node, p place) {
	if x := s.bare(n, p); x.constant {
		s.refuse(n, codePositional, "GROUP BY")
	}
}

// selectList expands stars, then checks and names each item.
func (s *selection) selectList(n *node) {
	list := n.get("select_list")
	if list == nil {
		s.refuse(n.get("from_table"), codeField, "select_list")
		return
	}
	var items []*node
	for _, i := range list.items {
		if i.str("class") == "STAR" {
			items = append(items, s.star(i)...)
			continue
		}
		items = append(items, i)
	}
	list.items = items
	for _, i := range items {
		x := s.bare(i, place{aggregate: s.grouped, window: true, aliases: len(s.items)})
		s.items = append(s.items, item{node: i, name: s.itemName(i, x), expr: x})
	}
}

// star is the columns a * or t.* stands for: all but the row number, and a USING column once.
func (s *selection) star(n *node) []*node {
	if !s.shaped(n, n, "STAR") || n.str("alias") != "" {
		return nil
	}
	var out []*node
	merged := map[string]bool{}
	only := n.str("relation_name")
	for _, t := range s.scope.tables {
		if only != "" && !same(t.alias, only) {
			continue
		}
		for _, c := range t.cols {
			once := only == "" && containsName(s.scope.merged, c.name)
			if c.ordinal || once && merged[lower(c.name)] {
				continue
			}
			merged[lower(c.name)] = merged[lower(c.name)] || once
			out = append(out, starColumn(n, t.alias, c.name))
		}
	}
	if len(out) == 0 && !s.scope.broken {
		s.refuse(n, NoTable, only)
	}
	return out
}

func starColumn(at *node, alias, name string) *node {
	if alias == "" {
		return columnNode(at, name)
	}
	return columnNode(at, alias, name)
}

// itemName is the name of a result column. An expression needs one of its own; a name that an input uses may
// only be borne by that column, or else WHERE and GROUP BY could be read in two ways.
func (s *selection) itemName(n *node, x expr) string {
	alias := n.str("alias")
	switch {
	case x.col != nil && x.col.token != "":
		if alias != "" && !same(alias, x.col.token) {
			s.refuse(n, codeTokenRenamed, alias)
		}
		return x.col.token
	case alias == "" && x.col != nil:
		return x.col.name
	case !s.name.MatchString(alias):
		if alias != "" || !x.broken {
			s.refuse(n, codeAlias, alias)
		}
		return alias
	case x.col != nil && same(alias, x.col.name):
		return alias
	case s.reserved(alias) || len(s.scope.find("", alias)) > 0:
		s.refuse(n, codeAliasTaken, alias)
	}
	return alias
}

// result is what the SELECT yields, when it carries every token and no name twice.
func (s *selection) result(distinct, grouping bool) relation {
	r := relation{units: s.scope.units}
	seen, kinds, tokensOnly := map[string]bool{}, map[string]bool{}, true
	for _, i := range s.items {
		if i.name != "" && seen[lower(i.name)] {
			s.refuse(i.node, codeColumnTwice, i.name)
		}
		seen[lower(i.name)] = true
		c := i.expr.column(i.name)
		kinds[c.token] = true
		tokensOnly = tokensOnly && c.token != ""
		r.cols = append(r.cols, c)
	}
	if s.scope.broken {
		return relation{}
	}
	if !s.allKinds(kinds) {
		s.refuse(s.firstNode(), codeTokenMissing, firstMissing(s.scope.units, kinds))
	}
	r.unique = s.scope.unique || s.perUnit || distinct && tokensOnly
	if !distinct && !grouping {
		r.rows, r.input = s.scope.rows, s.scope.input
	}
	return r
}

func (s *selection) firstNode() *node {
	if len(s.items) == 0 {
		return nil
	}
	return s.items[0].node
}

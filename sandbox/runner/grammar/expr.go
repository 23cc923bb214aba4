package grammar

import (
	"slices"
)

// expr is what is known of an expression.
type expr struct {
	col      *column // a column by itself
	made     *column // one aggregate of one granted column per unit
	constant bool    // no column in it
	agg, win bool    // an aggregate, a window is in it
	broken   bool    // refused: what follows from it is not worth a second reason
	weight   int     // how many nodes the engine will make of it, each alias written out
}

// maxWeight bounds an expression: the engine writes aliases out, so that a chain of them doubles at each link.
const maxWeight = 2000

// maxWritten bounds all that the aliases of one statement are written out to.
const maxWritten = 20 * maxWeight

// column is the expression as a result column.
func (x expr) column(name string) column {
	switch {
	case x.col != nil:
		c := *x.col
		c.name = name
		return c
	case x.made != nil:
		c := *x.made
		c.name = name
		return c
	default:
		return column{name: name}
	}
}

// expressionRule checks one class of expression: its types, and what it is made of.
type expressionRule struct {
	types []string
	check func(s *selection, n *node, p place) expr
}

// newExpressions lists the expressions of the grammar by their class.
func newExpressions() map[string]expressionRule {
	return map[string]expressionRule{
		"COLUMN_REF": {[]string{"COLUMN_REF"}, (*selection).inner},
		"CONSTANT":   {[]string{"VALUE_CONSTANT"}, (*selection).constantValue},
		"COMPARISON": {[]string{
			"COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_LESSTHAN", "COMPARE_GREATERTHAN",
			"COMPARE_LESSTHANOREQUALTO", "COMPARE_GREATERTHANOREQUALTO", "COMPARE_DISTINCT_FROM",
			"COMPARE_NOT_DISTINCT_FROM",
		}, parts("left", "right")},
		"CONJUNCTION": {[]string{"CONJUNCTION_AND", "CONJUNCTION_OR"}, children},
		"OPERATOR": {[]string{
			"OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE", "COMPARE_IN",
			"COMPARE_NOT_IN",
		}, (*selection).operator},
		"BETWEEN":  {[]string{"COMPARE_BETWEEN"}, parts("input", "lower", "upper")},
		"CASE":     {[]string{"CASE_EXPR"}, (*selection).caseWhen},
		"CAST":     {[]string{"OPERATOR_CAST"}, (*selection).cast},
		"FUNCTION": {[]string{"FUNCTION"}, (*selection).function},
		"WINDOW":   {windowTypes(newWindows()), (*selection).window},
	}
}

// newCasts lists the plain types a cast may name.
func newCasts() map[string]bool {
	return map[string]bool{
		"VARCHAR": true, "BOOLEAN": true, "SMALLINT": true, "INTEGER": true, "BIGINT": true, "FLOAT": true,
		"DOUBLE": true, "DECIMAL": true, "DATE": true, "INTERVAL": true,
	}
}

// newConstants lists the types of literals.
func newConstants() map[string]bool {
	return map[string]bool{
		"NULL": true, "VARCHAR": true, "BOOLEAN": true, "INTEGER": true, "BIGINT": true, "DOUBLE": true,
		"DECIMAL": true,
	}
}

// bare checks an expression that may also be a token, an identifier or any other column by itself.
func (s *selection) bare(n *node, p place) expr {
	if n.str("class") == "COLUMN_REF" && s.shaped(n, n, "COLUMN_REF") {
		return s.reference(n, p)
	}
	return s.expression(n, p, true)
}

// value checks an expression inside another one.
func (s *selection) value(n *node, p place) expr { return s.expression(n, p, false) }

// expression checks a node by the rule of its class. Only an item of a SELECT list has an alias: elsewhere it
// is a named argument, or a number the engine read in two halves.
func (s *selection) expression(n *node, p place, item bool) expr {
	class, typ := n.str("class"), n.str("type")
	rule, ok := s.expressions[class]
	if !ok {
		s.unknown(n, class+" expression", class)
		return expr{broken: true}
	}
	if !slices.Contains(rule.types, typ) {
		s.unknown(n, typ)
		return expr{broken: true}
	}
	if !s.shaped(n, n, class) {
		return expr{broken: true}
	}
	if !item && n.str("alias") != "" {
		s.refuse(n, codeField, "alias")
	}
	x := rule.check(s, n, p)
	if x.weight++; x.weight > maxWeight && !x.broken {
		s.refuse(n, codeLarge, "")
		x.broken = true
	}
	return x
}

// reference resolves a column: the tables first, then the aliases before it, as the engine does.
func (s *selection) reference(n *node, p place) expr {
	names := n.texts("column_names")
	if len(names) > 2 || len(names) == 0 {
		s.refuse(n, codeQualifier, "")
		return expr{broken: true}
	}
	found := findRef(&s.scope, names)
	switch {
	case len(found) == 1:
		return s.found(n, found[0])
	case len(found) > 1:
		if !s.scope.broken {
			s.refuse(n, codeAmbiguous, names[len(names)-1])
		}
		return expr{broken: true}
	}
	if len(names) == 1 {
		for _, i := range s.items[:min(p.aliases, len(s.items))] {
			if same(i.name, names[0]) {
				return s.aliased(n, i.expr, p)
			}
		}
	}
	s.notFound(n, names)
	return expr{broken: true}
}

func (s *selection) found(n *node, c column) expr {
	if c.granted[0] != "" {
		s.read(c.granted[0], c.granted[1])
	}
	switch {
	case c.outer != "":
		s.refuse(n, codeTokenOuter, c.name)
		return expr{broken: true}
	case c.ordinal:
		s.refuse(n, codeOrdinal, c.name)
		return expr{broken: true}
	}
	return expr{col: &c}
}

// aliased is what an alias of this SELECT stands for: an aggregate behind a name is still an aggregate.
func (s *selection) aliased(n *node, x expr, p place) expr {
	if x.agg && !p.aggregate {
		s.refuse(n, codeAggregate, "")
	}
	if x.win && !p.window {
		s.refuse(n, codeWindow, "")
	}
	if s.written += x.weight; s.written > maxWritten {
		s.refuse(n, codeLarge, "")
		x.broken = true
	}
	x.made = nil
	return x
}

// notFound says why a name means nothing.
func (s *selection) notFound(n *node, names []string) {
	qualifier, name := "", names[0]
	if len(names) == 2 {
		qualifier, name = names[0], names[1]
	}
	c, special := s.notListed[lower(name)]
	switch {
	case s.scope.undeclared(qualifier, name):
		s.refuse(n, codeNotDeclared, lower(name))
	case special && qualifier == "":
		s.refuse(n, c, lower(name))
	case !s.scope.broken:
		s.refuse(n, codeUnknown, name)
	}
}

// inner is a column inside an expression: neither a token nor an identifier.
func (s *selection) inner(n *node, p place) expr {
	x := s.reference(n, p)
	switch {
	case x.col != nil && x.col.token != "":
		s.refuse(n, codeTokenUsed, x.col.name)
		return expr{broken: true}
	case x.col != nil && x.col.ident:
		s.refuse(n, codeIdentifier, x.col.name)
		return expr{broken: true}
	}
	return x
}

// constantValue is a literal of a plain type.
func (s *selection) constantValue(n *node, _ place) expr {
	v := n.get("value")
	t := v.get("type")
	if !s.shaped(v, n, "value") || !s.shaped(t, n, "type") {
		return expr{broken: true}
	}
	id := t.str("id")
	if !s.constants[id] || t.get("type_info") != nil && id != "DECIMAL" {
		s.refuse(n, codeConstant, id)
		return expr{broken: true}
	}
	return expr{constant: true}
}

// parts checks named parts of an expression.
func parts(names ...string) func(*selection, *node, place) expr {
	return func(s *selection, n *node, p place) expr {
		x := expr{constant: true}
		for _, name := range names {
			x = x.with(s.value(n.get(name), p))
		}
		return x
	}
}

// children checks the operands of an expression.
func children(s *selection, n *node, p place) expr {
	x := expr{constant: true}
	for _, c := range n.list("children") {
		x = x.with(s.value(c, p))
	}
	return x
}

// with is an expression with one more part.
func (x expr) with(part expr) expr {
	return expr{
		constant: x.constant && part.constant, broken: x.broken || part.broken,
		agg: x.agg || part.agg, win: x.win || part.win,
		weight: min(x.weight+part.weight, maxWeight+1),
	}
}

// operator checks NOT, IS NULL, COALESCE and IN.
func (s *selection) operator(n *node, p place) expr {
	switch n.str("type") {
	case "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL":
		return s.isNull(n, p)
	case "COMPARE_IN", "COMPARE_NOT_IN":
		return s.in(n, p)
	default:
		return children(s, n, p)
	}
}

// isNull may ask of a token or an identifier whether it is there.
func (s *selection) isNull(n *node, p place) expr {
	x := expr{}
	for _, c := range n.list("children") {
		if s.mayBeOuter(c) {
			continue
		}
		if c.str("class") == "COLUMN_REF" {
			s.bare(c, p)
			continue
		}
		x = x.with(s.value(c, p))
	}
	return x
}

// in takes literals only: any other list would not be written down.
func (s *selection) in(n *node, p place) expr {
	x := expr{constant: true}
	for i, c := range n.list("children") {
		v := s.value(c, p)
		if i > 0 && !v.constant && !v.broken {
			s.refuse(c, codeConstant, "IN")
		}
		x = x.with(v)
	}
	return x
}

// mayBeOuter says that a node is the right side's token of a left join: IS NULL asks whether there was a row.
func (s *selection) mayBeOuter(n *node) bool {
	if n.str("class") != "COLUMN_REF" || !s.shaped(n, n, "COLUMN_REF") {
		return false
	}
	c := findRef(&s.scope, n.texts("column_names"))
	return len(c) == 1 && c[0].outer != ""
}

func (s *selection) caseWhen(n *node, p place) expr {
	x := expr{constant: true}.with(s.value(n.get("else_expr"), p))
	for _, c := range n.list("case_checks") {
		if !s.shaped(c, n, "case check") {
			return expr{broken: true}
		}
		x = x.with(s.value(c.get("when_expr"), p)).with(s.value(c.get("then_expr"), p))
	}
	return x
}

func (s *selection) cast(n *node, p place) expr {
	t := n.get("cast_type")
	if !s.shaped(t, n, "type") {
		return expr{broken: true}
	}
	if id := t.str("id"); !s.casts[id] || t.get("type_info") != nil && id != "DECIMAL" {
		s.refuse(n, codeCast, castName(t))
	}
	return expr{constant: true}.with(s.value(n.get("child"), p))
}

// castName is the type an author wrote, as far as the engine tells.
func castName(t *node) string {
	if name := t.get("type_info").str("name"); name != "" {
		return name
	}
	return t.str("id")
}

package grammar

import (
	"slices"

	"github.com/sluicedata/sluice/catalog/task"
)

// function is one listed function.
type function struct {
	least, most int
	aggregate   bool
	operator    bool // written between or before its arguments
	// spelled says that the engine names the schema main itself, because the function has a syntax of its own
	// (SUBSTRING(x FROM 1), EXTRACT). A schema that an author writes elsewhere refuses.
	spelled bool
}

// newFunctions lists the functions of labels and filters, and the aggregates. All are functions of their
// arguments alone: none reads a clock, a setting, a file or another row.
func newFunctions() map[string]function {
	f := map[string]function{
		"count_star":  {aggregate: true},
		"like_escape": {least: 3, most: 3, spelled: true}, "not_like_escape": {least: 3, most: 3, spelled: true},
		"substring": {least: 2, most: 3, spelled: true}, "position": {least: 2, most: 2, spelled: true},
		"trim": {least: 1, most: 2, spelled: true}, "ltrim": {least: 1, most: 2, spelled: true},
		"rtrim": {least: 1, most: 2, spelled: true}, "date_part": {least: 2, most: 2, spelled: true},
	}
	for _, n := range []string{"sum", "min", "max", "avg", "count"} {
		f[n] = function{least: 1, most: 1, aggregate: true}
	}
	for _, n := range []string{"+", "-"} {
		f[n] = function{least: 1, most: 2, operator: true}
	}
	for _, n := range []string{"*", "/", "//", "%", "^", "**", "||", "~~", "!~~", "~~*", "!~~*"} {
		f[n] = function{least: 2, most: 2, operator: true}
	}
	for _, n := range []string{
		"upper", "lower", "length", "abs", "ceil", "ceiling", "floor", "sign", "sqrt", "ln", "log2", "log10", "exp",
		"year", "month", "day", "quarter", "week", "dayofweek", "isodow", "dayofyear", "last_day",
		"to_years", "to_months", "to_weeks", "to_days",
	} {
		f[n] = function{least: 1, most: 1}
	}
	for _, n := range []string{"nullif", "left", "right", "mod", "pow", "power", "date_trunc", "starts_with", "strftime"} {
		f[n] = function{least: 2, most: 2}
	}
	for _, n := range []string{"replace", "date_diff", "datediff", "make_date", "lpad", "rpad"} {
		f[n] = function{least: 3, most: 3}
	}
	for _, n := range []string{"round", "trunc", "log"} {
		f[n] = function{least: 1, most: 2}
	}
	f["substr"] = function{least: 2, most: 3}
	f["concat"] = function{least: 1, most: 20}
	f["greatest"] = function{least: 2, most: 20}
	f["least"] = function{least: 2, most: 20}
	return f
}

// newNotListed names the reason of functions people miss, so that its remedy says what to write instead.
func newNotListed() map[string]Code {
	m := map[string]Code{}
	for c, names := range map[Code][]string{
		codeClock: {
			"current_date", "current_timestamp", "current_time", "localtime", "localtimestamp", "now", "today",
			"get_current_timestamp", "transaction_timestamp", "age",
		},
		codeRandom: {
			"random", "rand", "setseed", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "nextval", "md5",
			"md5_number", "sha1", "sha256", "hash", "row_number",
		},
		codeRank: {
			"ntile", "percent_rank", "cume_dist", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop",
			"var_samp", "median", "mode", "mad", "quantile", "quantile_cont", "quantile_disc",
		},
		codeFirst: {
			"first", "last", "any_value", "arbitrary", "arg_max", "arg_min", "max_by", "min_by", "string_agg",
			"group_concat", "listagg", "list", "array_agg",
		},
	} {
		for _, n := range names {
			m[n] = c
		}
	}
	return m
}

// function checks a call: listed, plain, with as many arguments as it takes.
func (s *selection) function(n *node, p place) expr {
	name := lower(n.str("function_name"))
	f, ok := s.functions[name]
	if !ok {
		s.notAFunction(n, name)
		children(s, n, place{aggregate: p.aggregate, window: p.window, aliases: p.aliases})
		return expr{broken: true}
	}
	if !s.shaped(n.get("order_bys"), n, "function order") {
		return expr{broken: true}
	}
	if f.operator != n.get("is_operator").isTrue() {
		s.refuse(n, codeField, "is_operator")
	}
	if schema := n.str("schema"); schema != "" && (schema != "main" || !f.spelled) {
		s.refuse(n, codeQualifier, schema)
	}
	if c := len(n.list("children")); c < f.least || c > f.most {
		s.refuse(n, codeArguments, name)
	}
	if f.aggregate {
		return s.aggregate(n, name, p)
	}
	return children(s, n, p)
}

// notAFunction refuses a function by the reason that has a remedy of its own if there is one.
func (s *selection) notAFunction(n *node, name string) {
	c, ok := s.notListed[name]
	if !ok {
		c = codeFunction
	}
	s.refuse(n, c, name)
}

// aggregate checks sum, min, max, avg and count. Of one granted column, over the staged rows of one unit each
// at most once, it is a measure: over a union or beside a join's repeated rows a sum could be pushed to any
// figure an author likes.
func (s *selection) aggregate(n *node, name string, p place) expr {
	if !p.aggregate {
		s.refuse(n, codeAggregate, name)
	}
	inside := place{aliases: p.aliases}
	x := expr{agg: true}
	var of *column
	for _, c := range n.list("children") {
		v := s.value(c, inside)
		x.broken, x.weight = x.broken || v.broken, x.weight+v.weight
		of = v.col
	}
	x.made = s.measureOf(name, of)
	return x
}

// measureOf is the measure an aggregate makes; nil when it makes a label.
func (s *selection) measureOf(name string, of *column) *column {
	if !s.perUnit || s.scope.rows == "" {
		return nil
	}
	rows := "unit " + s.scope.rows
	switch {
	case name == "count_star":
		return &column{source: s.scope.input + ".*", form: "count", rows: rows, typ: task.Integer}
	case of == nil || of.source == "" || of.form != "" || of.rows != s.scope.rows:
		return nil
	}
	m := &column{source: of.source, form: name, rows: rows, typ: of.typ}
	if name == "count" {
		m.typ = task.Integer
	}
	return m
}

// windowRule is one window function of the grammar.
type windowRule struct {
	typ         string
	least, most int
	ordered     bool // it has no meaning without an order
}

// newWindows lists the window functions.
func newWindows() map[string]windowRule {
	w := map[string]windowRule{
		"row_number":  {"WINDOW_ROW_NUMBER", 0, 0, true},
		"rank":        {"WINDOW_RANK", 0, 0, true},
		"dense_rank":  {"WINDOW_RANK_DENSE", 0, 0, true},
		"lag":         {"WINDOW_LAG", 1, 1, true},
		"lead":        {"WINDOW_LEAD", 1, 1, true},
		"first_value": {"WINDOW_FIRST_VALUE", 1, 1, true},
		"last_value":  {"WINDOW_LAST_VALUE", 1, 1, true},
		"nth_value":   {"WINDOW_NTH_VALUE", 2, 2, true},
		"count":       {"WINDOW_AGGREGATE", 0, 1, false},
		"count_star":  {"WINDOW_AGGREGATE", 0, 0, false},
	}
	for _, n := range []string{"sum", "min", "max", "avg"} {
		w[n] = windowRule{"WINDOW_AGGREGATE", 1, 1, false}
	}
	return w
}

// windowTypes lists what the engine calls the listed windows, and the ones that are refused by name.
func windowTypes(rules map[string]windowRule) []string {
	types := []string{"WINDOW_NTILE", "WINDOW_PERCENT_RANK", "WINDOW_CUME_DIST", "WINDOW_FILL"}
	for _, r := range rules {
		if !slices.Contains(types, r.typ) {
			types = append(types, r.typ)
		}
	}
	return types
}

// window checks a window function: within the rows of one unit, in an order that is total.
func (s *selection) window(n *node, p place) expr {
	x := expr{win: true}
	if !p.window {
		s.refuse(n, codeWindow, n.str("function_name"))
	}
	s.partition(n, p)
	name := lower(n.str("function_name"))
	rule, ok := s.windows[name]
	if !ok || rule.typ != n.str("type") {
		s.notAFunction(n, name)
		return expr{win: true, broken: true}
	}
	if c := len(n.list("children")); c < rule.least || c > rule.most {
		s.refuse(n, codeArguments, name)
	}
	inside := place{aggregate: p.aggregate, aliases: p.aliases}
	for _, c := range n.list("children") {
		v := s.value(c, inside)
		x.broken, x.agg, x.weight = x.broken || v.broken, x.agg || v.agg, x.weight+v.weight
	}
	s.literals(n, "offset_expr", "default_expr", "start_expr", "end_expr")
	s.windowOrder(n, rule, inside)
	s.frame(n)
	return x
}

// partition checks that a window stays within one unit of every kind.
func (s *selection) partition(n *node, p place) {
	kinds := map[string]bool{}
	for _, c := range n.list("partitions") {
		kinds[s.tokenAt(c)] = true
		s.bare(c, place{aggregate: p.aggregate, aliases: p.aliases})
	}
	if !s.allKinds(kinds) && !s.scope.broken {
		s.refuse(n, codePartition, firstMissing(s.scope.units, kinds))
	}
}

// literals checks parts of a window that must be written down.
func (s *selection) literals(n *node, names ...string) {
	for _, name := range names {
		if part := n.get(name); part != nil && !s.value(part, place{}).constant {
			s.refuse(part, codeConstant, "OVER")
		}
	}
}

// windowOrder checks that an order ends in the row number of the staged rows, so that no two rows are equal.
// An aggregate over its whole partition needs none.
func (s *selection) windowOrder(n *node, rule windowRule, p place) {
	orders := n.list("orders")
	if len(orders) == 0 {
		if rule.ordered || n.str("start") != "UNBOUNDED_PRECEDING" || n.str("end") != "CURRENT_ROW_RANGE" {
			s.refuse(n, codeWindowOrder, lower(n.str("function_name")))
		}
		return
	}
	for i, o := range orders {
		if !s.shaped(o, n, "window order") {
			return
		}
		by := o.get("expression")
		if i == len(orders)-1 && s.isOrdinal(by) {
			return
		}
		if v := s.value(by, p); v.constant {
			s.refuse(by, codePositional, "ORDER BY")
		}
	}
	if !s.scope.broken {
		s.refuse(n, codeWindowOrder, lower(n.str("function_name")))
	}
}

// isOrdinal says that a node is the row number of the rows the scope is made of.
func (s *selection) isOrdinal(n *node) bool {
	if n.str("class") != "COLUMN_REF" || !s.shaped(n, n, "COLUMN_REF") {
		return false
	}
	c := findRef(&s.scope, n.texts("column_names"))
	return len(c) == 1 && c[0].ordinal && c[0].rows == s.scope.rows
}

// frame checks the frame of a window: whole rows, counted by literals.
func (s *selection) frame(n *node) {
	ends := []string{
		"UNBOUNDED_PRECEDING", "UNBOUNDED_FOLLOWING", "CURRENT_ROW_RANGE", "CURRENT_ROW_ROWS",
		"EXPR_PRECEDING_ROWS", "EXPR_FOLLOWING_ROWS",
	}
	for _, f := range []string{"start", "end"} {
		if v := n.str(f); !slices.Contains(ends, v) {
			s.refuse(n, codeFrame, v)
		}
	}
	if v := n.str("exclude_clause"); v != "NO_OTHER" {
		s.refuse(n, codeFrame, v)
	}
}

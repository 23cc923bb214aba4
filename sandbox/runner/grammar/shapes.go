package grammar

import "maps"

// want says what a field of a known node may hold.
type want int

const (
	walked   want = iota // the walker looks at it
	absent               // it must hold nothing
	ignored              // it carries no meaning
	optional             // walked, and need not be there
)

// fieldRule is one allowed field. A field that must be absent names the reason when it is not.
type fieldRule struct {
	want want
	code Code
}

// shape is the allow-list of a node's fields. A field that is not in it refuses, and so does one that is
// in it and not in the node: both mean an engine other than the one this grammar was read from.
type shape map[string]fieldRule

func not(c Code) fieldRule { return fieldRule{absent, c} }

// newShapes lists every node the grammar knows, by what the engine calls it: the type of a query, table
// reference or modifier, the class of an expression. Nodes without a type have names of ours in lower case.
func newShapes() map[string]shape {
	all := queryShapes()
	maps.Copy(all, expressionShapes())
	return all
}

// queryShapes lists queries, modifiers and table references.
func queryShapes() map[string]shape {
	walk, skip, no := fieldRule{want: walked}, fieldRule{want: ignored}, not(codeField)
	table := func(s shape) shape {
		s["type"], s["alias"], s["query_location"], s["sample"] = walk, walk, skip, not(codeSample)
		return s
	}
	return map[string]shape{
		"statement": {"node": walk, "named_param_map": not(codeParameter)},
		"SELECT_NODE": {
			"type": walk, "modifiers": walk, "cte_map": walk, "select_list": walk, "from_table": walk,
			"where_clause": walk, "group_expressions": walk, "group_sets": walk, "aggregate_handling": walk,
			"having": walk, "qualify": walk, "sample": not(codeSample),
		},
		"SET_OPERATION_NODE": {
			"type": walk, "modifiers": walk, "cte_map": walk, "setop_type": walk, "left": walk, "right": walk,
			"setop_all": walk,
		},
		"ctes":      {"map": walk},
		"cte entry": {"key": walk, "value": walk},
		"cte": {
			"aliases": not(codeColumnAlias), "query": walk, "materialized": skip, "key_targets": no,
		},
		"DISTINCT_MODIFIER": {"type": walk, "distinct_on_targets": not(codeDistinctOn)},

		"BASE_TABLE": table(shape{
			"schema_name": not(codeQualifier), "table_name": walk, "column_name_alias": not(codeColumnAlias),
			"catalog_name": not(codeQualifier), "at_clause": no,
		}),
		"SUBQUERY": table(shape{"subquery": walk, "column_name_alias": not(codeColumnAlias)}),
		"JOIN": table(shape{
			"left": walk, "right": walk, "condition": walk, "join_type": walk, "ref_type": walk,
			"using_columns": walk, "delim_flipped": no, "duplicate_eliminated_columns": no,
		}),
	}
}

// expressionShapes lists expressions and what they are made of.
func expressionShapes() map[string]shape {
	walk, skip, may := fieldRule{want: walked}, fieldRule{want: ignored}, fieldRule{want: optional}
	no := not(codeField)
	expression := func(s shape) shape {
		s["class"], s["type"], s["query_location"] = walk, walk, skip
		// An inner alias is a named argument, or a number the engine read in two halves.
		s["alias"] = walk
		return s
	}
	return map[string]shape{
		"COLUMN_REF":  expression(shape{"column_names": walk}),
		"CONSTANT":    expression(shape{"value": walk}),
		"value":       {"type": walk, "is_null": walk, "value": may},
		"type":        {"id": walk, "type_info": walk},
		"COMPARISON":  expression(shape{"left": walk, "right": walk}),
		"CONJUNCTION": expression(shape{"children": walk}),
		"OPERATOR":    expression(shape{"children": walk}),
		"BETWEEN":     expression(shape{"input": walk, "lower": walk, "upper": walk}),
		"CASE":        expression(shape{"case_checks": walk, "else_expr": walk}),
		"case check":  {"when_expr": walk, "then_expr": walk},
		"CAST":        expression(shape{"child": walk, "cast_type": walk, "try_cast": skip}),
		"FUNCTION": expression(shape{
			"function_name": walk, "schema": walk, "children": walk, "filter": not(codeFilter),
			"order_bys": walk, "distinct": not(codeDistinct), "is_operator": walk, "export_state": no,
			"catalog": not(codeQualifier),
		}),
		"function order": {"type": skip, "orders": not(codeOrder)},
		"WINDOW": expression(shape{
			"function_name": walk, "schema": not(codeQualifier), "catalog": not(codeQualifier),
			"children": walk, "partitions": walk, "orders": walk, "start": walk, "end": walk,
			"start_expr": walk, "end_expr": walk, "offset_expr": walk, "default_expr": walk,
			"ignore_nulls": no, "filter_expr": not(codeFilter), "exclude_clause": walk,
			"distinct": not(codeDistinct), "arg_orders": not(codeOrder),
		}),
		"window order": {"type": skip, "null_order": skip, "expression": walk},
		"STAR": expression(shape{
			"relation_name": walk, "exclude_list": not(codeStar), "replace_list": not(codeStar),
			"columns": not(codeStar), "expr": not(codeStar), "qualified_exclude_list": not(codeStar),
			"rename_list": not(codeStar),
		}),
	}
}

// newRefused names the reason of nodes that people really write and that are not in the grammar. Every
// other node outside it refuses as codeNode.
func newRefused() map[string]Code {
	return map[string]Code{
		"RECURSIVE_CTE_NODE": codeRecursive,

		"ORDER_MODIFIER": codeOrder, "LIMIT_MODIFIER": codeLimit, "LIMIT_PERCENT_MODIFIER": codeLimit,

		"EMPTY": codeFrom, "EXPRESSION_LIST": codeFrom, "PIVOT": codeFrom, "SHOW_REF": codeFrom,
		"TABLE_FUNCTION": codeTableFunc,

		"SUBQUERY expression": codeSubquery, "LAMBDA": codeLambda, "PARAMETER": codeParameter,
		"POSITIONAL_REFERENCE": codePositional, "COLLATE": codeCollation, "STAR expression": codeStar,
	}
}

package grammar

import "github.com/sluicedata/sluice/catalog/task"

// Code is the stable name of one reason to refuse. Its remedy's message key is "remedy." + code: what honest
// analysts miss has a code of its own, so that its remedy can say what to write instead.
type Code string

// Reasons about the file and the statement as a whole.
const (
	codeBefore     Code = "code.before_marker" // text stands before the first `-- relation: name`
	codeName       Code = "code.name"          // a relation's name is not [a-z][a-z0-9_]{0,62}
	codeTwice      Code = "code.twice"         // two relations have one name
	codeEmpty      Code = "code.empty"         // nothing stands below a marker, or there is no marker at all
	codeStatements Code = "code.statements"    // a relation is one statement
	codeLong       Code = "code.too_long"      // the file is over maxCode
	codeEncoding   Code = "code.encoding"      // not UTF-8
	Syntax         Code = "grammar.syntax"
	NotSelect      Code = "grammar.statement" // not a SELECT
	Bind           Code = "grammar.bind"      // the engine cannot bind it over the granted columns
	Type           Code = "grammar.type"      // a result column's type does not leave: cast it to text or date
	Canonical      Code = "grammar.canonical" // what the engine would run is not what was checked
)

// Reasons about one node of the tree.
const (
	codeNode        Code = "grammar.unknown_node" // a node outside the grammar
	codeLarge       Code = "grammar.too_large"    // an expression of more than maxWeight nodes
	codeField       Code = "grammar.field"        // a field of a node outside the grammar
	codeFunction    Code = "grammar.function"     // a function outside the list
	codeClock       Code = "grammar.clock"        // current_date: write the date as a literal
	codeRandom      Code = "grammar.random"       // random, uuid, hashes: tokens are the platform's
	codeRank        Code = "grammar.rank"         // ntile, quantiles, deviations: write literal cuts
	codeFirst       Code = "grammar.first"        // first, any_value, arg_max: use min or max
	codeArguments   Code = "grammar.arguments"    // wrong number of arguments
	codeCast        Code = "grammar.cast"         // not a plain type
	codeConstant    Code = "grammar.constant"     // a literal of another type, or not a literal where one must stand
	codeSubquery    Code = "grammar.subquery"     // a subquery in an expression: join on the token instead
	codeLambda      Code = "grammar.lambda"
	codeParameter   Code = "grammar.parameter"
	codePositional  Code = "grammar.positional" // #1, GROUP BY 1: write the column's name
	codeCollation   Code = "grammar.collation"
	codeStar        Code = "grammar.star" // COLUMNS, EXCLUDE, REPLACE: name the columns
	codeFrom        Code = "grammar.from" // no FROM, VALUES, PIVOT, SHOW
	codeTableFunc   Code = "grammar.table_function"
	NoTable         Code = "grammar.table"     // no such input or CTE
	codeQualifier   Code = "grammar.qualifier" // a schema or catalogue is named
	codeShadow      Code = "grammar.shadow"    // a CTE or table alias takes a name that stands for something else
	codeColumnAlias Code = "grammar.column_alias"
	codeRecursive   Code = "grammar.recursive"
	codeSetOp       Code = "grammar.set_operation" // only UNION ALL
	codeUnionArms   Code = "grammar.union_arms"    // the arms carry other tokens or another number of columns
	codeLimit       Code = "grammar.limit"
	codeOrder       Code = "grammar.order" // the platform sorts rows
	codeDistinctOn  Code = "grammar.distinct_on"
	codeDistinct    Code = "grammar.distinct_aggregate" // count(DISTINCT x): a DISTINCT subselect first
	codeFilter      Code = "grammar.filter"             // FILTER: a WHERE in a subselect
	codeSample      Code = "grammar.sample"
	codeGroupForm   Code = "grammar.group_form"  // GROUP BY ALL, ROLLUP, CUBE, GROUPING SETS
	codeGroupToken  Code = "grammar.group_token" // GROUP BY without the token
	codeAggregate   Code = "grammar.aggregate"   // an aggregate where none may stand
	codeWindow      Code = "grammar.window"      // a window where none may stand
	codePartition   Code = "grammar.window_partition"
	codeWindowOrder Code = "grammar.window_order" // ORDER BY must end in _ordinal
	codeFrame       Code = "grammar.window_frame"
	codeOrdinal     Code = "grammar.ordinal" // _ordinal outside a window's order
	codeAlias       Code = "grammar.alias"   // an expression without a name, or a name that is none
	codeAliasTaken  Code = "grammar.alias_taken"
	codeColumnTwice Code = "grammar.column_twice"
)

// Reasons about joins, tokens, columns and identifiers.
const (
	codeJoinKind      Code = "join.kind"
	codeJoinCondition Code = "join.condition" // not exactly the equality of the tokens
	codeJoinRepeats   Code = "join.repeats"   // right side with many rows a unit: aggregate it per unit first
	codeTokenMissing  Code = "token.missing"  // a SELECT list without the token
	codeTokenRenamed  Code = "token.renamed"
	codeTokenUsed     Code = "token.used"  // a token in an expression
	codeTokenOuter    Code = "token.outer" // the right side's token of a LEFT JOIN: take the left side's
	codeIdentifier    Code = "identifier.used"
	codeNotDeclared   Code = "columns.not_declared"
	codeUnknown       Code = "columns.unknown"
	codeAmbiguous     Code = "columns.ambiguous"
)

// Reasons about declared tables.
const (
	codeOutName       Code = "table.name"
	codeOutTwice      Code = "table.twice"
	codeOutFrom       Code = "table.from"      // no such relation, or one that is not verified
	codeDimension     Code = "table.dimension" // no such column
	codeDimTwice      Code = "table.dimension_twice"
	codeDimToken      Code = "table.dimension_token"
	codeDimIdentifier Code = "table.dimension_identifier"
	codeDomainEmpty   Code = "table.domain_empty"
	codeDomainTwice   Code = "table.domain_twice"
	codeDomainLarge   Code = "table.domain_large" // over maxDomain values
	codeCells         Code = "table.cells"        // over maxCells cells
	codeMeasures      Code = "table.measures"     // no measure at all
	codeMeasureName   Code = "measure.name"
	codeMeasureTwice  Code = "measure.twice"
	codeMeasureStat   Code = "measure.stat"
	codeMeasureOf     Code = "measure.of"         // no such column, or one where none belongs
	codeMeasurePer    Code = "measure.per"        // likewise
	codeMeasureExpr   Code = "measure.expression" // an expression: declare a ratio, or aggregate one granted column per unit
	codeMeasureIdent  Code = "measure.identifier"
	codeMeasureType   Code = "measure.type"    // not a number
	codeMeasureRows   Code = "measure.row_set" // measures of one relation over other rows: one relation a row set
)

// Reasons about a Python job.
const (
	PythonSyntax Code = "python.syntax" // a file does not parse
	LabelTaken   Code = "label.shadows" // a label has the name of a column or a token of its input
)

// Remedy is the key of the message that says what to do instead.
func (c Code) Remedy() string { return "remedy." + string(c) }

// Refuse is a finding about a statement, at a byte of it; -1 for the statement as a whole.
func Refuse(s task.Statement, c Code, at int, what string) task.CheckFinding {
	return task.CheckFinding{
		Code: string(c), Relation: s.Relation, Line: Line(s, at), What: what, Remedy: c.Remedy(),
	}
}

// Package task holds the letter handed into a container and the report that comes out of it.
//
// It is the only vocabulary sandbox.Worker and sandbox/runner share. The worker writes task.json into the
// container's input directory, the runner writes report.json into its output directory, and nothing else
// is said between them: no environment, no arguments but the verb, no log. A report is written only by
// our own runner, never by the author of a job.
//
// The directories are fixed: In (read-only), Out (bounded), Scratch (bounded, gone with the container).
package task

import "github.com/sluicedata/sluice/policy/screen"

// Paths inside every container.
const (
	In         = "/in"
	Out        = "/out"
	Scratch    = "/tmp"
	LetterFile = "task.json"
	ReportFile = "report.json"
)

// Verb names one program of sluice-runner, and with it one container template of the launcher.
type Verb string

// The closed list of verbs.
const (
	Inspect Verb = "inspect" // raw → inspection.json: what a file looks like, before anything is declared
	Ingest  Verb = "ingest"  // raw → part-0001.parquet, or the place and reason of every bad row
	Profile Verb = "profile" // parts → profile.json, disclosure-checked
	Twin    Verb = "twin"    // a twin's part + the real parts → how much of it is real
	Synth   Verb = "synth"   // profile.json, or a twin's part → synthetic staged tables
	Preview Verb = "preview" // a staged table → its first rows as JSON
	Check   Verb = "check"   // code + empty tables → a verdict per relation
	Stage   Verb = "stage"   // parts + scope → staged tables, units.parquet
	SQL     Verb = "sql"     // staged tables + code → one Parquet file per relation; the author's code
	Split   Verb = "split"   // staged tables + code + relations → the split test
	Screen  Verb = "screen"  // relations + staged tables → declared tables and the evidence about them
)

// TryBounds is the verb of self-tests: the template's own bounds are tried. Only a launcher asks for it, by itself.
const TryBounds Verb = "canary"

// Verbs lists every verb, in the order of a job's life.
func Verbs() []Verb {
	return append([]Verb{Inspect, Ingest, Profile, Twin, Synth, Preview, Check, Stage, SQL, Split, Screen}, pythonVerbs()...)
}

// Letter is what a container is told. Exactly the member named by Verb is set.
type Letter struct {
	Verb    Verb           `json:"verb"`
	Inspect *InspectLetter `json:"inspect,omitempty"`
	Ingest  *IngestLetter  `json:"ingest,omitempty"`
	Profile *ProfileLetter `json:"profile,omitempty"`
	Twin    *TwinLetter    `json:"twin,omitempty"`
	Synth   *SynthLetter   `json:"synth,omitempty"`
	Preview *PreviewLetter `json:"preview,omitempty"`
	Check   *CheckLetter   `json:"check,omitempty"`
	Stage   *StageLetter   `json:"stage,omitempty"`
	SQL     *SQLLetter     `json:"sql,omitempty"`
	Split   *SplitLetter   `json:"split,omitempty"`
	Screen  *ScreenLetter  `json:"screen,omitempty"`
	Canary  *CanaryLetter  `json:"canary,omitempty"`

	Deal      *DealLetter      `json:"deal,omitempty"`
	Python    *PythonLetter    `json:"python,omitempty"`
	Normalize *NormalizeLetter `json:"normalize,omitempty"`
	Attach    *AttachLetter    `json:"attach,omitempty"`
}

// Report is what a container answers. Exactly the member named by Verb is set; beside a Failure it may be there
// too, with what was made before it.
type Report struct {
	Verb    Verb            `json:"verb"`
	Failure *Failure        `json:"failure,omitempty"`
	Inspect *InspectReport  `json:"inspect,omitempty"`
	Ingest  *IngestReport   `json:"ingest,omitempty"`
	Profile *ProfileReport  `json:"profile,omitempty"`
	Twin    *TwinReport     `json:"twin,omitempty"`
	Synth   *SynthReport    `json:"synth,omitempty"`
	Preview *PreviewReport  `json:"preview,omitempty"`
	Check   *CheckReport    `json:"check,omitempty"`
	Stage   *StageReport    `json:"stage,omitempty"`
	SQL     *SQLReport      `json:"sql,omitempty"`
	Split   *SplitReport    `json:"split,omitempty"`
	Screen  *ScreenEvidence `json:"screen,omitempty"`
	Canary  *CanaryReport   `json:"canary,omitempty"`

	Deal      *DealReport      `json:"deal,omitempty"`
	Normalize *NormalizeReport `json:"normalize,omitempty"`
	Attach    *AttachReport    `json:"attach,omitempty"`
}

// FailureClass is all an author learns of an error on real data, with the line of their own code.
type FailureClass string

// The closed list of failure classes.
const (
	FailCast     FailureClass = "cast"     // a value could not be converted
	FailOverflow FailureClass = "overflow" // a figure left its type's range
	FailDivision FailureClass = "division"
	FailMemory   FailureClass = "memory"
	FailSyntax   FailureClass = "syntax"
	FailBind     FailureClass = "bind" // a name is not there
	FailInput    FailureClass = "input"
	FailOutput   FailureClass = "output" // Python: a file that is no relation as declared
	FailModel    FailureClass = "model"  // Python: a serialized object; models do not leave
	FailOther    FailureClass = "other"
)

// Known reports whether a class is of the list.
func (c FailureClass) Known() bool {
	switch c {
	case FailCast, FailOverflow, FailDivision, FailMemory, FailSyntax, FailBind, FailInput, FailOutput, FailModel, FailOther:
		return true
	}
	return false
}

// Failure is an error as class and place. Message is set on synthetic data only: the engine's own words
// print values.
type Failure struct {
	Class    FailureClass `json:"class"`
	Relation string       `json:"relation,omitempty"`
	File     string       `json:"file,omitempty"` // of a folder of code
	Line     int          `json:"line,omitempty"` // 1-based line of the code file; 0 unknown
	Message  string       `json:"message,omitempty"`
}

// IngestLetter asks to parse /in/raw into parts. Whether the file is compressed shows itself too; Source.Gzip
// demands it.
type IngestLetter struct {
	Source  Source   `json:"source"`
	Columns []Column `json:"columns"`
	Units   []Unit   `json:"units"`
	// MaxErrors bounds Errors in the report.
	MaxErrors int `json:"max_errors"`
}

// IngestReport tells what part was made, or every reason why none was. When Errors is not empty no part
// exists.
type IngestReport struct {
	Rows   int64     `json:"rows"`
	Parts  []string  `json:"parts"` // file names in Out
	Errors []BadCell `json:"errors"`
	// More says that there were further errors past MaxErrors.
	More bool `json:"more,omitempty"`
}

// ProfileLetter asks for a profile of the parts /in/part-*.parquet.
type ProfileLetter struct {
	Columns []Column `json:"columns"`
	Units   []Unit   `json:"units"`
	// MinUnits is the least number of units that must hold a value for it to be shown.
	MinUnits int `json:"min_units"`
	// RoundTo is the base counts are rounded to.
	RoundTo int `json:"round_to"`
}

// ProfileReport names the profile written to Out/profile.json (a TableProfile).
type ProfileReport struct {
	Rows int64 `json:"rows"` // rounded to RoundTo
}

// TwinLetter asks how much of the twin /in/twin.parquet is real: the same rows or people as in the parts
// /in/part-*.parquet of the version it stands for.
type TwinLetter struct {
	Columns []Column `json:"columns"`
	Units   []Unit   `json:"units"`
	// MinUnits is the number of units from which a combination of values is nobody's: rows of it may be equal.
	MinUnits int `json:"min_units"`
	// MaxErrors bounds Errors in the report.
	MaxErrors int `json:"max_errors"`
}

// TwinReport is the evidence about a twin. It holds row numbers of the twin, never a value.
type TwinReport struct {
	Rows int64 `json:"rows"` // of the twin
	// Shared counts the rows that name a protected unit which is a real one's.
	Shared int64 `json:"shared"`
	// Equal counts the rows that equal a real row on every quasi-identifying and sensitive column, where fewer
	// than MinUnits units hold that combination. A version that declares no such column is compared on all.
	Equal int64 `json:"equal"`
	// Errors names rows of both kinds, each kind in order: UnitShared, RowEqual.
	Errors []BadCell `json:"errors"`
	More   bool      `json:"more,omitempty"` // there were further rows past MaxErrors of a kind
}

// Scope is what one input of a job may show.
type Scope struct {
	Input   string   `json:"input"`   // table name in the job
	Columns []Column `json:"columns"` // granted and declared, in declared order, with masks
	Units   []Unit   `json:"units"`
	// Rows keeps the rows whose column holds one of the values (as text); all entries must hold.
	Rows []RowFilter `json:"rows,omitempty"`
}

// StageLetter asks to cut inputs to scope. The parts of input i are /in/<input>/part-*.parquet.
type StageLetter struct {
	Inputs []StageInput `json:"inputs"`
	// TokenKey keys the tokens of this run (32 bytes).
	TokenKey []byte `json:"token_key"`
}

// StageInput is one input to cut.
type StageInput struct {
	Scope
	// UnitKey keys the stable unit ordinals of the dataset (32 bytes); equal for every version of it.
	UnitKey []byte   `json:"unit_key"`
	Parts   []string `json:"parts"` // paths below In
}

// A staged table is Out/<input>.parquet: the unit columns first (UUID tokens of this run, named after the
// unit's kind), then the scope's columns, sorted by (token, ordinal), with the column "_ordinal" (BIGINT,
// unique row number) last. Out/units.parquet has (kind VARCHAR, token UUID, unit UUID): never mounted into
// an author's container.

// StageReport tells what was cut.
type StageReport struct {
	Inputs []StagedTable `json:"inputs"`
}

// StagedTable describes one staged table.
type StagedTable struct {
	Input  string `json:"input"`
	File   string `json:"file"`
	Rows   int64  `json:"rows"`
	Units  int64  `json:"units"`
	SHA256 string `json:"sha256"` // hex, of the file
}

// TableSpec tells check, sql, split and screen what a staged table looks like.
type TableSpec struct {
	Input   string   `json:"input"`
	Columns []Column `json:"columns"`
	Units   []Unit   `json:"units"`
	// Known lists further columns of the dataset, outside what the job declared, so that a refusal can
	// name them as columns.not_declared instead of unknown.
	Known []string `json:"known,omitempty"`
}

// Statement is one relation of the code: `-- relation: name` and the SELECT below it.
type Statement struct {
	Relation string `json:"relation"`
	Line     int    `json:"line"` // 1-based line of its first character in the code file
	SQL      string `json:"sql"`
}

// CheckLetter asks whether every relation is verified and every declared table fits.
type CheckLetter struct {
	Code   string      `json:"code"`
	Files  []CodeFile  `json:"files,omitempty"` // of a Python job, in Code's place; beside them /in/syntax.json
	Tables []TableSpec `json:"tables"`          // the inputs
	Output []Table     `json:"output"`
	// Relations are declared by a Python job, and found in the code of any other.
	Relations []Labelled `json:"relations,omitempty"`
}

// CheckReport is the verdict. Findings is empty when everything is verified.
type CheckReport struct {
	Relations []RelationPlan  `json:"relations"`
	Findings  []CheckFinding  `json:"findings"`
	Reads     []ColumnReading `json:"reads"` // the columns the code really uses
}

// ColumnReading lists columns of one input that the code uses.
type ColumnReading struct {
	Input   string   `json:"input"`
	Columns []string `json:"columns"`
}

// CheckFinding is one reason why the job is refused.
type CheckFinding struct {
	Code     string `json:"code"` // see runner's grammar table: grammar.function, measure.expression, columns.not_declared, …
	Relation string `json:"relation,omitempty"`
	File     string `json:"file,omitempty"` // of a folder of code
	Line     int    `json:"line,omitempty"`
	What     string `json:"what,omitempty"` // a name of the author's own code or of the grammar; never a value
	Remedy   string `json:"remedy"`         // key of a message, see message files
}

// RelationPlan is what check learnt of one verified relation.
type RelationPlan struct {
	Statement
	Inputs  []string         `json:"inputs"`
	Columns []RelationColumn `json:"columns"`
}

// ColumnKind says what a relation's column may be used for.
type ColumnKind string

// The closed list of column kinds.
const (
	KindToken   ColumnKind = "token"
	KindLabel   ColumnKind = "label"   // any allowed expression
	KindMeasure ColumnKind = "measure" // a granted column, or one aggregate of one granted column per unit
)

// RelationColumn is one result column. A plain column is a measure that can serve as a label too.
type RelationColumn struct {
	Name string     `json:"name"`
	Kind ColumnKind `json:"kind"`
	// Source is input.column of a measure; Form is "" for the column itself or sum, min, max, count, avg.
	Source string `json:"source,omitempty"`
	Form   string `json:"form,omitempty"`
	Unit   string `json:"unit,omitempty"` // unit kind of a token
}

// SQLLetter asks to run the author's relations over the staged tables /in/<input>.parquet.
type SQLLetter struct {
	Relations []RelationPlan `json:"relations"`
	Tables    []TableSpec    `json:"tables"`
	MemoryMB  int            `json:"memory_mb"`
	Threads   int            `json:"threads"`
	Synthetic bool           `json:"synthetic"` // engine messages may be told
}

// SQLReport lists Out/<relation>.parquet: the relation's columns, sorted by all of them.
type SQLReport struct {
	Relations []RelationRows `json:"relations"`
	// PeakMB is the most memory the program held, in MiB, as the kernel tells it of itself.
	PeakMB int64 `json:"peak_mb,omitempty"`
}

// RelationRows tells how many rows one relation has.
type RelationRows struct {
	Relation string `json:"relation"`
	Rows     int64  `json:"rows"`
}

// SplitLetter asks for the split test over /in/<input>.parquet and /in/relations/<relation>.parquet.
type SplitLetter struct {
	Relations []RelationPlan `json:"relations"`
	Tables    []TableSpec    `json:"tables"`
	Splits    int            `json:"splits"`
	Seed      []byte         `json:"seed"` // 32 secret random bytes
	MemoryMB  int            `json:"memory_mb"`
}

// SplitReport lists the relations that depend on other people's rows.
type SplitReport struct {
	Splits int      `json:"splits"`
	Failed []string `json:"failed"`
}

// ScreenLetter asks for the declared tables and the evidence. Files: /in/<input>.parquet, /in/units.parquet,
// /in/relations/<relation>.parquet, and the memberships of earlier releases /in/earlier/<name>.
type ScreenLetter struct {
	Tables    []TableSpec    `json:"tables"`
	Relations []RelationPlan `json:"relations"`
	Output    []Table        `json:"output"`
	Earlier   []Earlier      `json:"earlier"`
	RoundTo   int            `json:"round_to"`
	// DigestKey keys the digests of a unit's contributions (32 bytes, one per dataset).
	DigestKey []byte `json:"digest_key"`
	// Near bounds the evidence about differences: pairs that differ in 1..Near units are listed.
	Near int `json:"near"`
}

// Earlier names a membership file of an earlier release, or of another table under review.
type Earlier struct {
	Name  string `json:"name"`  // file below /in/earlier
	Title string `json:"title"` // "D-2026-0003 visits_by_plan": what a finding may name
}

// ScreenEvidence names the files written and carries the evidence about them.
type ScreenEvidence struct {
	Outputs []ScreenedOutput  `json:"outputs"`
	Facts   []screen.Evidence `json:"facts"` // one an output, same order
}

// ScreenedOutput is one declared table as it would leave: canonical CSV, and its cell memberships.
type ScreenedOutput struct {
	Name       string `json:"name"`
	File       string `json:"file"`   // Out/<name>.csv
	SHA256     string `json:"sha256"` // hex, of the CSV
	Rows       int    `json:"rows"`
	Membership string `json:"membership"` // Out/<name>.members
}

// SynthLetter asks for synthetic staged tables from /in/<input>/profile.json, with keys shared between the
// tables of one dataset so that joins work. An input with a twin is cut from that instead, as stage cuts rows.
type SynthLetter struct {
	Inputs []SynthInput `json:"inputs"`
	Seed   []byte       `json:"seed"`
	Rows   int64        `json:"rows"` // at most, an input to invent
	// TokenKey keys the tokens of twins (32 bytes). Their units never meet real ones, so they need no other key.
	TokenKey []byte `json:"token_key,omitempty"`
}

// SynthInput is one input to invent, or to cut from a twin. Invented inputs with the same Dataset share their
// units, and so do twins that name the same people.
type SynthInput struct {
	Scope
	Dataset string   `json:"dataset"`
	Twin    []string `json:"twin,omitempty"` // parts of a twin: paths below In
}

// SynthReport tells what was made; the files are those of a staged table, units.parquet included.
type SynthReport struct {
	Inputs []StagedTable `json:"inputs"`
}

// PreviewLetter asks for the first rows of /in/<input>.parquet.
type PreviewLetter struct {
	Input string `json:"input"`
	Rows  int    `json:"rows"`
}

// PreviewReport names Out/preview.json (a PreviewTable).
type PreviewReport struct {
	Rows int `json:"rows"`
}

// PreviewTable is a table as text, in staged order.
type PreviewTable struct {
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

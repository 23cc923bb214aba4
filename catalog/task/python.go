package task

import "github.com/sluicedata/sluice/catalog/job"

// A Python job is never believed. Deal lays the staged tables out as CSV, whole and in secret halves; Python runs the
// author's code over each of them, in containers of its own that know of no other; Normalize, which holds no row of
// anybody, takes what they wrote apart; Attach compares the halves with the whole and adds measures of our own.
const (
	Deal      Verb = "deal"      // staged tables → whole and halves as CSV, each row with an opaque name
	Python    Verb = "python"    // tables as CSV + the author's code → foreign bytes
	Normalize Verb = "normalize" // foreign bytes → one Parquet file a run and relation, texts only
	Attach    Verb = "attach"    // normalized relations + staged tables → the split test, relations with measures
)

// Verbs of a Python job that run in sluice-runner, and the one that runs in an approved image.
func pythonVerbs() []Verb { return []Verb{Deal, Python, Normalize, Attach} }

// Words of a Python job.
type (
	// SourceFile is one file of the author's folder.
	SourceFile = job.SourceFile
	// Labelled is a relation of a Python job: rows of one input, with labels.
	Labelled = job.Relation
)

// Names inside the containers of a Python job.
const (
	CodeDir    = "code"        // below In: the author's folder
	RunsDir    = "runs"        // below In of Normalize: a folder a run, by number
	SyntaxFile = "syntax.json" // below In of Check: what the image's Python made of the code
	RowColumn  = "_row"        // the opaque name of a staged row, first column of a dealt table
)

// DealLetter asks for Out/<run>-<input>.csv.gz of /in/<input>.parquet: run 00 is everybody, and runs 2n-1 and 2n are
// the halves of split n, over the unit kinds in order. A dealt table is the staged one in its order, with RowColumn
// first and without "_ordinal"; a missing value is an empty field.
type DealLetter struct {
	Tables []TableSpec `json:"tables"`
	Splits int         `json:"splits"` // 0: everybody only
	Seed   []byte      `json:"seed"`   // 32 secret random bytes
}

// DealReport tells how many runs there are.
type DealReport struct {
	Runs int `json:"runs"`
}

// PythonLetter is what the module sluice of the image is told. It holds nothing the author may not know.
type PythonLetter struct {
	Tables    []TableSpec `json:"tables"`    // of /in/<input>.csv.gz
	Relations []Labelled  `json:"relations"` // to be written to Out/<relation>.csv
	Files     []string    `json:"files"`     // below /in/code
	Syntax    bool        `json:"syntax"`    // parse the files and run nothing
	Synthetic bool        `json:"synthetic"` // Python's own messages may be told
}

// NormalizeLetter asks to take apart what runs left: /in/runs/<run>/<file>.
type NormalizeLetter struct {
	Runs      int         `json:"runs"`
	Tables    []TableSpec `json:"tables"`
	Relations []Labelled  `json:"relations"`
	Files     []CodeFile  `json:"files"`
	Synthetic bool        `json:"synthetic"`
}

// CodeFile says how long a file of the author's is.
type CodeFile struct {
	Name  string `json:"name"`
	Lines int    `json:"lines"`
}

// NormalizeReport tells what became of the runs; Out/<run>-<relation>.parquet has the row's name, the tokens and the
// labels as texts, as they were written. A run 00 that failed is the report's Failure.
type NormalizeReport struct {
	Relations []RelationRows `json:"relations"` // of run 00
	// Broken lists the relations that some half did not come to: they depend on the other half.
	Broken []string `json:"broken"`
}

// AttachLetter asks for the split test over /in/relations/<run>-<relation>.parquet, and for relations in which the
// platform's own columns stand beside the author's labels. Files: /in/<input>.parquet.
type AttachLetter struct {
	Tables    []TableSpec    `json:"tables"`
	Relations []RelationPlan `json:"relations"`
	Splits    int            `json:"splits"`
	Seed      []byte         `json:"seed"` // of the DealLetter
	// Broken lists relations whose halves are not there.
	Broken []string `json:"broken"`
}

// AttachReport lists Out/<relation>.parquet: the plan's columns, sorted by all of them, and the relations that depend
// on other people's rows. A row that names none that was staged, or another unit's, has no token.
type AttachReport struct {
	SplitReport
	Relations []RelationRows `json:"relations"`
}

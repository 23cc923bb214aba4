// Package ruleset holds legal and technical values as versioned data: limits, caps, gates, disclosure
// thresholds, sizes. Every case keeps the version it began under, so a later rule changes nothing that runs.
//
// A set is YAML. Unknown keys are refused: a misspelt threshold must not silently keep its default, and
// there are no defaults. A value that came later may be absent in an older set, and absent is its strictest.
// Values are immutable once loaded and may be shared.
package ruleset

import (
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/policy/screen"
)

// Level says whose rules a set holds. A registrar's set may only tighten the city's (R24).
type Level string

// The closed list of levels.
const (
	National  Level = "national"
	City      Level = "city"
	Registrar Level = "registrar"
)

// RuleSet is one version of the rules.
type RuleSet struct {
	Version    string           `yaml:"version"` // "cq-2025-04-08": kept by every case
	Title      string           `yaml:"title"`
	Level      Level            `yaml:"level"`
	From       calendar.Date    `yaml:"effective_from"` // cases that begin on or after it
	Supersedes string           `yaml:"supersedes"`
	Basis      []Basis          `yaml:"basis"`
	Limits     map[string]Limit `yaml:"limits"` // by id: D1 … D17
	Caps       Caps             `yaml:"caps"`
	Gates      Gates            `yaml:"gates"`
	Review     Review           `yaml:"review"`
	Disclosure Disclosure       `yaml:"disclosure"`
	Data       Data             `yaml:"data"`
	Jobs       Jobs             `yaml:"jobs"`
	Budgets    Budgets          `yaml:"budgets"`
	Queue      Queue            `yaml:"queue"`
	Keys       Keys             `yaml:"keys"`
	Sessions   Sessions         `yaml:"sessions"`

	// Digest names the bytes the set was read from.
	Digest name.Digest `yaml:"-"`
}

// Basis is one law or policy the values rest on.
type Basis struct {
	ID       string        `yaml:"id"` // R, O: how sources cite it
	Title    string        `yaml:"title"`
	Number   string        `yaml:"number"` // document number; empty where the text carries none
	From     calendar.Date `yaml:"effective_from"`
	Articles []string      `yaml:"articles"` // the articles values here come from
}

// Unit is what a limit is counted in.
type Unit string

// The closed list of units.
const (
	WorkingDay Unit = "working_day"
	Day        Unit = "day" // calendar day
	Month      Unit = "month"
	Year       Unit = "year"
)

// Limit is one row of the deadline table.
type Limit struct {
	Trigger string `yaml:"trigger"`
	Length  int    `yaml:"length"`
	Unit    Unit   `yaml:"unit"`
	Debtor  string `yaml:"debtor"`
	Source  string `yaml:"source"`  // article, "national" or "choice"
	Overdue string `yaml:"overdue"` // what follows
}

// Caps are upper bounds the law sets.
type Caps struct {
	AgreementYears      int `yaml:"agreement_years"`       // O15: in principle three
	RegistrationYears   int `yaml:"registration_years"`    // R15
	RenewalWindowDays   int `yaml:"renewal_window_days"`   // R16, calendar days before expiry
	ControlSharePercent int `yaml:"control_share_percent"` // O20: at or above is "indirect"
}

// Gates are conditions that can be switched; true is the stricter.
type Gates struct {
	Filing       bool `yaml:"filing"`       // an agreement takes effect only when filed (O16)
	Registration bool `yaml:"registration"` // no production run without a valid registration (O9)
	Debug        bool `yaml:"debug"`        // submit needs a successful debug run of the same code
}

// Review holds the values of output review.
type Review struct {
	VoteValidityHours int `yaml:"vote_validity_hours"`
	// Days are the working days in which both seats are to vote; a set that lacks them sets no day.
	Days              int  `yaml:"days"`
	PreviewOperator   bool `yaml:"preview_operator"` // the operator's people see values before approval
	JobAutoApproval   bool `yaml:"job_auto_approval"`
	AutoApprovalLevel int  `yaml:"auto_approval_level"` // highest column level it may apply to
}

// Disclosure holds the figures of screening, named cn-default. Its fields are those of screen.Rules.
type Disclosure struct {
	MinUnits       int     `yaml:"min_units"`
	DominanceShare float64 `yaml:"dominance_share"`
	PPercent       float64 `yaml:"p_percent"`
	MinVarying     int     `yaml:"min_varying"`
	MinDifference  int     `yaml:"min_difference"`
	RoundTo        int     `yaml:"round_to"`
}

// Data holds the values of publishing.
type Data struct {
	RoundTo         int `yaml:"round_to"`          // base of counts, fixed at a dataset's first publication
	ProfileMinUnits int `yaml:"profile_min_units"` // units that must hold a value for a profile to show it
	Columns         int `yaml:"columns"`           // of one dataset
	UploadMB        int `yaml:"upload_mb"`
	ChunkMB         int `yaml:"chunk_mb"`     // of an upload: what a broken line costs
	UploadHours     int `yaml:"upload_hours"` // from its start until an upload is forgotten
	CellErrors      int `yaml:"cell_errors"`  // input faults told at once
	PreviewRows     int `yaml:"preview_rows"`
	KeepLeast       int `yaml:"keep_least"` // versions a department's retention keeps at least
	KeepMost        int `yaml:"keep_most"`
	// TwinEqualShare is the share of a twin's rows that may equal a real row fewer than ProfileMinUnits units share:
	// chance, not copies. Sets from before twins had a value lack it, which is the strictest: none may.
	TwinEqualShare float64 `yaml:"twin_equal_share"`
}

// Jobs bounds what a job package may hold and use.
type Jobs struct {
	CodeBytes      int `yaml:"code_bytes"`
	Inputs         int `yaml:"inputs"`
	Outputs        int `yaml:"outputs"`
	Dimensions     int `yaml:"dimensions"` // of one table
	Measures       int `yaml:"measures"`   // of one table
	Cells          int `yaml:"cells"`      // of one table
	Splits         int `yaml:"splits"`     // of the split test
	MemoryMB       int `yaml:"memory_mb"`
	Threads        int `yaml:"threads"`
	WallSeconds    int `yaml:"wall_seconds"`
	SyntheticRows  int `yaml:"synthetic_rows"`
	LeaseSeconds   int `yaml:"lease_seconds"`
	DifferenceNear int `yaml:"difference_near"` // pairs that differ in 1 … this many units are evidence
	// RuncLevel is the highest level of data whose jobs may run under runc where gVisor is not proved; 0: none may.
	// Sets from before there was a choice lack it, which is the strictest.
	RuncLevel int `yaml:"runc_level"`
}

// Budgets bounds use beyond what a grant bounds. Months are calendar months of Asia/Shanghai.
type Budgets struct {
	OrgMonth     Budget `yaml:"org_month"`     // all use of one operator
	DatasetMonth Budget `yaml:"dataset_month"` // one operator's use of one dataset
	GrantFailed  int    `yaml:"grant_failed"`  // failed answers of a grant that names no number, over its life
}

// Budget bounds what is counted of use.
type Budget struct {
	Runs   int `yaml:"runs"`   // production runs
	Rows   int `yaml:"rows"`   // rows they read
	Failed int `yaml:"failed"` // failed answers they give
}

// Queue bounds what one organization holds of the workers at once; what is beyond waits in the queue.
type Queue struct {
	OrgRunning   int `yaml:"org_running"`    // pieces of work
	OrgScratchMB int `yaml:"org_scratch_mb"` // scratch and output space, and what its pieces fetch: uploads, parts
	// PieceScratchMB is the most a piece of work may hold of it: the output directories of all its containers, which
	// stay until its end, and the scratch of the one that runs. What it fetches counts beside that, as large as it is.
	PieceScratchMB int `yaml:"piece_scratch_mb"`
}

// Running returns how many pieces of one organization may run at once: at least one, however small the share.
func (q Queue) Running() int { return max(1, min(q.OrgRunning, q.OrgScratchMB/q.PieceScratchMB)) }

// Keys holds how long people's own keys last.
type Keys struct {
	Days        int `yaml:"days"`         // from the admission of a key to its end
	WarningDays int `yaml:"warning_days"` // before its end a key's owner is told
}

// Sessions holds lifetimes of what proves who is calling.
type Sessions struct {
	TokenMinutes     int `yaml:"token_minutes"`
	AssertionMinutes int `yaml:"assertion_minutes"` // longest life of a signed assertion
	StrongMinutes    int `yaml:"strong_minutes"`    // how long a second factor makes a session strong
	EnrolmentHours   int `yaml:"enrolment_hours"`   // how long an administrator's code to enrol a factor lasts
}

// Screen returns the disclosure figures as the screening rules take them.
func (r RuleSet) Screen() screen.Rules { return screen.Rules(r.Disclosure) }

// Days returns the length of limit id when it is counted in working days, else 0 and false: a caller that
// counts working days must not read months as days.
func (r RuleSet) Days(id string) (int, bool) {
	l, ok := r.Limits[id]
	if !ok || l.Unit != WorkingDay {
		return 0, false
	}
	return l.Length, true
}

package policy

// Facts is what the record says, read in the same transaction as the change it decides about. Only the
// members an action needs are set; a rule that needs an absent member denies (facts.missing).
//
// Sets are objects {name: true}, never arrays, and times are unix seconds: keyed look-ups keep a decision's
// cost flat as grants grow.
type Facts struct {
	Now    int64        `json:"now"`
	Scope  *ScopeFacts  `json:"scope,omitempty"`  // job.submit, job.claim, job.debug, release.make, output.fetch
	Grant  *GrantBounds `json:"grant,omitempty"`  // grant.propose, grant.approve
	Review *ReviewFacts `json:"review,omitempty"` // review.*, release.make, output.fetch
	Person *PersonFacts `json:"person,omitempty"` // two-person acts: key.admit, grant.approve, member.*
}

// Set is a set of names.
type Set map[string]bool

// ScopeFacts is what a job asks for, and what each of its inputs may give.
type ScopeFacts struct {
	Operation string       `json:"operation"` // sql, aggregate, train, verify, serve
	Purpose   string       `json:"purpose"`
	Outputs   Set          `json:"outputs"`             // output kinds asked for: table, file
	Synthetic bool         `json:"synthetic,omitempty"` // a debug run: no budget, no level cap, no real rows
	Inputs    []InputFacts `json:"inputs"`
	// Datasets counts the distinct datasets; JoinDecided says that the agency recorded a decision on joining
	// them (O33).
	Datasets    int  `json:"datasets"`
	JoinDecided bool `json:"join_decided"`
	// Budgets are the monthly budgets a submit would draw on: of each dataset, and of the operator.
	Budgets []BudgetFacts `json:"budgets,omitempty"`
}

// BudgetFacts is one monthly budget: what a run takes of it, and what is left before it does. A run takes a
// failed answer too, and has it back unless it gives one.
type BudgetFacts struct {
	Scope      string `json:"scope"` // "dataset health-visits", "org"
	Runs       int64  `json:"runs"`
	Rows       int64  `json:"rows"`
	Failed     int64  `json:"failed"`
	RunsLeft   int64  `json:"runs_left"`
	RowsLeft   int64  `json:"rows_left"`
	FailedLeft int64  `json:"failed_left"`
}

// InputFacts is one input of a job: the asked side and the record's side.
type InputFacts struct {
	Input   string `json:"input"`
	Version int    `json:"version"`
	Columns Set    `json:"columns"` // asked for
	Rows    int64  `json:"rows"`    // rows the version holds: what a run reads

	Agreement    *AgreementFacts    `json:"agreement"`
	Registration *RegistrationFacts `json:"registration"`
	Dataset      *DatasetFacts      `json:"dataset"`
	Terms        *TermsFacts        `json:"terms"`
	Grant        *GrantFacts        `json:"grant"`
}

// AgreementFacts is the operating agreement the grant rests on.
type AgreementFacts struct {
	State    string `json:"state"` // must be effective
	Operator string `json:"operator"`
	From     int64  `json:"from"`
	To       int64  `json:"to"`
	Covered  bool   `json:"covered"` // the dataset is in the agreement's catalogue
}

// RegistrationFacts is the registration of the dataset (O9: a hard gate).
type RegistrationFacts struct {
	State string `json:"state"` // must be valid
	To    int64  `json:"to"`
}

// DatasetFacts is the dataset and the version asked for.
type DatasetFacts struct {
	Org          string                 `json:"org"`
	State        string                 `json:"state"`         // must be authorizable (frozen refuses)
	VersionState string                 `json:"version_state"` // must be available (withdrawn refuses)
	Protected    bool                   `json:"protected"`     // it has a protected unit
	Class        string                 `json:"class"`         // general; important and core are refused
	Columns      map[string]ColumnFacts `json:"columns"`
}

// ColumnFacts is what scope rules need of a column.
type ColumnFacts struct {
	Level    int  `json:"level"`
	Personal bool `json:"personal"` // needs a lawful basis in the grant
	Dropped  bool `json:"dropped"`  // mask drop: never granted
}

// TermsFacts is the provider's ceiling over every grant. An empty set allows nothing.
type TermsFacts struct {
	Purposes   Set   `json:"purposes"`
	Columns    Set   `json:"columns"`
	Outputs    Set   `json:"outputs"`
	Operations Set   `json:"operations"`
	MinUnits   int   `json:"min_units"`
	To         int64 `json:"to"`
}

// GrantFacts is the grant an input names. An empty set allows nothing.
type GrantFacts struct {
	State       string `json:"state"` // must be active
	Operator    string `json:"operator"`
	Purposes    Set    `json:"purposes"`
	Columns     Set    `json:"columns"`
	Operations  Set    `json:"operations"`
	Outputs     Set    `json:"outputs"`
	RowsScoped  bool   `json:"rows_scoped"` // a row scope is written down (all, or values); absent allows nothing
	LevelCap    int    `json:"level_cap"`
	VersionFrom int    `json:"version_from"`
	VersionTo   int    `json:"version_to"` // 0: open
	From        int64  `json:"from"`
	To          int64  `json:"to"`
	RunsLeft    int64  `json:"runs_left"`
	RowsLeft    int64  `json:"rows_left"`
	FailedLeft  int64  `json:"failed_left"`
	LawfulBasis bool   `json:"lawful_basis"` // a lawful basis for personal columns is recorded
	MinUnits    int    `json:"min_units"`
}

// GrantBounds compares a proposed grant with what bounds it.
type GrantBounds struct {
	Grant     GrantFacts      `json:"grant"`
	Terms     *TermsFacts     `json:"terms"`
	Agreement *AgreementFacts `json:"agreement"`
	Dataset   *DatasetFacts   `json:"dataset"`
}

// PersonFacts holds separation of duties for acts that need another person.
type PersonFacts struct {
	First string `json:"first"` // member who did the first half: proposer, author, owner of the key
}

// ReviewFacts is one output under review.
type ReviewFacts struct {
	State     string      `json:"state"`            // output: auto_checked, in_review, approved
	Blocked   int         `json:"blocked"`          // findings that block
	Author    string      `json:"author"`           // member who submitted the job
	Operator  string      `json:"operator"`         // organization that runs the job
	Agency    string      `json:"agency"`           // organization of the agency seat
	Seat      string      `json:"seat,omitempty"`   // whom the caller speaks for: operator, agency; author where nobody votes
	Opener    string      `json:"opener,omitempty"` // member who opened the review
	SeatTaken bool        `json:"seat_taken,omitempty"`
	DigestOK  bool        `json:"digest_ok,omitempty"`  // the statement names the output's digest and evidence
	FreshVote bool        `json:"fresh_vote,omitempty"` // signature verifies, not expired, nonce unused
	Votes     []VoteFacts `json:"votes,omitempty"`      // release.make
	Values    bool        `json:"values,omitempty"`     // output.fetch: cell values are asked for
	Released  bool        `json:"released,omitempty"`
}

// VoteFacts is one verified vote.
type VoteFacts struct {
	Seat     string `json:"seat"`
	Voter    string `json:"voter"`
	Org      string `json:"org"`
	Approve  bool   `json:"approve"`
	Verified bool   `json:"verified"` // keeper checked signature, digest, expiry
}

// Package budget counts use: production runs, the rows they read, and the failed answers they give. A failed
// answer counts because it tells something of the data: that a cast failed, and on which line.
//
// There are three scopes. A grant's budget is for its whole life; what one operator does with one dataset, and
// all an operator does, are bounded by the calendar month (Asia/Shanghai). It is pure: no store, no clock.
package budget

import "time"

// Amount is what is counted.
type Amount struct {
	Runs   int64 `json:"runs"`   // production runs
	Rows   int64 `json:"rows"`   // rows read by them
	Failed int64 `json:"failed"` // failed answers they gave
}

// Plus returns the sum.
func (a Amount) Plus(b Amount) Amount {
	return Amount{a.Runs + b.Runs, a.Rows + b.Rows, a.Failed + b.Failed}
}

// Minus returns the difference. It may be negative where a limit has been lowered.
func (a Amount) Minus(b Amount) Amount {
	return Amount{a.Runs - b.Runs, a.Rows - b.Rows, a.Failed - b.Failed}
}

// Scope says what a budget bounds.
type Scope string

// The closed list of scopes.
const (
	Grant   Scope = "grant"   // one grant, for its whole life
	Dataset Scope = "dataset" // one operator's use of one dataset in a month: no operator uses up another's
	Org     Scope = "org"     // all use of one operator in a month
)

// Left is one budget and what is left of it.
type Left struct {
	Scope   Scope  `json:"scope"`
	Subject string `json:"subject"`         // number of the grant, slug of the dataset, number of the organization
	Month   string `json:"month,omitempty"` // "2026-11"; "" of a grant
	Limit   Amount `json:"limit"`
	Left    Amount `json:"left"`
}

// Use is what was done under one grant in one month.
type Use struct {
	Operator     string   `json:"operator"` // organization number
	OperatorName string   `json:"operator_name"`
	Agreement    string   `json:"agreement"`
	Grant        string   `json:"grant"`
	Dataset      string   `json:"dataset"`
	Columns      []string `json:"columns"` // columns that runs of the month were given
	Amount
	Releases int64 `json:"releases"` // products released in the month
}

// Recent is what one operator did with one dataset in the last days.
type Recent struct {
	Dataset      string   `json:"dataset"`
	Operator     string   `json:"operator"` // organization number
	OperatorName string   `json:"operator_name"`
	Columns      []string `json:"columns"` // columns that its runs were given
	Runs         int64    `json:"runs"`
	Releases     int64    `json:"releases"` // products released
}

// Usage is a month as one organization may see it.
type Usage struct {
	Month string    `json:"month"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"` // the first instant of the next month
	Uses  []Use     `json:"uses"`
	// Budgets are the monthly ones of an operator; nobody else sees them.
	Budgets []Left `json:"budgets,omitempty"`
}

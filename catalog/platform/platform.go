// Package platform says how an instance is, as its record and its store tell: what a process says of itself is told
// by its own listener (sluice ready). It is pure: no store, no clock.
package platform

import "time"

// Status is how an instance is.
type Status struct {
	Checks    []Check    `json:"checks"`
	SelfTests []SelfTest `json:"self_tests"` // the newest of each runtime
	Queue     []Depth    `json:"queue"`
	Schema    int64      `json:"schema"`   // last migration applied
	Policy    string     `json:"policy"`   // revision of the bundle in force
	RuleSet   string     `json:"rule_set"` // version of the legal values
	Entries   int64      `json:"entries"`  // of the trace, under the newest checkpoint
}

// Check is one thing an instance needs. Its name is stable: texts say what it is and what helps.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
}

// SelfTest is what the newest test of a runtime found out.
type SelfTest struct {
	Worker  string    `json:"worker"`
	Runtime string    `json:"runtime"`
	MadeAt  time.Time `json:"made_at"`
	Broken  []string  `json:"broken"` // canaries that did not hold
}

// Depth is how much work of a kind is in a state.
type Depth struct {
	Kind  string `json:"kind"`
	State string `json:"state"`
	Count int64  `json:"count"`
}

// Bounds past which a check fails.
const (
	TraceLag = time.Minute    // an entry waits this long for its place at most
	ProofAge = 25 * time.Hour // a self-test is as old as this at most
)

// CheckNames lists every check there is, in the order they are told.
func CheckNames() []string { return []string{"schema", "store", "trace", "checkpoint", "selftest"} }

// Proved tells whether some runtime held all its bounds of late.
func Proved(tests []SelfTest, now time.Time) bool {
	for _, t := range tests {
		if len(t.Broken) == 0 && now.Sub(t.MadeAt) < ProofAge {
			return true
		}
	}
	return false
}

// Failing lists the checks that fail, by name.
func (s Status) Failing() (names []string) {
	for _, c := range s.Checks {
		if !c.OK {
			names = append(names, c.Name)
		}
	}
	return names
}

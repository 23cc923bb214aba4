// Package flow holds transition tables: which act moves an object from which state to which, and who does
// it. A move that is not in a table is refused. The same table draws its own diagram and text.
package flow

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
)

// State is a state of an object, by its lower-case code. The zero state means "not there yet".
type State string

// None is the state of what does not exist: the From of the act that makes an object.
const None State = ""

// Move is one row of a table.
type Move struct {
	From State
	To   State
	Act  string // a verb of the noun; unique among the moves out of From
	Who  string // capacity and role, or the part of the platform, in words
	Rule string // the legal or technical condition, in words; may be empty
}

// Table is the life of one kind of object.
type Table struct {
	Noun   string  // "job": leads the codes of faults
	Title  string  // heading of its text
	Source string  // where the law or the vocabulary has it
	States []State // every state; the first is where an object starts
	Ends   []State // states nothing leaves
	Moves  []Move
}

// Check returns the state act leads to from a state, or a Conflict that tells From, To and Allowed. To is
// the state the act leads to elsewhere, empty when it is no act of the table or leads to several.
func (t Table) Check(from State, act string) (State, error) {
	for _, m := range t.Moves {
		if m.From == from && m.Act == act {
			return m.To, nil
		}
	}
	f := fault.New(fault.Conflict, t.Noun+".move_not_allowed")
	f.From, f.To, f.Allowed = string(from), string(t.target(act)), t.reach(from)
	return None, f
}

// Start returns the state a new object is in.
func (t Table) Start() State { return t.States[0] }

// Ended reports whether nothing leaves s.
func (t Table) Ended(s State) bool { return slices.Contains(t.Ends, s) }

// Has reports whether s is a state of the table.
func (t Table) Has(s State) bool { return slices.Contains(t.States, s) }

// States lists the states of something whose life is in these tables, each once, in the order of a life.
func States(lives ...Table) (all []string) {
	for _, life := range lives {
		for _, s := range life.States {
			if !slices.Contains(all, string(s)) {
				all = append(all, string(s))
			}
		}
	}
	return all
}

// From returns the moves out of s, in table order.
func (t Table) From(s State) []Move {
	var ms []Move
	for _, m := range t.Moves {
		if m.From == s {
			ms = append(ms, m)
		}
	}
	return ms
}

// target returns the only state act ever leads to, or None.
func (t Table) target(act string) State {
	to := None
	for _, m := range t.Moves {
		if m.Act != act || m.To == to {
			continue
		}
		if to != None {
			return None
		}
		to = m.To
	}
	return to
}

// reach lists the states one move away from s, sorted.
func (t Table) reach(s State) []string {
	var to []string
	for _, m := range t.From(s) {
		to = append(to, string(m.To))
	}
	slices.Sort(to)
	return slices.Compact(to)
}

// Validate checks the table itself: known and unique states, one start reached from None, unique acts, ends
// that nothing leaves, other states that something leaves, and no state out of reach.
func (t Table) Validate() error {
	for _, check := range []func() error{t.checkStates, t.checkMoves, t.checkEnds, t.checkReach} {
		if err := check(); err != nil {
			return fmt.Errorf("checking the table of %s: %w", t.Noun, err)
		}
	}
	return nil
}

func (t Table) checkStates() error {
	if t.Noun == "" || len(t.States) == 0 {
		return errors.New("no noun or no states")
	}
	for i, s := range t.States {
		if s == None || slices.Contains(t.States[:i], s) {
			return fmt.Errorf("state %q is empty or listed twice", s)
		}
	}
	for _, s := range t.Ends {
		if !t.Has(s) {
			return fmt.Errorf("end %q is no state", s)
		}
	}
	return nil
}

func (t Table) checkMoves() error {
	for i, m := range t.Moves {
		switch {
		case m.From != None && !t.Has(m.From) || !t.Has(m.To):
			return fmt.Errorf("move %q names an unknown state", m.Act)
		case m.Act == "" || m.Who == "":
			return fmt.Errorf("a move from %q has no act or nobody to do it", m.From)
		case m.From == None && m.To != t.Start():
			return fmt.Errorf("act %q starts at %q, not at the start", m.Act, m.To)
		}
		same := func(o Move) bool { return o.From == m.From && o.Act == m.Act }
		if slices.ContainsFunc(t.Moves[:i], same) {
			return fmt.Errorf("act %q from %q leads to two states", m.Act, m.From)
		}
	}
	return nil
}

func (t Table) checkEnds() error {
	for _, s := range t.States {
		if leaves := len(t.From(s)) > 0; leaves == t.Ended(s) {
			return fmt.Errorf("state %q is an end that is left, or is left by nothing and no end", s)
		}
	}
	return nil
}

func (t Table) checkReach() error {
	seen := map[State]bool{None: true}
	for range t.States {
		for _, m := range t.Moves {
			seen[m.To] = seen[m.To] || seen[m.From]
		}
	}
	for _, s := range t.States {
		if !seen[s] {
			return fmt.Errorf("state %q is out of reach", s)
		}
	}
	return nil
}

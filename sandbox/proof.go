package sandbox

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/task"
)

// Proof is what a self-test found out about one runtime of a launcher: what the template's bounds do, not what
// they are said to do.
type Proof struct {
	ID      string       `json:"id"` // UUID of the test
	Runtime task.Runtime `json:"runtime"`
	Of      string       `json:"of"` // digest over runtime, engine, kernel and template
	At      time.Time    `json:"at"`
	Tried   []task.Tried `json:"tried"`
}

// Holds tells whether every canary was tried and held. A proof that lacks one proves nothing.
func (p Proof) Holds() bool { return len(p.Broken()) == 0 }

// Broken names the canaries that did not hold or were not tried.
func (p Proof) Broken() []task.Canary {
	var broken []task.Canary
	for _, c := range task.Canaries() {
		if !slices.ContainsFunc(p.Tried, func(t task.Tried) bool { return t.Canary == c && t.Held }) {
			broken = append(broken, c)
		}
	}
	return broken
}

// Why says in one line what does not hold, for a log of the machine.
func (p Proof) Why() string {
	var all []string
	for _, t := range p.Tried {
		if !t.Held {
			all = append(all, string(t.Canary)+": "+t.Why)
		}
	}
	return strings.Join(all, "; ")
}

// Prover tells what is proved about each runtime the machine offers, the stronger wall first. With anew they are
// tested again before it answers.
type Prover interface {
	Proofs(ctx context.Context, anew bool) ([]Proof, error)
}

// proven are the runtimes that take jobs, the stronger wall first.
func proven(proofs []Proof) []task.Runtime {
	var held []task.Runtime
	for _, p := range proofs {
		if p.Holds() {
			held = append(held, p.Runtime.Or())
		}
	}
	return held
}

package bundle_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/sluicedata/sluice/policy"
)

// handWritten is the scope question of a submit answered a second time, in plain Go over maps. The rules must
// agree with it on every bent request, and it is the floor the benchmark measures them against.
func handWritten(q *policy.Request) bool {
	s := q.Facts.Scope
	if proof := q.Subject.Strength; proof != policy.Strong && proof != policy.Basic && proof != "key" && q.Subject.Process == "" {
		return false
	}
	if s == nil || q.Facts.Now <= 0 || len(s.Inputs) == 0 || s.Synthetic || q.Object.Org == "" {
		return false
	}
	if s.Datasets < 1 || s.Datasets > 1 && !s.JoinDecided {
		return false
	}
	if len(s.Budgets) == 0 {
		return false
	}
	for _, b := range s.Budgets {
		if b.Runs > b.RunsLeft || b.Rows > b.RowsLeft || b.Failed > b.FailedLeft {
			return false
		}
	}
	for i := range s.Inputs {
		if !inputAllowed(q, s, &s.Inputs[i]) {
			return false
		}
	}
	return true
}

func inputAllowed(q *policy.Request, s *policy.ScopeFacts, in *policy.InputFacts) bool {
	a, r, d, t, g, now := in.Agreement, in.Registration, in.Dataset, in.Terms, in.Grant, q.Facts.Now
	if a == nil || r == nil || d == nil || t == nil || g == nil {
		return false
	}
	if a.State != "effective" || a.Operator != q.Object.Org || !a.Covered || now < a.From || now >= a.To {
		return false
	}
	if r.State != "valid" || now >= r.To || d.State != "authorizable" || d.Class != "general" || d.VersionState != "available" {
		return false
	}
	if g.State != "active" || g.Operator != q.Object.Org || now < g.From || now >= g.To || now >= t.To || !g.RowsScoped {
		return false
	}
	if in.Version < g.VersionFrom || g.VersionTo != 0 && in.Version > g.VersionTo || g.MinUnits < t.MinUnits {
		return false
	}
	if !g.Purposes[s.Purpose] || !t.Purposes[s.Purpose] || !g.Operations[s.Operation] || !t.Operations[s.Operation] {
		return false
	}
	if g.RunsLeft <= 0 || in.Rows > g.RowsLeft || g.FailedLeft <= 0 {
		return false
	}
	return outputsAllowed(s.Outputs, in) && columnsAllowed(in)
}

func outputsAllowed(asked policy.Set, in *policy.InputFacts) bool {
	for kind, want := range asked {
		if want && (!in.Grant.Outputs[kind] || !in.Terms.Outputs[kind] || kind == "file" && in.Dataset.Protected) {
			return false
		}
	}
	return true
}

func columnsAllowed(in *policy.InputFacts) bool {
	n := 0
	for name, want := range in.Columns {
		if !want {
			continue
		}
		n++
		c, known := in.Dataset.Columns[name]
		if !known || !in.Grant.Columns[name] || !in.Terms.Columns[name] || c.Dropped || c.Level > in.Grant.LevelCap {
			return false
		}
		if c.Personal && !in.Grant.LawfulBasis {
			return false
		}
	}
	return n > 0
}

// Every pair of members of a submit, bent together: the rules answer as the second hand does.
func TestRulesAgreeWithSecondHand(t *testing.T) {
	rules := rulesOf(t, embedded(t))
	bases := readBases(t)
	paths := leaves("", build(t, bases, "submit"))
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(paths)), func(p string) bool { return p == "action" })
	allowed, refused := 0, 0
	for i, first := range names {
		// Each member meets a few others; which ones depends on where it stands, so all runs are alike.
		for _, second := range []string{first, names[(i*7+3)%len(names)], names[(i*31+11)%len(names)]} {
			for j, value := range bend(paths[first]) {
				others := bend(paths[second])
				tree := build(t, bases, "submit")
				if !tryPut(tree, first, value) || !tryPut(tree, second, others[j%len(others)]) {
					continue
				}
				q, ok := decode(t, tree)
				if !ok || q.Action != "job.submit" {
					continue
				}
				if handWritten(&q) != agree(t, rules, q, "submit", first+" and "+second, value) {
					t.Errorf("%s = %v and %s = %v: second hand says %v", first, value, second, others[j%len(others)], handWritten(&q))
				}
				if handWritten(&q) {
					allowed++
				} else {
					refused++
				}
			}
		}
	}
	if allowed < 100 || refused < 500 {
		t.Fatalf("only %d allowed and %d refused", allowed, refused)
	}
}

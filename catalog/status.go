package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/policy"
)

// Platform tells how an instance is.
type Platform struct{ c *core }

// Status is how an instance is, as its record and its store tell: what a process says of itself is told by its own
// listener (sluice ready).
type Status struct {
	Checks    []Check
	SelfTests []SelfTest // the newest of each runtime
	Queue     []Depth
	Schema    int64  // last migration applied
	Policy    string // revision of the bundle in force
	RuleSet   string // version of the legal values
	Entries   int64  // of the trace, under the newest checkpoint
}

// Check is one thing an instance needs. Its name is stable: texts say what it is and what helps.
type Check struct {
	Name string
	OK   bool
}

// SelfTest is what the newest test of a runtime found out.
type SelfTest struct {
	Worker  string
	Runtime string
	MadeAt  time.Time
	Broken  []string // canaries that did not hold
}

// Depth is how much work of a kind is in a state.
type Depth struct {
	Kind  string
	State string
	Count int64
}

// Bounds past which a check fails.
const (
	traceLag = time.Minute // an entry waits this long for its place at most
	proofAge = 25 * time.Hour
)

// CheckNames lists every check there is, in the order they are told.
func CheckNames() []string { return []string{"schema", "store", "trace", "checkpoint", "selftest"} }

// Status tells how the instance is. Who: system_admin of the platform.
func (s *Platform) Status(ctx context.Context, caller policy.Subject) (st Status, err error) {
	stored := s.c.Store.Ready(ctx) == nil
	err = s.c.act(ctx, caller, "platform.status", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "platform"}, "", policy.Facts{}); err != nil {
			return err
		}
		st, err = d.status(stored)
		return err
	})
	return st, err
}

func (d *deed) status(stored bool) (st Status, err error) {
	applied, known, err := d.tx.Schema(d.ctx)
	if err != nil {
		return st, fmt.Errorf("reading schema: %w", err)
	}
	waits, err := d.tx.TraceWaiting(d.ctx)
	if err != nil {
		return st, fmt.Errorf("reading backlog: %w", err)
	}
	head, err := d.tx.Head(d.ctx)
	if err != nil {
		return st, fmt.Errorf("reading head: %w", err)
	}
	checkpoint, unread := trace.ReadCheckpoint(head.Checkpoint)
	if st.SelfTests, err = d.selfTests(); err != nil {
		return st, err
	}
	st.Schema, st.Policy, st.RuleSet, st.Entries = applied, d.c.Policy.Revision(), d.c.Rules.Version, checkpoint.Size
	held := map[string]bool{
		"schema": applied == known, "store": stored, "trace": waits.Seconds <= traceLag.Seconds(), "checkpoint": unread == nil,
		"selftest": d.tested(st.SelfTests),
	}
	for _, name := range CheckNames() {
		st.Checks = append(st.Checks, Check{name, held[name]})
	}
	rows, err := d.tx.QueueDepths(d.ctx)
	for _, r := range rows {
		st.Queue = append(st.Queue, Depth(r))
	}
	return st, err
}

func (d *deed) selfTests() ([]SelfTest, error) {
	rows, err := d.tx.NewestSelfTests(d.ctx)
	if err != nil {
		return nil, fmt.Errorf("reading self-tests: %w", err)
	}
	return each(rows, plain(func(r postgres.SelfTest) SelfTest {
		return SelfTest{Worker: r.Worker, Runtime: r.Runtime, MadeAt: r.MadeAt, Broken: r.Broken}
	}))
}

// tested tells whether some runtime held all its bounds within a day.
func (d *deed) tested(tests []SelfTest) bool {
	for _, t := range tests {
		if len(t.Broken) == 0 && d.now.Sub(t.MadeAt) < proofAge {
			return true
		}
	}
	return false
}

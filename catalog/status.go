package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/platform"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/policy"
)

// Platform tells how an instance is.
type Platform struct{ c *core }

// Status tells how the instance is. Who: system_admin of the platform; other organizations know of no platform to ask.
func (s *Platform) Status(ctx context.Context, caller policy.Subject) (st platform.Status, err error) {
	instance := policy.Object{Kind: "platform"}
	if slices.Contains(caller.Capacities, string(org.Platform)) {
		instance.Org = caller.Org
	}
	stored := s.c.Store.Ready(ctx) == nil
	err = s.c.act(ctx, caller, "platform.status", func(d *deed) error {
		if err := d.decide(instance, "", policy.Facts{}); err != nil {
			return err
		}
		st, err = d.status(stored)
		return err
	})
	return st, err
}

func (d *deed) status(stored bool) (st platform.Status, err error) {
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
		"schema": applied == known, "store": stored, "trace": waits.Seconds <= platform.TraceLag.Seconds(), "checkpoint": unread == nil,
		"selftest": platform.Proved(st.SelfTests, d.now),
	}
	for _, name := range platform.CheckNames() {
		st.Checks = append(st.Checks, platform.Check{Name: name, OK: held[name]})
	}
	rows, err := d.tx.QueueDepths(d.ctx)
	for _, r := range rows {
		st.Queue = append(st.Queue, platform.Depth(r))
	}
	return st, err
}

func (d *deed) selfTests() ([]platform.SelfTest, error) {
	rows, err := d.tx.NewestSelfTests(d.ctx)
	if err != nil {
		return nil, fmt.Errorf("reading self-tests: %w", err)
	}
	return each(rows, plain(func(r postgres.SelfTest) platform.SelfTest {
		return platform.SelfTest{Worker: r.Worker, Runtime: r.Runtime, MadeAt: r.MadeAt, Broken: r.Broken}
	}))
}

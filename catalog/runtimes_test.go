package catalog_test

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sluicedata/sluice/catalog/task"
)

// Jobs may run under runc only where the rule set lets the highest level of their datasets: the identifier's here,
// which no job sees and the staging container does.
func TestRuncIsForLevelsTheRulesName(t *testing.T) {
	for level, want := range map[int][]task.Runtime{
		0: {task.GVisor}, 3: {task.GVisor}, 4: {task.GVisor, task.Runc},
	} {
		c := (&city{t: t, ctx: context.Background(), runcLevel: level}).start(plenty())
		j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
		c.must(err)
		c.approve(j)
		for _, kind := range []string{"ingest", "check", "run"} {
			allowed := want
			if kind == "ingest" {
				allowed = []task.Runtime{task.GVisor} // a file of somebody's is not a job
			}
			if got := c.workUnder(kind); !slices.Equal(got, allowed) {
				t.Errorf("rules allow runc up to level %d: %s may run under %v, want %v", level, kind, got, allowed)
			}
		}
	}
}

// workUnder is what the one piece of work of a kind may run under.
func (c *city) workUnder(kind string) (under []task.Runtime) {
	c.t.Helper()
	conn, err := pgx.Connect(c.ctx, c.address)
	c.must(err)
	defer func() { _ = conn.Close(c.ctx) }()
	c.must(conn.QueryRow(c.ctx, "select runtimes from work where kind = $1", kind).Scan(&under))
	return under
}

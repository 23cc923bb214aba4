package catalog_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// Jobs may run under runc only where the rule set lets the highest level of their datasets: the identifier's here,
// which no job sees and the staging container does.
func TestRuncIsForLevelsTheRulesName(t *testing.T) {
	for level, want := range map[int]string{0: "{runsc}", 3: "{runsc}", 4: "{runsc,runc}"} {
		c := (&city{t: t, ctx: context.Background(), runcLevel: level}).start(plenty())
		j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number))
		c.must(err)
		c.approve(j)
		for _, kind := range []string{"ingest", "check", "run"} {
			allowed := want
			if kind == "ingest" {
				allowed = "{runsc}" // a file of somebody's is not a job
			}
			query := fmt.Sprintf("select count(*) from work where kind = '%s' and runtimes = '%s'", kind, allowed)
			if n := pgtest.Count(t, c.address, query); n != 1 {
				t.Errorf("rules allow runc up to level %d: no %s may run under %s", level, kind, allowed)
			}
		}
	}
}

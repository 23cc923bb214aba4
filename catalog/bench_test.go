package catalog_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// BenchmarkGrants times what a decision on a job costs, from the facts in the record to the traced answer, in a
// city with 50,000 grants and, by turns, in one with 100. The decision is a refusal: it asks every rule there is
// and leaves nothing behind but its trace.
func BenchmarkGrants(b *testing.B) {
	few, many := granted(b, 100), granted(b, 50_000)
	var small, large []time.Duration
	for b.Loop() {
		small = append(small, few.refusal(b))
		large = append(large, many.refusal(b))
	}
	least, took := middle(small), middle(large)
	b.ReportMetric(took, "ns-50000")
	b.ReportMetric(least, "ns-100")
	b.ReportMetric(took/least, "x-100")
}

// granting is a city and a package its last grant does not cover.
type granting struct {
	*city
	pack job.Package
}

// granted is a city with so many grants of one operator, alike but for their numbers. The package names one in
// the midst of them.
func granted(b *testing.B, grants int) granting {
	b.Helper()
	c := newCity(b, plenty())
	c.sql(fmt.Sprintf(`insert into data_grant (id, number, agreement, operator, dataset, state, scope, rule_set, runs_left,
			rows_left, failed_left, ends_at, proposed_by, approved_by, created_at)
		select gen_random_uuid(), 'G-2025-' || 10000 + n, agreement, operator, dataset, state, scope, rule_set, runs_left,
			rows_left, failed_left, ends_at, proposed_by, approved_by, created_at
		from data_grant, generate_series(1, %d) n where number = '%s'`, grants-1, c.grant.Number))
	c.sql("analyze")
	if n := pgtest.Count(b, c.address, "select count(*) from data_grant"); n != grants {
		b.Fatalf("the record holds %d grants", n)
	}
	g := granting{c, c.pack(fmt.Sprintf("G-2025-%d", 10_000+grants/2))}
	g.pack.Purpose = "marketing"
	return g
}

// refusal times one decision. It must be about the purpose alone: the grant was found, and it is in force.
func (g granting) refusal(b *testing.B) time.Duration {
	b.Helper()
	began := time.Now()
	_, err := g.serve.Jobs.Submit(b.Context(), g.developer.Subject, g.pack)
	took := time.Since(began)
	if code(err) != "purpose.outside_grant" {
		b.Fatalf("answered %q: %v", code(err), err)
	}
	return took
}

func middle(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2])
}

package bundle_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluicedata/sluice/policy"
)

// wide is the base submit over a dataset of 40 columns, all of them in terms and grant, some of them asked for.
func wide(t testing.TB, asked int) policy.Request {
	t.Helper()
	q := baseRequest(t, "submit")
	in := &q.Facts.Scope.Inputs[0]
	in.Columns, in.Terms.Columns, in.Grant.Columns = policy.Set{}, policy.Set{}, policy.Set{}
	in.Dataset.Columns = map[string]policy.ColumnFacts{}
	for i := range 40 {
		name := fmt.Sprintf("column_%02d", i)
		in.Dataset.Columns[name] = policy.ColumnFacts{Level: 1 + i%2}
		in.Terms.Columns[name], in.Grant.Columns[name] = true, true
		if i < asked {
			in.Columns[name] = true
		}
	}
	return q
}

// BenchmarkDecide is a whole decision: request to answer, both engines.
func BenchmarkDecide(b *testing.B) {
	policies := embedded(b)
	for _, asked := range []int{10, 40} {
		allowed := wide(b, asked)
		b.Run(fmt.Sprintf("allowed/%d", asked), func(b *testing.B) { decideAll(b, policies, allowed, true) })
		refused := spoiled(wide(b, asked))
		b.Run(fmt.Sprintf("refused/%d", asked), func(b *testing.B) { decideAll(b, policies, refused, false) })
	}
}

// spoiled asks for what is refused in several dimensions.
func spoiled(q policy.Request) policy.Request {
	q.Facts.Scope.Inputs[0].Columns["phone"] = true
	q.Facts.Scope.Inputs[0].Grant.State = "revoked"
	q.Facts.Scope.Purpose = "marketing"
	return q
}

func decideAll(b *testing.B, d policy.Decider, q policy.Request, allow bool) {
	b.ReportAllocs()
	for b.Loop() {
		decide(b, d, q, allow)
	}
}

func decide(b *testing.B, d policy.Decider, q policy.Request, allow bool) {
	got, err := d.Decide(context.Background(), q)
	if err != nil || got.Allow != allow {
		b.Fatalf("allow %v, %v", got.Allow, err)
	}
}

// BenchmarkMapCheck is the floor: the same question answered by hand over Go maps, after looking the facts
// up among a thousand grants.
func BenchmarkMapCheck(b *testing.B) {
	for _, asked := range []int{10, 40} {
		grants := thousandGrants(wide(b, asked))
		b.Run(fmt.Sprintf("%d", asked), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !mapCheck(grants, "G-2026-0117") {
					b.Fatalf("refused")
				}
			}
		})
	}
}

func thousandGrants(q policy.Request) map[string]*policy.Request {
	grants := map[string]*policy.Request{}
	for i := range 1000 {
		grants[fmt.Sprintf("G-2026-%04d", i)] = &q
	}
	return grants
}

func mapCheck(grants map[string]*policy.Request, id string) bool {
	q, ok := grants[id]
	return ok && handWritten(q)
}

// BenchmarkRatio times decisions and the floor by turns, so that neighbours on the machine weigh on both
// alike, and reports the medians and their ratio: x-allowed and x-refused times a Go map check.
func BenchmarkRatio(b *testing.B) {
	policies := embedded(b)
	for _, asked := range []int{10, 40} {
		allowed, refused := wide(b, asked), spoiled(wide(b, asked))
		grants := thousandGrants(wide(b, asked))
		b.Run(fmt.Sprintf("%d", asked), func(b *testing.B) {
			var floor, allow, refuse []time.Duration
			for b.Loop() {
				floor = append(floor, timed(100, func() { mapCheck(grants, "G-2026-0117") })/100)
				allow = append(allow, timed(1, func() { decide(b, policies, allowed, true) }))
				refuse = append(refuse, timed(1, func() { decide(b, policies, refused, false) }))
			}
			base, yes, no := float64(median(floor)), float64(median(allow)), float64(median(refuse))
			b.ReportMetric(yes/base, "x-allowed")
			b.ReportMetric(no/base, "x-refused")
			b.ReportMetric(base, "ns-map-check")
			b.ReportMetric(yes, "ns-allowed")
			b.ReportMetric(no, "ns-refused")
		})
	}
}

func timed(n int, do func()) time.Duration {
	start := time.Now()
	for range n {
		do()
	}
	return time.Since(start)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

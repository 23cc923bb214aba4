package gateway_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// TestSharesOverHTTP: who asks for more than their share, or their organization's, is told 429, when to come back and
// what is left; whoever has a share of their own goes on, and time gives it back.
func TestSharesOverHTTP(t *testing.T) {
	i := gatewaytest.Start(t)
	home, elsewhere := i.Org(t, "A department", org.DataProvider), i.Org(t, "Another", org.DataProvider)
	people := map[string]*person{
		"lee": newPerson(t, i, home, "lee", org.OrgAdmin), "kim": newPerson(t, i, home, "kim", org.OrgAdmin),
		"wu": newPerson(t, i, elsewhere, "wu", org.OrgAdmin),
	}
	two := gateway.Share{PerSecond: 0.5, AtOnce: 2}
	for name, tt := range map[string]struct {
		limits gateway.Limits
		asks   []string // who, one after the other; the last one asks for too much
		free   string   // who goes on
		policy string
	}{
		"a person's":        {gateway.Limits{Member: two}, []string{"lee", "lee", "lee"}, "kim", "member"},
		"an organization's": {gateway.Limits{Org: two}, []string{"lee", "kim", "lee"}, "wu", "organization"},
	} {
		t.Run(name, func(t *testing.T) {
			began, later := time.Now(), atomic.Int64{}
			limited := beside(t, i, func(c *gateway.Config) {
				c.Limits, c.Now = tt.limits, func() time.Time { return began.Add(time.Duration(later.Load())) }
			})
			last := len(tt.asks) - 1
			for n, who := range tt.asks[:last] {
				if got := people[who].get(t, limited, "/me"); got.status != http.StatusOK {
					t.Fatalf("request %d: %d %s", n, got.status, got.body)
				}
			}
			got := people[tt.asks[last]].get(t, limited, "/me")
			if got.status != http.StatusTooManyRequests || got.problem(t).Code != "rate."+tt.policy {
				t.Fatalf("too much: %d %s", got.status, got.body)
			}
			for header, want := range map[string]string{
				"Retry-After": "2", "RateLimit-Policy": `"` + tt.policy + `";q=2;w=4`, "RateLimit": `"` + tt.policy + `";r=0;t=4`,
			} {
				if value := got.header.Get(header); value != want {
					t.Errorf("%s: got %q, want %q", header, value, want)
				}
			}
			if got := people[tt.free].get(t, limited, "/me"); got.status != http.StatusOK {
				t.Errorf("%s has a share of their own: %d %s", tt.free, got.status, got.body)
			}
			later.Store(int64(2 * time.Second))
			if got := people[tt.asks[last]].get(t, limited, "/me"); got.status != http.StatusOK {
				t.Errorf("after the wait: %d %s", got.status, got.body)
			}
		})
	}
}

package gateway

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/policy"
)

// Share is how much one caller may ask for: so many requests a second, and so many at once after a pause. The
// zero value does not bound.
type Share struct {
	PerSecond float64
	AtOnce    int
}

// Limits are the shares of a person, of all people of an organization together, and of an address nobody is
// known at: of requests, and of logins begun there.
type Limits struct {
	Member, Org, Address, Login Share
}

// DefaultLimits are far above what a person with programs of their own needs. A login begun is kept for ten minutes
// (catalog.Sessions.Begin): one address can have 120 of the 2,000 that are kept, enough for an office behind it.
func DefaultLimits() Limits {
	return Limits{
		Member:  Share{PerSecond: 50, AtOnce: 200},
		Org:     Share{PerSecond: 200, AtOnce: 800},
		Address: Share{PerSecond: 20, AtOnce: 100},
		Login:   Share{PerSecond: 0.1, AtOnce: 60},
	}
}

// limits count what callers ask for, by token buckets of this process. They are safe for concurrent use.
type limits struct {
	Limits
	now func() time.Time

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// maxBuckets bounds the callers remembered. Past it those with their whole share left are forgotten: they lose
// nothing.
const maxBuckets = 10_000

func newLimits(l Limits, now func() time.Time) *limits {
	return &limits{Limits: l, now: now, buckets: map[string]*rate.Limiter{}}
}

// member counts a request of somebody known, for them and for their organization.
func (l *limits) member(w http.ResponseWriter, who policy.Subject) error {
	if err := l.take(w, "member", who.Member, l.Member); err != nil {
		return err
	}
	return l.take(w, "organization", who.Org, l.Org)
}

// stranger counts a request of somebody unknown, by the address they come from. What a header says of it counts
// for nothing.
func (l *limits) stranger(w http.ResponseWriter, r *http.Request) error {
	return l.take(w, "address", from(r), l.Address)
}

// login counts a login begun by somebody unknown, beside the request that it is.
func (l *limits) login(w http.ResponseWriter, r *http.Request) error {
	if err := l.stranger(w, r); err != nil {
		return err
	}
	return l.take(w, "login", from(r), l.Login)
}

// shares are the limits as the console counts by them.
type shares struct{ *limits }

// Stranger implements console.Shares.
func (s shares) Stranger(w http.ResponseWriter, r *http.Request) error { return s.stranger(w, r) }

// Login implements console.Shares.
func (s shares) Login(w http.ResponseWriter, r *http.Request) error { return s.login(w, r) }

// Member implements console.Shares.
func (s shares) Member(w http.ResponseWriter, who policy.Subject) error { return s.member(w, who) }

// from is the address a request comes from.
func from(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// take counts one request against a share and says in headers what is left (draft-ietf-httpapi-ratelimit-
// headers-10).
func (l *limits) take(w http.ResponseWriter, policy, caller string, share Share) error {
	if share.PerSecond <= 0 {
		return nil
	}
	now := l.now()
	bucket := l.bucket(policy+" "+caller, share, now)
	window := float64(share.AtOnce) / share.PerSecond
	allowed := bucket.AllowN(now, 1)
	left := max(bucket.TokensAt(now), 0)
	w.Header().Add("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%.0f", policy, share.AtOnce, window))
	w.Header().Add("RateLimit", fmt.Sprintf("%q;r=%.0f;t=%.0f", policy, left, (float64(share.AtOnce)-left)/share.PerSecond))
	if allowed {
		return nil
	}
	return &fault.Error{Kind: fault.Limited, Code: "rate." + policy, After: time.Duration(float64(time.Second) / share.PerSecond)}
}

func (l *limits) bucket(key string, share Share, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found := l.buckets[key]; found != nil {
		return found
	}
	if len(l.buckets) >= maxBuckets {
		for k, b := range l.buckets {
			if b.TokensAt(now) >= float64(b.Burst()) {
				delete(l.buckets, k)
			}
		}
	}
	made := rate.NewLimiter(rate.Limit(share.PerSecond), share.AtOnce)
	l.buckets[key] = made
	return made
}

package gateway

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/policy"
)

// TestShares: a person's share ends and comes back with time; an organization's is shared by its people; strangers
// have that of their address, whatever they say of themselves.
func TestShares(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l := newLimits(Limits{
		Member: Share{PerSecond: 1, AtOnce: 2}, Org: Share{PerSecond: 1, AtOnce: 3}, Address: Share{PerSecond: 1, AtOnce: 1},
	}, func() time.Time { return now })
	lee, kim := policy.Subject{Member: "lee", Org: "o"}, policy.Subject{Member: "kim", Org: "o"}
	ask := func(who policy.Subject) string {
		w := httptest.NewRecorder()
		err := l.member(w, who)
		if len(w.Header().Values("RateLimit")) == 0 {
			t.Fatal("nothing is said of what is left")
		}
		return codeOfLimit(t, err)
	}
	for n, want := range []string{"", "", "rate.member"} {
		if got := ask(lee); got != want {
			t.Fatalf("request %d: %q", n, got)
		}
	}
	for n, want := range []string{"", "rate.organization"} {
		if got := ask(kim); got != want {
			t.Fatalf("request %d of kim: %q", n, got)
		}
	}
	now = now.Add(time.Second)
	if got := ask(lee); got != "" {
		t.Fatalf("a second later: %q", got)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "192.0.2.1:4000"
	for n, want := range []string{"", "rate.address"} {
		r.Header.Set("X-Forwarded-For", string(rune('a'+n)))
		if got := codeOfLimit(t, l.stranger(httptest.NewRecorder(), r)); got != want {
			t.Fatalf("request %d of a stranger: %q", n, got)
		}
	}
}

// TestOneAddressCannotTakeAllLogins: an address that begins logins and never ends them has a small part of those that
// are kept on their way; other addresses have theirs.
func TestOneAddressCannotTakeAllLogins(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l := newLimits(DefaultLimits(), func() time.Time { return now })
	const kept, life = 2000, 600 // logins, seconds: catalog.Sessions.Begin
	r := httptest.NewRequest("GET", LoginPath, nil)
	begun := 0
	for range life {
		for r.RemoteAddr = "192.0.2.1:4000"; ; begun++ {
			if got := codeOfLimit(t, l.login(httptest.NewRecorder(), r)); got != "" {
				break
			}
		}
		now = now.Add(time.Second)
	}
	if begun == 0 || begun > kept/10 {
		t.Fatalf("%d logins of one address are on their way", begun)
	}
	r.RemoteAddr = "192.0.2.2:4000"
	if got := codeOfLimit(t, l.login(httptest.NewRecorder(), r)); got != "" {
		t.Fatalf("another address: %q", got)
	}
}

// TestFullSharesAreForgotten: who asked long ago takes no memory.
func TestFullSharesAreForgotten(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l := newLimits(DefaultLimits(), func() time.Time { return now })
	for n := range maxBuckets {
		_ = l.member(httptest.NewRecorder(), policy.Subject{Member: time.Duration(n).String(), Org: "o"})
	}
	now = now.Add(time.Hour)
	_ = l.member(httptest.NewRecorder(), policy.Subject{Member: "one more", Org: "o"})
	if n := len(l.buckets); n > 2 {
		t.Fatalf("%d are remembered", n)
	}
}

func codeOfLimit(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Limited || f.After <= 0 {
		t.Fatalf("got %v", err)
	}
	return f.Code
}

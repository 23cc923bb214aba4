package session

import (
	"testing"
	"time"
)

// TestAssertionsLiveAsTheRulesSay: the bound of an assertion's life is the one it is given, to the second.
func TestAssertionsLiveAsTheRulesSay(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	issued := now.Add(-2*time.Minute - maxSkew).Unix()
	for _, tt := range []struct {
		what    string
		life    time.Duration
		expires time.Duration
		issued  *int64
		holds   bool
	}{
		{"at the bound", time.Minute, time.Minute, nil, true},
		{"a second beyond", time.Minute, time.Minute + time.Second, nil, false},
		{"under wider rules", 5 * time.Minute, time.Minute + time.Second, nil, true},
		{"issued before it could live", time.Minute, time.Minute, &issued, false},
		{"issued so long ago under wider rules", 2 * time.Minute, time.Minute, &issued, true},
	} {
		c := claims{Issuer: "k", Subject: "k", Audience: "a", ID: "0123456789abcdef", Expires: now.Add(tt.expires).Unix(), IssuedAt: tt.issued}
		if got := c.hold("k", "a", now, tt.life); got != tt.holds {
			t.Errorf("%s: holds is %t", tt.what, got)
		}
	}
}

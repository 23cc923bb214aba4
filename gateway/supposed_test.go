package gateway_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// TestReadersAreWhoTheyAreNow: who reads again is taken for whom they were, and found out in the same transaction:
// whatever ended or began meanwhile, in whatever process, counts for the very next reading, and what was supposed
// wrongly leaves no entry.
func TestReadersAreWhoTheyAreNow(t *testing.T) {
	c := newCity(t)
	token, err := c.developer.Token(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	read := func(what string, want int) {
		t.Helper()
		before := traced(t, c)
		got := call(t, http.MethodGet, c.URL+"/api/v1/grants/"+theGrant, nil, "Authorization", "Bearer "+token.AccessToken)
		left := 1
		if want == http.StatusUnauthorized {
			left = 0
		}
		if n := traced(t, c) - before; got.status != want || n != left {
			t.Errorf("%s: answered %d %s, %d entries; want %d, %d", what, got.status, got.body, n, want, left)
		}
	}
	const (
		member   = " where login = 'developer' and org = (select id from org where name = 'An operator')"
		owns     = " where member = (select id from member" + member + ")"
		operator = " where org = (select id from org where name = 'An operator')"
	)
	for _, tt := range []struct {
		what, change, back string
		want               int
	}{
		{"a member who was removed", "update member set state = 'removed'" + member, "update member set state = 'active'" + member, 401},
		{"a role that was taken", "update member set roles = '{org_admin}'" + member, "update member set roles = '{developer}'" + member, 403},
		{"a key that was revoked", "update member_key set state = 'revoked'" + owns, "update member_key set state = 'admitted'" + owns, 401},
		{"a key that ends", "update member_key set expires_at = now()" + owns, "update member_key set expires_at = now() + interval '1 year'" + owns, 401},
		{"a token that ends", "update token set expires_at = now()" + owns, "update token set expires_at = now() + interval '1 hour'" + owns, 401},
		{"a capacity that ended", "update capacity set ended_at = now()" + operator, "update capacity set ended_at = null" + operator, 403},
		{"another's change", "update member set roles = '{org_admin}' where login = 'boss'", "", 200},
		{"a session that was ended", "delete from token" + owns, "", 401},
	} {
		read("before: "+tt.what, 200)
		pgtest.Exec(t, c.DB.Owner, tt.change)
		read(tt.what, tt.want)
		if tt.back != "" {
			pgtest.Exec(t, c.DB.Owner, tt.back)
		}
	}
}

// TestReadersEndWithTime: what is remembered of a reader lasts no longer than what it was read from.
func TestReadersEndWithTime(t *testing.T) {
	c := newCity(t)
	token, err := c.developer.Token(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, c.DB.Owner, "update token set expires_at = now() + interval '100 days', used_at = now() + interval '100 days'")
	soon := map[string]string{
		"a capacity": "update capacity set ended_at = now() + interval '1 hour' where capacity = 'operator'",
		"a key":      "update member_key set expires_at = now() + interval '1 hour' where state = 'admitted'",
	}
	for what, ends := range soon {
		pgtest.Exec(t, c.DB.Owner, ends)
		for _, want := range []int{200, 200} {
			if got := call(t, http.MethodGet, c.URL+"/api/v1/grants/"+theGrant, nil, "Authorization", "Bearer "+token.AccessToken); got.status != want {
				t.Fatalf("%s before its end: %d %s", what, got.status, got.body)
			}
		}
		c.Pass(2 * time.Hour)
		if got := call(t, http.MethodGet, c.URL+"/api/v1/grants/"+theGrant, nil, "Authorization", "Bearer "+token.AccessToken); got.status < 400 {
			t.Errorf("%s after its end: %d %s", what, got.status, got.body)
		}
		c.Pass(-2 * time.Hour)
		pgtest.Exec(t, c.DB.Owner, "update capacity set ended_at = null; update member_key set expires_at = now() + interval '1 year' where state = 'admitted'")
	}
}

// traced counts what the trace holds, in order or not yet.
func traced(t testing.TB, c *city) int {
	t.Helper()
	return pgtest.Count(t, c.DB.Owner, "select (select count(*) from trace_pending) + (select count(*) from trace_leaf)")
}

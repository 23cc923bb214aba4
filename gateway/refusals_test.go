package gateway_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// knocks returns what the trace says of refusals at the door, oldest first.
func knocks(t *testing.T, i *gatewaytest.Instance) []map[string]string {
	t.Helper()
	var found []map[string]string
	i.Settled(t)
	err := i.Owner.InTx(context.Background(), func(tx *postgres.Tx) error {
		leaves, err := tx.LeavesFrom(context.Background(), 0, 10_000)
		if err != nil {
			return err
		}
		for _, l := range leaves {
			body, err := trace.DecodeBody(l.Body)
			if err != nil {
				return err
			}
			if body.Act == "session.open" && body.Decision == trace.Deny {
				found = append(found, body.Detail)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// sql runs a statement as the database's owner.
func sql(t *testing.T, i *gatewaytest.Instance, statement string) {
	t.Helper()
	pgtest.Exec(t, i.DB.Owner, statement)
}

// TestRefusedProofsAreTraced: each refusal leaves one entry that says coarsely why, and changes nothing (S35).
func TestRefusedProofsAreTraced(t *testing.T) {
	i := gatewaytest.Start(t)
	p := newPerson(t, i, i.Org(t, "An operator", org.Operator), "holder", org.OrgAdmin)
	spent := p.assertion(t, i, nil)
	if got := exchange(t, i, spent); got.status != 200 {
		t.Fatalf("got %d", got.status)
	}
	gone := newPerson(t, i, i.Org(t, "Another operator", org.Operator), "gone", org.OrgAdmin)
	sql(t, i, "revoke insert on token from sluice_serve") // a refusal that opened a session would fail
	for _, tt := range []struct{ name, assertion, want string }{
		{"none", unsigned(t, p, i), "assertion.refused"},
		{"HS256 with the public key", sign(t, jose.HS256, []byte(p.key.Public().(ed25519.PublicKey)), p.print, p.claims(i)), "assertion.refused"},
		{"wrong audience", p.assertion(t, i, func(c map[string]any) { c["aud"] = "https://elsewhere" }), "assertion.refused"},
		{"expired", p.assertion(t, i, func(c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() }), "assertion.refused"},
		{"foreign issuer", p.assertion(t, i, func(c map[string]any) { c["iss"] = gone.print }), "assertion.refused"},
		{"replayed", spent, "assertion.replayed"},
		{"nobody's key", sign(t, jose.EdDSA, gone.key, "sha256:"+strings.Repeat("0f", 32), gone.claims(i)), "key.unknown"},
	} {
		had := len(knocks(t, i))
		if got := exchange(t, i, tt.assertion); got.status != 401 {
			t.Errorf("%s: got %d", tt.name, got.status)
		}
		found := knocks(t, i)
		if len(found) != had+1 || found[len(found)-1]["answer"] != tt.want {
			t.Errorf("%s: traced %v", tt.name, found[had:])
		}
	}
	if strings.Contains(i.Log.String(), p.print) {
		t.Error("the log names a key that was tried")
	}
}

// TestKnockingFillsNoTrace: past a bound a minute's refusals are counted, and the count is not lost.
func TestKnockingFillsNoTrace(t *testing.T) {
	i := gatewaytest.Start(t)
	had := len(knocks(t, i))
	i.Pass(i.Now().Truncate(time.Minute).Add(2 * time.Minute).Sub(i.Now())) // all within one minute of the gateway's
	for range 75 {
		if got := exchange(t, i, "a.b.c"); got.status != 401 {
			t.Fatalf("got %d", got.status)
		}
	}
	if found := knocks(t, i); len(found)-had != 60 {
		t.Fatalf("%d entries of 75 refusals", len(found)-had)
	}
	i.Pass(2 * time.Minute)
	exchange(t, i, "a.b.c")
	found := knocks(t, i)
	if last := found[len(found)-1]; len(found)-had != 61 || last["untraced"] != "15" {
		t.Fatalf("the count is lost: %v", last)
	}
}

// TestUntracedRefusalsAreErrors: what cannot be traced is not answered as if it were.
func TestUntracedRefusalsAreErrors(t *testing.T) {
	i := gatewaytest.Start(t)
	sql(t, i, "revoke insert on trace_pending from sluice_serve")
	got := exchange(t, i, "a.b.c")
	var said struct{ Error string }
	if err := json.Unmarshal(got.body, &said); err != nil || got.status != 500 || said.Error != "server_error" {
		t.Fatalf("got %d %s", got.status, got.body)
	}
}

// TestKeysEnd: a key counts for as long as the rules say, its owner is told before, and can rotate it until then.
func TestKeysEnd(t *testing.T) {
	i := gatewaytest.Start(t)
	p := newPerson(t, i, i.Org(t, "An operator", org.Operator), "holder", org.OrgAdmin)
	c := i.Client(p.key)
	me, err := c.Whoami(context.Background())
	if err != nil || me.KeyExpiresSoon || me.KeyExpiresAt == nil || me.Strength != "strong" || me.Method != "key" {
		t.Fatalf("%+v %v", me, err)
	}
	mine, err := c.Keys.Mine(context.Background())
	if err != nil || len(mine) != 1 || mine[0].Fingerprint != p.print || mine[0].LastUsed == nil {
		t.Fatalf("%+v %v", mine, err)
	}
	i.Pass(340 * 24 * time.Hour)
	sql(t, i, "update token set expires_at = expires_at + interval '400 days'") // the client's clock is not ahead
	if got := p.get(t, i, "/me"); got.status != 200 || !contains(got.body, `"key_expires_soon":true`) {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	i.Pass(26 * 24 * time.Hour)
	if got := p.get(t, i, "/me"); got.status != 401 {
		t.Fatalf("the token of an expired key: %d", got.status)
	}
	if got := exchange(t, i, p.assertion(t, i, func(c map[string]any) { c["iat"] = i.Now().Unix(); c["exp"] = i.Now().Add(time.Minute).Unix() })); got.status != 401 {
		t.Fatalf("an expired key: %d", got.status)
	}
}

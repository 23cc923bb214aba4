package gateway_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

const invitation = `{"login":"%s","name":"Lee","roles":["developer"]}`

func invite(login string) string { return strings.Replace(invitation, "%s", login, 1) }

// TestOneKeyOneChange: of 50 requests at once under one key one acts, and all get its answer; another request may
// not borrow the key (S36, I8).
func TestOneKeyOneChange(t *testing.T) {
	i := gatewaytest.Start(t)
	home := i.Org(t, "An operator", org.Operator)
	p := newPerson(t, i, home, "boss", org.OrgAdmin)
	key := []string{"Idempotency-Key", "one-intention-of-mine"}
	path := "/orgs/" + home + "/members"
	answers := make([]reply, 50)
	var all sync.WaitGroup
	for n := range answers {
		all.Go(func() { answers[n] = p.post(t, i, path, invite("lee"), key...) })
	}
	all.Wait()
	for _, got := range answers {
		if got.status != http.StatusCreated || string(got.body) != string(answers[0].body) {
			t.Fatalf("got %d %s, want the answer of the first: %s", got.status, got.body, answers[0].body)
		}
	}
	if got := p.post(t, i, path, invite("kim"), key...); got.status != 409 || got.problem(t).Code != "idempotency.other_request" {
		t.Fatalf("another body: %d %s", got.status, got.body)
	}
	if got := p.post(t, i, "/orgs/"+home+"/members/lee/remove", "", key...); got.status != 409 {
		t.Fatalf("another route: %d %s", got.status, got.body)
	}
	again := newPerson(t, i, i.Org(t, "Another", org.Operator), "someone", org.OrgAdmin)
	if got := again.post(t, i, path, invite("lee"), key...); got.status != 404 {
		t.Fatalf("a key is its person's: %d %s", got.status, got.body)
	}
}

// TestKeysAreNeeded: a change without a key, or with one that no key can be, is not begun.
func TestKeysAreNeeded(t *testing.T) {
	i := gatewaytest.Start(t)
	home := i.Org(t, "An operator", org.Operator)
	p := newPerson(t, i, home, "boss", org.OrgAdmin)
	for key, code := range map[string]string{
		"": "idempotency.missing", "short": "idempotency.invalid", "with a blank in between": "idempotency.invalid",
		strings.Repeat("x", 129): "idempotency.invalid",
	} {
		got := p.post(t, i, "/orgs/"+home+"/members", invite("lee"), "Idempotency-Key", key)
		if got.status != 422 || got.problem(t).Errors[0].Code != code {
			t.Errorf("%q: %d %s", key, got.status, got.body)
		}
	}
	// What was refused was not done: it may be tried again under its key.
	key := []string{"Idempotency-Key", "tried-before-and-after"}
	if got := p.post(t, i, "/orgs", `{"name":"Mine"}`, key...); got.status != 403 {
		t.Fatalf("got %d", got.status)
	}
	if got := p.post(t, i, "/orgs", `{"name":"Mine"}`, key...); got.status != 403 {
		t.Fatalf("got %d", got.status)
	}
}

// TestOnlyWhatWasSeen: who decides on an object that changed since they looked at it is told so, and nothing is done.
func TestOnlyWhatWasSeen(t *testing.T) {
	c := newCity(t)
	p := newPerson(t, c.Instance, c.agency, "second", org.OrgAdmin, org.Approver)
	look := func() string { return p.get(t, c.Instance, "/grants/"+theGrant).header.Get("ETag") }
	revoke := func(tag string) reply {
		return p.post(t, c.Instance, "/grants/"+theGrant+"/revoke", "", "If-Match", tag)
	}
	seen := look()
	for _, bad := range []string{"bare", `W/"weak"`, `"a", "b"`} {
		if got := revoke(bad); got.status != 422 {
			t.Fatalf("%s: got %d %s", bad, got.status, got.body)
		}
	}
	err := c.Owner.InTx(t.Context(), func(tx *postgres.Tx) error {
		row, err := tx.Grant(t.Context(), theGrant)
		if err != nil {
			return err
		}
		return tx.SpendGrant(t.Context(), row.ID, 1, 10, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := revoke(seen); got.status != 412 || got.problem(t).Code != "object.changed" {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if got := revoke(look()); got.status != 200 || !contains(got.body, `"state":"revoked"`) {
		t.Fatalf("got %d %s", got.status, got.body)
	}
}

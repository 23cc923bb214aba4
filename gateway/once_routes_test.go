package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/gateway"
)

// spentKey is a key under which its person asked for something else before.
const spentKey = "a-key-of-another-request"

// keyless are the changes whose key counts for nothing, and why.
func keyless() map[string]string {
	return map[string]string{
		"key-offer":   "public: nobody is known whose key it could be; the same key offered again is the same offer",
		"grant-check": "a question in a body: it changes nothing",
	}
}

// TestEveryChangeKeepsItsKey: under a key that stood for another request, no POST of the description is carried out; a
// route whose key counts for nothing says why (S36).
func TestEveryChangeKeepsItsKey(t *testing.T) {
	c := newCity(t)
	p := newPerson(t, c.Instance, c.department, "second", org.OrgAdmin, org.DataSteward)
	other := sha256.Sum256([]byte("another request"))
	err := c.Owner.InTx(t.Context(), func(tx *postgres.Tx) error {
		home, err := tx.OrgByNumber(t.Context(), c.department)
		if err != nil {
			return err
		}
		who, err := tx.MemberByLogin(t.Context(), home.ID, "second")
		if err != nil {
			return err
		}
		return tx.ClaimOnce(t.Context(), postgres.Once{Member: who.ID, Key: spentKey, Asked: other[:], Leaf: name.NewID().String(), At: time.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range gateway.Describe(gateway.Config{Catalog: c.Catalog, BaseURL: c.URL, Now: c.Now}) {
		if r.Method != http.MethodPost {
			continue
		}
		got := p.try(t, c, r, theirs(c), numbers(), "Idempotency-Key", spentKey)
		kept := got.status == http.StatusConflict && got.problem(t).Code == "idempotency.other_request"
		if why := keyless()[r.ID]; kept == (why != "") {
			t.Errorf("%s: got %d %.200s; a reason why its key does not count: %q", r.ID, got.status, got.body, why)
		}
	}
}

// TestSecretsAreShownOnce: an answer that holds a secret is not kept. Its change counts once all the same: again under
// its key it answers 409 and makes no second secret, and a tag it cannot be held against is refused and does nothing.
func TestSecretsAreShownOnce(t *testing.T) {
	f := newFactored(t)
	f.enrol(t)
	f.want(t, "strong", "/me/strength", f.now(t), "")
	people := "/orgs/" + f.home + "/members"
	if got := f.post(t, f.Instance, people, invite("lee")); got.status != http.StatusCreated {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if n := pgtest.Count(t, f.DB.Owner, "with joined as (update member set state = 'active' where login = 'lee' returning 1) select count(*) from joined"); n != 1 {
		t.Fatalf("%d joined", n)
	}
	fresh := func() any { return f.now(t) }
	for _, step := range []struct {
		path string
		body func() any
		into any // where the answer is needed
	}{
		{people + "/lee/link", nil, nil}, {people + "/lee/recover", nil, nil}, {people + "/lee/factor/code", nil, nil},
		{"/me/factor/renew", nil, nil}, {"/me/strength", fresh, nil},
		{"/me/factor", func() any { return org.EnrolSpec{} }, &f.secret}, {"/me/factor/confirm", fresh, nil},
	} {
		f.once(t, step.path, step.body, step.into)
	}
	const all = "select count(*) from once where key like 'once-for%'"
	if keys, kept := pgtest.Count(t, f.DB.Owner, all), pgtest.Count(t, f.DB.Owner, all+" and answer is not null"); keys != 7 || kept != 0 {
		t.Errorf("%d keys are claimed, want 7, and %d answers kept", keys, kept)
	}
}

// once asks with a tag, then for good, then again, then for something else under the same key.
func (f *factored) once(t *testing.T, path string, body func() any, into any) {
	t.Helper()
	text := func() string {
		if body == nil {
			return ""
		}
		raw, err := json.Marshal(body())
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	key := []string{"Idempotency-Key", "once-for" + strings.ReplaceAll(path, "/", "-")}
	asked := text()
	if got := f.post(t, f.Instance, path, asked, append(key, "If-Match", unmatched)...); got.status != 422 || !contains(got.body, "tag.unsupported") {
		t.Errorf("%s under a tag: %d %s", path, got.status, got.body)
	}
	first := f.post(t, f.Instance, path, asked, key...)
	if first.status >= 300 {
		t.Fatalf("%s: %d %s", path, first.status, first.body)
	}
	if into != nil {
		var made struct{ Secret string }
		if err := json.Unmarshal(first.body, &made); err != nil {
			t.Fatal(err)
		}
		*into.(*string) = made.Secret
	}
	if got := f.post(t, f.Instance, path, asked, key...); got.status != 409 || got.problem(t).Code != "idempotency.answered" || bytes.Equal(got.body, first.body) {
		t.Errorf("%s again: %d %s", path, got.status, got.body)
	}
	if got := f.post(t, f.Instance, "/orgs/"+f.home+"/members", invite("kim"), key...); got.status != 409 || got.problem(t).Code != "idempotency.other_request" {
		t.Errorf("another request under the key of %s: %d %s", path, got.status, got.body)
	}
}

package console

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/policy"
)

// How long a browser is let in.
const (
	idleLock   = 15 * time.Minute // without a request; a page that only updates itself does not count as one
	workingDay = 12 * time.Hour   // at most, however busy
)

// What is remembered of a browser. Nothing of it is a secret but the verifier, which is worth nothing after a minute.
const (
	keyHandle   = "handle"   // names the session in the record
	keyState    = "state"    // of a login under way: it comes back to the browser that began it
	keyVerifier = "verifier" // of a login under way (RFC 7636)
	keyTold     = "told"     // a text: what was just done, for the next page
	keyNext     = "next"     // the page that was asked for before signing in
)

// newSessions returns what gives out cookies. The record holds their hashes.
func (c *Console) newSessions() *scs.SessionManager {
	m := scs.New()
	m.Store, m.HashTokenInStore = store{c.Catalog.Browsers}, true
	m.IdleTimeout, m.Lifetime = idleLock, workingDay
	m.Cookie.Name, m.Cookie.Secure = "sluice", c.secure()
	if c.secure() {
		m.Cookie.Name = "__Host-sluice" // no other host, and no page without TLS, can set it (RFC 6265bis 4.1.3.2)
	}
	m.Cookie.Persist = false
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		c.refuse(w, r, &fault.Error{Kind: fault.Unavailable, Code: "record.unavailable", Cause: err})
	}
	return m
}

// store keeps sessions in the record. The idle lock runs by the record's clock, not by that of the cookie's library.
type store struct{ kept *catalog.Browsers }

// FindCtx implements scs.CtxStore.
func (s store) FindCtx(ctx context.Context, hash string) ([]byte, bool, error) {
	return s.kept.Remembered(ctx, hash)
}

// CommitCtx implements scs.CtxStore.
func (s store) CommitCtx(ctx context.Context, hash string, memory []byte, _ time.Time) error {
	return s.kept.Remember(ctx, hash, memory, idleLock)
}

// DeleteCtx implements scs.CtxStore.
func (s store) DeleteCtx(ctx context.Context, hash string) error { return s.kept.Forget(ctx, hash) }

// Find implements scs.Store.
func (s store) Find(hash string) ([]byte, bool, error) { return s.FindCtx(context.Background(), hash) }

// Commit implements scs.Store.
func (s store) Commit(hash string, memory []byte, until time.Time) error {
	return s.CommitCtx(context.Background(), hash, memory, until)
}

// Delete implements scs.Store.
func (s store) Delete(hash string) error { return s.DeleteCtx(context.Background(), hash) }

// holder returns who sits before the browser of a request; Unauthenticated when nobody we know does.
func (c *Console) holder(ctx context.Context) (policy.Subject, error) {
	handle := c.sessions.GetString(ctx, keyHandle)
	if handle == "" {
		return policy.Subject{}, fault.New(fault.Unauthenticated, "session.missing")
	}
	return c.Catalog.Sessions.Holder(ctx, catalog.Handle(handle))
}

// peek loads the session of a request without putting off its idle lock.
func (c *Console) peek(r *http.Request) (context.Context, error) {
	token := ""
	if cookie, err := r.Cookie(c.sessions.Cookie.Name); err == nil {
		token = cookie.Value
	}
	return c.sessions.Load(r.Context(), token)
}

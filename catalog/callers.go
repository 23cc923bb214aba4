package catalog

import (
	"context"
	"sync"
	"time"

	"github.com/sluicedata/sluice/catalog/postgres"
)

// maxCallers bounds how many callers are remembered.
const maxCallers = 4096

// callers remembers who stands behind tokens, by their hashes. What is remembered counts only while the record says
// that nothing of what it was read from has changed since, which every request asks, and until a time passes at which
// something of it ends or begins. It is safe for concurrent use.
type callers struct {
	mu    sync.Mutex
	known map[string]knownCaller
}

type knownCaller struct {
	postgres.TokenCaller
	read time.Time
}

// of returns who stands behind a token now. Errors: as postgres.Tx.TokenCaller.
func (c *callers) of(ctx context.Context, tx *postgres.Tx, hash []byte, now time.Time) (postgres.Caller, error) {
	if k, ok := c.recall(hash, now); ok {
		standing, err := tx.Standing(ctx)
		if err != nil || standing == k.Standing {
			return k.Caller, err
		}
	}
	row, err := tx.TokenCaller(ctx, hash, now)
	if err != nil {
		c.forget(hash)
		return postgres.Caller{}, err
	}
	c.keep(hash, knownCaller{row, now})
	return row.Caller, nil
}

// recall returns who stood behind a token, unless something of it ended or began since.
func (c *callers) recall(hash []byte, now time.Time) (knownCaller, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.known[string(hash)]
	return k, ok && !now.Before(k.read) && now.Before(k.Until)
}

// keep remembers one more; when there are too many, it begins anew.
func (c *callers) keep(hash []byte, k knownCaller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxCallers {
		c.known = map[string]knownCaller{}
	}
	c.known[string(hash)] = k
}

func (c *callers) forget(hash []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, string(hash))
}

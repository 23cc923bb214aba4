package catalog

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Handle names a session without being one: the hash of its token, as the record has it. Whoever learns a handle can
// do nothing with it at the API, so the console may keep it where a token must not lie.
type Handle string

// HandleOf returns the handle of a token.
func HandleOf(token string) Handle { return Handle(hex.EncodeToString(tokenHash(token))) }

// hash returns the hash a handle is; nothing for what is none, which names no session.
func (h Handle) hash() []byte {
	raw, err := hex.DecodeString(string(h))
	if err != nil {
		return nil
	}
	return raw
}

// Prolong lets a session last for a browser: a life from now, whatever its token was given for.
func (s *Sessions) Prolong(ctx context.Context, h Handle, life time.Duration) error {
	return s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		return tx.ProlongToken(ctx, h.hash(), s.c.Now().Add(life))
	})
}

// Holder returns who stands behind a handle now, as Subject does for a token. The session of a program is nobody's
// here: it counts only over its own connection.
func (s *Sessions) Holder(ctx context.Context, h Handle) (policy.Subject, error) {
	return s.subject(ctx, h.hash(), "")
}

// Close ends a session.
func (s *Sessions) Close(ctx context.Context, h Handle) error {
	return s.c.DB.InTx(ctx, func(tx *postgres.Tx) error { return tx.DropToken(ctx, h.hash()) })
}

// May tells what a decision about each of these acts would be on an object of the caller's own organization, as far as
// that can be said without one: for menus that offer nothing which is then refused. It permits nothing: every act
// decides.
func (s *Sessions) May(ctx context.Context, who policy.Subject, acts ...policy.Action) (map[policy.Action]policy.Decision, error) {
	return s.may(ctx, who, who.Org, acts)
}

// another stands for any organization but the caller's.
const another = "another"

// MayForeign is May on an object of another organization.
func (s *Sessions) MayForeign(ctx context.Context, who policy.Subject, acts ...policy.Action) (map[policy.Action]policy.Decision, error) {
	return s.may(ctx, who, another, acts)
}

func (s *Sessions) may(ctx context.Context, who policy.Subject, owner string, acts []policy.Action) (map[policy.Action]policy.Decision, error) {
	may := map[policy.Action]policy.Decision{}
	for _, act := range acts {
		decision, err := s.c.Policy.Decide(ctx, policy.Request{
			Subject: who, Action: act, Object: policy.Object{Org: owner}, Facts: policy.Facts{Now: s.c.Now().Unix()},
		})
		if err != nil {
			return nil, &fault.Error{Kind: fault.Unavailable, Code: "policy.unavailable", Cause: err}
		}
		may[act] = decision
	}
	return may, nil
}

// Browsers keeps what the console remembers of each browser between two requests, under the hash of what the
// browser's cookie holds. It knows nothing of what is remembered.
type Browsers struct{ c *core }

// Remembered returns what is remembered; false when nothing is, or the browser was idle for too long.
func (s *Browsers) Remembered(ctx context.Context, hash string) (memory []byte, found bool, err error) {
	err = s.c.DB.Alone(ctx, func(tx *postgres.Tx) error {
		memory, err = tx.Console(ctx, hash, s.c.Now())
		return err
	})
	if errors.Is(err, postgres.ErrNone) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading console session: %w", err)
	}
	return memory, true, nil
}

// grain is how exactly idle time is kept: putting its end off is a durable write, so that is done once a minute at most,
// and a browser is forgotten up to that much early, never late.
const grain = time.Minute

// Remember keeps what is remembered of a browser until it was idle for a time.
func (s *Browsers) Remember(ctx context.Context, hash string, memory []byte, idle time.Duration) error {
	now := s.c.Now()
	return s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		if lasts, err := tx.ConsoleLasts(ctx, hash, memory, now.Add(idle-grain)); err != nil || lasts {
			return err
		}
		if err := tx.SweepConsole(ctx, now); err != nil {
			return fmt.Errorf("sweeping console sessions: %w", err)
		}
		return tx.KeepConsole(ctx, hash, memory, now.Add(idle))
	})
}

// Forget forgets a browser.
func (s *Browsers) Forget(ctx context.Context, hash string) error {
	return s.c.DB.InTx(ctx, func(tx *postgres.Tx) error { return tx.DropConsole(ctx, hash) })
}

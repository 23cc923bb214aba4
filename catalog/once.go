package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Condition is how a caller wants a change carried out: once, and only on the object they saw. The zero value
// asks for neither.
type Condition struct {
	// Key names one intention of one person (Idempotency-Key): a second request with it changes nothing more
	// and gets the first one's answer.
	Key string
	// Asked is the SHA-256 of all that was asked, so that a key is not taken for another request's.
	Asked [sha256.Size]byte
	// Seen is the Tag of the object the caller decided on (If-Match); "" accepts any.
	Seen string
}

// conditionKey is where a request's condition waits until its verb begins.
type conditionKey struct{}

// Under returns a context whose one change is carried out under a condition.
func Under(ctx context.Context, c Condition) context.Context {
	return context.WithValue(ctx, conditionKey{}, c)
}

func conditionOf(ctx context.Context) Condition {
	c, _ := ctx.Value(conditionKey{}).(Condition)
	return c
}

// onceLife is how long an answer is kept for its repetition.
const onceLife = 24 * time.Hour

// change runs a verb that creates or decides. answer points at what do fills in: with a key in the condition it
// is kept in the act's own transaction, and a repetition reads it back instead of acting again. Of requests with
// one key at once, one acts and the others wait for it. A refused or failed act keeps nothing: it may be tried
// again under its key.
func (c *core) change(ctx context.Context, caller policy.Subject, action policy.Action, answer any, do func(*deed) error) error {
	return c.keyed(ctx, caller, action, func(d *deed, before postgres.Once) error { return d.repeat(before, answer) }, func(d *deed) error {
		key := conditionOf(ctx).Key
		if err := do(d); err != nil || key == "" {
			return err
		}
		kept, err := json.Marshal(answer)
		if err != nil {
			return fmt.Errorf("keeping answer: %w", err)
		}
		return d.tx.KeepAnswer(d.ctx, caller.Member, key, kept)
	})
}

// single runs a verb whose answer holds a secret that is shown once. Its key is claimed like that of any change, but the
// answer is not kept: a repetition is told that there was one, and makes no second secret.
func (c *core) single(ctx context.Context, caller policy.Subject, action policy.Action, do func(*deed) error) error {
	answered := func(*deed, postgres.Once) error { return fault.New(fault.Conflict, "idempotency.answered") }
	return c.keyed(ctx, caller, action, answered, do)
}

// keyed runs a verb that changes something under the condition of its request: under a key only the first time, and
// again every other time.
func (c *core) keyed(ctx context.Context, caller policy.Subject, action policy.Action, again func(*deed, postgres.Once) error, do func(*deed) error) error {
	asked := conditionOf(ctx)
	return c.act(ctx, caller, action, func(d *deed) error {
		d.changes = true
		if asked.Key == "" {
			return d.conditioned(do)
		}
		before, err := d.claimOnce(asked)
		if err != nil {
			return err
		}
		if before != nil {
			return again(d, *before)
		}
		return d.conditioned(do)
	})
}

// conditioned carries out a change; one that was asked for under a tag it never looked at does not count.
func (d *deed) conditioned(do func(*deed) error) error {
	if err := do(d); err != nil {
		return err
	}
	return d.untagged()
}

// untagged refuses a tag that nothing was held against.
func (d *deed) untagged() error {
	if conditionOf(d.ctx).Seen != "" && !d.tagged {
		return fault.Bad("request.invalid", fault.Place{Location: "header.If-Match", Code: "tag.unsupported"})
	}
	return nil
}

// claimOnce takes a key for this act, or returns what an earlier act answered under it.
func (d *deed) claimOnce(asked Condition) (*postgres.Once, error) {
	if err := d.tx.SweepOnce(d.ctx, d.caller.Member, d.now.Add(-onceLife)); err != nil {
		return nil, fmt.Errorf("sweeping keys: %w", err)
	}
	row := postgres.Once{Member: d.caller.Member, Key: asked.Key, Asked: asked.Asked[:], Leaf: d.leaf, At: d.now}
	err := d.tx.ClaimOnce(d.ctx, row)
	if err == nil {
		return nil, nil
	}
	if !errors.Is(err, postgres.ErrNone) {
		return nil, fmt.Errorf("claiming key: %w", err)
	}
	before, err := d.tx.Once(d.ctx, row.Member, row.Key)
	if err != nil {
		return nil, fmt.Errorf("reading key: %w", err)
	}
	if !bytes.Equal(before.Asked, row.Asked) {
		return nil, fault.New(fault.Conflict, "idempotency.other_request")
	}
	return &before, nil
}

// repeat answers as an earlier act did. Nothing is decided anew and nothing changes; the entry says which act it
// repeats.
func (d *deed) repeat(before postgres.Once, answer any) error {
	if err := json.Unmarshal(before.Answer, answer); err != nil {
		return fmt.Errorf("reading kept answer: %w", err)
	}
	d.object = policy.Object{Kind: string(d.action)}
	d.decided, d.repeated = true, true
	d.detail["repeats"] = before.Leaf
	return nil
}

// Tag names the state of an object as its viewer sees it: equal views have equal tags. It is opaque. A view may
// leave out what moves by itself.
func Tag(view any) (string, error) {
	if moving, ok := view.(interface{ Steady() any }); ok {
		view = moving.Steady()
	}
	body, err := json.Marshal(view)
	if err != nil {
		return "", fmt.Errorf("encoding view: %w", err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16]), nil
}

// seen refuses to decide on an object that changed since the caller looked at it. It takes the object's view as
// it is now, read under its lock and before any change.
func (d *deed) seen(view any, err error) error {
	want := conditionOf(d.ctx).Seen
	if err != nil || want == "" {
		return err
	}
	d.tagged = true
	tag, err := Tag(view)
	if err == nil && tag != want {
		err = fault.New(fault.Changed, "object.changed")
	}
	return err
}

package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/policy"
)

// deed is one act under way: its transaction, what was decided, and what the trace will say.
type deed struct {
	ctx    context.Context
	c      *core
	tx     *postgres.Tx
	caller policy.Subject
	action policy.Action
	now    time.Time

	object   policy.Object
	number   string // the object's readable name in the trace
	decided  bool
	repeated bool // an earlier act answers: there is no decision of its own
	changes  bool // the verb creates or decides
	tagged   bool // the object was held against the tag its caller saw
	decision policy.Decision
	request  policy.Request
	refs     map[string]string // digests the entry refers to
	detail   map[string]string // codes and counts, never values
	leaf     string            // id of the entry
}

// act runs one verb. do must decide before it changes anything; when it fails nothing is changed, and a
// refusal leaves its own entry. An entry that cannot be written fails the act.
func (c *core) act(ctx context.Context, caller policy.Subject, action policy.Action, do func(*deed) error) error {
	d := c.newDeed(ctx, caller, action)
	err := c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		d.tx = tx
		if err := do(d); err != nil {
			return err
		}
		if !d.decided {
			return errors.New("an act that was never decided")
		}
		return d.enter("allow")
	})
	err = outward(err)
	if refused(err) || d.changes && lost(err) {
		return c.traceRefusal(ctx, d, err)
	}
	return err
}

func (c *core) newDeed(ctx context.Context, caller policy.Subject, action policy.Action) *deed {
	return &deed{
		ctx: ctx, c: c, caller: caller, action: action, now: c.Now(),
		refs: map[string]string{}, detail: map[string]string{}, leaf: name.NewID().String(),
	}
}

// outward turns an absent row into the one answer for absent and foreign objects.
func outward(err error) error {
	if errors.Is(err, postgres.ErrNone) {
		return fault.NotFound()
	}
	return err
}

// refused tells whether an error is an answer the trace must hold: a denial, or a try at what is not there.
func refused(err error) bool {
	kind := fault.Of(err)
	return kind == fault.Denied || kind == fault.Unknown
}

// lost tells whether a change came too late: the state did not allow it, or another's act came before. The trace
// holds every try at a decision, also those that lost.
func lost(err error) bool {
	kind := fault.Of(err)
	return kind == fault.Conflict || kind == fault.Changed
}

// decide asks policy and stops the verb on a refusal. Another organization's object that the caller may not
// touch answers as if it were not there.
func (d *deed) decide(obj policy.Object, number string, facts policy.Facts) error {
	facts.Now = d.now.Unix()
	d.object, d.number, d.decided = obj, number, true
	d.request = policy.Request{Subject: d.caller, Action: d.action, Object: obj, Facts: facts}
	decision, err := d.c.Policy.Decide(d.ctx, d.request)
	if err != nil {
		return &fault.Error{Kind: fault.Unavailable, Code: "policy.unavailable", Cause: err}
	}
	d.decision = decision
	if decision.Allow {
		return nil
	}
	if obj.Org != d.caller.Org && hidden(decision) {
		return fault.NotFound()
	}
	return fault.Refused(decision)
}

// hidden tells whether a refusal is about who is calling: then a foreign object is not admitted to exist.
func hidden(d policy.Decision) bool {
	for _, r := range d.Reasons {
		if r.Dimension == "access" {
			return true
		}
	}
	return false
}

// kept is the decision with its full input, so that it can be made again.
func (d *deed) kept() (*postgres.Decision, error) {
	request, err := json.Marshal(d.request)
	if err != nil {
		return nil, fmt.Errorf("encoding decision: %w", err)
	}
	reasons, err := json.Marshal(d.decision.Reasons)
	if err != nil {
		return nil, fmt.Errorf("encoding reasons: %w", err)
	}
	return &postgres.Decision{
		ID: d.leaf, Request: request, Allow: d.decision.Allow, Reasons: reasons,
		Revision: d.decision.Revision, At: d.now,
	}, nil
}

// enter has the trace entry and its decision travel with the commit, which fails when one of them does.
func (d *deed) enter(decision string) error {
	var about *postgres.Decision
	if d.decided && !d.repeated {
		var err error
		if about, err = d.kept(); err != nil {
			return err
		}
	}
	salt := make([]byte, 32)
	if _, err := io.ReadFull(d.c.Rand, salt); err != nil {
		return fmt.Errorf("making salt: %w", err)
	}
	body := trace.Body{
		Act:      string(d.action),
		Actor:    trace.Actor{Member: d.person(), Org: d.caller.Org, Process: d.caller.Process},
		Object:   trace.Object{Kind: d.object.Kind, Name: d.number},
		Decision: decision, Reasons: codes(d.decision.Reasons), Revision: d.decision.Revision,
		Refs: d.refs, Detail: d.detail,
	}
	canonical, err := trace.EncodeBody(body)
	if err != nil {
		return fmt.Errorf("encoding trace entry: %w", err)
	}
	d.tx.SendEntry(postgres.Pending{
		ID: d.leaf, At: d.now, Salt: salt, Body: canonical, Org: optional(d.caller.Org), Owner: optional(d.object.Org),
	}, about)
	return nil
}

// traceRefusal leaves the entry of a refused act in a transaction of its own and returns the refusal.
func (c *core) traceRefusal(ctx context.Context, d *deed, refusal error) error {
	err := c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		d.tx = tx
		d.detail = map[string]string{"answer": fault.Code(refusal)}
		d.refs = map[string]string{}
		if !d.decided {
			d.object = policy.Object{Kind: string(d.action)}
		}
		return d.enter("deny")
	})
	if err != nil {
		return &fault.Error{Kind: fault.Unavailable, Code: "trace.unavailable", Cause: err}
	}
	return refusal
}

// person stands for the caller in the trace; a process has none.
func (d *deed) person() string {
	if d.caller.Member == "" {
		return ""
	}
	return d.personHash(d.caller.Member)
}

// personHash stands for a member in the trace.
func (d *deed) personHash(member string) string { return trace.PersonHash(d.c.PersonKey, member) }

func codes(reasons []policy.Reason) []string {
	out := make([]string, 0, len(reasons))
	for _, r := range reasons {
		out = append(out, r.Code)
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

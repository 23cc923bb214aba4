package bundle

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/access"
	"github.com/sluicedata/sluice/policy/rule"
)

// Decide asks who may, then what may be done. An error is a denial: callers must not go on.
//
// A person whom the matrix refuses is told no more than that, with one exception: of their own
// organization's objects also what speaks against the person (the author of an output has no vote on it),
// since that is no news to them.
func (b *Bundle) Decide(ctx context.Context, q policy.Request) (policy.Decision, error) {
	permitted, err := b.access.Allow(q.Subject, q.Action, q.Object)
	if err != nil {
		return b.refuse(), fmt.Errorf("deciding who may: %w", err)
	}
	if !permitted {
		return b.notPermitted(ctx, q)
	}
	reasons, err := b.rules.Decide(ctx, q)
	if err != nil {
		return b.refuse(), fmt.Errorf("deciding what may be done: %w", err)
	}
	if len(reasons) > 0 {
		return b.refuse(reasons...), nil
	}
	return policy.Decision{Allow: true, Revision: b.revision}, nil
}

func (b *Bundle) notPermitted(ctx context.Context, q policy.Request) (policy.Decision, error) {
	if !b.access.Knows(q.Action) {
		return b.refuse(rule.NewReason(ActionUnknown)), nil
	}
	refusal := rule.NewReason(NotPermitted)
	if !access.Own(q.Subject, q.Object) {
		return b.refuse(refusal), nil
	}
	causes, err := b.rules.Explain(ctx, q)
	if err != nil {
		return b.refuse(refusal), fmt.Errorf("deciding what may be done: %w", err)
	}
	causes = slices.DeleteFunc(causes, func(r policy.Reason) bool { return !aboutPerson(r) })
	return b.refuse(append(causes, refusal)...), nil
}

// aboutPerson tells whether a reason is about who is asking, not about the record.
func aboutPerson(r policy.Reason) bool {
	return r.Dimension == "approver" || r.Dimension == "person"
}

func (b *Bundle) refuse(reasons ...policy.Reason) policy.Decision {
	if len(reasons) == 0 {
		reasons = []policy.Reason{rule.NewReason(rule.Unexplained)}
	}
	return policy.Decision{Reasons: reasons, Revision: b.revision}
}

package catalog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Return sends a request back to its author for one seat, with reasons, instead of that seat's vote. A vote of the
// other seat becomes void and stays sealed. Who: as Vote.
func (s *Requests) Return(ctx context.Context, caller policy.Subject, number string, spec output.ReturnSpec) (view output.RequestView, err error) {
	err = s.c.change(ctx, caller, "review.return", &view, func(d *deed) error {
		at, err := d.sit(number)
		if err != nil {
			return err
		}
		if err := spec.Validate(at.voice); err != nil {
			return err
		}
		seat := string(at.voice)
		at.request.ReturnedBy, at.request.Note = &seat, spec.Text
		for _, why := range spec.Reasons {
			at.request.Reasons = append(at.request.Reasons, string(why))
		}
		d.detail["seat"], d.detail["reasons"] = seat, strings.Join(at.request.Reasons, ",")
		view, err = d.endReview(at, "return")
		return err
	})
	return view, err
}

// Withdraw takes a request back before both seats have voted; votes become void. Who: the job's author, or who opened
// the review.
func (s *Requests) Withdraw(ctx context.Context, caller policy.Subject, number string) (view output.RequestView, err error) {
	err = s.c.change(ctx, caller, "review.withdraw", &view, func(d *deed) error {
		at, err := d.sit(number)
		if err != nil {
			return err
		}
		view, err = d.endReview(at, "withdraw")
		return err
	})
	return view, err
}

// endReview ends a request without a decision: its output leaves review as it came, its votes never count. Once both
// seats have voted it is decided, and nobody can undo that by being quicker than the keeper.
func (d *deed) endReview(at sitting, act string) (output.RequestView, error) {
	fail := func(err error) (output.RequestView, error) { return output.RequestView{}, err }
	ended, err := output.RequestFlow().Check(state(at.request.State), act)
	if err != nil {
		return fail(err)
	}
	if at.votes == 2 {
		return fail(fault.New(fault.Conflict, "review.decided"))
	}
	o, err := d.tx.LockOutput(d.ctx, at.output.ID)
	if err != nil {
		return fail(err)
	}
	left, err := output.Flow().Check(state(o.State), act)
	if err != nil {
		return fail(err)
	}
	at.request.State, at.request.EndedAt, o.State = string(ended), &d.now, string(left)
	d.refs["output"] = o.Digest
	voided, err := d.tx.VoidRequestVotes(d.ctx, at.request.ID, d.now)
	if err != nil {
		return fail(fmt.Errorf("voiding votes: %w", err))
	}
	if voided > 0 {
		d.detail["voided"] = strconv.FormatInt(voided, 10)
	}
	if err := d.tx.EndRequest(d.ctx, at.request); err != nil {
		return fail(err)
	}
	if err := d.moveOutput(o, left); err != nil {
		return fail(err)
	}
	return d.requestView(at.request, at.job, o)
}

// Resubmit opens another request in the line of one that was sent back or taken back, over the same output or over
// a mended one of the same operator. Who: as Open.
func (s *Requests) Resubmit(ctx context.Context, caller policy.Subject, number string, spec output.ResubmitSpec) (view output.RequestView, err error) {
	if err := spec.Validate(); err != nil {
		return view, err
	}
	err = s.c.change(ctx, caller, "review.resubmit", &view, func(d *deed) error {
		r, row, o, err := d.lockedReview(number)
		if err != nil {
			return err
		}
		asked := output.RequestSpec(spec)
		if asked.Job == "" {
			asked.Job = row.Number
		}
		if asked.Output == "" {
			asked.Output = o.Name
		}
		before, err := d.requestView(r, row, o)
		if err != nil {
			return err
		}
		d.detail["follows"] = number
		if view, err = d.openReview(asked, &r); err != nil {
			return err
		}
		return d.seen(before, nil) // after the decision: who may not ask is not told of a change
	})
	return view, err
}

// inLine puts a request behind the one it follows. An output that was under review before returns only in the line
// of that review: what was said about it cannot be shed by asking anew.
func (d *deed) inLine(r *postgres.Request, follows *postgres.Request) error {
	before, err := d.tx.RequestOf(d.ctx, r.Output)
	if err != nil && !absent(err) {
		return fmt.Errorf("reading request: %w", err)
	}
	was := err == nil
	switch {
	case follows == nil && was:
		return fault.New(fault.Conflict, "review.resubmit")
	case follows == nil:
		return nil
	case follows.Operator != r.Operator || follows.Agency != r.Agency:
		return fault.New(fault.Conflict, "review.other_parties")
	}
	if _, err := output.RequestFlow().Check(state(follows.State), "resubmit"); err != nil {
		return err
	}
	if err := d.notFollowed(*follows); err != nil {
		return err
	}
	line, err := d.tx.RequestLine(d.ctx, follows.ID)
	if err != nil {
		return fmt.Errorf("reading earlier requests: %w", err)
	}
	if was && !slices.Contains(line, before.ID) {
		return fault.New(fault.Conflict, "review.other_line")
	}
	r.Follows = &follows.ID
	return nil
}

// notFollowed refuses what is done with a request that another one already follows.
func (d *deed) notFollowed(r postgres.Request) error {
	_, err := d.tx.RequestAfter(d.ctx, r.ID)
	switch {
	case absent(err):
		return nil
	case err != nil:
		return fmt.Errorf("reading the next request: %w", err)
	}
	return fault.New(fault.Conflict, "review.followed")
}

// showRounds adds why a request was sent back, and its neighbours in the line.
func (d *deed) showRounds(view *output.RequestView, r postgres.Request) error {
	if r.ReturnedBy != nil {
		view.Returned = &output.ReturnView{Seat: output.Seat(*r.ReturnedBy), Text: r.Note}
		for _, why := range r.Reasons {
			view.Returned.Reasons = append(view.Returned.Reasons, output.Reason(why))
		}
	}
	if r.Follows != nil {
		before, err := d.tx.RequestByID(d.ctx, *r.Follows)
		if err != nil {
			return fmt.Errorf("reading the request before: %w", err)
		}
		view.Follows = before.Number
	}
	after, err := d.tx.RequestAfter(d.ctx, r.ID)
	if err == nil {
		view.FollowedBy = after.Number
	} else if !absent(err) {
		return fmt.Errorf("reading the next request: %w", err)
	}
	return nil
}

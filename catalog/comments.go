package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/canon"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// sitting is a locked review in which somebody takes part.
type sitting struct {
	request postgres.Request
	job     postgres.Job
	output  postgres.Output
	voice   output.Voice // whom the caller speaks for; "" for nobody
	votes   int          // that count
}

// sit locks a review, decides whether the caller may take part in it by this act, and holds it against what they saw.
func (d *deed) sit(number string) (at sitting, err error) {
	if at.request, at.job, at.output, err = d.lockedReview(number); err != nil {
		return at, err
	}
	votes, err := d.tx.Votes(d.ctx, at.request.ID)
	if err != nil {
		return at, fmt.Errorf("reading votes: %w", err)
	}
	facts, err := d.reviewFacts(at.job, at.output)
	if err != nil {
		return at, err
	}
	at.voice, at.votes = d.voice(facts), len(votes)
	facts.Seat, facts.Opener = string(at.voice), at.request.OpenedBy
	facts.SeatTaken = slices.ContainsFunc(votes, func(v postgres.Vote) bool { return v.Seat == facts.Seat })
	err = d.decide(policy.Object{Kind: "review", ID: at.request.ID, Org: at.job.Org}, number, policy.Facts{Review: facts})
	if err != nil {
		return at, err
	}
	return at, d.seen(d.requestView(at.request, at.job, at.output))
}

// voice tells for whom the caller speaks. The author speaks for themselves whatever else they are: they have no vote
// that their words could give away.
func (d *deed) voice(facts *policy.ReviewFacts) output.Voice {
	holds := func(role org.Role) bool { return slices.Contains(d.caller.Roles, string(role)) }
	switch {
	case d.caller.Member == facts.Author:
		return output.AuthorVoice
	case d.caller.Org == facts.Agency && holds(org.OutputReviewer):
		return output.AgencyVoice
	case d.caller.Org == facts.Operator && holds(org.SecurityOfficer):
		return output.OperatorVoice
	}
	return ""
}

// Comment says something about an output under review, of all of it or at a cell. What a seat says is sealed as its
// vote is. Who: the job's author, the operator's security_officer, the agency's output_reviewer.
func (s *Requests) Comment(ctx context.Context, caller policy.Subject, number string, spec output.CommentSpec) (view output.RequestView, err error) {
	err = s.c.change(ctx, caller, "review.comment", &view, func(d *deed) error {
		at, err := d.sit(number)
		if err != nil {
			return err
		}
		if err := d.say(at, spec); err != nil {
			return err
		}
		view, err = d.requestView(at.request, at.job, at.output)
		return err
	})
	return view, err
}

// say takes a comment that may be made.
func (d *deed) say(at sitting, spec output.CommentSpec) error {
	if err := d.commentable(at, spec); err != nil {
		return err
	}
	return d.storeComment(at, spec)
}

// commentable checks a comment against the request, the output and what was said before.
func (d *deed) commentable(at sitting, spec output.CommentSpec) error {
	if _, err := output.RequestFlow().Check(state(at.request.State), "comment"); err != nil {
		return err
	}
	if err := d.notFollowed(at.request); err != nil {
		return err
	}
	var table job.Table
	if err := json.Unmarshal(at.output.Schema, &table); err != nil {
		return fmt.Errorf("reading declared table: %w", err)
	}
	extent := output.Extent{Rows: at.output.Rows, Columns: len(table.By) + len(table.Measures)}
	if err := spec.Validate(at.voice, extent); err != nil {
		return err
	}
	said, err := d.tx.CountComments(d.ctx, at.request.ID, string(at.voice))
	if err != nil {
		return fmt.Errorf("counting comments: %w", err)
	}
	if said >= output.MaxComments {
		return fault.New(fault.Conflict, "comment.too_many")
	}
	return nil
}

// storeComment writes a comment. The trace refers to it by a digest that covers its id: a sealed text is not found by
// trying texts.
func (d *deed) storeComment(at sitting, spec output.CommentSpec) error {
	c := postgres.Comment{
		ID: name.NewID().String(), Request: at.request.ID, Voice: string(at.voice), Writer: d.caller.Member,
		Text: spec.Text, WrittenAt: d.now,
	}
	if spec.Row > 0 {
		c.AtRow = &spec.Row
	}
	if spec.Column > 0 {
		c.AtColumn = &spec.Column
	}
	digest, err := canon.Digest(struct {
		ID   string             `json:"id"`
		Said output.CommentSpec `json:"said"`
	}{c.ID, spec})
	if err != nil {
		return fmt.Errorf("digesting comment: %w", err)
	}
	d.refs["comment"], d.detail["voice"] = string(digest), c.Voice
	if err := d.tx.InsertComment(d.ctx, c); err != nil {
		return fmt.Errorf("storing comment: %w", err)
	}
	return nil
}

// showComments adds what the caller may see of what was said. The votes are shown before it.
func (d *deed) showComments(view *output.RequestView, r postgres.Request) error {
	rows, err := d.tx.Comments(d.ctx, r.ID)
	if err != nil {
		return fmt.Errorf("reading comments: %w", err)
	}
	seal := output.Seal{BothVoted: len(view.Voted) == 2, ReturnedBy: output.Seat(text(r.ReturnedBy))}
	for _, c := range rows {
		if seal.Shows(name.ID(d.caller.Member), name.ID(c.Writer), output.Voice(c.Voice)) {
			view.Comments = append(view.Comments, commentView(c))
		}
	}
	return nil
}

func commentView(c postgres.Comment) output.CommentView {
	view := output.CommentView{Voice: output.Voice(c.Voice), Text: c.Text, WrittenAt: c.WrittenAt}
	if c.AtRow != nil {
		view.Row = *c.AtRow
	}
	if c.AtColumn != nil {
		view.Column = *c.AtColumn
	}
	return view
}

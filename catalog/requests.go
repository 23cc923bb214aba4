package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Requests runs output review: two seats, voting in parallel, sealed from each other until both are in.
type Requests struct{ c *core }

// Open asks for the review of an output that no finding blocks and that was told apart from everything
// released or under review on its datasets. Who: developer or security_officer of the operator.
func (s *Requests) Open(ctx context.Context, caller policy.Subject, spec output.RequestSpec) (view output.RequestView, err error) {
	err = s.c.change(ctx, caller, "review.open", &view, func(d *deed) error {
		view, err = d.openReview(spec, nil)
		return err
	})
	return view, err
}

// openReview puts an output under review, in the line of the ended request it follows, if any.
func (d *deed) openReview(spec output.RequestSpec, follows *postgres.Request) (output.RequestView, error) {
	fail := func(err error) (output.RequestView, error) { return output.RequestView{}, err }
	if err := spec.Validate(); err != nil {
		return fail(err)
	}
	row, o, err := d.lockedOutput(spec.Job, spec.Output)
	if err != nil {
		return fail(err)
	}
	facts, err := d.reviewFacts(row, o)
	if err != nil {
		return fail(err)
	}
	if err := d.decide(policy.Object{Kind: "review", Org: row.Org}, spec.Job, policy.Facts{Review: facts}); err != nil {
		return fail(err)
	}
	act := "open"
	if follows != nil {
		act = "resubmit"
	}
	to, err := output.Flow().Check(state(o.State), act)
	if err != nil {
		return fail(err)
	}
	if err := d.compared(row); err != nil {
		return fail(err)
	}
	r := postgres.Request{
		ID: name.NewID().String(), Output: o.ID, Agency: facts.Agency, Operator: row.Org, OpenedBy: d.caller.Member,
		Context: spec.Context, State: string(output.InReview), CreatedAt: d.now,
	}
	if err := d.inLine(&r, follows); err != nil {
		return fail(err)
	}
	if r.Number, err = d.newNumber(name.Request); err != nil {
		return fail(err)
	}
	d.object.ID, d.number, o.State = r.ID, r.Number, string(to)
	d.refs["output"], d.refs["evidence"] = o.Digest, o.EvidenceDigest
	if err := d.tx.InsertRequest(d.ctx, r); err != nil {
		return fail(fmt.Errorf("opening review: %w", err))
	}
	if err := d.moveOutput(o, to); err != nil {
		return fail(err)
	}
	return d.requestView(r, row, o)
}

// lockedOutput reads a job's output for update. Its datasets are locked first, so that two reviews on one
// dataset open one after the other.
func (d *deed) lockedOutput(number, outputName string) (postgres.Job, postgres.Output, error) {
	fail := func(err error) (postgres.Job, postgres.Output, error) { return postgres.Job{}, postgres.Output{}, err }
	row, err := d.tx.Job(d.ctx, number)
	if err != nil {
		return fail(err)
	}
	if err := d.party(row); err != nil {
		return fail(err)
	}
	inputs, err := d.tx.JobInputs(d.ctx, row.ID)
	if err != nil {
		return fail(err)
	}
	for _, slug := range datasetsOf(row) {
		if _, err := d.tx.LockDataset(d.ctx, slug); err != nil {
			return fail(err)
		}
	}
	if len(inputs) == 0 {
		return fail(fault.NotFound())
	}
	found, err := d.tx.OutputNamed(d.ctx, row.ID, outputName)
	if err != nil {
		return fail(err)
	}
	o, err := d.tx.LockOutput(d.ctx, found.ID)
	return row, o, err
}

// compared checks that the run was told apart from every output on its datasets that is released or under
// review now.
func (d *deed) compared(row postgres.Job) error {
	inputs, err := d.tx.JobInputs(d.ctx, row.ID)
	if err != nil {
		return fmt.Errorf("reading inputs: %w", err)
	}
	for _, in := range inputs {
		others, err := d.tx.EarlierOutputs(d.ctx, in.Dataset, row.ID)
		if err != nil {
			return fmt.Errorf("reading earlier outputs: %w", err)
		}
		for _, o := range others {
			if !slices.Contains(row.Compared, o.ID) {
				return notCompared()
			}
		}
	}
	return nil
}

// Vote takes one seat's signed vote: a statement over the output's digest and its evidence, by the voter's own key. What is
// said beside it is sealed as the vote is: both are taken, or neither; a vote to reject is refused without. Who: the
// operator's security_officer, the agency's output_reviewer, never the author.
func (s *Requests) Vote(ctx context.Context, caller policy.Subject, number string, given output.Ballot) (view output.RequestView, err error) {
	err = s.c.change(ctx, caller, "review.vote", &view, func(d *deed) error {
		r, row, o, err := d.lockedReview(number)
		if err != nil {
			return err
		}
		cast, unread := d.openVote(r, o, given.Envelope)
		facts, err := d.voteFacts(r, row, o, cast)
		if err != nil {
			return err
		}
		err = d.decide(policy.Object{Kind: "review", ID: r.ID, Org: row.Org}, number, policy.Facts{Review: facts})
		if unread != nil && !hidden(d.decision) {
			return unread // who has a seat learns what is wrong with the envelope; nobody else does
		}
		if err != nil {
			return err
		}
		if err := d.seen(d.requestView(r, row, o)); err != nil {
			return err
		}
		if r.State != string(output.InReview) {
			return fault.New(fault.Conflict, "review.ended")
		}
		if err := output.Reasoned(cast.Decision, given.Text); err != nil {
			return err
		}
		if given.Text != "" {
			at := sitting{request: r, job: row, output: o, voice: d.voice(facts)}
			if err := d.say(at, output.CommentSpec{Text: given.Text}); err != nil {
				return err
			}
		}
		if err := d.storeVote(r, cast, given.Envelope); err != nil {
			return err
		}
		view, err = d.requestView(r, row, o)
		return err
	})
	return view, err
}

// ballot is a vote as it arrived: what it says, and whether it may count.
type ballot struct {
	output.Vote
	keyID string
	fits  bool // names this request, output, evidence and revision
	fresh bool // verifies under the caller's admitted key, names the caller, has not expired
}

func (d *deed) openVote(r postgres.Request, o postgres.Output, signed envelope.Envelope) (ballot, error) {
	var cast output.Vote
	key, err := d.opened(signed, output.VoteType, &cast)
	if err != nil {
		return ballot{}, err
	}
	if cast.Validate() != nil {
		return ballot{}, fault.New(fault.Invalid, "signature.invalid")
	}
	limit := d.now.Add(d.voteLife())
	return ballot{
		Vote: cast, keyID: key.ID, fits: cast.Fits(d.subjectOf(r, o), time.Time{}),
		fresh: string(cast.Voter) == d.caller.Member && d.now.Before(cast.Expiry) && !cast.Expiry.After(limit),
	}, nil
}

// voteLife is the longest a vote may last.
func (d *deed) voteLife() time.Duration {
	return time.Duration(d.c.Rules.Review.VoteValidityHours) * time.Hour
}

// subjectOf is what a vote on a request must be about.
func (d *deed) subjectOf(r postgres.Request, o postgres.Output) output.Subject {
	return output.Subject{
		Request: name.Number(r.Number), Kind: output.OutputVote, Digest: name.Digest(o.Digest),
		Evidence: name.Digest(o.EvidenceDigest), Revision: o.Revision,
	}
}

func (d *deed) voteFacts(r postgres.Request, row postgres.Job, o postgres.Output, cast ballot) (*policy.ReviewFacts, error) {
	facts, err := d.reviewFacts(row, o)
	if err != nil {
		return nil, err
	}
	votes, err := d.tx.Votes(d.ctx, r.ID)
	if err != nil {
		return nil, fmt.Errorf("reading votes: %w", err)
	}
	facts.Seat, facts.DigestOK, facts.FreshVote = string(cast.Seat), cast.fits, cast.fresh
	for _, v := range votes {
		facts.SeatTaken = facts.SeatTaken || v.Seat == string(cast.Seat)
	}
	return facts, nil
}

func (d *deed) storeVote(r postgres.Request, cast ballot, signed envelope.Envelope) error {
	statement, err := json.Marshal(cast.Vote)
	if err != nil {
		return fmt.Errorf("encoding vote: %w", err)
	}
	sealed, err := json.Marshal(signed)
	if err != nil {
		return fmt.Errorf("encoding envelope: %w", err)
	}
	digest, err := signed.Digest()
	if err != nil {
		return fmt.Errorf("digesting vote: %w", err)
	}
	d.refs["vote"], d.detail["seat"] = string(digest), string(cast.Seat)
	err = d.tx.InsertVote(d.ctx, postgres.Vote{
		Request: r.ID, Seat: string(cast.Seat), Voter: d.caller.Member, MemberKey: cast.keyID, Statement: statement,
		Envelope: sealed, Nonce: cast.Nonce, CastAt: d.now,
	})
	switch {
	case postgres.IsUnique(err, "vote_pkey"):
		return fault.New(fault.Conflict, "seat.taken")
	case postgres.IsUnique(err, "vote_nonce_key"):
		return fault.New(fault.Conflict, "vote.replayed")
	case err != nil:
		return fmt.Errorf("storing vote: %w", err)
	}
	d.tx.Notify("keeper", "vote")
	return nil
}

// Show returns a request to its seats.
func (s *Requests) Show(ctx context.Context, caller policy.Subject, number string) (view output.RequestView, err error) {
	err = s.c.act(ctx, caller, "review.show", func(d *deed) error {
		r, row, o, err := d.review(number)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "review", ID: r.ID, Org: row.Org}, number, policy.Facts{}); err != nil {
			return err
		}
		view, err = d.requestView(r, row, o)
		return err
	})
	return view, err
}

// List returns the requests the caller's organization has a seat in.
func (s *Requests) List(ctx context.Context, caller policy.Subject, p Page) (views Listed[output.RequestView], err error) {
	err = s.c.act(ctx, caller, "review.list", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "review", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.Request, error) { return d.tx.Requests(ctx, caller.Org, w) },
			func(r postgres.Request) string { return r.ID }, d.listedRequest, output.RequestFlow())
		return err
	})
	return views, err
}

// review reads a request for who has a seat in it; to others it is unknown.
func (d *deed) review(number string) (postgres.Request, postgres.Job, postgres.Output, error) {
	return d.reviewed(d.tx.Request(d.ctx, number))
}

// lockedReview reads a request to change it. It is locked first of all: then agreement, grant, dataset and output.
func (d *deed) lockedReview(number string) (postgres.Request, postgres.Job, postgres.Output, error) {
	return d.reviewed(d.tx.LockRequest(d.ctx, number))
}

func (d *deed) reviewed(r postgres.Request, err error) (postgres.Request, postgres.Job, postgres.Output, error) {
	fail := func(err error) (postgres.Request, postgres.Job, postgres.Output, error) {
		return postgres.Request{}, postgres.Job{}, postgres.Output{}, err
	}
	if err != nil {
		return fail(err)
	}
	if d.caller.Org != r.Operator && d.caller.Org != r.Agency {
		return fail(fault.NotFound())
	}
	o, err := d.tx.Output(d.ctx, r.Output)
	if err != nil {
		return fail(err)
	}
	row, err := d.tx.JobByID(d.ctx, o.Job)
	return r, row, o, err
}

// requestView is a request with all the caller may see of it.
func (d *deed) requestView(r postgres.Request, row postgres.Job, o postgres.Output) (output.RequestView, error) {
	view, err := d.requestLine(r, row, o)
	if err != nil {
		return view, err
	}
	if err := d.showDesk(&view, r, row); err != nil {
		return view, err
	}
	return view, d.showComments(&view, r)
}

// requestLine is a request as lists show it.
func (d *deed) requestLine(r postgres.Request, row postgres.Job, o postgres.Output) (output.RequestView, error) {
	shown, err := d.outputView(row.Number, o)
	if err != nil {
		return output.RequestView{}, err
	}
	p, err := packageOf(row)
	if err != nil {
		return output.RequestView{}, err
	}
	view := output.RequestView{
		Number: r.Number, State: r.State, Output: shown, Code: p.Source(), Context: r.Context, Kind: output.OutputVote,
		Revision: o.Revision, Expiry: d.now.Add(d.voteLife()).UTC().Truncate(time.Second),
		Voted: []output.Seat{}, Votes: []output.VoteView{}, OpenedAt: r.CreatedAt, EndedAt: r.EndedAt,
	}
	d.showDue(&view, r)
	if err := d.showVotes(&view, r); err != nil {
		return view, err
	}
	if err := d.showRounds(&view, r); err != nil {
		return view, err
	}
	l, err := d.tx.ReleaseOf(d.ctx, r.ID)
	if err == nil {
		view.Release = l.Number
	} else if !absent(err) {
		return view, fmt.Errorf("reading release: %w", err)
	}
	return view, nil
}

// showVotes keeps a seat's vote sealed from the other until both are in.
func (d *deed) showVotes(view *output.RequestView, r postgres.Request) error {
	votes, err := d.tx.Votes(d.ctx, r.ID)
	if err != nil {
		return fmt.Errorf("reading votes: %w", err)
	}
	for _, v := range votes {
		view.Voted = append(view.Voted, output.Seat(v.Seat))
		if len(votes) < 2 && v.Voter != d.caller.Member {
			continue
		}
		var said output.Vote
		if err := json.Unmarshal(v.Statement, &said); err != nil {
			return fmt.Errorf("reading vote: %w", err)
		}
		view.Votes = append(view.Votes, output.VoteView{Seat: said.Seat, Decision: said.Decision, CastAt: v.CastAt})
	}
	return nil
}

func packageOf(row postgres.Job) (job.Package, error) {
	p, err := job.Decode(row.Package)
	if err != nil {
		return p, fmt.Errorf("reading package: %w", err)
	}
	return p, nil
}

// datasetsOf lists the datasets a job names, sorted, each once.
func datasetsOf(row postgres.Job) []string {
	p, err := packageOf(row)
	if err != nil {
		return nil
	}
	var slugs []string
	for _, in := range p.Inputs {
		slugs = append(slugs, string(in.Dataset))
	}
	return unique(slugs)
}

// listedRequest shows a request with the output and job it is about.
func (d *deed) listedRequest(r postgres.Request) (output.RequestView, error) {
	o, err := d.tx.Output(d.ctx, r.Output)
	if err != nil {
		return output.RequestView{}, err
	}
	row, err := d.tx.JobByID(d.ctx, o.Job)
	if err != nil {
		return output.RequestView{}, err
	}
	return d.requestLine(r, row, o)
}

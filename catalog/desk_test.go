package catalog_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/output"
)

// TestDesk: a request shows its due day, the outputs of its job, what was released from the same data before, and the
// code that was; nothing of it is another organization's, and none of it changes what a vote is decided on.
func TestDesk(t *testing.T) {
	c := newCity(t, plenty())
	first := c.opened()
	if first.Desk.LastCode != nil || len(first.Desk.Earlier) != 0 || first.Desk.Round != 1 {
		t.Errorf("the first request shows %+v", first.Desk)
	}
	c.must(c.vote(c.officer, first.Number, output.OperatorSeat, output.Approve))
	c.must(c.vote(c.reviewer, first.Number, output.AgencySeat, output.Approve))
	c.turns()
	second := c.opened()
	for _, p := range []person{c.officer, c.reviewer} {
		r, err := c.serve.Requests.Show(c.ctx, p.Subject, second.Number)
		c.must(err)
		released, err := c.serve.Requests.Show(c.ctx, p.Subject, first.Number)
		c.must(err)
		desk := r.Desk
		if len(desk.Earlier) != 1 || desk.Earlier[0].Release != released.Release || desk.Earlier[0].Request != first.Number {
			t.Errorf("earlier releases: %+v", desk.Earlier)
		}
		if desk.LastCode == nil || desk.LastCode.Release != released.Release || desk.LastCode.Code != first.Code {
			t.Errorf("the last code: %+v", desk.LastCode)
		}
		if len(desk.Files) != 1 || desk.Files[0].Name != "by_health" || len(desk.Inputs) != 1 || string(desk.Inputs[0].Grant) != c.grant.Number {
			t.Errorf("files and inputs: %+v", desk)
		}
		if r.Due == nil || !r.Due.After(r.OpenedAt) || released.Due != nil {
			t.Errorf("due: %v, of what has ended: %v", r.Due, released.Due)
		}
	}
	c.sql("update request set agency = operator where number = '" + first.Number + "'")
	r, err := c.serve.Requests.Show(c.ctx, c.reviewer.Subject, second.Number)
	c.must(err)
	if len(r.Desk.Earlier) != 0 || r.Desk.LastCode != nil {
		t.Errorf("a release of others is shown: %+v", r.Desk)
	}
}

// TestVoteSaying: an opinion comes with its vote or not at all.
func TestVoteSaying(t *testing.T) {
	c := newCity(t, plenty())
	r := c.opened()
	for _, tt := range []struct {
		choice     output.Choice
		text, want string
	}{
		{output.Approve, "31415 is high", "comment.invalid"}, {output.Approve, "\u202ereversed", "comment.invalid"},
		{output.Approve, " ", "comment.invalid"}, {output.Reject, "31415 is high", "comment.invalid"},
		{output.Reject, "", "opinion.invalid"}, {output.Reject, " \n\u3000", "opinion.invalid"},
	} {
		given := output.Ballot{Envelope: c.signedVote(c.reviewer, r.Number, output.AgencySeat, tt.choice), Text: tt.text}
		if _, err := c.serve.Requests.Vote(c.ctx, c.reviewer.Subject, r.Number, given); code(err) != tt.want {
			t.Errorf("%s %q: %v", tt.choice, tt.text, err)
		}
	}
	seen, err := c.serve.Requests.Show(c.ctx, c.reviewer.Subject, r.Number)
	c.must(err)
	if len(seen.Voted) != 0 || len(seen.Comments) != 0 {
		t.Fatalf("half of it is done: %+v", seen)
	}
	given := output.Ballot{Envelope: c.signedVote(c.reviewer, r.Number, output.AgencySeat, output.Approve), Text: "labels are coarse"}
	seen, err = c.serve.Requests.Vote(c.ctx, c.reviewer.Subject, r.Number, given)
	c.must(err)
	if len(seen.Voted) != 1 || len(seen.Comments) != 1 {
		t.Errorf("got %+v", seen)
	}
	if got := c.reads(c.officer, r.Number); got != "" {
		t.Errorf("the other seat reads %q", got)
	}
}

// TestWhoRejectsSaysWhy: a vote to reject is refused without words, a vote to approve is not; who may not vote is told of
// neither; and the author reads why once both have voted.
func TestWhoRejectsSaysWhy(t *testing.T) {
	c := newCity(t, plenty())
	r := c.opened()
	cast := func(p person, seat output.Seat, choice output.Choice, text string) error {
		given := output.Ballot{Envelope: c.signedVote(p, r.Number, seat, choice), Text: text}
		_, err := c.serve.Requests.Vote(c.ctx, p.Subject, r.Number, given)
		return err
	}
	var refused *fault.Error
	if err := cast(c.officer, output.OperatorSeat, output.Reject, ""); !errors.As(err, &refused) || refused.Kind != fault.Invalid {
		t.Fatalf("in silence: %v", err)
	}
	if diff := cmp.Diff([]fault.Place{{Location: "text", Code: "text.missing"}}, refused.Places); refused.Code != "opinion.invalid" || diff != "" {
		t.Errorf("%s %s", refused.Code, diff)
	}
	if err := cast(c.developer, output.OperatorSeat, output.Reject, ""); !errors.As(err, &refused) || refused.Kind != fault.Denied {
		t.Errorf("who may not vote: %v", err)
	}
	c.must(cast(c.officer, output.OperatorSeat, output.Approve, ""))
	c.must(cast(c.reviewer, output.AgencySeat, output.Reject, "beyond the purpose"))
	if got := c.reads(c.developer, r.Number); got != "agency: beyond the purpose" {
		t.Errorf("the author reads %q", got)
	}
	if err := cast(c.reviewer, output.AgencySeat, output.Reject, ""); code(err) == "opinion.invalid" {
		t.Error("a seat that has voted is asked for words")
	}
}

package catalog_test

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
)

// opened takes a job to an open request about its output.
func (c *city) opened() output.RequestView {
	c.t.Helper()
	j := c.ran(c.grant.Number)
	r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health", Context: "first"})
	c.must(err)
	return r
}

func (c *city) says(p person, number, text string) {
	c.t.Helper()
	_, err := c.serve.Requests.Comment(c.ctx, p.Subject, number, output.CommentSpec{Text: text})
	c.must(err)
}

// reads lists the texts of a request's comments that somebody sees.
func (c *city) reads(p person, number string) string {
	c.t.Helper()
	r, err := c.serve.Requests.Show(c.ctx, p.Subject, number)
	c.must(err)
	var texts []string
	for _, said := range r.Comments {
		texts = append(texts, string(said.Voice)+": "+said.Text)
	}
	return strings.Join(texts, "; ")
}

func why(reasons ...output.Reason) output.ReturnSpec { return output.ReturnSpec{Reasons: reasons} }

// TestCommentsAreSealed keeps what a seat says from the other seat, and from the author beside the operator's, until
// both have voted; nothing of it is in a list or in the trace.
func TestCommentsAreSealed(t *testing.T) {
	c := newCity(t, plenty())
	r := c.opened()
	c.says(c.developer, r.Number, "open to all")
	c.says(c.officer, r.Number, "the officer's")
	c.says(c.reviewer, r.Number, "the reviewer's")
	all := "author: open to all; operator: the officer's; agency: the reviewer's; agency: not for this purpose"
	for _, stage := range []struct {
		vote func() error
		want map[*person]string
	}{
		{func() error { return nil }, map[*person]string{
			&c.developer: "author: open to all", &c.officer: "author: open to all; operator: the officer's",
			&c.reviewer: "author: open to all; agency: the reviewer's", &c.chief: "author: open to all",
		}},
		{func() error { return c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve) }, map[*person]string{
			&c.officer: "author: open to all; operator: the officer's", &c.reviewer: "author: open to all; agency: the reviewer's",
		}},
		{func() error { return c.vote(c.reviewer, r.Number, output.AgencySeat, output.Reject) }, map[*person]string{
			&c.developer: all, &c.officer: all, &c.reviewer: all, &c.chief: all,
		}},
	} {
		c.must(stage.vote())
		for p, want := range stage.want {
			if got := c.reads(*p, r.Number); got != want {
				t.Errorf("%v reads %q, want %q", p.Roles, got, want)
			}
		}
	}
	listed, err := c.serve.Requests.List(c.ctx, c.reviewer.Subject, catalog.Page{})
	c.must(err)
	if len(listed.Items) != 1 || listed.Items[0].Comments != nil {
		t.Errorf("the list shows %v", listed.Items)
	}
	c.turns()
	for _, e := range c.entries("review.comment") {
		if strings.Contains(string(e.Body), "reviewer's") {
			t.Errorf("the trace repeats a comment: %s", e.Body)
		}
	}
	if _, err := c.serve.Requests.Comment(c.ctx, c.developer.Subject, r.Number, output.CommentSpec{Text: "late"}); code(err) != "request.move_not_allowed" {
		t.Errorf("a comment on what was rejected: %v", err)
	}
}

// entries lists the entries of an act, newest first, as the platform's audit administrator reads them.
func (c *city) entries(act string) []trace.View {
	c.t.Helper()
	auditor := c.admin.Subject
	auditor.Roles = []string{"audit_admin"}
	entries, err := c.serve.Trace.Query(c.ctx, auditor, trace.Filter{Act: act, Limit: 200})
	c.must(err)
	return entries
}

// TestCommentsAreBounded takes places that are there and texts that bear no figure of the agency's; who has neither a
// seat nor the job says nothing, and no voice says more than its share.
func TestCommentsAreBounded(t *testing.T) {
	c := newCity(t, plenty())
	r := c.opened()
	colleague := c.developer
	colleague.Member = name.NewID().String()
	tests := []struct {
		name string
		who  person
		spec output.CommentSpec
		want string
	}{
		{"a cell", c.reviewer, output.CommentSpec{Text: "这一格请合并", Row: 2, Column: 2}, ""},
		{"a column", c.officer, output.CommentSpec{Text: "why 2 measures?", Column: 1}, ""},
		{"below the table", c.reviewer, output.CommentSpec{Text: "x", Row: 3}, "comment.invalid"},
		{"beside the table", c.reviewer, output.CommentSpec{Text: "x", Column: 3}, "comment.invalid"},
		{"a figure of the agency's", c.reviewer, output.CommentSpec{Text: "there are 50 of them"}, "comment.invalid"},
		{"nobody's voice", colleague, output.CommentSpec{Text: "x"}, "seat.unknown"},
		{"an approver's", c.chief, output.CommentSpec{Text: "x"}, "unknown"},
		{"a stranger's", c.steward, output.CommentSpec{Text: "x"}, "unknown"},
	}
	for _, tt := range tests {
		_, err := c.serve.Requests.Comment(c.ctx, tt.who.Subject, r.Number, tt.spec)
		if code(err) != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, code(err), tt.want)
		}
	}
	for range output.MaxComments {
		c.says(c.developer, r.Number, "again")
	}
	if _, err := c.serve.Requests.Comment(c.ctx, c.developer.Subject, r.Number, output.CommentSpec{Text: "x"}); code(err) != "comment.too_many" {
		t.Errorf("one more: %v", err)
	}
	c.says(c.reviewer, r.Number, "another voice has its own share")
}

// TestReturned sends a request back with reasons: the other seat's vote and words stay sealed for good, the author
// answers, and another request follows in the same line until the product leaves.
func TestReturned(t *testing.T) {
	c := newCity(t, plenty())
	first := c.opened()
	c.says(c.officer, first.Number, "the officer's")
	c.says(c.reviewer, first.Number, "at the cell")
	c.must(c.vote(c.officer, first.Number, output.OperatorSeat, output.Approve))
	if _, err := c.serve.Requests.Return(c.ctx, c.officer.Subject, first.Number, why(output.UnclearCode)); code(err) != "seat.taken" {
		t.Errorf("a seat that voted returns: %v", err)
	}
	if _, err := c.serve.Requests.Return(c.ctx, c.developer.Subject, first.Number, why(output.UnclearCode)); code(err) != "access.not_permitted" {
		t.Errorf("the author returns: %v", err)
	}
	spec := output.ReturnSpec{Reasons: []output.Reason{output.UnclearContext, output.UnclearTable}, Text: "say what it is for"}
	r, err := c.serve.Requests.Return(c.ctx, c.reviewer.Subject, first.Number, spec)
	c.must(err)
	want := &output.ReturnView{Seat: output.AgencySeat, Reasons: spec.Reasons, Text: spec.Text}
	if diff := cmp.Diff(want, r.Returned); diff != "" || r.State != "returned" || r.EndedAt == nil || r.Output.State != "auto_checked" {
		t.Errorf("%s, output %s (-want +got):\n%s", r.State, r.Output.State, diff)
	}
	if len(r.Votes)+len(r.Voted) != 0 {
		t.Errorf("void votes are shown: %v %v", r.Voted, r.Votes)
	}
	c.says(c.developer, first.Number, "I see")
	for p, want := range map[*person]string{
		&c.developer: "agency: at the cell; author: I see", &c.reviewer: "agency: at the cell; author: I see",
		&c.officer: "operator: the officer's; agency: at the cell; author: I see",
	} {
		if got := c.reads(*p, first.Number); got != want {
			t.Errorf("%v reads %q, want %q", p.Roles, got, want)
		}
	}
	if err := c.vote(c.reviewer, first.Number, output.AgencySeat, output.Approve); code(err) != "output.wrong_state" {
		t.Errorf("a vote on what was sent back: %v", err)
	}
	if _, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: first.Output.Job, Output: "by_health", Context: "anew"}); code(err) != "review.resubmit" {
		t.Errorf("opened beside its history: %v", err)
	}
	second, err := c.serve.Requests.Resubmit(c.ctx, c.developer.Subject, first.Number, output.ResubmitSpec{Context: "for the yearly report"})
	c.must(err)
	if second.Follows != first.Number || second.State != "in_review" || second.Context != "for the yearly report" || second.Output.Digest != first.Output.Digest {
		t.Errorf("the second round: %+v", second)
	}
	if r, err = c.serve.Requests.Show(c.ctx, c.reviewer.Subject, first.Number); err != nil || r.FollowedBy != second.Number {
		t.Errorf("the first is followed by %q, %v", r.FollowedBy, err)
	}
	c.closed(first.Number, "review.followed")
	if err := c.vote(c.reviewer, first.Number, output.AgencySeat, output.Approve); code(err) != "review.ended" {
		t.Errorf("a vote on the first round in the second: %v", err)
	}
	c.must(c.vote(c.officer, second.Number, output.OperatorSeat, output.Approve))
	c.must(c.vote(c.reviewer, second.Number, output.AgencySeat, output.Approve))
	c.turns()
	if second, err = c.serve.Requests.Show(c.ctx, c.developer.Subject, second.Number); err != nil || second.State != "released" || second.Release == "" {
		t.Errorf("the second round ended %s, release %q, %v", second.State, second.Release, err)
	}
}

// closed tries what would still change a request that ended: words about it are refused by the given code.
func (c *city) closed(number, want string) {
	c.t.Helper()
	_, said := c.serve.Requests.Comment(c.ctx, c.developer.Subject, number, output.CommentSpec{Text: "x"})
	_, again := c.serve.Requests.Resubmit(c.ctx, c.developer.Subject, number, output.ResubmitSpec{Context: "x"})
	if code(said) != want || code(again) != "output.wrong_state" {
		c.t.Errorf("a comment: %v; another round: %v", said, again)
	}
}

// TestLines lets a mended output follow in the line, and an output return only in its own line.
func TestLines(t *testing.T) {
	c := newCity(t, plenty())
	first := c.opened()
	c.must(withdrawn(c, c.developer, first.Number))
	other := c.ran(c.grant.Number)
	apart, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: other.Number, Output: "by_health"})
	c.must(err)
	c.must(withdrawn(c, c.developer, apart.Number))
	again := output.ResubmitSpec{Job: other.Number, Context: "mended"}
	if _, err := c.serve.Requests.Resubmit(c.ctx, c.developer.Subject, first.Number, again); code(err) != "review.other_line" {
		t.Errorf("another line's output: %v", err)
	}
	mended := c.ran(c.grant.Number)
	second, err := c.serve.Requests.Resubmit(c.ctx, c.developer.Subject, first.Number, output.ResubmitSpec{Job: mended.Number, Context: "mended"})
	c.must(err)
	if second.Follows != first.Number || second.Output.Job != mended.Number {
		t.Errorf("got %+v", second)
	}
	if _, err := c.serve.Requests.Resubmit(c.ctx, c.developer.Subject, first.Number, output.ResubmitSpec{Context: "beside"}); code(err) != "difference.not_compared" && code(err) != "review.followed" {
		t.Errorf("two follow one: %v", err)
	}
	c.must(withdrawn(c, c.developer, second.Number))
	third, err := c.serve.Requests.Resubmit(c.ctx, c.officer.Subject, second.Number, output.ResubmitSpec{Job: first.Output.Job, Context: "the first was right"})
	c.must(err)
	if third.Follows != second.Number || third.Output.Digest != first.Output.Digest {
		t.Errorf("got %+v", third)
	}
	if err := withdrawn(c, c.reviewer, third.Number); code(err) != "unknown" {
		t.Errorf("the agency withdraws: %v", err)
	}
	c.must(withdrawn(c, c.officer, third.Number)) // who opened it
	if _, err := c.serve.Requests.Resubmit(c.ctx, c.reviewer.Subject, third.Number, output.ResubmitSpec{Context: "x"}); code(err) != "unknown" {
		t.Errorf("the agency hands in: %v", err)
	}
	if _, err := c.serve.Requests.Resubmit(c.ctx, c.developer.Subject, third.Number, output.ResubmitSpec{}); code(err) != "resubmission.invalid" {
		t.Errorf("without a context: %v", err)
	}
}

func withdrawn(c *city, p person, number string) error {
	_, err := c.serve.Requests.Withdraw(c.ctx, p.Subject, number)
	return err
}

// TestDecidedStaysDecided lets nobody take back what both seats have voted on, though the keeper has not come to it.
func TestDecidedStaysDecided(t *testing.T) {
	c := newCity(t, plenty())
	r := c.opened()
	c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve))
	c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Reject))
	if err := withdrawn(c, c.developer, r.Number); code(err) != "review.decided" {
		t.Errorf("got %v", err)
	}
	c.turns()
	if r, err := c.serve.Requests.Show(c.ctx, c.developer.Subject, r.Number); err != nil || r.State != "rejected" {
		t.Errorf("%s, %v", r.State, err)
	}
	c.closed(r.Number, "request.move_not_allowed")
}

// TestVoidVotesCloseNothing: a vote that became void after the keeper looked closes nothing, and neither does a request
// that has gone another way meanwhile.
func TestVoidVotesCloseNothing(t *testing.T) {
	c := newCity(t, plenty())
	r := c.opened()
	c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve))
	c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Reject))
	var seen postgres.Request
	c.must(c.owner.InTx(c.ctx, func(tx *postgres.Tx) (err error) {
		seen, err = tx.Request(c.ctx, r.Number)
		return err
	}))
	state := func() string {
		t.Helper()
		r, err := c.serve.Requests.Show(c.ctx, c.developer.Subject, r.Number)
		c.must(err)
		return r.State
	}
	c.sql("update vote set voided_at = now() where seat = 'agency'")
	c.must(c.keeper.Catalog.Releases.End(c.ctx, seen, output.Reject))
	if got := state(); got != "in_review" {
		t.Fatalf("with a void vote the request is %s", got)
	}
	c.must(withdrawn(c, c.developer, r.Number))
	c.sql("update vote set voided_at = null")
	c.must(c.keeper.Catalog.Releases.End(c.ctx, seen, output.Reject))
	if got := state(); got != "withdrawn" {
		t.Fatalf("a withdrawn request became %s", got)
	}
}

// TestRoundsOnce repeats each verb under its key, and holds each against what its caller saw.
func TestRoundsOnce(t *testing.T) {
	c := newCity(t, plenty())
	r := c.opened()
	look := func(p person, number string) string {
		shown, err := c.serve.Requests.Show(c.ctx, p.Subject, number)
		c.must(err)
		tag, err := catalog.Tag(shown)
		c.must(err)
		return tag
	}
	stale := look(c.reviewer, r.Number)
	for n, verb := range []struct {
		who person
		do  func(catalog.Condition) (output.RequestView, error)
	}{
		{c.reviewer, func(on catalog.Condition) (output.RequestView, error) {
			return c.serve.Requests.Comment(catalog.Under(c.ctx, on), c.reviewer.Subject, r.Number, output.CommentSpec{Text: "said"})
		}},
		{c.reviewer, func(on catalog.Condition) (output.RequestView, error) {
			return c.serve.Requests.Return(catalog.Under(c.ctx, on), c.reviewer.Subject, r.Number, why(output.Disclosure))
		}},
		{c.developer, func(on catalog.Condition) (output.RequestView, error) {
			return c.serve.Requests.Resubmit(catalog.Under(c.ctx, on), c.developer.Subject, r.Number, output.ResubmitSpec{Context: "again"})
		}},
	} {
		on := catalog.Condition{Key: "one-intention-of-" + string(rune('a'+n)), Asked: sha256.Sum256([]byte{byte(n)}), Seen: look(verb.who, r.Number)}
		first, err := verb.do(on)
		c.must(err)
		second, err := verb.do(on)
		c.must(err)
		if first, second := asText(t, first), asText(t, second); first != second {
			t.Errorf("first %s, repeated %s", first, second)
		}
		late := catalog.Condition{Key: "another-intention-of-" + string(rune('a'+n)), Seen: stale}
		if _, err := verb.do(late); code(err) == "" {
			t.Errorf("done on what had changed")
		} else if n == 0 && code(err) != "object.changed" {
			t.Errorf("got %v", err)
		}
	}
	requests, err := c.serve.Requests.List(c.ctx, c.developer.Subject, catalog.Page{})
	c.must(err)
	if len(requests.Items) != 2 || c.reads(c.developer, r.Number) != "agency: said" {
		t.Errorf("%d requests, comments %q", len(requests.Items), c.reads(c.developer, r.Number))
	}
	next := requests.Items[0].Number
	if requests.Items[1].Follows != "" {
		next = requests.Items[1].Number
	}
	on := catalog.Condition{Key: "the-last-intention", Seen: stale}
	if _, err := c.serve.Requests.Withdraw(catalog.Under(c.ctx, on), c.developer.Subject, next); code(err) != "object.changed" {
		t.Errorf("withdrawn unseen: %v", err)
	}
	on.Seen = look(c.developer, next)
	if _, err := c.serve.Requests.Withdraw(catalog.Under(c.ctx, on), c.developer.Subject, next); err != nil {
		t.Error(err)
	}
}

func asText(t *testing.T, view output.RequestView) string {
	t.Helper()
	body, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestEndingsRace lets the votes that approve, a return, a withdrawal and the keeper race over one request, in rounds,
// until one is released: each ends once, and only two counting votes let anything out (S37).
func TestEndingsRace(t *testing.T) {
	c := newCity(t, plenty())
	ends := map[string]int{}
	r := c.opened()
	for round := range 12 {
		votes := []func(){func() { _ = c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve) }}
		if round%2 == 0 { // a return against the first vote, later a withdrawal against the second
			votes = append(votes, func() { _ = c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve) })
			votes = append(votes, func() { _, _ = c.serve.Requests.Return(c.ctx, c.officer.Subject, r.Number, why(output.UnclearCode)) })
		} else {
			c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve))
		}
		var all sync.WaitGroup
		for _, act := range append(votes, func() { _ = withdrawn(c, c.developer, r.Number) }, func() { _, _ = c.keeper.Turn(c.ctx) }) {
			all.Go(act)
		}
		all.Wait()
		c.turns()
		r = c.settledOnce(r.Number)
		if ends[r.State]++; r.State == string(output.Released) {
			break
		}
		next, err := c.serve.Requests.Resubmit(c.ctx, c.developer.Subject, r.Number, output.ResubmitSpec{Context: "again"})
		c.must(err)
		r = next
	}
	t.Logf("rounds ended: %v", ends)
}

// settledOnce checks that a request ended in one way, and that only one that was released has a release.
func (c *city) settledOnce(number string) output.RequestView {
	c.t.Helper()
	r, err := c.serve.Requests.Show(c.ctx, c.developer.Subject, number)
	c.must(err)
	out := map[string]string{"released": "released", "returned": "auto_checked", "withdrawn": "auto_checked"}
	if r.Output.State != out[r.State] || (r.Release != "") != (r.State == "released") {
		c.t.Errorf("%s: the output is %s, release %q", r.State, r.Output.State, r.Release)
	}
	if r.State != "released" && len(r.Votes) != 0 {
		c.t.Errorf("%s with votes that count: %v", r.State, r.Votes)
	}
	releases, err := c.serve.Releases.List(c.ctx, c.developer.Subject, catalog.Page{})
	c.must(err)
	if want := map[bool]int{true: 1}[r.State == "released"]; len(releases.Items) != want {
		c.t.Errorf("%s with %d releases", r.State, len(releases.Items))
	}
	return r
}

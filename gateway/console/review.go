package console

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/screen"
)

// reviewsPage is the queue of the desk.
type reviewsPage struct {
	Waiting []output.RequestView // what is due first first
	Ended   []output.RequestView // newest first
}

func showReviews(c call) (answer, error) {
	open, err := requests(c, catalog.Page{State: string(output.InReview), Limit: catalog.MaxPage})
	if err != nil {
		return answer{}, err
	}
	all, err := requests(c, catalog.Page{Limit: pageSize})
	p := reviewsPage{Waiting: open.Items}
	slices.SortStableFunc(p.Waiting, func(a, b output.RequestView) int {
		if a.Due != nil && b.Due != nil && !a.Due.Equal(*b.Due) {
			return a.Due.Compare(*b.Due)
		}
		return a.OpenedAt.Compare(b.OpenedAt)
	})
	p.Ended = slices.DeleteFunc(all.Items, func(r output.RequestView) bool { return r.State == string(output.InReview) })
	return answer{Body: p}, err
}

// seatOf is the seat somebody's roles give them in reviews; "" for none.
func seatOf(who policy.Subject) output.Seat {
	has := func(c org.Capacity, r org.Role) bool {
		return slices.Contains(who.Capacities, string(c)) && slices.Contains(who.Roles, string(r))
	}
	switch {
	case has(org.ImplementingAgency, org.OutputReviewer):
		return output.AgencySeat
	case has(org.Operator, org.SecurityOfficer):
		return output.OperatorSeat
	}
	return ""
}

// reviewPage is the desk with one request on it.
type reviewPage struct {
	output.RequestView
	Seat output.Seat // the reader's
	Why  string      // a text: why they cannot vote now
	Weak bool        // a second factor would do
	File output.View // of the job's outputs, the one that is looked at
	tabbed
	Table    *sheet
	Evidence []rule
	Figures  int64 // that the output tells
	Lines    []line
	Changed  int // lines that differ from the last released code
	Reasons  []output.Reason
	Author   []button // of the operator's side, about its own request
	Speaks   bool     // the reader may comment
	Once     string   // makes a form count once
}

func showReview(c call) (answer, error) {
	view, err := c.cat.Requests.Show(c.ctx, c.who, c.arg("number"))
	if err != nil {
		return answer{}, err
	}
	p := reviewPage{RequestView: view, Seat: seatOf(c.who), Reasons: output.Reasons(), Once: rand.Text()}
	p.Weak = c.who.Strength != policy.Strong
	p.explain()
	if p.Author, err = authorButtons(c, view); err != nil {
		return answer{}, err
	}
	remark, err := c.offer(!c.sits(org.Operator), button{Verb: "review.comment"})
	if err != nil {
		return answer{}, err
	}
	p.Speaks = remark[0].Why == ""
	if err := p.choose(c); err != nil {
		return answer{}, err
	}
	chart := tab{Name: "chart"}
	if p.Seat != output.AgencySeat {
		chart.Why = "desk.no_values"
	}
	if p.tabbed, err = openTabs(c, view.Number, tab{Name: "table"}, chart, tab{Name: "code"}, tab{Name: "earlier"}); err != nil {
		return answer{}, err
	}
	for i := range p.Tabs {
		p.Tabs[i].Path += "&file=" + p.File.Name
	}
	p.Lines = difference(lastCode(view), view.Code)
	for _, l := range p.Lines {
		if l.Mark != "" {
			p.Changed++
		}
	}
	if p.Tab == "table" || p.Tab == "chart" {
		err = p.lay(c)
	}
	return answer{Object: view.Number, State: view.State, Body: p}, err
}

// explain says why the reader cannot vote now, unless nothing on the page speaks against it.
func (p *reviewPage) explain() {
	switch {
	case p.Seat == "":
		p.Why = "desk.why_no_seat"
	case p.State != string(output.InReview):
		p.Why = "desk.why_ended"
	case slices.Contains(p.Voted, p.Seat):
		p.Why = "desk.why_voted"
	}
}

// choose finds the output that is asked for, first of all the request's own.
func (p *reviewPage) choose(c call) error {
	name := cmp.Or(c.r.URL.Query().Get("file"), p.Output.Name)
	i := slices.IndexFunc(p.Desk.Files, func(f output.View) bool { return f.Name == name })
	if i < 0 {
		return fault.NotFound()
	}
	p.File = p.Desk.Files[i]
	return nil
}

func lastCode(view output.RequestView) string {
	if view.Desk.LastCode == nil {
		return ""
	}
	return view.Desk.LastCode.Code
}

// lay fills in the table, with values for whom they are, and what the rules found in it.
func (p *reviewPage) lay(c call) error {
	var declared job.Table
	if err := json.Unmarshal(p.File.Schema, &declared); err != nil {
		return fmt.Errorf("reading declared table: %w", err)
	}
	var findings []screen.Finding
	if err := json.Unmarshal(p.File.Findings, &findings); err != nil {
		return fmt.Errorf("reading findings: %w", err)
	}
	s := newSheet(declared)
	if p.withhold(s); s.Why == "" {
		if err := p.values(c, s); err != nil {
			return err
		}
	}
	s.flag(findings)
	if p.File.Name == p.Output.Name {
		s.remark(p.Comments)
	}
	p.Evidence, p.Figures = rulesOf(findings, len(s.Rows)), int64(len(s.Rows)*len(declared.Measures))
	p.Table = s.part(c)
	return nil
}

// values fills in what the output tells. Between the request and this its state may have changed: then the rules refuse,
// and the page is shown without.
func (p *reviewPage) values(c call, s *sheet) error {
	body, err := c.cat.Outputs.Fetch(c.ctx, c.who, p.Output.Job, p.Output.Name)
	if fault.Of(err) == fault.Denied {
		s.Why = "desk.values_refused"
		return nil
	}
	if err != nil {
		return err
	}
	return s.fill(body)
}

// withhold says why the table is shown without values, unless the reader may have them: then each view is decided and
// traced by its own verb.
func (p *reviewPage) withhold(s *sheet) {
	switch {
	case p.Seat != output.AgencySeat:
		s.Why = "desk.no_values"
	case p.File.Name != p.Output.Name || p.State != string(output.InReview):
		s.Why = "desk.values_later"
	case p.Weak:
		s.Why = "desk.values_weak"
	}
}

// rule is one rule of screening and what it found in an output.
type rule struct {
	Code  string
	Found bool
	Cells int // that it names; 0 for a finding about the whole
	Of    int
}

// rulesOf lists every rule, in the order in which they are judged.
func rulesOf(findings []screen.Finding, cells int) []rule {
	var all []rule
	for _, code := range screen.Codes() {
		r := rule{Code: code, Of: cells}
		for _, f := range findings {
			if f.Code == code {
				r.Found, r.Cells = true, r.Cells+len(f.Cells)
			}
		}
		all = append(all, r)
	}
	return all
}

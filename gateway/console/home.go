package console

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/registration"
)

// duty is one thing that waits for the reader's seat, or that the seat has done.
type duty struct {
	Kind   string // a text: what is to be done
	Object string
	Path   string // of its page in the console; "" when it has none yet
	From   string // who asks
	At     time.Time
	Due    *time.Time // the law's or the rules' last moment; nil for none
	State  string
	Waits  string // seat or capacity whose move it is; "" for the reader's own, or nobody's
	Done   bool
}

// source is where duties come from: a seat, and the verbs that list what lies before it.
type source struct {
	capacity org.Capacity
	role     org.Role
	duties   func(call) ([]duty, error)
}

// sources lists them. Who has the seat may list: nobody is refused here.
func sources() []source {
	return []source{
		{org.ImplementingAgency, org.Approver, grantDuties},
		{org.ImplementingAgency, org.Approver, runDuties("agency", "operator")},
		{org.Operator, org.SecurityOfficer, runDuties("operator")},
		{org.ImplementingAgency, org.OutputReviewer, reviewDuties(output.AgencySeat)},
		{org.Operator, org.SecurityOfficer, reviewDuties(output.OperatorSeat)},
		{org.Registrar, org.Approver, registrationDuties},
		{org.ImplementingAgency, org.Approver, signDuties},
		{org.Operator, org.Approver, signDuties},
		{org.DataAuthority, org.Approver, fileDuties},
	}
}

// homePage is what the first page shows.
type homePage struct {
	Todo, Done []duty
	Started    []duty       // by the reader's organization, and not ended
	Ending     []grant.View // grants whose last day is near
	Steward    bool         // the reader may see who used the organization's datasets
	Uses       []budget.Recent
	Seats      bool // the reader has a seat that anything can wait for
	Catalogue  bool // the reader may see datasets
}

// near is how many days before its last one a grant is shown on the first page.
const near = 30

func home(c call) (answer, error) {
	p := homePage{Catalogue: c.may["dataset.list"]}
	for _, s := range sources() {
		if !slices.Contains(c.who.Capacities, string(s.capacity)) || !slices.Contains(c.who.Roles, string(s.role)) {
			continue
		}
		found, err := s.duties(c)
		if err != nil {
			return answer{}, err
		}
		p.Seats = true
		for _, d := range found {
			if d.Done {
				p.Done = append(p.Done, d)
			} else {
				p.Todo = append(p.Todo, d)
			}
		}
	}
	slices.SortStableFunc(p.Todo, sooner)
	slices.SortStableFunc(p.Done, func(a, b duty) int { return b.At.Compare(a.At) })
	p.Done = p.Done[:min(len(p.Done), pageSize)]
	var err error
	if p.Started, err = started(c); err != nil {
		return answer{}, err
	}
	if p.Ending, err = ending(c); err != nil {
		return answer{}, err
	}
	if p.Steward = c.may[readUsage]; p.Steward {
		p.Uses, err = c.cat.Usage.Recent(c.ctx, c.who)
	}
	return answer{Body: p}, err
}

// sooner puts what is due first before the rest, and what waits longest before what came later.
func sooner(a, b duty) int {
	if a.Due != nil && b.Due != nil {
		return a.Due.Compare(*b.Due)
	}
	if a.Due != nil || b.Due != nil {
		return cmp.Compare(dated(b), dated(a))
	}
	return a.At.Compare(b.At)
}

func dated(d duty) int {
	if d.Due == nil {
		return 0
	}
	return 1
}

func ending(c call) ([]grant.View, error) {
	if !c.may["grant.list"] {
		return nil, nil
	}
	found, err := c.cat.Grants.List(c.ctx, c.who, catalog.Page{State: string(grant.Active), Limit: catalog.MaxPage})
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(found.Items, func(g grant.View) bool { return g.Scope.To.End().After(c.now.AddDate(0, 0, near)) })
	slices.SortStableFunc(all, func(a, b grant.View) int { return a.Scope.To.End().Compare(b.Scope.To.End()) })
	return all, nil
}

// gather reads a list in each state that waits for people, and then what came last, for what the seat has done. line
// makes a duty of an element, unless it is none of this seat's.
func gather[V any](c call, verb func(call, catalog.Page) (catalog.Listed[V], error), line func(V) (duty, bool), waiting ...flow.State) ([]duty, error) {
	var all []duty
	for _, state := range append(waiting, "") {
		p := catalog.Page{State: string(state)}
		if state != "" {
			p.Limit = catalog.MaxPage
		}
		found, err := verb(c, p)
		if err != nil {
			return nil, err
		}
		for _, v := range found.Items {
			if d, mine := line(v); mine && d.Done == (state == "") {
				all = append(all, d)
			}
		}
	}
	return all, nil
}

func grantDuties(c call) ([]duty, error) {
	return gather(c, grants, func(g grant.View) (duty, bool) {
		return duty{
			Kind: "duty.grant", Object: g.Number, Path: Prefix + "/grants/" + g.Number, From: g.OperatorName, At: g.CreatedAt,
			State: g.State, Done: g.State != string(grant.Proposed),
		}, true
	}, grant.Proposed)
}

// runDuties are the runs a seat consents to, after the seats before it.
func runDuties(seat string, before ...string) func(call) ([]duty, error) {
	return func(c call) ([]duty, error) {
		return gather(c, jobs, func(j job.View) (duty, bool) {
			done := slices.Contains(j.Approvals, seat)
			return duty{
				Kind: "duty.run", Object: j.Number, Path: Prefix + "/jobs/" + j.Number, From: j.Name, At: j.CreatedAt, State: j.State, Done: done,
			}, j.Mode == job.Production && (done || j.State == string(job.Checked) && slices.Equal(j.Approvals, before))
		}, job.Checked)
	}
}

// reviewDuties are the outputs a seat votes on.
func reviewDuties(seat output.Seat) func(call) ([]duty, error) {
	return func(c call) ([]duty, error) {
		return gather(c, requests, func(r output.RequestView) (duty, bool) {
			done := slices.Contains(r.Voted, seat)
			return duty{
				Kind: "duty.review", Object: r.Number, Path: Prefix + "/reviews/" + r.Number, Due: r.Due, From: r.Output.Name, At: r.OpenedAt, State: r.State, Done: done,
			}, done || r.State == string(output.InReview)
		}, output.InReview)
	}
}

func requests(c call, p catalog.Page) (catalog.Listed[output.RequestView], error) {
	return c.cat.Requests.List(c.ctx, c.who, p)
}

// registrationDuties are the steps the law gives the registrar days for (R9, R13).
func registrationDuties(c call) ([]duty, error) {
	return gather(c, registrations, func(r registration.View) (duty, bool) {
		return duty{
			Kind: "duty.registration", Object: r.Number, Path: registrationPath(r.Number), From: r.Dataset, At: r.AppliedAt, State: r.State, Due: stepDue(r),
			Done: r.CodedAt != nil,
		}, true
	}, registration.Submitted, registration.Accepted, registration.InNotice)
}

func registrations(c call, p catalog.Page) (catalog.Listed[registration.View], error) {
	return c.cat.Registrations.List(c.ctx, c.who, p)
}

// stepDue is the last moment of the step a registration waits for; nil when it waits for none.
func stepDue(r registration.View) *time.Time {
	switch {
	case r.AcceptedAt == nil:
		return &r.AcceptDue
	case r.NoticedAt == nil:
		return r.ReviewDue
	case r.CodedAt == nil:
		return r.NoticeEnds
	}
	return nil
}

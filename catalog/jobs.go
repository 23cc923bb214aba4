package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Jobs keeps jobs from submit to quarantine. Submit, approvals and stops are here; what the keeper does with
// a job is in admit.go and settle.go.
type Jobs struct{ c *core }

// Submit asks for a run on real data. The declared inputs, columns, rows and purpose are decided against
// every scope dimension, the budget is reserved, and the code goes to check, all before one row is read.
// Who: developer of the operator.
func (s *Jobs) Submit(ctx context.Context, caller policy.Subject, p job.Package) (job.View, error) {
	return s.add(ctx, caller, "job.submit", job.Production, p)
}

// Debug runs code on synthetic tables made from the signed profiles, with full messages and no approvals.
// Who: developer of the operator.
func (s *Jobs) Debug(ctx context.Context, caller policy.Subject, p job.Package) (job.View, error) {
	return s.add(ctx, caller, "job.debug", job.Debug, p)
}

func (s *Jobs) add(ctx context.Context, caller policy.Subject, action policy.Action, mode job.Mode, p job.Package) (view job.View, err error) {
	row, err := s.c.packed(caller, mode, p)
	if err != nil {
		return job.View{}, err
	}
	err = s.c.change(ctx, caller, action, &view, func(d *deed) error {
		d.refs["code"] = row.CodeDigest
		g, err := d.groundOf(p.Inputs, caller.Org, spend)
		if err != nil {
			return err
		}
		scope := g.scope(p, mode == job.Debug)
		bill := billOf(p.Inputs, g)
		if mode == job.Production {
			if scope.Budgets, err = d.monthFacts(caller.Org, g, bill, d.tx.LockSpent); err != nil {
				return err
			}
		}
		if err := d.decide(policy.Object{Kind: "job", Org: caller.Org}, p.Name, policy.Facts{Scope: scope}); err != nil {
			return err
		}
		if err := d.freeze(&row, &p); err != nil {
			return err
		}
		if err := d.newJob(&row, p, g); err != nil {
			return err
		}
		if mode == job.Production {
			if err := d.charge(row, g, bill); err != nil {
				return err
			}
		}
		if view, err = d.jobView(row); err != nil {
			return err
		}
		if view.Budgets, err = d.jobBudgets(row); err != nil {
			return err
		}
		return d.queue(row.ID, nil, d.checkLetter(p, g))
	})
	return view, err
}

// packed validates a package and freezes it as the job it would be.
func (c *core) packed(caller policy.Subject, mode job.Mode, p job.Package) (postgres.Job, error) {
	if err := p.Validate(c.jobLimits()); err != nil {
		return postgres.Job{}, err
	}
	body, digest, err := p.Encode()
	return postgres.Job{
		Org: caller.Org, Author: caller.Member, Kind: string(mode), State: string(flowOf(mode).Start()),
		Package: body, CodeDigest: string(digest), RuleSet: c.Rules.Version,
	}, err
}

// freeze puts the image into the package of a Python job: from then on its digest says all that runs.
func (d *deed) freeze(row *postgres.Job, p *job.Package) error {
	if p.Engine != job.EnginePython {
		return nil
	}
	if err := d.pictured(p); err != nil {
		return err
	}
	body, digest, err := p.Encode()
	row.Package, row.CodeDigest, row.Image = body, string(digest), &p.Image
	d.refs["code"], d.refs["image"] = row.CodeDigest, p.Image
	return err
}

// newJob adds a job with the inputs whose grants are known.
func (d *deed) newJob(row *postgres.Job, p job.Package, g *ground) (err error) {
	if row.Number, err = d.newNumber(name.Job); err != nil {
		return err
	}
	row.ID, row.CreatedAt = name.NewID().String(), d.now
	d.object.ID, d.number = row.ID, row.Number
	var inputs []postgres.JobInput
	for _, in := range p.Inputs {
		if !g.knows(in) {
			continue
		}
		grant := g.grants[string(in.Grant)]
		inputs = append(inputs, postgres.JobInput{
			Job: row.ID, Name: in.Name, DataGrant: grant.ID, Dataset: grant.Dataset, Version: in.Version, Columns: in.Columns,
		})
		d.detail["grant."+in.Name] = string(in.Grant)
	}
	return d.tx.InsertJob(d.ctx, *row, inputs)
}

// charge holds the gate of debug runs, and takes a submit's cost from every budget it draws on.
func (d *deed) charge(row postgres.Job, g *ground, b bill) error {
	if err := d.debugged(row.CodeDigest); err != nil {
		return err
	}
	if grants := overdrawn(g, b); len(grants) > 0 {
		return fault.Refused(policy.Decision{Reasons: overspent(grants)})
	}
	return d.book(row, b, taken)
}

// debugged holds the rule that code runs on synthetic data before it runs on real data (gate "debug").
func (d *deed) debugged(digest string) error {
	if !d.c.Rules.Gates.Debug {
		return nil
	}
	done, err := d.tx.DebuggedCode(d.ctx, d.caller.Org, digest)
	if err != nil {
		return fmt.Errorf("looking for a debug run: %w", err)
	}
	if !done {
		return fault.New(fault.Conflict, "job.not_debugged")
	}
	return nil
}

// Approve is one seat's consent to a run on real data: the operator's security officer, then the agency.
// With both the job is queued in the same transaction.
func (s *Jobs) Approve(ctx context.Context, caller policy.Subject, number string) (view job.View, err error) {
	err = s.c.change(ctx, caller, "job.approve", &view, func(d *deed) error {
		row, err := d.lockedJob(number, policy.Facts{})
		if err != nil {
			return err
		}
		if err := d.seen(d.jobView(row)); err != nil {
			return err
		}
		seat, err := d.jobSeat(row)
		if err != nil {
			return err
		}
		if err := d.approve(&row, seat); err != nil {
			return err
		}
		view, err = d.jobView(row)
		return err
	})
	return view, err
}

// approve adds one seat's consent. The operator's seat comes first; the second consent queues the run.
func (d *deed) approve(row *postgres.Job, seat string) error {
	to, err := flowOf(job.Mode(row.Kind)).Check(state(row.State), "approve")
	if err != nil {
		return err
	}
	if len(row.Approvals) == 0 && seat != "operator" || len(row.Approvals) > 0 && seat != "agency" {
		return fault.New(fault.Conflict, "job.seat_order")
	}
	row.Approvals = append(row.Approvals, postgres.Approval{Seat: seat, Member: d.caller.Member, At: d.now})
	d.detail["seat"] = seat
	if len(row.Approvals) < 2 {
		return d.tx.PutApprovals(d.ctx, row.ID, row.State, row.Approvals)
	}
	if to, err = job.Flow().Check(to, "queue"); err != nil {
		return err
	}
	row.State = string(to)
	if err := d.tx.PutApprovals(d.ctx, row.ID, row.State, row.Approvals); err != nil {
		return err
	}
	return d.queueRun(*row)
}

// flowOf returns the life of a job of a mode.
func flowOf(mode job.Mode) flow.Table {
	switch mode {
	case job.Debug:
		return job.DebugFlow()
	case job.Check:
		return job.CheckFlow()
	default:
		return job.Flow()
	}
}

// jobLimits bounds a package by the rule set in force.
func (c *core) jobLimits() job.Limits {
	r := c.Rules.Jobs
	return job.Limits{
		CodeBytes: r.CodeBytes, Inputs: r.Inputs, Outputs: r.Outputs, Dimensions: r.Dimensions, Measures: r.Measures, Cells: r.Cells,
	}
}

// jobSeat tells which seat the caller sits on, and refuses who is no party.
func (d *deed) jobSeat(row postgres.Job) (string, error) {
	if row.Org == d.caller.Org {
		return "operator", nil
	}
	return "agency", d.party(row)
}

// agencyOf finds the implementing agency of a job: the one the agreements of all its grants name.
func (d *deed) agencyOf(jobID string) (string, error) {
	agencies, err := d.agencies(jobID)
	if err != nil {
		return "", err
	}
	return oneAgency(agencies)
}

// agencies lists the agency of each of a job's inputs.
func (d *deed) agencies(jobID string) ([]string, error) {
	inputs, err := d.tx.JobInputs(d.ctx, jobID)
	if err != nil {
		return nil, fmt.Errorf("reading inputs: %w", err)
	}
	list := make([]string, 0, len(inputs))
	for _, in := range inputs {
		g, err := d.tx.GrantByID(d.ctx, in.DataGrant)
		if err != nil {
			return nil, fmt.Errorf("reading grant: %w", err)
		}
		a, err := d.tx.ShareAgreement(d.ctx, g.Agreement)
		if err != nil {
			return nil, fmt.Errorf("reading agreement: %w", err)
		}
		list = append(list, a.Agency)
	}
	return list, nil
}

// oneAgency refuses inputs of several agencies: the consent of one must not carry another's data.
func oneAgency(agencies []string) (string, error) {
	if len(agencies) == 0 {
		return "", fault.NotFound()
	}
	for _, a := range agencies {
		if a != agencies[0] {
			return "", fault.Refused(policy.Decision{Reasons: []policy.Reason{{
				Code: "agreement.several_agencies", Dimension: "agreement", Remedy: "remedy.agreement.several_agencies",
			}}})
		}
	}
	return agencies[0], nil
}

// Cancel ends a job that has not ended. One that had not begun has read nothing, and its budget is given back.
// Who: its operator's developer; the agency.
func (s *Jobs) Cancel(ctx context.Context, caller policy.Subject, number string) (view job.View, err error) {
	err = s.c.change(ctx, caller, "job.cancel", &view, func(d *deed) error {
		row, p, g, err := d.jobToEnd(number)
		if err != nil {
			return err
		}
		if _, err := flowOf(job.Mode(row.Kind)).Check(state(row.State), "cancel"); err != nil {
			return err
		}
		if row.DataKey == nil { // no run was let at the data
			if err := d.giveBack(row, g, p, returned); err != nil {
				return err
			}
		}
		if err := d.stopJobs([]postgres.Job{row}, "job.cancelled"); err != nil {
			return err
		}
		row, err = d.tx.JobByID(ctx, row.ID)
		if err != nil {
			return err
		}
		view, err = d.jobView(row)
		return err
	})
	return view, err
}

// jobToEnd decides the end of a job and locks it, as it was seen, behind the grants whose budgets it may give back.
func (d *deed) jobToEnd(number string) (row postgres.Job, p job.Package, g *ground, err error) {
	found, err := d.tx.Job(d.ctx, number)
	if err != nil {
		return row, p, nil, err
	}
	if p, _, g, err = d.planned(found, spend); err != nil {
		return row, p, nil, err
	}
	if row, err = d.lockedJob(number, policy.Facts{}); err != nil {
		return row, p, nil, err
	}
	return row, p, g, d.seen(d.jobView(row))
}

// stopJobs ends jobs now: the row is killed in this transaction, and the worker is told to stop.
func (d *deed) stopJobs(jobs []postgres.Job, reason string) error {
	for _, j := range jobs {
		if err := d.tx.StopJob(d.ctx, j.ID, string(job.Killed), reason, d.now); err != nil {
			return fmt.Errorf("stopping job: %w", err)
		}
		if err := d.tx.StopWork(d.ctx, j.ID, reason); err != nil {
			return fmt.Errorf("stopping work: %w", err)
		}
		d.detail["stopped."+j.Number] = reason
	}
	d.tx.Notify("worker", "stop")
	return nil
}

// Show returns a job: the operator its own, the agency those under its agreements.
func (s *Jobs) Show(ctx context.Context, caller policy.Subject, number string) (view job.View, err error) {
	err = s.c.act(ctx, caller, "job.show", func(d *deed) error {
		if view, err = d.shownJob(number); err != nil {
			return err
		}
		row, err := d.tx.Job(ctx, number)
		if err != nil {
			return err
		}
		view.Budgets, err = d.jobBudgets(row)
		return err
	})
	return view, err
}

// Package returns what a job was handed in as, to look at or to begin another from. Who: as Show.
func (s *Jobs) Package(ctx context.Context, caller policy.Subject, number string) (p job.Package, err error) {
	err = s.c.act(ctx, caller, "job.show", func(d *deed) error {
		if _, err := d.shownJob(number); err != nil {
			return err
		}
		row, err := d.tx.Job(ctx, number)
		if err != nil {
			return err
		}
		d.detail["part"], d.refs["code"] = "package", row.CodeDigest
		p, err = packageOf(row)
		return err
	})
	return p, err
}

// shownJob reads a job for its parties and decides.
func (d *deed) shownJob(number string) (job.View, error) {
	row, err := d.tx.Job(d.ctx, number)
	if err != nil {
		return job.View{}, err
	}
	if err := d.party(row); err != nil {
		return job.View{}, err
	}
	if err := d.decide(policy.Object{Kind: "job", ID: row.ID, Org: row.Org}, number, policy.Facts{}); err != nil {
		return job.View{}, err
	}
	return d.jobView(row)
}

// List returns the jobs of the caller's organization and those under the agreements it is the agency of.
func (s *Jobs) List(ctx context.Context, caller policy.Subject, p Page) (views Listed[job.View], err error) {
	err = s.c.act(ctx, caller, "job.list", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "job", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.Job, error) { return d.tx.Jobs(ctx, caller.Org, w) },
			func(r postgres.Job) string { return r.ID }, d.jobView, job.Flow(), job.DebugFlow(), job.CheckFlow())
		return err
	})
	return views, err
}

// lockedJob reads the job an act is about for update, refuses who is no party to it, and decides.
func (d *deed) lockedJob(number string, facts policy.Facts) (postgres.Job, error) {
	found, err := d.tx.Job(d.ctx, number)
	if err != nil {
		return postgres.Job{}, err
	}
	row, err := d.tx.LockJob(d.ctx, found.ID)
	if err != nil {
		return postgres.Job{}, err
	}
	if err := d.party(row); err != nil {
		return postgres.Job{}, err
	}
	facts.Person = &policy.PersonFacts{First: row.Author}
	return row, d.decide(policy.Object{Kind: "job", ID: row.ID, Org: row.Org}, number, facts)
}

// party lets in a job's operator and its agency; to anybody else the job is unknown.
func (d *deed) party(row postgres.Job) error {
	if row.Org == d.caller.Org {
		return nil
	}
	agencies, err := d.agencies(row.ID)
	if err != nil {
		return err
	}
	if !slices.Contains(agencies, d.caller.Org) {
		return fault.NotFound()
	}
	_, err = oneAgency(agencies)
	return err
}

func (d *deed) jobView(row postgres.Job) (job.View, error) {
	p, err := packageOf(row)
	if err != nil {
		return job.View{}, err
	}
	answer, err := answerOf(row)
	if err != nil {
		return job.View{}, err
	}
	view := job.View{
		Number: row.Number, Name: p.Name, Mode: job.Mode(row.Kind), State: row.State, Purpose: p.Purpose, CodeDigest: row.CodeDigest,
		Stopped: text(row.Stopped), Refused: row.Refused, Failure: row.Failure, Findings: row.Findings, Usage: row.Usage,
		Answer: answer, CreatedAt: row.CreatedAt, EndedAt: row.EndedAt, Approvals: []string{}, Outputs: []string{},
	}
	for _, a := range row.Approvals {
		view.Approvals, view.Consents = append(view.Approvals, a.Seat), append(view.Consents, job.Consent{Seat: a.Seat, At: a.At})
	}
	outputs, err := d.tx.Outputs(d.ctx, row.ID)
	if err != nil {
		return job.View{}, fmt.Errorf("reading outputs: %w", err)
	}
	for _, o := range outputs {
		view.Outputs = append(view.Outputs, o.Name)
		if o.State == string(output.Released) {
			view.Released = append(view.Released, o.Name)
		}
	}
	if row.State == string(job.Queued) || row.State == string(job.Submitted) {
		view.QueuePlace, err = d.tx.QueuePlace(d.ctx, row.ID)
	}
	return view, err
}

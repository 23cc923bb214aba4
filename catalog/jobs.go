package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
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
	if err := p.Validate(s.c.jobLimits()); err != nil {
		return job.View{}, err
	}
	body, digest, err := p.Encode()
	if err != nil {
		return job.View{}, err
	}
	err = s.c.change(ctx, caller, action, &view, func(d *deed) error {
		d.refs["code"] = string(digest)
		g, err := d.groundOf(p.Inputs, caller.Org, spend)
		if err != nil {
			return err
		}
		facts := policy.Facts{Scope: g.scope(p, mode == job.Debug)}
		if err := d.decide(policy.Object{Kind: "job", Org: caller.Org}, p.Name, facts); err != nil {
			return err
		}
		row, inputs, err := d.newJob(mode, p, body, string(digest), g)
		if err != nil {
			return err
		}
		if mode == job.Production {
			if err := d.debugged(string(digest)); err != nil {
				return err
			}
			if err := d.spendBudgets(inputs, g, 1); err != nil {
				return err
			}
		}
		view, err = d.jobView(row)
		if err != nil {
			return err
		}
		return d.queue(row.ID, nil, checkLetter(p, g))
	})
	return view, err
}

func (d *deed) newJob(mode job.Mode, p job.Package, body []byte, digest string, g *ground) (postgres.Job, []postgres.JobInput, error) {
	number, err := d.newNumber(name.Job)
	if err != nil {
		return postgres.Job{}, nil, err
	}
	row := postgres.Job{
		ID: name.NewID().String(), Number: number, Org: d.caller.Org, Author: d.caller.Member, Kind: string(mode),
		State: string(flowOf(mode).Start()), Package: body, CodeDigest: digest, RuleSet: d.c.Rules.Version, CreatedAt: d.now,
	}
	d.object.ID, d.number = row.ID, number
	var inputs []postgres.JobInput
	for _, in := range p.Inputs {
		grant := g.grants[string(in.Grant)]
		inputs = append(inputs, postgres.JobInput{
			Job: row.ID, Name: in.Name, DataGrant: grant.ID, Dataset: grant.Dataset, Version: in.Version, Columns: in.Columns,
		})
		d.detail["grant."+in.Name] = string(in.Grant)
	}
	return row, inputs, d.tx.InsertJob(d.ctx, row, inputs)
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

// spendBudgets takes one run, and the rows of each input, from every grant; runs −1 gives them back.
func (d *deed) spendBudgets(inputs []postgres.JobInput, g *ground, runs int64) error {
	rows := map[string]int64{}
	for _, in := range inputs {
		if n := g.versions[versionKey(in.Dataset, in.Version)].Rows; n != nil {
			rows[in.DataGrant] += *n
		}
	}
	for _, row := range g.grants {
		err := d.tx.SpendGrant(d.ctx, row.ID, runs, runs*rows[row.ID])
		if postgres.IsCheck(err, "data_grant_rows_check") {
			return overspent() // several inputs of one grant: each alone was within what is left
		}
		if err != nil {
			return fmt.Errorf("spending budget: %w", err)
		}
	}
	return nil
}

// overspent refuses a job whose inputs together read more rows than their grant has left.
func overspent() error {
	return fault.Refused(policy.Decision{Reasons: []policy.Reason{{
		Code: "budget.rows", Dimension: "budget", Remedy: "remedy.budget.rows",
	}}})
}

// checkLetter asks for a verdict on a package's code over tables of the granted shape.
func checkLetter(p job.Package, g *ground) work.Letter {
	return work.Letter{Kind: work.Check, Check: &work.CheckLetter{CheckLetter: task.CheckLetter{
		Code: p.Code, Tables: tableSpecs(p, g), Output: p.Tables(),
	}}}
}

func tableSpecs(p job.Package, g *ground) []task.TableSpec {
	var specs []task.TableSpec
	for _, in := range p.Inputs {
		ds, _ := g.datasetNamed(string(in.Dataset))
		spec := task.TableSpec{Input: in.Name, Units: ds.Units}
		for _, c := range ds.Columns {
			if contains(in.Columns, c.Name) {
				spec.Columns = append(spec.Columns, c)
			} else {
				spec.Known = append(spec.Known, c.Name)
			}
		}
		specs = append(specs, spec)
	}
	return specs
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
	to, err := job.Flow().Check(state(row.State), "approve")
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
	if mode == job.Debug {
		return job.DebugFlow()
	}
	return job.Flow()
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

// queueRun queues the run of an approved job. What the worker is told is made again from the record.
func (d *deed) queueRun(row postgres.Job) error {
	letter, err := d.runLetter(row)
	if err != nil {
		return err
	}
	return d.queue(row.ID, nil, letter)
}

func (d *deed) runLetter(row postgres.Job) (work.Letter, error) {
	p, plan, g, err := d.planned(row)
	if err != nil {
		return work.Letter{}, err
	}
	inputs, first, err := d.runInputs(p, g)
	if err != nil {
		return work.Letter{}, err
	}
	return work.Letter{Kind: work.Run, Run: &work.RunLetter{
		Job: row.Number, Inputs: inputs, Code: d.code(p, g, plan, first),
	}}, nil
}

// planned reads a job's package, what check made of it, and what it rests on.
func (d *deed) planned(row postgres.Job) (p job.Package, plan []task.RelationPlan, g *ground, err error) {
	if p, err = packageOf(row); err != nil {
		return p, nil, nil, err
	}
	if row.Plan != nil {
		if err := json.Unmarshal(row.Plan, &plan); err != nil {
			return p, nil, nil, fmt.Errorf("reading plan: %w", err)
		}
	}
	g, err = d.groundOf(p.Inputs, row.Org, share)
	return p, plan, g, err
}

func (d *deed) runInputs(p job.Package, g *ground) (inputs []work.Input, first string, err error) {
	for _, in := range p.Inputs {
		ds, _ := g.datasetNamed(string(in.Dataset))
		parts, err := partsOf(g.versions[versionKey(ds.ID, in.Version)])
		if err != nil {
			return nil, "", err
		}
		inputs = append(inputs, work.Input{Scope: scopeOf(ds, g.grants[string(in.Grant)], in.Name, in.Columns), Dataset: ds.ID, Parts: parts})
		if first == "" {
			first = ds.ID
		}
	}
	return inputs, first, nil
}

func (d *deed) code(p job.Package, g *ground, plan []task.RelationPlan, digestBy string) work.Code {
	limits := d.c.Rules.Jobs
	ds := g.datasets[digestBy]
	return work.Code{
		Relations: plan, Tables: tableSpecs(p, g), Output: p.Tables(), RoundTo: ds.RoundTo, MemoryMB: limits.MemoryMB,
		Threads: limits.Threads, Splits: limits.Splits, Near: limits.DifferenceNear, DigestBy: digestBy,
	}
}

// debugLetter asks to run checked code on synthetic tables.
func (d *deed) debugLetter(row postgres.Job) (work.Letter, error) {
	p, plan, g, err := d.planned(row)
	if err != nil {
		return work.Letter{}, err
	}
	letter := work.DebugLetter{Rows: int64(d.c.Rules.Jobs.SyntheticRows), Source: p.Code}
	for _, in := range p.Inputs {
		ds, _ := g.datasetNamed(string(in.Dataset))
		v := g.versions[versionKey(ds.ID, in.Version)]
		if v.ProfileSigner == nil {
			return work.Letter{}, fault.New(fault.Conflict, "profile.unsigned")
		}
		var ref object.Ref
		if err := json.Unmarshal(v.Profile, &ref); err != nil {
			return work.Letter{}, fmt.Errorf("reading profile reference: %w", err)
		}
		scope := scopeOf(ds, g.grants[string(in.Grant)], in.Name, in.Columns)
		letter.Inputs = append(letter.Inputs, work.Input{Scope: scope, Dataset: ds.ID, Profile: &ref})
		letter.Code.DigestBy = ds.ID
	}
	letter.Code = d.code(p, g, plan, letter.Code.DigestBy)
	return work.Letter{Kind: work.Debug, Debug: &letter}, nil
}

// Cancel ends a job that has not ended. Who: its operator's developer; the agency.
func (s *Jobs) Cancel(ctx context.Context, caller policy.Subject, number string) (view job.View, err error) {
	err = s.c.change(ctx, caller, "job.cancel", &view, func(d *deed) error {
		row, err := d.lockedJob(number, policy.Facts{})
		if err != nil {
			return err
		}
		if err := d.seen(d.jobView(row)); err != nil {
			return err
		}
		if _, err := flowOf(job.Mode(row.Kind)).Check(state(row.State), "cancel"); err != nil {
			return err
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
	return d.tx.Notify(d.ctx, "worker", "stop")
}

// Show returns a job: the operator its own, the agency those under its agreements.
func (s *Jobs) Show(ctx context.Context, caller policy.Subject, number string) (view job.View, err error) {
	err = s.c.act(ctx, caller, "job.show", func(d *deed) error {
		view, err = d.shownJob(number)
		return err
	})
	return view, err
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
			func(r postgres.Job) string { return r.ID }, d.jobView)
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
	view := job.View{
		Number: row.Number, Name: p.Name, Mode: job.Mode(row.Kind), State: row.State, Purpose: p.Purpose, CodeDigest: row.CodeDigest,
		Stopped: text(row.Stopped), Failure: row.Failure, Findings: row.Findings, Usage: row.Usage,
		CreatedAt: row.CreatedAt, EndedAt: row.EndedAt, Approvals: []string{}, Outputs: []string{},
	}
	for _, a := range row.Approvals {
		view.Approvals = append(view.Approvals, a.Seat)
	}
	outputs, err := d.tx.Outputs(d.ctx, row.ID)
	if err != nil {
		return job.View{}, fmt.Errorf("reading outputs: %w", err)
	}
	for _, o := range outputs {
		view.Outputs = append(view.Outputs, o.Name)
	}
	if row.State == string(job.Queued) {
		view.QueuePlace, err = d.tx.QueuePlace(d.ctx, row.ID)
	}
	return view, err
}

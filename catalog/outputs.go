package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Outputs keeps what runs left in quarantine.
type Outputs struct{ c *core }

// List returns the outputs of a job with their findings, never with values. Who: its operator, its agency.
func (s *Outputs) List(ctx context.Context, caller policy.Subject, number string) (views []output.View, err error) {
	err = s.c.act(ctx, caller, "output.list", func(d *deed) error {
		row, err := d.jobOf(number)
		if err != nil {
			return err
		}
		rows, err := d.tx.Outputs(ctx, row.ID)
		if err != nil {
			return fmt.Errorf("listing outputs: %w", err)
		}
		views, err = each(rows, func(o postgres.Output) (output.View, error) { return d.outputView(row.Number, o) })
		return err
	})
	return views, err
}

// Destroy ends a blocked or unwanted output. Who: its operator.
func (s *Outputs) Destroy(ctx context.Context, caller policy.Subject, number, outputName string) (view output.View, err error) {
	err = s.c.change(ctx, caller, "output.destroy", &view, func(d *deed) error {
		row, err := d.jobOf(number)
		if err != nil {
			return err
		}
		found, err := d.tx.OutputNamed(ctx, row.ID, outputName)
		if err != nil {
			return err
		}
		o, err := d.tx.LockOutput(ctx, found.ID)
		if err != nil {
			return err
		}
		to, err := output.Flow().Check(state(o.State), "destroy")
		if err != nil {
			return err
		}
		o.State = string(to)
		if view, err = d.outputView(row.Number, o); err != nil {
			return err
		}
		return d.moveOutput(o, to)
	})
	return view, err
}

// Fetch returns the bytes of an output under review to the agency's seat; each view is traced. The
// operator's side never gets values before release (rule value preview.operator). Who: the agency's
// output_reviewer.
func (s *Outputs) Fetch(ctx context.Context, caller policy.Subject, number, outputName string) (body []byte, err error) {
	var o postgres.Output
	err = s.c.act(ctx, caller, "output.fetch", func(d *deed) error {
		row, err := d.tx.Job(ctx, number)
		if err != nil {
			return err
		}
		if err := d.party(row); err != nil {
			return err
		}
		if o, err = d.tx.OutputNamed(ctx, row.ID, outputName); err != nil {
			return err
		}
		facts, err := d.reviewFacts(row, o)
		if err != nil {
			return err
		}
		facts.Values = true
		d.refs["output"] = o.Digest
		return d.decide(policy.Object{Kind: "output", ID: o.ID, Org: row.Org}, number, policy.Facts{Review: facts})
	})
	if err != nil {
		return nil, err
	}
	var ref object.Ref
	if err := json.Unmarshal(o.Object, &ref); err != nil {
		return nil, fmt.Errorf("reading reference: %w", err)
	}
	return s.c.fetch(ctx, caller, "output.fetch", o.ID, nil, ref)
}

// jobOf reads the job an act on outputs is about, for its parties, and decides.
func (d *deed) jobOf(number string) (postgres.Job, error) {
	row, err := d.tx.Job(d.ctx, number)
	if err != nil {
		return postgres.Job{}, err
	}
	if err := d.party(row); err != nil {
		return postgres.Job{}, err
	}
	return row, d.decide(policy.Object{Kind: "output", ID: row.ID, Org: row.Org}, number, policy.Facts{})
}

// reviewFacts says what is on record about one output's review.
func (d *deed) reviewFacts(row postgres.Job, o postgres.Output) (*policy.ReviewFacts, error) {
	agency, err := d.agencyOf(row.ID)
	if err != nil {
		return nil, err
	}
	return &policy.ReviewFacts{
		State: o.State, Blocked: o.Blocked, Author: row.Author, Operator: row.Org, Agency: agency,
		Released: o.State == string(output.Released),
	}, nil
}

func (d *deed) outputView(jobNumber string, o postgres.Output) (output.View, error) {
	view := output.View{
		Job: jobNumber, Name: o.Name, State: o.State, Digest: o.Digest, Evidence: o.EvidenceDigest, Rows: o.Rows,
		Schema: o.Schema, Findings: o.Findings,
	}
	r, err := d.tx.RequestOf(d.ctx, o.ID)
	if err == nil {
		view.Request = r.Number
	} else if !absent(err) {
		return view, fmt.Errorf("reading request: %w", err)
	}
	return view, nil
}

// notCompared refuses to go on with an output that was never told apart from what others released or put
// under review since its run was admitted.
func notCompared() error {
	return fault.Refused(policy.Decision{Reasons: []policy.Reason{{
		Code: "difference.not_compared", Dimension: "difference", Remedy: "remedy.difference.not_compared",
	}}})
}

// moveOutput writes an output's next state. A job closes with the last of its outputs that is released, rejected or
// destroyed; its row is locked for it, so that of two outputs ending at once the second sees the first.
func (d *deed) moveOutput(o postgres.Output, to flow.State) error {
	if err := d.tx.MoveOutput(d.ctx, o.ID, string(to)); err != nil {
		return err
	}
	if !output.Settled(to) {
		return nil
	}
	row, err := d.tx.LockJob(d.ctx, o.Job)
	if err != nil {
		return fmt.Errorf("locking an output's job: %w", err)
	}
	all, err := d.tx.Outputs(d.ctx, row.ID)
	if err != nil {
		return fmt.Errorf("reading a job's outputs: %w", err)
	}
	open := slices.ContainsFunc(all, func(o postgres.Output) bool { return !output.Settled(state(o.State)) })
	if open || job.Flow().Ended(state(row.State)) { // what was rejected may be destroyed long after its job has closed
		return nil
	}
	closed, err := job.Flow().Check(state(row.State), "close")
	if err != nil {
		return err
	}
	return d.tx.MoveJob(d.ctx, row.ID, string(closed), &d.now)
}

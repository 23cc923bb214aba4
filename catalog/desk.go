package catalog

import (
	"fmt"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// showDue adds the day until which both seats are to have voted.
func (d *deed) showDue(view *output.RequestView, r postgres.Request) {
	days := d.c.Rules.Review.Days
	if days == 0 || r.EndedAt != nil {
		return
	}
	end := d.c.Calendar.AddWorkingDays(calendar.DateOf(r.CreatedAt), days).Date.End()
	view.Due = &end
}

// showDesk adds what a voter looks at beside the output.
func (d *deed) showDesk(view *output.RequestView, r postgres.Request, row postgres.Job) error {
	p, err := packageOf(row)
	if err != nil {
		return err
	}
	operator, err := d.tx.Org(d.ctx, r.Operator)
	if err != nil {
		return err
	}
	line, err := d.tx.RequestLine(d.ctx, r.ID)
	if err != nil {
		return fmt.Errorf("reading earlier requests: %w", err)
	}
	desk := &output.DeskView{
		Operator: operator.Number, OperatorName: operator.Name, JobName: p.Name, Purpose: p.Purpose, Round: len(line),
		Inputs: inputViews(p),
	}
	files, err := d.tx.Outputs(d.ctx, row.ID)
	if err != nil {
		return fmt.Errorf("listing outputs: %w", err)
	}
	desk.Files, err = each(files, func(o postgres.Output) (output.View, error) { return d.outputView(row.Number, o) })
	if err != nil {
		return err
	}
	if desk.LastCode, err = d.lastCode(r, row, p.Name); err != nil {
		return err
	}
	desk.Earlier, err = d.earlier(row)
	view.Desk = desk
	return err
}

func inputViews(p job.Package) []output.InputView {
	all := []output.InputView{}
	for _, in := range p.Inputs {
		all = append(all, output.InputView{Dataset: string(in.Dataset), Version: in.Version, Grant: string(in.Grant), Columns: in.Columns})
	}
	return all
}

// lastCode returns the code of what the same two organizations released last under a job's name; nil for the first.
func (d *deed) lastCode(r postgres.Request, row postgres.Job, jobName string) (*output.CodeView, error) {
	last, err := d.tx.LastReleased(d.ctx, r.Operator, r.Agency, jobName, row.ID)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the last released code: %w", err)
	}
	p, err := job.Decode(last.Package)
	if err != nil {
		return nil, fmt.Errorf("reading package: %w", err)
	}
	return &output.CodeView{Release: last.Release, Code: p.Source()}, nil
}

// earlier lists what the caller's organization is a party to and was released from a job's datasets.
func (d *deed) earlier(row postgres.Job) ([]output.EarlierView, error) {
	rows, err := d.tx.EarlierReleases(d.ctx, row.ID, d.caller.Org, output.MaxEarlier)
	if err != nil {
		return nil, fmt.Errorf("reading earlier releases: %w", err)
	}
	return each(rows, func(e postgres.EarlierRelease) (output.EarlierView, error) { return output.EarlierView(e), nil })
}

package client

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/sluicedata/sluice/gateway/wire"
)

// Jobs is jobs from submit to quarantine.
type Jobs struct{ c *Client }

// Submit asks for a run on real data.
func (j Jobs) Submit(ctx context.Context, p wire.JobPackage) (wire.Job, error) {
	return send[wire.Job](ctx, j.c, p, "jobs")
}

// Debug runs code on synthetic tables.
func (j Jobs) Debug(ctx context.Context, p wire.JobPackage) (wire.Job, error) {
	return send[wire.Job](ctx, j.c, p, "jobs", "debug")
}

// Check asks what a submit would be refused for.
func (j Jobs) Check(ctx context.Context, p wire.JobPackage) (wire.Job, error) {
	return send[wire.Job](ctx, j.c, p, "jobs", "check")
}

// Approve consents to a run for the caller's seat.
func (j Jobs) Approve(ctx context.Context, number string) (wire.Job, error) {
	return act[wire.Job](ctx, j.c, "jobs", number, "approve")
}

// Refuse says no to a run for the caller's seat.
func (j Jobs) Refuse(ctx context.Context, number string, said wire.Opinion) (wire.Job, error) {
	return send[wire.Job](ctx, j.c, said, "jobs", number, "refuse")
}

// Cancel stops a job.
func (j Jobs) Cancel(ctx context.Context, number string) (wire.Job, error) {
	return act[wire.Job](ctx, j.c, "jobs", number, "cancel")
}

// Show returns a job.
func (j Jobs) Show(ctx context.Context, number string) (wire.Job, error) {
	return get[wire.Job](ctx, j.c, "jobs", number)
}

// List returns the jobs of the caller's organization.
func (j Jobs) List(ctx context.Context, by ...Narrow) ([]wire.Job, error) {
	return narrowed[wire.Job](ctx, j.c, by, "jobs")
}

// Wait waits until nothing happens to a job by itself any more.
func (j Jobs) Wait(ctx context.Context, number string) (wire.Job, error) {
	return j.WaitState(ctx, number)
}

// WaitState waits until a job is in one of the states, or over: whoever waits looks at which.
func (j Jobs) WaitState(ctx context.Context, number string, states ...string) (wire.Job, error) {
	return j.Follow(ctx, number, func(v wire.Job) bool { return slices.Contains(states, v.State) })
}

// Usage is who used what in a month.
type Usage struct{ c *Client }

// Month returns a month of the caller's organization; "" is the month that is now.
func (u Usage) Month(ctx context.Context, month string) (wire.Usage, error) {
	return u.of(ctx, month, "usage")
}

// Dataset returns a month of one dataset.
func (u Usage) Dataset(ctx context.Context, slug, month string) (wire.Usage, error) {
	return u.of(ctx, month, "datasets", slug, "usage")
}

// Recent returns who used the caller's datasets in the last 30 days.
func (u Usage) Recent(ctx context.Context) ([]wire.RecentUse, error) {
	return list[wire.RecentUse](ctx, u.c, "usage", "recent")
}

func (u Usage) of(ctx context.Context, month string, path ...string) (wire.Usage, error) {
	m := message{method: http.MethodGet, path: path}
	if month != "" {
		m.query = url.Values{"month": {month}}
	}
	return exchange[wire.Usage](ctx, u.c, m)
}

// Outputs is what runs left in quarantine.
type Outputs struct{ c *Client }

// List returns the outputs of a job with their findings.
func (o Outputs) List(ctx context.Context, job string) ([]wire.Output, error) {
	return list[wire.Output](ctx, o.c, "jobs", job, "outputs")
}

// Fetch returns the values of an output under review.
func (o Outputs) Fetch(ctx context.Context, job, output string) ([]byte, error) {
	return o.c.do(ctx, message{method: http.MethodGet, path: []string{"jobs", job, "outputs", output, "content"}})
}

// Destroy ends an output.
func (o Outputs) Destroy(ctx context.Context, job, output string) (wire.Output, error) {
	return act[wire.Output](ctx, o.c, "jobs", job, "outputs", output, "destroy")
}

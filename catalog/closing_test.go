package catalog_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// TestJobsClose: a job closes with the last of its outputs that went out, or never will, and tells which did.
func TestJobsClose(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	voted := func(choice output.Choice) func(number string) {
		return func(number string) {
			r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: number, Output: "by_health", Context: "c"})
			c.must(err)
			c.must(c.vote(c.officer, r.Number, output.OperatorSeat, choice))
			c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve))
			c.turns()
		}
	}
	destroyed := func(which string) func(number string) {
		return func(number string) {
			_, err := c.serve.Outputs.Destroy(c.ctx, c.developer.Subject, number, which)
			c.must(err)
		}
	}
	for _, tt := range []struct {
		name  string
		twice bool // the run left a second output
		acts  []func(number string)
		state string
		gone  []string
	}{
		{"untouched", false, nil, "output_quarantined", nil},
		{"released", false, []func(string){voted(output.Approve)}, "closed", []string{"by_health"}},
		{"rejected", false, []func(string){voted(output.Reject)}, "closed", nil},
		{"sent back", false, []func(string){voted(output.Return)}, "output_quarantined", nil},
		{"destroyed", false, []func(string){destroyed("by_health")}, "closed", nil},
		{"one of two released", true, []func(string){voted(output.Approve)}, "output_quarantined", []string{"by_health"}},
		{"one released, one destroyed", true, []func(string){voted(output.Approve), destroyed("second")}, "closed", []string{"by_health"}},
		{"one destroyed, one rejected", true, []func(string){destroyed("second"), voted(output.Reject)}, "closed", nil},
	} {
		j := c.ran(c.grant.Number)
		if tt.twice {
			c.second(j.Number)
		}
		for _, act := range tt.acts {
			act(j.Number)
		}
		j, err := c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number)
		c.must(err)
		if diff := cmp.Diff(tt.gone, j.Released); j.State != tt.state || (j.EndedAt != nil) != (tt.state == string(job.Closed)) || diff != "" {
			t.Errorf("%s: the job is %s, ended %v, released (-want +got): %s", tt.name, j.State, j.EndedAt, diff)
		}
	}
}

// TestJobsCloseOnce: of two outputs that end at the same moment one is the last, and closes the job.
func TestJobsCloseOnce(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	for range 10 {
		j := c.ran(c.grant.Number)
		c.second(j.Number)
		var both sync.WaitGroup
		for _, which := range []string{"by_health", "second"} {
			both.Go(func() {
				if _, err := c.serve.Outputs.Destroy(c.ctx, c.developer.Subject, j.Number, which); err != nil {
					t.Errorf("destroying %s: %v", which, err)
				}
			})
		}
		both.Wait()
		if j, err := c.serve.Jobs.Show(c.ctx, c.developer.Subject, j.Number); err != nil || j.State != string(job.Closed) {
			t.Errorf("the job is %s (error %v)", j.State, err)
		}
	}
}

// second gives a job a second output like its first.
func (c *city) second(number string) {
	c.t.Helper()
	c.tx(func(tx *postgres.Tx) error {
		row, err := tx.Job(c.ctx, number)
		if err != nil {
			return err
		}
		o, err := tx.OutputNamed(c.ctx, row.ID, "by_health")
		if err != nil {
			return err
		}
		o.ID, o.Name = name.NewID().String(), "second"
		return tx.InsertOutput(c.ctx, o)
	})
}

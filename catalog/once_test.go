package catalog_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"sync"
	"testing"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/trace"
)

// TestOneKeyOneJob: of 50 submits at once under one key one makes a job and spends budget, and all are told of the
// same job; each of the others leaves an entry that says what it repeats (S36, I8).
func TestOneKeyOneJob(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	ctx := catalog.Under(c.ctx, catalog.Condition{Key: "a-key-of-the-developer", Asked: sha256.Sum256([]byte("this"))})
	views := make([]job.View, 50)
	errs := make([]error, 50)
	var all sync.WaitGroup
	for i := range views {
		all.Go(func() { views[i], errs[i] = c.serve.Jobs.Submit(ctx, c.developer.Subject, c.pack(c.grant.Number)) })
	}
	all.Wait()
	first, err := json.Marshal(views[0])
	c.must(err)
	for i := range views {
		c.must(errs[i])
		if other, _ := json.Marshal(views[i]); string(other) != string(first) {
			t.Fatalf("got %s, want %s", other, first)
		}
	}
	jobs, err := c.serve.Jobs.List(c.ctx, c.developer.Subject, catalog.Page{})
	c.must(err)
	g, err := c.serve.Grants.Show(c.ctx, c.developer.Subject, c.grant.Number)
	c.must(err)
	if len(jobs.Items) != 1 || g.RunsLeft != 9 {
		t.Fatalf("%d jobs, %d runs left", len(jobs.Items), g.RunsLeft)
	}
	other := catalog.Under(c.ctx, catalog.Condition{Key: "a-key-of-the-developer", Asked: sha256.Sum256([]byte("that"))})
	if _, err := c.serve.Jobs.Submit(other, c.developer.Subject, c.pack(c.grant.Number)); code(err) != "idempotency.other_request" {
		t.Fatalf("got %v", err)
	}
	c.turns()
	auditor := c.admin.Subject
	auditor.Roles = []string{"audit_admin"}
	entries, err := c.serve.Trace.Query(c.ctx, auditor, trace.Filter{Act: "job.submit", Decision: "allow", Limit: 100})
	c.must(err)
	repeats := 0
	for _, e := range entries {
		if bytes.Contains(e.Body, []byte(`"repeats":"`)) {
			repeats++
		}
	}
	if len(entries) != 50 || repeats != 49 {
		t.Fatalf("%d entries, %d of them say that they repeat", len(entries), repeats)
	}
}

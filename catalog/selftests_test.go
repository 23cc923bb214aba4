package catalog_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
)

// What a worker tells of its runtime is in the trace once, by names of canaries alone; what is no such name is
// refused.
func TestSelfTestsAreTraced(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 1, Rows: 1000, Failed: 1})
	told := postgres.SelfTest{
		ID: uuid.NewString(), Worker: "w", Runtime: "runsc", Digest: "sha256:" + strings.Repeat("0", 64), MadeAt: c.clock(),
		Broken: []string{"memory", "cpu"},
	}
	for range 2 {
		c.must(c.queue.Tell(c.ctx, told))
	}
	var entries []trace.Body
	for _, want := range []bool{true, false} {
		did, err := c.keeper.Catalog.SelfTests.Trace(c.ctx)
		if err != nil || did != want {
			t.Fatalf("tracing: %v, error %v", did, err)
		}
	}
	c.must(c.owner.InTx(c.ctx, func(tx *postgres.Tx) error {
		pending, err := tx.PendingBatch(c.ctx, 1000)
		for _, p := range pending {
			var body trace.Body
			if err := json.Unmarshal(p.Body, &body); err != nil {
				return err
			}
			if body.Act == "platform.selftest" {
				entries = append(entries, body)
			}
		}
		return err
	}))
	if len(entries) != 1 || entries[0].Detail["broken"] != "memory cpu" || entries[0].Detail["verdict"] != "refused" ||
		entries[0].Refs["runtime"] != told.Digest || entries[0].Object.Name != told.ID {
		t.Errorf("entries %+v", entries)
	}
	told.ID, told.Broken = uuid.NewString(), []string{"/var/lib/somebody"}
	if err := c.queue.Tell(c.ctx, told); err == nil || !strings.Contains(err.Error(), "self_test.told") {
		t.Errorf("a path in the place of a canary: %v", err)
	}
}

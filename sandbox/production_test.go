package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/objecttest"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy/screen"
)

func TestMain(m *testing.M) { objecttest.Main(m) }

// reports is an engine whose containers have run: each left its report and the files every step may carry on.
type reports struct {
	t    *testing.T
	left map[task.Verb]task.Report
}

func (r reports) Prepare(context.Context, Run) (string, error) { return r.t.TempDir(), nil }

func (r reports) Run(context.Context, Run) (Outcome, error) { return Success, nil }

func (r reports) Collect(_ context.Context, run Run, fn func(string, int64, io.Reader) error) error {
	body, err := json.Marshal(r.left[run.Verb])
	if err != nil {
		return err
	}
	for file, text := range map[string]string{
		task.ReportFile: string(body), "units.parquet": "units", "honest.parquet": "rows", "forged.parquet": "rows",
	} {
		if err := fn(file, int64(len(text)), strings.NewReader(text)); err != nil {
			return err
		}
	}
	return nil
}

func (r reports) Remove(context.Context, Run) error { return nil }

// What the split test says of a relation stands in the evidence that is judged. The grammar refuses such
// statements before they run, so that no job reaches this: the two guards must not lean on each other.
func TestEvidenceCarriesTheSplitTest(t *testing.T) {
	relations := []task.RelationPlan{{Statement: task.Statement{Relation: "honest"}}, {Statement: task.Statement{Relation: "forged"}}}
	facts := []screen.Evidence{
		{Output: "a", Relations: []screen.RelationFact{{Relation: "honest", Rows: 40}}},
		{Output: "b", Relations: []screen.RelationFact{{Relation: "forged", Rows: 40}}},
	}
	engine := reports{t, map[task.Verb]task.Report{
		task.Stage:  {Stage: &task.StageReport{}},
		task.SQL:    {SQL: &task.SQLReport{}},
		task.Split:  {Split: &task.SplitReport{Splits: 8, Failed: []string{"forged"}}},
		task.Screen: {Screen: &task.ScreenEvidence{Facts: facts}},
	}}
	const id = "3f2a8c1e-5b77-4f0e-9d3c-6a1b2c3d4e5f"
	secret := bytes.Repeat([]byte("k"), object.SecretSize)
	p := &piece{
		dir: t.TempDir(), c: postgres.Claimed{ID: "w", Fence: 1},
		w:      &Worker{Engine: engine, Store: objecttest.Start(t).Open(t, object.Worker), Log: slog.New(slog.DiscardHandler), Now: time.Now},
		letter: work.Letter{Kind: work.Run, Run: &work.RunLetter{Code: work.Code{Relations: relations, Splits: 8}}},
		keys:   work.Keys{Data: map[string][]byte{id: secret}, Write: &work.WriteKey{ID: id, Secret: secret}},
	}
	if err := p.run(t.Context()); err != nil || p.result.Evidence == nil {
		t.Fatalf("outcome %s, evidence %v: %v", p.outcome, p.result.Evidence, err)
	}
	var body bytes.Buffer
	if err := (&step{p: p}).pour(t.Context(), *p.result.Evidence, &body); err != nil {
		t.Fatal(err)
	}
	var found task.ScreenEvidence
	if err := json.Unmarshal(body.Bytes(), &found); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, e := range found.Facts {
		for _, r := range e.Relations {
			got[r.Relation] = r.Dependent
		}
	}
	if d := cmp.Diff(map[string]bool{"honest": false, "forged": true}, got); d != "" {
		t.Fatalf("relations that depend on others (-want +got):\n%s", d)
	}
}

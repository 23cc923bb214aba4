package sandbox

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/objecttest"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy/screen"
)

// clocked are containers that take their time, each as much, by a clock of the test's.
type clocked struct {
	reports
	now   *time.Time
	takes time.Duration
	asked *[]Run
}

func (c clocked) Run(_ context.Context, r Run) (Outcome, error) {
	*c.asked = append(*c.asked, r)
	*c.now = c.now.Add(c.takes)
	return Success, nil
}

// TestTheWholeJobHasATime: what the rules let a job take, all its containers take together: each is bound by what those
// before it left, and when nothing is left no other begins. A letter from before it was told leaves each its own bound.
func TestTheWholeJobHasATime(t *testing.T) {
	const id = "3f2a8c1e-5b77-4f0e-9d3c-6a1b2c3d4e5f"
	secret := bytes.Repeat([]byte("k"), object.SecretSize)
	store := objecttest.Start(t).Open(t, object.Worker)
	for _, tt := range []struct {
		what    string
		seconds int
		takes   time.Duration
		outcome Outcome
		asked   []int64
		told    int64
	}{
		{"enough", 60, 10500 * time.Millisecond, Success, []int64{60, 50, 39, 29}, 42},
		{"too little", 20, 10500 * time.Millisecond, Limit, []int64{20, 10}, 21},
		{"to the second", 20, 10 * time.Second, Limit, []int64{20, 10}, 20},
		{"none told", 0, time.Hour, Success, []int64{0, 0, 0, 0}, 0},
	} {
		now, asked := time.Unix(1, 0), []Run{}
		engine := clocked{reports{t, map[task.Verb]task.Report{
			task.Stage: {Stage: &task.StageReport{}}, task.SQL: {SQL: &task.SQLReport{PeakMB: 80}}, task.Split: {Split: &task.SplitReport{Splits: 8}},
			task.Screen: {Screen: &task.ScreenEvidence{Facts: []screen.Evidence{{Output: "a", Relations: []screen.RelationFact{{Relation: "honest", Rows: 40}}}}}},
		}}, &now, tt.takes, &asked}
		p := &piece{
			dir: t.TempDir(), c: postgres.Claimed{ID: "w", Fence: 1},
			w: &Worker{Engine: engine, Store: store, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }},
			letter: work.Letter{Kind: work.Run, Run: &work.RunLetter{Code: work.Code{
				Relations: []task.RelationPlan{{Statement: task.Statement{Relation: "honest"}}}, Splits: 8, WallSeconds: tt.seconds,
			}}},
			keys: work.Keys{Data: map[string][]byte{id: secret}, Write: &work.WriteKey{ID: id, Secret: secret}},
		}
		if err := p.run(t.Context()); err != nil || p.outcome != tt.outcome {
			t.Errorf("%s: outcome %s: %v", tt.what, p.outcome, err)
		}
		if p.result.Seconds != tt.told || p.result.PeakMB != 80 {
			t.Errorf("%s: it says %d s and %d MiB", tt.what, p.result.Seconds, p.result.PeakMB)
		}
		got := []int64{}
		for _, r := range asked {
			got = append(got, r.Seconds)
		}
		if !slices.Equal(got, tt.asked) {
			t.Errorf("%s: containers were given %v seconds, want %v", tt.what, got, tt.asked)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy/screen"
)

// handWorker does work as a worker does, under a worker's role and account, but for the containers: what they
// would have written is written here.
type handWorker struct {
	queue *postgres.Queue
	store *object.Store
	owner *postgres.DB
	count int
}

// patient bounds each wait for keeper or queue.
const patient = 20 * time.Second

// until looks again and again until there is an answer.
func until(what string, look func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if done, err := look(ctx); err != nil || done {
			return wrapped(what, err)
		}
		select {
		case <-ctx.Done():
			return errors.New("waited in vain for " + what)
		case <-tick.C:
		}
	}
}

// do claims the oldest work, which must be of a kind, and seals what a variant says. It returns once the
// keeper has settled it.
func (w *handWorker) do(kind, variant string) error {
	private, err := keyring.NewPrivateKey()
	if err != nil {
		return err
	}
	claimed, err := w.claim(kind, private.Public().Bytes())
	if err != nil {
		return err
	}
	keys, err := w.admitted(claimed, private)
	if err != nil {
		return err
	}
	outcome, result, err := w.result(claimed, keys, variant)
	if err != nil {
		return err
	}
	body, err := json.Marshal(result)
	if err != nil {
		return err
	}
	if err := w.queue.Seal(context.Background(), claimed, outcome, body); err != nil {
		return err
	}
	return until("settling of "+kind, func(ctx context.Context) (settled bool, err error) {
		err = w.owner.InTx(ctx, func(tx *postgres.Tx) error {
			row, err := tx.WorkByID(ctx, claimed.ID)
			settled = row.State == "settled"
			return err
		})
		return settled, err
	})
}

func (w *handWorker) claim(kind string, public []byte) (claimed postgres.Claimed, err error) {
	err = until("work "+kind, func(ctx context.Context) (ok bool, err error) {
		claimed, ok, err = w.queue.Claim(ctx, "script", public, time.Hour, []task.Runtime{task.GVisor})
		return ok, err
	})
	if err == nil && claimed.Kind != kind {
		err = fmt.Errorf("the oldest work is %s, not %s", claimed.Kind, kind)
	}
	return claimed, err
}

// admitted waits until the keeper has asked policy again and sealed the keys.
func (w *handWorker) admitted(claimed postgres.Claimed, private keyring.PrivateKey) (keys work.Keys, err error) {
	var standing postgres.Standing
	err = until("admission", func(ctx context.Context) (bool, error) {
		standing, err = w.queue.Append(ctx, claimed, "renew", nil, time.Hour)
		if err == nil && standing.Stop != nil {
			err = errors.New("stopped: " + *standing.Stop)
		}
		return standing.Admitted, err
	})
	if err != nil {
		return keys, err
	}
	plain, err := keyring.Open(private, work.SealInfo(claimed.ID, claimed.Fence), standing.Keys)
	if err != nil {
		return keys, err
	}
	return keys, json.Unmarshal(plain, &keys)
}

// put stores bytes under the work's own key.
func (w *handWorker) put(keys work.Keys, bucket object.Bucket, text string) (object.Ref, error) {
	key, err := object.NewDataKey(keys.Write.ID, keys.Write.Secret)
	if err != nil {
		return object.Ref{}, err
	}
	return w.store.Put(context.Background(), bucket, key, bytes.NewReader([]byte(text)))
}

// result is what the containers would have come to.
func (w *handWorker) result(claimed postgres.Claimed, keys work.Keys, variant string) (string, work.Result, error) {
	w.count++
	unique := strconv.Itoa(w.count)
	switch claimed.Kind + " " + variant {
	case "ingest ":
		return w.object(keys, object.Data, "part "+unique, work.Result{Ingest: &task.IngestReport{Rows: 100, Parts: []string{"part-0001.parquet"}}})
	case "ingest bad":
		return "success", work.Result{Ingest: &task.IngestReport{Errors: []task.BadCell{{Row: 17, Line: 18, Column: "visits", Reason: "value.not_integer"}}}}, nil
	case "ingest drift":
		return "success", work.Result{Ingest: &task.IngestReport{Errors: []task.BadCell{{Line: 1, Column: "health", Reason: "column.missing"}, {Line: 1, Column: "#2", Reason: "column.unknown"}}}}, nil
	case "inspect ":
		found, err := json.Marshal(inspection())
		if err != nil {
			return "", work.Result{}, err
		}
		return w.object(keys, object.Output, string(found), work.Result{Inspect: &task.InspectReport{Rows: 1, File: "inspection.json"}})
	case "inspect bad":
		return "success", work.Result{Inspect: &task.InspectReport{Errors: []task.BadCell{{Reason: "file.utf16"}}}}, nil
	case "twin ":
		return w.twin(keys, unique, task.TwinReport{Rows: 100})
	case "twin real":
		return w.twin(keys, unique, task.TwinReport{Rows: 100, Shared: 1, Errors: []task.BadCell{{Row: 3, Column: "resident_id", Reason: dataset.UnitShared}}})
	case "twin bad":
		return "success", work.Result{Ingest: &task.IngestReport{Errors: []task.BadCell{{Line: 1, Column: "health", Reason: "column.missing"}}}}, nil
	case "profile ":
		return w.object(keys, object.Output, `{"version":1,"rows":100,"units":[],"columns":[]}`, work.Result{})
	case "preview ":
		return w.object(keys, object.Output, `{"columns":["health","visits"],"rows":[["good","3"],["poor","7"]]}`, work.Result{})
	case "check ":
		return "success", work.Result{Check: &task.CheckReport{Relations: []task.RelationPlan{
			{Statement: task.Statement{Relation: "q"}}, {Statement: task.Statement{Relation: "r"}},
		}}}, nil
	case "check refused":
		return "success", work.Result{Check: &task.CheckReport{Findings: []task.CheckFinding{{
			Code: "columns.not_declared", Relation: "r", Line: 2, What: "phone", Remedy: "remedy.columns.not_declared",
		}}}}, nil
	case "debug ":
		return "success", work.Result{
			Relations: []task.RelationRows{{Relation: "r", Rows: 250}}, Tables: map[string]string{"by_health": "health,people\ngood,5\npoor,5\n"},
		}, nil
	case "run failed":
		return "failed", work.Result{
			Failure: &task.Failure{Class: task.FailCast, Relation: "r", Line: 2}, Relations: []task.RelationRows{{Relation: "q", Rows: 250}},
		}, nil
	case "run ":
		result, err := w.table(keys, unique, 50)
		return "success", result, err
	case "run blocked":
		result, err := w.table(keys, unique, 3)
		return "success", result, err
	}
	return "", work.Result{}, fmt.Errorf("no %s of variant %q", claimed.Kind, variant)
}

func (w *handWorker) object(keys work.Keys, bucket object.Bucket, text string, r work.Result) (string, work.Result, error) {
	ref, err := w.put(keys, bucket, text)
	r.Objects = []work.Object{{Name: "part-0001.parquet", Ref: ref, Rows: 100}}
	return "success", r, err
}

// twin is what comes of a file of invented rows that parses.
func (w *handWorker) twin(keys work.Keys, unique string, found task.TwinReport) (string, work.Result, error) {
	return w.object(keys, object.Data, "twin "+unique, work.Result{Twin: &found, Ingest: &task.IngestReport{Rows: 100, Parts: []string{"part-0001.parquet"}}})
}

// table is what a run leaves: a table, its memberships, and the evidence about it.
func (w *handWorker) table(keys work.Keys, unique string, units int64) (work.Result, error) {
	cell := func(label string) screen.Cell {
		return screen.Cell{
			Key: []string{label}, Units: []screen.UnitCount{{Kind: "resident", Count: units}},
			Rows: screen.Concentration{X1: 1, X2: 1, Total: 50},
		}
	}
	evidence, err := json.Marshal(task.ScreenEvidence{Facts: []screen.Evidence{{
		Output: "by_health", Relations: []screen.RelationFact{{Relation: "r", Rows: 100}}, Cells: []screen.Cell{cell("good"), cell("poor")},
	}}})
	if err != nil {
		return work.Result{}, err
	}
	facts, errFacts := w.put(keys, object.Output, string(evidence))
	table, errTable := w.put(keys, object.Output, "health,people\ngood,50\npoor,"+unique+"0\n")
	members, errMembers := w.put(keys, object.Output, "members "+unique)
	return work.Result{
		Evidence: &facts, Outputs: []work.Output{{Name: "by_health", Rows: 2, Object: table, Membership: members}},
	}, errors.Join(errFacts, errTable, errMembers)
}

// asExit finds the error that knows an exit code.
func asExit(err error, code *interface{ ExitCode() int }) bool { return errors.As(err, code) }

func itoa(i int) string { return strconv.Itoa(i) }

func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// inspection is what a container would have found in the story's file.
func inspection() task.Inspection {
	column := func(name string, kind task.Type, level int, role task.Role, mask task.Mask, why ...task.Suspicion) task.ColumnOutlook {
		return task.ColumnOutlook{Column: task.Column{Name: name, Type: kind, Level: level, Role: role, Mask: mask}, Distinct: 1, Suspicions: why}
	}
	return task.Inspection{
		Version: 1, Source: task.Source{Form: task.CSV, Encoding: "utf-8"}, Rows: 1,
		Columns: []task.ColumnOutlook{
			column("resident_id", task.Text, 4, task.Identifier, task.MaskDrop, task.Suspicion{Code: "resident_id", Share: 1}),
			column("health", task.Text, 2, task.Other, task.MaskNone),
			column("visits", task.Integer, 3, task.Sensitive, task.MaskNone, task.Suspicion{Code: "name.health"}),
		},
		Units:   []task.Unit{{Kind: "resident", Column: "resident_id"}},
		Preview: task.PreviewTable{Columns: []string{"resident_id", "health", "visits"}, Rows: [][]string{{"110101199003070011", "good", "3"}}},
	}
}

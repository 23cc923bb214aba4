package catalog

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/work"
)

// settleTwin lets a twin count, or records why it does not. What cannot be told for certain refuses it.
func (d *deed) settleTwin(row postgres.Dataset, number int, outcome string, r work.Result) error {
	if _, err := d.tx.LockDataset(d.ctx, row.Slug); err != nil {
		return err
	}
	w, err := d.tx.TwinIn(d.ctx, row.ID, number, string(dataset.TwinChecking))
	if absent(err) {
		return nil // withdrawn with its version meanwhile: whatever was sealed does not count
	}
	if err != nil {
		return err
	}
	d.refs["file"] = w.File
	refusal := twinRefusal(row, outcome, r, d.c.Rules.Data.TwinEqualShare)
	if r.Twin != nil {
		d.detail["rows"], d.detail["shared"] = fmt.Sprint(r.Twin.Rows), fmt.Sprint(r.Twin.Shared)
		d.detail["equal"] = fmt.Sprint(r.Twin.Equal)
	}
	if refusal != nil {
		return d.refuseTwin(w, *refusal)
	}
	return d.acceptTwin(w, r.Objects[0])
}

// twinRefusal returns why a twin may not stand for its version, nil when it may.
func twinRefusal(row postgres.Dataset, outcome string, r work.Result, share float64) *dataset.Refusal {
	refusal := &dataset.Refusal{Outcome: outcome, Errors: []dataset.BadCell{}}
	if r.Ingest != nil {
		refusal.Errors, refusal.More = append(refusal.Errors, r.Ingest.Errors...), r.Ingest.More
		refusal.Difference = dataset.Difference(row.Columns, r.Ingest.Errors)
	}
	if outcome != "success" || r.Ingest == nil || len(r.Ingest.Errors) > 0 {
		return refusal
	}
	if r.Twin == nil || len(r.Objects) != 1 || r.Objects[0].Rows != r.Twin.Rows { // not every row was compared
		refusal.Errors = append(refusal.Errors, dataset.BadCell{Reason: "twin.not_compared"})
		return refusal
	}
	found := dataset.Resemblance{Rows: r.Twin.Rows, Shared: r.Twin.Shared, Equal: r.Twin.Equal, Errors: r.Twin.Errors}.Judge(share)
	if len(found) == 0 {
		return nil
	}
	refusal.Errors, refusal.More = found, r.Twin.More
	return refusal
}

func (d *deed) refuseTwin(w postgres.Twin, refusal dataset.Refusal) error {
	to, err := dataset.TwinFlow().Check(state(w.State), "refuse")
	if err != nil {
		return err
	}
	body, err := json.Marshal(refusal)
	if err != nil {
		return fmt.Errorf("encoding refusal: %w", err)
	}
	d.detail["twin"] = string(to)
	return d.tx.RefuseTwin(d.ctx, w.ID, string(to), body)
}

// acceptTwin puts a twin in the place of the one before it.
func (d *deed) acceptTwin(w postgres.Twin, made work.Object) error {
	if made.Ref.Key != w.DataKey || made.Ref.Bucket != object.Data {
		return errors.New("a twin under a foreign key")
	}
	to, err := dataset.TwinFlow().Check(state(w.State), "accept")
	if err != nil {
		return err
	}
	if err := d.moveTwin(w.Dataset, w.Version, dataset.TwinAccepted, "replace"); err != nil {
		return err
	}
	if w.Object, err = json.Marshal(made.Ref); err != nil {
		return fmt.Errorf("encoding reference: %w", err)
	}
	w.State, w.Rows = string(to), &made.Rows
	d.detail["twin"], d.refs["twin"] = w.State, made.Ref.Digest
	return d.tx.AcceptTwin(d.ctx, w)
}

// withdrawTwins ends the twins of a version with it.
func (d *deed) withdrawTwins(datasetID string, version int) error {
	return errors.Join(
		d.moveTwin(datasetID, version, dataset.TwinChecking, "withdraw"),
		d.moveTwin(datasetID, version, dataset.TwinAccepted, "withdraw"),
	)
}

// moveTwin moves the one twin of a version that is in a state, if there is one.
func (d *deed) moveTwin(datasetID string, version int, from flow.State, act string) error {
	w, err := d.tx.TwinIn(d.ctx, datasetID, version, string(from))
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	to, err := dataset.TwinFlow().Check(from, act)
	if err != nil {
		return err
	}
	d.refs["twin."+string(to)] = w.File
	return d.tx.SetTwinState(d.ctx, w.ID, string(from), string(to))
}

package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/upload"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy"
)

// Inspect asks what a complete upload looks like: columns with proposed types, roles and suspicions, and its first
// rows, found in a container. While one inspection is under way, or done, there is no second. Who: data_steward of
// the upload's organization.
func (s *Uploads) Inspect(ctx context.Context, caller policy.Subject, id string) (view upload.View, err error) {
	err = s.c.change(ctx, caller, "upload.inspect", &view, func(d *deed) error {
		row, err := d.lockedUpload(id)
		if err != nil {
			return err
		}
		if row.State != string(upload.Complete) {
			return fault.New(fault.Conflict, "upload.not_complete")
		}
		if view, err = d.uploadView(row); err != nil {
			return err
		}
		last, err := d.tx.WorkOf(ctx, row.ID, string(work.Inspect))
		if err == nil && (row.Inspection != nil || last.State != "settled") {
			return nil
		}
		if err != nil && !absent(err) {
			return fmt.Errorf("reading inspection: %w", err)
		}
		return d.inspect(row)
	})
	return view, err
}

func (d *deed) inspect(row postgres.Upload) error {
	raw, err := d.chunkRefs(row.ID)
	if err != nil {
		return err
	}
	d.refs["upload"] = text(row.Digest)
	return d.queue(row.ID, nil, work.Letter{Kind: work.Inspect, Inspect: &work.InspectLetter{
		Raw: raw, Digest: text(row.Digest),
		InspectLetter: task.InspectLetter{Source: row.Source, Rows: d.c.Rules.Data.PreviewRows},
	}})
}

// ShowInspection returns what was found as JSON (a task.Inspection), or Conflict while it is under way; a file
// that cannot be read is Invalid with every reason. Each view is traced. Who: as Inspect.
func (s *Uploads) ShowInspection(ctx context.Context, caller policy.Subject, id string) (found []byte, err error) {
	var ref object.Ref
	err = s.c.act(ctx, caller, "upload.inspect", func(d *deed) error {
		row, err := d.upload(id)
		if err != nil {
			return err
		}
		w, err := d.tx.WorkOf(ctx, row.ID, string(work.Inspect))
		if absent(err) {
			return fault.New(fault.Conflict, "inspection.missing")
		}
		if err != nil {
			return fmt.Errorf("reading inspection: %w", err)
		}
		if err := unreadable(w); err != nil {
			return err
		}
		if ref, err = settledObject(w); err == nil {
			d.refs["inspection"] = ref.Digest
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.c.fetch(ctx, caller, "upload.inspect", id, nil, ref)
}

// unreadable tells why an inspected file cannot be read at all.
func unreadable(w postgres.Work) error {
	var result work.Result
	if w.State != "settled" || json.Unmarshal(w.Result, &result) != nil || result.Inspect == nil {
		return nil
	}
	var p fault.Places
	for _, e := range result.Inspect.Errors {
		p.Add(place(e), e.Reason)
	}
	return p.Err("file.unreadable")
}

// place names where a fault of a file is.
func place(e task.BadCell) string {
	at := "file"
	if e.Row > 0 {
		at = fmt.Sprintf("row %d", e.Row)
	} else if e.Line > 0 {
		at = fmt.Sprintf("line %d", e.Line)
	}
	if e.Column != "" {
		at += ", column " + e.Column
	}
	return at
}

// settleInspect notes where what was found lies.
func (d *deed) settleInspect(w postgres.Work, outcome string, r work.Result) error {
	row, err := d.lockedUpload(w.Subject)
	if err != nil {
		return err
	}
	if outcome != "success" || len(r.Objects) != 1 {
		return nil // the result says why
	}
	found := r.Objects[0].Ref
	if found.Key != row.DataKey {
		return errors.New("an inspection under a foreign key")
	}
	body, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("encoding reference: %w", err)
	}
	d.refs["inspection"] = found.Digest
	return d.tx.PutInspection(d.ctx, row.ID, body)
}

// admitUpload hands out the keys of an upload's chunks, and the one its inspection is written under.
func (d *deed) admitUpload(w postgres.Work, provider KeyProvider) (work.Keys, error) {
	row, err := d.lockedUpload(w.Subject)
	if err != nil {
		return work.Keys{}, err
	}
	if row.State != string(upload.Complete) {
		return work.Keys{}, fault.New(fault.Conflict, "upload.not_complete")
	}
	k := keychain{d: d, provider: provider, keys: work.Keys{Data: map[string][]byte{}}}
	refs, err := d.chunkRefs(row.ID)
	k.refs(refs, err)
	k.write(row.DataKey)
	return k.keys, k.err
}

// inspectionKey is the key an upload's inspection lies under.
func (d *deed) inspectionKey(asked postgres.KeyRequest) (string, error) {
	row, err := d.upload(asked.Object)
	if err != nil {
		return "", err
	}
	if row.Inspection == nil {
		return "", fault.New(fault.Conflict, "inspection.missing")
	}
	return row.DataKey, nil
}

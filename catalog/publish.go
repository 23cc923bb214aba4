package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/upload"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy"
)

// Publish makes a new version from a complete upload: all of it, or one more part, or one part corrected. It
// answers at once; the version is available, or refused with row, column and reason, once its file was parsed in
// a container. Who: data_steward of the provider.
func (s *Datasets) Publish(ctx context.Context, caller policy.Subject, slug string, p dataset.Publication) (view dataset.VersionView, err error) {
	if err := p.Validate(); err != nil {
		return dataset.VersionView{}, err
	}
	err = s.c.change(ctx, caller, "dataset.publish", &view, func(d *deed) error {
		if _, err := d.dataset(slug); err != nil {
			return err
		}
		row, err := d.tx.LockDataset(ctx, slug)
		if err != nil {
			return err
		}
		if err := standing(row); err != nil {
			return err
		}
		up, raw, err := d.completeUpload(p.Upload)
		if err != nil {
			return err
		}
		if up.Dataset != nil && *up.Dataset != row.ID {
			return fault.New(fault.Conflict, "upload.other_dataset")
		}
		v, err := d.newVersion(row, p, raw)
		if err != nil {
			return err
		}
		view = versionView(slug, v)
		return d.queue(row.ID, &v.Number, work.Letter{Kind: work.Ingest, Ingest: &work.IngestLetter{
			Raw: raw, Digest: text(up.Digest),
			IngestLetter: task.IngestLetter{
				Source: up.Source, Columns: row.Columns, Units: row.Units, MaxErrors: d.c.Rules.Data.CellErrors,
			},
		}})
	})
	return view, err
}

// completeUpload reads an upload of the dataset's own organization with all its chunks, in order.
func (d *deed) completeUpload(id string) (postgres.Upload, []object.Ref, error) {
	up, err := d.tx.LockUpload(d.ctx, id)
	if err != nil {
		return postgres.Upload{}, nil, err
	}
	if up.Org != d.object.Org {
		return postgres.Upload{}, nil, fault.NotFound()
	}
	if up.State != string(upload.Complete) {
		return postgres.Upload{}, nil, fault.New(fault.Conflict, "upload.not_complete")
	}
	refs, err := d.chunkRefs(id)
	d.refs["upload"] = text(up.Digest)
	return up, refs, err
}

// newVersion adds a version that waits for its ingest.
func (d *deed) newVersion(row postgres.Dataset, p dataset.Publication, raw []object.Ref) (postgres.Version, error) {
	versions, err := d.tx.Versions(d.ctx, row.ID)
	if err != nil {
		return postgres.Version{}, fmt.Errorf("reading versions: %w", err)
	}
	if p.Base, err = baseOf(versions, p); err != nil {
		return postgres.Version{}, err
	}
	key, err := d.newDataKey("version")
	if err != nil {
		return postgres.Version{}, err
	}
	refs, err := json.Marshal(raw)
	if err != nil {
		return postgres.Version{}, fmt.Errorf("encoding references: %w", err)
	}
	v := postgres.Version{
		Dataset: row.ID, Number: len(versions) + 1, State: string(dataset.Ingesting), DataKey: key.ID,
		Raw: refs, CreatedBy: d.caller.Member, CreatedAt: d.now, Publication: &p,
	}
	d.detail["version"], d.detail["mode"] = fmt.Sprint(v.Number), string(p.Mode)
	if err := d.tx.InsertVersion(d.ctx, v); err != nil {
		return postgres.Version{}, fmt.Errorf("adding version: %w", err)
	}
	return v, nil
}

// baseOf finds the version a publication adds to or corrects. While another one is still being read, nobody can
// say what the newest will be, and one of two parts would be lost.
func baseOf(versions []postgres.Version, p dataset.Publication) (int, error) {
	if p.Mode == dataset.Replace {
		return 0, nil
	}
	base := 0
	for _, v := range versions {
		switch {
		case v.State == string(dataset.Ingesting):
			return 0, fault.New(fault.Conflict, "version.under_way")
		case v.State == string(dataset.Available) && (p.Base == 0 || p.Base == v.Number):
			base = v.Number
		}
	}
	if base == 0 {
		return 0, fault.New(fault.Conflict, "base.not_available")
	}
	return base, nil
}

// parts folds a newly read part into those of the version's base. It returns them with where each lies. A base
// that was withdrawn meanwhile is not published again.
func (d *deed) parts(v postgres.Version, made work.Object) ([]dataset.Part, []object.Ref, error) {
	if made.Ref.Key != v.DataKey || made.Ref.Bucket != object.Data {
		return nil, nil, errors.New("a part under a foreign key")
	}
	part := dataset.Part{
		Digest: digest(made.Ref), Size: made.Ref.Size, Rows: made.Rows, Version: v.Number, AddedAt: dataset.Stamp(v.CreatedAt),
	}
	var p dataset.Publication // a version from before parts had names stands alone
	if v.Publication != nil {
		p = *v.Publication
	}
	if p.Base == 0 {
		parts, err := p.Fold(nil, part)
		return parts, []object.Ref{made.Ref}, err
	}
	before, err := d.tx.ShareVersion(d.ctx, v.Dataset, p.Base)
	if err != nil {
		return nil, nil, err
	}
	old, lie, err := manifestOf(before)
	if fault.Of(err) == fault.Conflict {
		return nil, nil, fault.New(fault.Conflict, "base.not_available")
	}
	if err != nil {
		return nil, nil, err
	}
	parts, err := p.Fold(&old, part)
	if err != nil {
		return nil, nil, err
	}
	refs, err := locate(parts, append(lie, made.Ref))
	return parts, refs, err
}

// locate puts references into the order of parts.
func locate(parts []dataset.Part, lie []object.Ref) ([]object.Ref, error) {
	refs := make([]object.Ref, 0, len(parts))
	for _, p := range parts {
		at := slices.IndexFunc(lie, func(r object.Ref) bool { return digest(r) == p.Digest })
		if at < 0 {
			return nil, errors.New("a part of the manifest lies nowhere")
		}
		refs = append(refs, lie[at])
	}
	return refs, nil
}

// partsOf reads where the parts of an available version lie.
func partsOf(v postgres.Version) ([]object.Ref, error) {
	_, refs, err := manifestOf(v)
	return refs, err
}

// namedParts returns the parts of a version as they are shown, none while it has none.
func namedParts(v postgres.Version) ([]dataset.Part, error) {
	if v.State != string(dataset.Available) {
		return nil, nil
	}
	m, _, err := manifestOf(v)
	return m.Labelled(), err
}

// manifestOf reads the manifest of an available version, and where its parts lie.
func manifestOf(v postgres.Version) (dataset.Manifest, []object.Ref, error) {
	if v.State != string(dataset.Available) {
		return dataset.Manifest{}, nil, fault.New(fault.Conflict, "version.not_available")
	}
	return storedManifest(v)
}

// storedManifest is manifestOf for a version in any state. The parts of one from before parts were shared all lie under
// its own key.
func storedManifest(v postgres.Version) (dataset.Manifest, []object.Ref, error) {
	m, err := dataset.DecodeManifest(v.Manifest)
	if err != nil {
		return dataset.Manifest{}, nil, fmt.Errorf("reading manifest: %w", err)
	}
	var refs []object.Ref
	if v.Locations == nil {
		for _, p := range m.Parts {
			refs = append(refs, object.Ref{Bucket: object.Data, Key: v.DataKey, Digest: string(p.Digest), Size: p.Size})
		}
		return m, refs, nil
	}
	if err := json.Unmarshal(v.Locations, &refs); err != nil {
		return dataset.Manifest{}, nil, fmt.Errorf("reading locations: %w", err)
	}
	refs, err = locate(m.Parts, refs)
	return m, refs, err
}

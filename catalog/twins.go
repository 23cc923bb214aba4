package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy"
)

// Twin takes a complete upload as the twin of an available version: invented rows that debug runs see in place of
// rows made from the profile. It answers at once; the twin counts once it was parsed and compared with the real rows
// in containers, and until then an earlier one does. Who: data_steward of the provider, who declares with their own
// key that the rows are invented (dataset.TwinStatement).
func (s *Datasets) Twin(ctx context.Context, caller policy.Subject, slug string, number int, spec dataset.TwinSpec) (view dataset.VersionView, err error) {
	if err := spec.Validate(); err != nil {
		return dataset.VersionView{}, err
	}
	err = s.c.change(ctx, caller, "dataset.twin", &view, func(d *deed) error {
		if _, err := d.dataset(slug); err != nil {
			return err
		}
		row, err := d.tx.LockDataset(ctx, slug)
		if err != nil {
			return err
		}
		v, err := d.tx.Version(ctx, row.ID, number)
		if err != nil {
			return err
		}
		letter, err := d.newTwin(row, v, spec)
		if err != nil {
			return err
		}
		if view, err = d.versionView(slug, v); err != nil {
			return err
		}
		return d.queue(row.ID, &v.Number, letter)
	})
	return view, err
}

// newTwin adds a twin that waits for its check, and says what is to be checked.
func (d *deed) newTwin(row postgres.Dataset, v postgres.Version, spec dataset.TwinSpec) (work.Letter, error) {
	parts, err := partsOf(v)
	if err != nil {
		return work.Letter{}, err
	}
	up, raw, err := d.completeUpload(spec.Upload)
	if err != nil {
		return work.Letter{}, err
	}
	if up.Dataset != nil && *up.Dataset != row.ID {
		return work.Letter{}, fault.New(fault.Conflict, "upload.other_dataset")
	}
	if err := d.checkTwinDeclaration(row.Slug, v, text(up.Digest), spec.Declaration); err != nil {
		return work.Letter{}, err
	}
	if err := d.insertTwin(row, v, text(up.Digest), raw, spec.Declaration); err != nil {
		return work.Letter{}, err
	}
	limits := d.c.Rules.Data
	return work.Letter{Kind: work.Twin, Twin: &work.TwinLetter{
		IngestLetter: work.IngestLetter{Raw: raw, Digest: text(up.Digest), IngestLetter: task.IngestLetter{
			Source: up.Source, Columns: row.Columns, Units: row.Units, MaxErrors: limits.CellErrors,
		}},
		Parts: parts,
		Compare: task.TwinLetter{
			Columns: row.Columns, Units: row.Units, MinUnits: limits.ProfileMinUnits, MaxErrors: limits.CellErrors,
		},
	}}, nil
}

func (d *deed) insertTwin(row postgres.Dataset, v postgres.Version, file string, raw []object.Ref, said envelope.Envelope) error {
	if _, err := d.tx.TwinIn(d.ctx, row.ID, v.Number, string(dataset.TwinChecking)); err == nil {
		return fault.New(fault.Conflict, "twin.under_way")
	} else if !absent(err) {
		return err
	}
	key, err := d.newDataKey("twin")
	if err != nil {
		return err
	}
	refs, err := json.Marshal(raw)
	if err != nil {
		return fmt.Errorf("encoding references: %w", err)
	}
	signed, err := json.Marshal(said)
	if err != nil {
		return fmt.Errorf("encoding declaration: %w", err)
	}
	d.detail["version"] = strconv.Itoa(v.Number)
	return d.tx.InsertTwin(d.ctx, postgres.Twin{
		ID: name.NewID().String(), Dataset: row.ID, Version: v.Number, State: string(dataset.TwinFlow().Start()), DataKey: key.ID,
		Raw: refs, File: file, Declaration: signed, CreatedBy: d.caller.Member, CreatedAt: d.now,
	})
}

// checkTwinDeclaration holds the steward's word against what was uploaded.
func (d *deed) checkTwinDeclaration(slug string, v postgres.Version, file string, signed envelope.Envelope) error {
	var said dataset.TwinStatement
	if _, err := d.opened(signed, dataset.TwinType, &said); err != nil {
		return err
	}
	if string(said.Dataset) != slug || said.Number != v.Number || string(said.File) != file ||
		string(said.Manifest) != text(v.ManifestDigest) || string(said.Steward) != d.caller.Member {
		return fault.New(fault.Invalid, "twin.other_file")
	}
	return nil
}

// admitTwin hands out the keys to parse and compare a twin: to write its own, to read the file and the real parts.
func (d *deed) admitTwin(k *keychain, v postgres.Version) (work.Keys, error) {
	w, err := d.tx.TwinIn(d.ctx, v.Dataset, v.Number, string(dataset.TwinChecking))
	if absent(err) {
		return work.Keys{}, fault.New(fault.Conflict, "version.not_available") // withdrawn with its version
	}
	if err != nil {
		return work.Keys{}, err
	}
	d.refs["file"], d.refs["manifest"] = w.File, text(v.ManifestDigest)
	k.write(w.DataKey)
	k.raw(w.Raw)
	k.parts(v)
	return k.keys, k.err
}

// standIn finds what a debug run sees in place of a version's rows: the department's twin, else its signed profile.
func (d *deed) standIn(v postgres.Version) (twin, profile *object.Ref, err error) {
	stored, into := v.Profile, &profile
	w, err := d.tx.TwinIn(d.ctx, v.Dataset, v.Number, string(dataset.TwinAccepted))
	switch {
	case err == nil:
		stored, into = w.Object, &twin
	case !absent(err):
		return nil, nil, fmt.Errorf("reading twin: %w", err)
	case v.ProfileSigner == nil:
		return nil, nil, fault.New(fault.Conflict, "profile.unsigned")
	}
	if err := json.Unmarshal(stored, into); err != nil {
		return nil, nil, fmt.Errorf("reading reference: %w", err)
	}
	return twin, profile, nil
}

// standIns adds the keys of what a debug run was told to use in place of real rows, and writes down which it was.
func (k *keychain) standIns(p job.Package, g *ground, letter *work.DebugLetter) {
	for i, in := range p.Inputs {
		ds, _ := g.datasetNamed(string(in.Dataset))
		v, told := g.versions[versionKey(ds.ID, in.Version)], letter.Inputs[i]
		source := sourceOf(told)
		k.d.detail["made_from."+in.Name], k.d.refs["made_from."+in.Name] = string(source.MadeFrom), string(source.Digest)
		if told.Twin == nil {
			k.data(v.DataKey) // the profile lies under the version's own key
			continue
		}
		k.twin(v, *told.Twin)
	}
}

// twin adds the key of a version's twin. One that was replaced or withdrawn since is not used: it may have been for
// a reason.
func (k *keychain) twin(v postgres.Version, ref object.Ref) {
	w, err := k.d.tx.TwinIn(k.d.ctx, v.Dataset, v.Number, string(dataset.TwinAccepted))
	if absent(err) || err == nil && w.DataKey != ref.Key {
		err = fault.New(fault.Conflict, "twin.replaced")
	}
	if k.err == nil {
		k.err = err
	}
	k.data(ref.Key)
}

// sourceOf says what an input of a debug run is made from.
func sourceOf(in work.Input) job.InputSource {
	if in.Twin != nil {
		return job.InputSource{Input: in.Input, MadeFrom: job.FromTwin, Digest: name.Digest(in.Twin.Digest)}
	}
	return job.InputSource{Input: in.Input, MadeFrom: job.FromProfile, Digest: name.Digest(in.Profile.Digest)}
}

// versionView is a version as it is shown, its twin included.
func (d *deed) versionView(slug string, v postgres.Version) (dataset.VersionView, error) {
	view := versionView(slug, v)
	twins, err := d.twinViews(v.Dataset)
	view.Twin = twins[v.Number]
	return view, err
}

// twinViews are the twins of a dataset's versions as they are shown, by version.
func (d *deed) twinViews(datasetID string) (map[int]*dataset.TwinView, error) {
	sent, err := d.tx.SentTwins(d.ctx, datasetID)
	if err != nil {
		return nil, fmt.Errorf("reading twins: %w", err)
	}
	views := map[int]*dataset.TwinView{}
	for _, w := range sent {
		view := &dataset.TwinView{State: w.State, File: w.File, InUse: text(w.InUse), CreatedAt: w.CreatedAt}
		if w.Rows != nil {
			view.Rows = *w.Rows
		}
		if w.Refusal != nil {
			view.Refusal = new(dataset.Refusal)
			if err := json.Unmarshal(w.Refusal, view.Refusal); err != nil {
				return nil, fmt.Errorf("reading refusal: %w", err)
			}
		}
		views[w.Version] = view
	}
	return views, nil
}

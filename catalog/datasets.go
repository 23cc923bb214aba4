package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy"
)

// Datasets keeps what departments publish: datasets, their versions as manifests of immutable parts, the
// provider's terms and signed profiles.
type Datasets struct{ c *core }

// Declare adds a dataset without any data yet. Who: data_steward of a data provider.
func (s *Datasets) Declare(ctx context.Context, caller policy.Subject, spec dataset.Spec) (view dataset.View, err error) {
	declared := spec.Dataset(name.ID(caller.Org))
	if err := declared.Validate(s.c.bounds()); err != nil {
		return dataset.View{}, err
	}
	if err := spec.CheckConfirmation(); err != nil {
		return dataset.View{}, err
	}
	err = s.c.change(ctx, caller, "dataset.declare", &view, func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "dataset", Org: caller.Org}, spec.Slug, policy.Facts{}); err != nil {
			return err
		}
		master, err := d.newDataKey("dataset")
		if err != nil {
			return err
		}
		row := postgres.Dataset{
			ID: name.NewID().String(), Slug: spec.Slug, Org: caller.Org, Title: spec.Title, Basis: spec.Basis, Class: string(spec.Class),
			State: string(dataset.Flow().Start()), Columns: spec.Columns, Units: spec.Units,
			RoundTo: spec.RoundTo, Terms: &spec.Terms, SecretKey: master.ID, CreatedAt: d.now,
			Confirmed: spec.Confirmation(),
		}
		d.object.ID = row.ID
		if err := d.tx.InsertDataset(ctx, row); err != nil {
			if postgres.IsUnique(err, "dataset_slug_key") {
				return fault.New(fault.Conflict, "dataset.slug_taken")
			}
			return fmt.Errorf("adding dataset: %w", err)
		}
		view, err = d.datasetView(row)
		return err
	})
	return view, err
}

// bounds are what the rules in force let a declaration say.
func (c *core) bounds() dataset.Bounds {
	data := c.Rules.Data
	return dataset.Bounds{Columns: data.Columns, KeepLeast: data.KeepLeast, KeepMost: data.KeepMost}
}

// Show returns a dataset. Who: its provider, operators, agencies, registrars.
func (s *Datasets) Show(ctx context.Context, caller policy.Subject, slug string) (view dataset.View, err error) {
	err = s.c.act(ctx, caller, "dataset.show", func(d *deed) error {
		row, err := d.dataset(slug)
		if err != nil {
			return err
		}
		view, err = d.datasetView(row)
		return err
	})
	return view, err
}

// Columns returns what a dataset's rows are made of. Who: as Show.
func (s *Datasets) Columns(ctx context.Context, caller policy.Subject, slug string) (columns []dataset.Column, err error) {
	err = s.c.act(ctx, caller, "dataset.columns", func(d *deed) error {
		row, err := d.dataset(slug)
		columns = row.Columns
		return err
	})
	return columns, err
}

// SetTerms replaces the provider's terms, from the next decision on. Who: data_steward of the provider.
func (s *Datasets) SetTerms(ctx context.Context, caller policy.Subject, slug string, terms dataset.Terms) (view dataset.View, err error) {
	err = s.c.change(ctx, caller, "dataset.terms", &view, func(d *deed) error {
		row, err := d.dataset(slug)
		if err != nil {
			return err
		}
		if err := d.seen(d.datasetView(row)); err != nil {
			return err
		}
		if err := terms.Validate(row.Columns, s.c.bounds()); err != nil {
			return err
		}
		to, err := dataset.Flow().Check(state(row.State), "terms")
		if err != nil {
			return err
		}
		row.State = string(to)
		if err := d.tx.SetDatasetState(ctx, row.ID, row.State); err != nil {
			return err
		}
		row.Terms = &terms
		if err := d.tx.SetTerms(ctx, row.ID, terms); err != nil {
			return err
		}
		view, err = d.datasetView(row)
		return err
	})
	return view, err
}

// Freeze stops every use of a dataset within seconds: its runs die, nothing new starts, nothing of it is
// released. Who: data_steward of the provider.
func (s *Datasets) Freeze(ctx context.Context, caller policy.Subject, slug string) (dataset.View, error) {
	return s.move(ctx, caller, slug, "freeze", "dataset.frozen")
}

// Thaw ends a freeze. Who: data_steward of the provider.
func (s *Datasets) Thaw(ctx context.Context, caller policy.Subject, slug string) (dataset.View, error) {
	return s.move(ctx, caller, slug, "thaw", "")
}

func (s *Datasets) move(ctx context.Context, caller policy.Subject, slug, act, stop string) (view dataset.View, err error) {
	err = s.c.change(ctx, caller, policy.Action("dataset."+act), &view, func(d *deed) error {
		if _, err := d.dataset(slug); err != nil {
			return err
		}
		row, err := d.tx.LockDataset(ctx, slug)
		if err != nil {
			return err
		}
		if err := d.seen(d.datasetView(row)); err != nil {
			return err
		}
		to, err := dataset.Flow().Check(state(row.State), act)
		if err != nil {
			return err
		}
		if dataset.Flow().Ended(to) {
			if err := d.unneeded(row); err != nil {
				return err
			}
		}
		if err := d.tx.SetDatasetState(ctx, row.ID, string(to)); err != nil {
			return err
		}
		if stop != "" {
			if err := d.stopJobsOn(row.ID, 0, stop); err != nil {
				return err
			}
		}
		row.State = string(to)
		view, err = d.datasetView(row)
		return err
	})
	return view, err
}

// Withdraw ends a version for good; runs on it die within seconds. Who: data_steward of the provider.
func (s *Datasets) Withdraw(ctx context.Context, caller policy.Subject, slug string, number int) (view dataset.VersionView, err error) {
	err = s.c.change(ctx, caller, "dataset.withdraw", &view, func(d *deed) error {
		row, err := d.dataset(slug)
		if err != nil {
			return err
		}
		if _, err := d.tx.LockDataset(ctx, slug); err != nil {
			return err
		}
		v, err := d.tx.Version(ctx, row.ID, number)
		if err != nil {
			return err
		}
		to, err := dataset.VersionFlow().Check(state(v.State), "withdraw")
		if err != nil {
			return err
		}
		if err := d.tx.SetVersionState(ctx, row.ID, number, v.State, string(to)); err != nil {
			return err
		}
		if err := d.withdrawTwins(row.ID, number); err != nil {
			return err
		}
		v.State = string(to)
		if view, err = d.versionView(slug, v); err != nil {
			return err
		}
		return d.stopJobsOn(row.ID, number, "version.withdrawn")
	})
	return view, err
}

// ShowVersion returns one version with its parts, and with the reasons when its bytes were refused. Who: as Show.
func (s *Datasets) ShowVersion(ctx context.Context, caller policy.Subject, slug string, number int) (view dataset.VersionView, err error) {
	err = s.c.act(ctx, caller, "dataset.show", func(d *deed) error {
		row, err := d.dataset(slug)
		if err != nil {
			return err
		}
		v, err := d.tx.Version(ctx, row.ID, number)
		if err != nil {
			return err
		}
		if view, err = d.versionView(slug, v); err != nil {
			return err
		}
		view.Parts, err = namedParts(v)
		return err
	})
	return view, err
}

// Profile asks for a version's profile, computed in a container. Who: data_steward of the provider.
func (s *Datasets) Profile(ctx context.Context, caller policy.Subject, slug string, number int) (view dataset.VersionView, err error) {
	err = s.c.change(ctx, caller, "dataset.profile", &view, func(d *deed) error {
		row, v, parts, err := d.availableVersion(slug, number)
		if err != nil {
			return err
		}
		if view, err = d.versionView(slug, v); err != nil {
			return err
		}
		return d.queue(row.ID, &v.Number, work.Letter{Kind: work.Profile, Profile: &work.ProfileLetter{
			Parts: parts,
			ProfileLetter: task.ProfileLetter{
				Columns: row.Columns, Units: row.Units, MinUnits: d.c.Rules.Data.ProfileMinUnits, RoundTo: row.RoundTo,
			},
		}})
	})
	return view, err
}

// ShowProfile returns the profile's bytes as the steward will sign them. Who: data_steward of the provider.
func (s *Datasets) ShowProfile(ctx context.Context, caller policy.Subject, slug string, number int) (profile []byte, err error) {
	var row postgres.Dataset
	var ref object.Ref
	err = s.c.act(ctx, caller, "dataset.profile", func(d *deed) error {
		row, err = d.dataset(slug)
		if err != nil {
			return err
		}
		v, err := d.tx.Version(ctx, row.ID, number)
		if err != nil {
			return err
		}
		if v.Profile == nil {
			return fault.New(fault.Conflict, "profile.missing")
		}
		if err := json.Unmarshal(v.Profile, &ref); err != nil {
			return fmt.Errorf("reading profile reference: %w", err)
		}
		d.refs["profile"] = ref.Digest
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.c.fetch(ctx, caller, "dataset.profile", row.ID, &number, ref)
}

// SignProfile stores the steward's signature over the profile: from then on debug runs may use it. The
// envelope's payload is dataset.ProfileStatement. Who: data_steward of the provider, with their own key.
func (s *Datasets) SignProfile(ctx context.Context, caller policy.Subject, slug string, number int, signed envelope.Envelope) (view dataset.VersionView, err error) {
	err = s.c.change(ctx, caller, "dataset.profile", &view, func(d *deed) error {
		row, err := d.dataset(slug)
		if err != nil {
			return err
		}
		v, err := d.tx.Version(ctx, row.ID, number)
		if err != nil {
			return err
		}
		if err := d.checkProfileSignature(slug, v, signed); err != nil {
			return err
		}
		body, err := json.Marshal(signed)
		if err != nil {
			return fmt.Errorf("encoding signature: %w", err)
		}
		v.ProfileSigner = &caller.Member
		if view, err = d.versionView(slug, v); err != nil {
			return err
		}
		return d.tx.SignProfile(ctx, row.ID, number, caller.Member, body)
	})
	return view, err
}

func (d *deed) checkProfileSignature(slug string, v postgres.Version, signed envelope.Envelope) error {
	if v.Profile == nil {
		return fault.New(fault.Conflict, "profile.missing")
	}
	var ref object.Ref
	if err := json.Unmarshal(v.Profile, &ref); err != nil {
		return fmt.Errorf("reading profile reference: %w", err)
	}
	var said dataset.ProfileStatement
	if _, err := d.opened(signed, dataset.ProfileType, &said); err != nil {
		return err
	}
	if string(said.Dataset) != slug || said.Number != v.Number || string(said.Profile) != ref.Digest ||
		string(said.Manifest) != text(v.ManifestDigest) || string(said.Steward) != d.caller.Member {
		return fault.New(fault.Invalid, "signature.other_bytes")
	}
	d.refs["profile"] = ref.Digest
	return nil
}

// Preview asks what a grant shows: the first rows of the dataset, cut exactly as staging would. It returns
// the number of the work; ShowPreview has the rows once it has settled. Who: data_steward of the provider.
func (s *Datasets) Preview(ctx context.Context, caller policy.Subject, slug string, number int, grantNumber string) (id string, err error) {
	err = s.c.change(ctx, caller, "dataset.preview", &id, func(d *deed) error {
		row, v, parts, err := d.availableVersion(slug, number)
		if err != nil {
			return err
		}
		g, err := d.tx.Grant(ctx, grantNumber)
		if err != nil || g.Dataset != row.ID {
			return fault.NotFound()
		}
		id = name.NewID().String()
		input := work.Input{Scope: scopeOf(row, g, "preview", g.Scope.Columns), Dataset: row.ID, Parts: parts}
		d.detail["grant"] = g.Number
		return d.queueAs(id, row.ID, &v.Number, work.Letter{Kind: work.Preview, Preview: &work.PreviewLetter{Input: input, Rows: d.c.Rules.Data.PreviewRows}})
	})
	return id, err
}

// ShowPreview returns the rows of a preview as JSON (a task.PreviewTable), or Conflict while it is under
// way. Who: data_steward of the provider.
func (s *Datasets) ShowPreview(ctx context.Context, caller policy.Subject, slug string, number int, id string) (rows []byte, err error) {
	var ref object.Ref
	var w postgres.Work
	err = s.c.act(ctx, caller, "dataset.preview", func(d *deed) error {
		row, err := d.dataset(slug)
		if err != nil {
			return err
		}
		if _, err := name.ParseID(id); err != nil {
			return fault.NotFound()
		}
		w, err = d.tx.WorkByID(ctx, id)
		if err != nil || w.Subject != row.ID || w.Kind != string(work.Preview) || w.Version == nil || *w.Version != number {
			return fault.NotFound()
		}
		ref, err = settledObject(w)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.c.fetch(ctx, caller, "dataset.preview", w.Subject, w.Version, ref)
}

// settledObject returns the one object a settled piece of work wrote.
func settledObject(w postgres.Work) (object.Ref, error) {
	if w.State != "settled" {
		return object.Ref{}, fault.New(fault.Conflict, "work.under_way")
	}
	var result work.Result
	if err := json.Unmarshal(w.Result, &result); err != nil || len(result.Objects) != 1 {
		return object.Ref{}, fault.New(fault.Conflict, "work.failed")
	}
	return result.Objects[0].Ref, nil
}

// dataset reads the dataset an act is about and decides it.
func (d *deed) dataset(slug string) (postgres.Dataset, error) {
	row, err := d.tx.Dataset(d.ctx, slug)
	if err != nil {
		return postgres.Dataset{}, err
	}
	return row, d.decide(policy.Object{Kind: "dataset", ID: row.ID, Org: row.Org}, slug, policy.Facts{})
}

// availableVersion decides an act on a version that has parts, and returns them.
func (d *deed) availableVersion(slug string, number int) (postgres.Dataset, postgres.Version, []object.Ref, error) {
	row, err := d.dataset(slug)
	if err != nil {
		return postgres.Dataset{}, postgres.Version{}, nil, err
	}
	v, err := d.tx.Version(d.ctx, row.ID, number)
	if err != nil {
		return postgres.Dataset{}, postgres.Version{}, nil, err
	}
	if err := standing(row); err != nil {
		return postgres.Dataset{}, postgres.Version{}, nil, err
	}
	parts, err := partsOf(v)
	return row, v, parts, err
}

func (d *deed) datasetView(row postgres.Dataset) (dataset.View, error) {
	home, err := d.tx.Org(d.ctx, row.Org)
	if err != nil {
		return dataset.View{}, fmt.Errorf("reading provider: %w", err)
	}
	versions, err := d.tx.Versions(d.ctx, row.ID)
	if err != nil {
		return dataset.View{}, fmt.Errorf("reading versions: %w", err)
	}
	view := dataset.View{
		Slug: row.Slug, Title: row.Title, Basis: row.Basis, Provider: home.Number, ProviderName: home.Name, Class: row.Class, State: row.State,
		Columns: row.Columns, Units: row.Units, RoundTo: row.RoundTo, Terms: row.Terms, CreatedAt: row.CreatedAt,
		Confirmed: row.Confirmed,
	}
	twins, err := d.twinViews(row.ID)
	if err != nil {
		return dataset.View{}, err
	}
	for _, v := range versions {
		shown := versionView(row.Slug, v)
		shown.Twin = twins[v.Number]
		view.Versions = append(view.Versions, shown)
	}
	reg, err := d.tx.DatasetRegistration(d.ctx, row.ID)
	if err == nil {
		view.Registration = reg.Number
	} else if !errors.Is(err, postgres.ErrNone) {
		return dataset.View{}, fmt.Errorf("reading registration: %w", err)
	}
	return view, nil
}

func versionView(slug string, v postgres.Version) dataset.VersionView {
	view := dataset.VersionView{
		Dataset: slug, Number: v.Number, State: v.State, Digest: text(v.ManifestDigest),
		ProfileSigned: v.ProfileSigner != nil, CreatedAt: v.CreatedAt,
	}
	if v.Rows != nil {
		view.Rows = *v.Rows
	}
	if v.Publication != nil {
		view.Mode, view.Base = v.Publication.Mode, v.Publication.Base
	}
	var profile object.Ref
	if json.Unmarshal(v.Profile, &profile) == nil {
		view.Profile = string(profile.Digest)
	}
	if len(v.Refusal) > 0 {
		view.Refusal = &dataset.Refusal{Outcome: "unreadable"}
		if err := json.Unmarshal(v.Refusal, view.Refusal); err != nil {
			return view
		}
	}
	return view
}

package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Destructions ends dataset versions for good: proposed by one person of the department, approved by another, carried
// out by the keeper (erase.go). What was released of a version stays.
type Destructions struct{ c *core }

// Propose asks for the end of a version. Nothing happens to it yet. It fails with Conflict version.shared while a later
// version holds its parts: that one has to end first. Who: data_steward of the provider.
func (s *Destructions) Propose(ctx context.Context, caller policy.Subject, slug string, number int, spec destruction.Spec) (view destruction.View, err error) {
	if err := spec.Validate(); err != nil {
		return view, err
	}
	err = s.c.change(ctx, caller, "destruction.propose", &view, func(d *deed) error {
		found, err := d.tx.Dataset(ctx, slug)
		if err != nil {
			return err
		}
		x := postgres.Destruction{
			ID: name.NewID().String(), Dataset: found.ID, Version: number, State: string(destruction.Flow().Start()),
			Reason: string(spec.Reason), AskedBy: &caller.Member, AskedAt: d.now,
		}
		if err := d.decideDestruction(found, x); err != nil {
			return err
		}
		if _, err := d.doomed(found, number); err != nil {
			return err
		}
		view, err = destructionView(slug, x)
		if err != nil {
			return err
		}
		err = d.tx.InsertDestruction(ctx, x)
		if postgres.IsUnique(err, "destruction_live_idx") {
			return fault.New(fault.Conflict, "destruction.under_way")
		}
		return err
	})
	return view, err
}

// Approve ends a version: from now on nothing reads it, what runs on it dies within seconds, and the keeper erases its
// keys once nothing holds them. There is no way back. Who: data_steward or approver of the provider, never who
// proposed it.
func (s *Destructions) Approve(ctx context.Context, caller policy.Subject, slug string, number int) (view destruction.View, err error) {
	err = s.c.change(ctx, caller, "destruction.approve", &view, func(d *deed) error {
		row, x, err := d.proposal(slug, number)
		if err != nil {
			return err
		}
		to, err := destruction.Flow().Check(state(x.State), "approve")
		if err != nil {
			return err
		}
		v, err := d.doomed(row, number)
		if err != nil {
			return err
		}
		x.State, x.ApprovedBy, x.ApprovedAt = string(to), &caller.Member, &d.now
		if err := d.tx.MoveDestruction(ctx, x); err != nil {
			return err
		}
		if err := d.endVersion(row, v); err != nil {
			return err
		}
		view, err = destructionView(slug, x)
		return err
	})
	return view, err
}

// Withdraw takes a proposal back. Who: data_steward of the provider.
func (s *Destructions) Withdraw(ctx context.Context, caller policy.Subject, slug string, number int) (view destruction.View, err error) {
	err = s.c.change(ctx, caller, "destruction.withdraw", &view, func(d *deed) error {
		_, x, err := d.proposal(slug, number)
		if err != nil {
			return err
		}
		to, err := destruction.Flow().Check(state(x.State), "withdraw")
		if err != nil {
			return err
		}
		x.State = string(to)
		if err := d.tx.MoveDestruction(ctx, x); err != nil {
			return err
		}
		view, err = destructionView(slug, x)
		return err
	})
	return view, err
}

// Show returns the destruction of a version that was asked for last. Who: data_steward or approver of the provider.
func (s *Destructions) Show(ctx context.Context, caller policy.Subject, slug string, number int) (view destruction.View, err error) {
	err = s.c.act(ctx, caller, "destruction.show", func(d *deed) error {
		x, err := d.destruction(slug, number)
		if err != nil {
			return err
		}
		view, err = destructionView(slug, x)
		return err
	})
	return view, err
}

// Get returns a destruction with all that is needed to check its certificate offline. It fails with Conflict
// destruction.not_certified until the keeper has signed it. Who: as Show.
func (s *Destructions) Get(ctx context.Context, caller policy.Subject, slug string, number int) (pkg destruction.Package, err error) {
	err = s.c.act(ctx, caller, "destruction.get", func(d *deed) error {
		x, err := d.destruction(slug, number)
		if err != nil {
			return err
		}
		if x.State != string(destruction.Certified) {
			return fault.New(fault.Conflict, "destruction.not_certified")
		}
		if pkg.Destruction, err = destructionView(slug, x); err != nil {
			return err
		}
		kept, err := keptCertificate(x)
		if err != nil {
			return err
		}
		if pkg.Certificate, err = json.Marshal(kept.Certificate); err != nil {
			return fmt.Errorf("encoding certificate: %w", err)
		}
		pkg.Proof, d.refs["certificate"] = kept.Proof, pkg.Destruction.Certificate
		pkg.Trust, err = d.tx.Setting(ctx, TrustSetting)
		return err
	})
	return pkg, err
}

// destruction reads what was asked for last of a version, and decides about it.
func (d *deed) destruction(slug string, number int) (postgres.Destruction, error) {
	row, err := d.tx.Dataset(d.ctx, slug)
	if err != nil {
		return postgres.Destruction{}, err
	}
	x, err := d.tx.Destruction(d.ctx, row.ID, number)
	if err != nil {
		return x, err
	}
	return x, d.decideDestruction(row, x)
}

// proposal reads what was asked for of a version, under the dataset's lock, and decides about it.
func (d *deed) proposal(slug string, number int) (postgres.Dataset, postgres.Destruction, error) {
	row, err := d.tx.LockDataset(d.ctx, slug)
	if err != nil {
		return row, postgres.Destruction{}, err
	}
	x, err := d.tx.Destruction(d.ctx, row.ID, number)
	if err != nil {
		return row, x, err
	}
	if err := d.decideDestruction(row, x); err != nil {
		return row, x, err
	}
	return row, x, d.seen(destructionView(slug, x))
}

func (d *deed) decideDestruction(row postgres.Dataset, x postgres.Destruction) error {
	d.detail["version"], d.detail["reason"] = strconv.Itoa(x.Version), x.Reason
	facts := policy.Facts{Person: &policy.PersonFacts{First: text(x.AskedBy)}}
	return d.decide(policy.Object{Kind: "destruction", ID: x.ID, Org: row.Org}, row.Slug, facts)
}

// doomed reads a version that may be destroyed, under its dataset's lock: whatever begins to read it takes that lock.
func (d *deed) doomed(row postgres.Dataset, number int) (postgres.Version, error) {
	if _, err := d.tx.LockDataset(d.ctx, row.Slug); err != nil {
		return postgres.Version{}, err
	}
	v, err := d.tx.Version(d.ctx, row.ID, number)
	if err != nil {
		return v, err
	}
	if _, err := dataset.VersionFlow().Check(state(v.State), "destroy"); err != nil {
		return v, err
	}
	if v.ManifestDigest == nil { // withdrawn before it was read: there is nothing to certify
		return v, fault.New(fault.Conflict, "version.not_available")
	}
	d.refs["manifest"] = *v.ManifestDigest
	resting, err := d.tx.RestingVersions(d.ctx, row.ID, number)
	if err != nil {
		return v, fmt.Errorf("looking for versions that share parts: %w", err)
	}
	if len(resting) == 0 {
		return v, nil
	}
	shared := &fault.Error{Kind: fault.Conflict, Code: "version.shared"}
	for _, n := range resting {
		shared.Places = append(shared.Places, fault.Place{Location: "version " + strconv.Itoa(n), Code: "version.rests_on_it"})
	}
	return v, shared
}

// endVersion lets nothing read a version any more.
func (d *deed) endVersion(row postgres.Dataset, v postgres.Version) error {
	to, err := dataset.VersionFlow().Check(state(v.State), "destroy")
	if err != nil {
		return err
	}
	if err := d.tx.SetVersionState(d.ctx, row.ID, v.Number, v.State, string(to)); err != nil {
		return err
	}
	if err := d.withdrawTwins(row.ID, v.Number); err != nil {
		return err
	}
	if err := d.tx.StopVersionWork(d.ctx, row.ID, v.Number, "version.destroyed"); err != nil {
		return fmt.Errorf("stopping work on the version: %w", err)
	}
	d.tx.Notify("worker", "stop")
	d.tx.Notify("keeper", "destruction")
	return d.stopJobsOn(row.ID, v.Number, "version.destroyed")
}

func destructionView(slug string, x postgres.Destruction) (destruction.View, error) {
	view := destruction.View{
		Dataset: slug, Version: x.Version, State: x.State, Reason: destruction.Reason(x.Reason), AskedAt: x.AskedAt.UTC(),
		ApprovedAt: x.ApprovedAt, ErasedAt: x.ErasedAt,
	}
	if x.Certificate == nil {
		return view, nil
	}
	kept, err := keptCertificate(x)
	if err != nil {
		return view, err
	}
	digest, err := kept.Certificate.Digest()
	view.Certificate = string(digest)
	return view, err
}

func keptCertificate(x postgres.Destruction) (kept signed, err error) {
	if err := json.Unmarshal(x.Certificate, &kept); err != nil {
		return kept, fmt.Errorf("reading certificate: %w", err)
	}
	return kept, nil
}

// none turns an absent row into there being nothing to do.
func none(err error) error {
	if absent(err) {
		return errNothing
	}
	return err
}

// unless tells whether a step had anything to do.
func unless(err error) (bool, error) {
	if errors.Is(err, errNothing) {
		return false, nil
	}
	return err == nil, err
}

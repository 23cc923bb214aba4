package catalog

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/policy"
)

// Releases lets products out: the keeper makes them, their parties get them.
type Releases struct{ c *core }

// Get returns a released product with all that is needed to check it offline. Who: developer or
// security_officer of its operator, the agency.
func (s *Releases) Get(ctx context.Context, caller policy.Subject, number string) (pkg release.Package, err error) {
	pkg.Product, err = s.get(ctx, caller, number, release.CSV, func(d *deed, l postgres.Release, row postgres.Job) error {
		var kept signed
		if err := json.Unmarshal(l.Certificate, &kept); err != nil {
			return fmt.Errorf("reading certificate: %w", err)
		}
		if pkg.Certificate, err = json.Marshal(kept.Certificate); err != nil {
			return fmt.Errorf("encoding certificate: %w", err)
		}
		pkg.Proof = kept.Proof
		votes, err := d.signedVotes(l.Request)
		if err != nil {
			return err
		}
		if pkg.Votes, err = json.Marshal(votes); err != nil {
			return fmt.Errorf("encoding votes: %w", err)
		}
		if pkg.Trust, err = d.tx.Setting(ctx, TrustSetting); err != nil {
			return fmt.Errorf("reading trust document: %w", err)
		}
		pkg.Release, err = d.releaseView(l, row)
		return err
	})
	if err != nil {
		return release.Package{}, err
	}
	return pkg, nil
}

// Product is a product that left, on its way to a form.
type Product struct {
	Release release.View
	Bytes   []byte    // the certified bytes
	Table   job.Table // they are the canonical CSV of this
}

// Product returns the certified bytes of a released product with the table they are, to be handed out in a form;
// the entry says which. Another form than those is Invalid form.not_offered. Who: as Get.
func (s *Releases) Product(ctx context.Context, caller policy.Subject, number string, form release.Form) (p Product, err error) {
	if err := form.Validate(); err != nil {
		return p, err
	}
	p.Bytes, err = s.get(ctx, caller, number, form, func(d *deed, l postgres.Release, row postgres.Job) error {
		if p.Table, err = d.declaredTable(l.Output); err != nil {
			return err
		}
		p.Release, err = d.releaseView(l, row)
		return err
	})
	if err != nil {
		return Product{}, err
	}
	return p, nil
}

// get reads a released product for its parties. Beside its bytes, tell reads what is to be told of it in the
// transaction of the entry.
func (s *Releases) get(
	ctx context.Context, caller policy.Subject, number string, form release.Form, tell func(*deed, postgres.Release, postgres.Job) error,
) ([]byte, error) {
	var ref object.Ref
	var id string
	err := s.c.act(ctx, caller, "release.get", func(d *deed) error {
		l, row, err := d.release(number)
		if err != nil {
			return err
		}
		if err := d.obtainable(l); err != nil {
			return err
		}
		if err := json.Unmarshal(l.Object, &ref); err != nil {
			return fmt.Errorf("reading reference: %w", err)
		}
		id, d.refs["product"], d.detail["form"] = l.ID, l.Digest, string(form)
		return tell(d, l, row)
	})
	if err != nil {
		return nil, err
	}
	return s.c.fetch(ctx, caller, "release.get", id, nil, ref)
}

// declaredTable reads what an output was declared to be.
func (d *deed) declaredTable(outputID string) (t job.Table, err error) {
	o, err := d.tx.Output(d.ctx, outputID)
	if err != nil {
		return t, fmt.Errorf("reading output: %w", err)
	}
	if err := json.Unmarshal(o.Schema, &t); err != nil {
		return t, fmt.Errorf("reading declared table: %w", err)
	}
	return t, nil
}

// TrustSetting is the public fact under which trust.json is found.
const TrustSetting = "trust"

// Show returns a release to its parties.
func (s *Releases) Show(ctx context.Context, caller policy.Subject, number string) (view release.View, err error) {
	err = s.c.act(ctx, caller, "release.show", func(d *deed) error {
		l, row, err := d.release(number)
		if err != nil {
			return err
		}
		view, err = d.releaseView(l, row)
		return err
	})
	return view, err
}

// List returns the releases the caller's organization is a party to.
func (s *Releases) List(ctx context.Context, caller policy.Subject, p Page) (views Listed[release.View], err error) {
	err = s.c.act(ctx, caller, "release.list", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "release", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.Release, error) { return d.tx.Releases(ctx, caller.Org, w) },
			func(r postgres.Release) string { return r.ID }, d.listedRelease, release.Flow())
		return err
	})
	return views, err
}

// release reads a release for its parties and decides.
func (d *deed) release(number string) (postgres.Release, postgres.Job, error) {
	l, err := d.tx.Release(d.ctx, number)
	if err != nil {
		return l, postgres.Job{}, err
	}
	row, err := d.jobOfOutput(l.Output)
	if err != nil {
		return l, row, err
	}
	if err := d.party(row); err != nil {
		return l, row, err
	}
	return l, row, d.decide(policy.Object{Kind: "release", ID: l.ID, Org: row.Org}, number, policy.Facts{})
}

func (d *deed) jobOfOutput(id string) (postgres.Job, error) {
	o, err := d.tx.Output(d.ctx, id)
	if err != nil {
		return postgres.Job{}, err
	}
	return d.tx.JobByID(d.ctx, o.Job)
}

func (d *deed) releaseView(l postgres.Release, row postgres.Job) (release.View, error) {
	r, err := d.tx.RequestByID(d.ctx, l.Request)
	if err != nil {
		return release.View{}, fmt.Errorf("reading request: %w", err)
	}
	now, err := d.releaseState(l)
	if err != nil {
		return release.View{}, err
	}
	o, err := d.tx.Output(d.ctx, l.Output)
	return release.View{
		Number: l.Number, Request: r.Number, Job: row.Number, Output: o.Name, Digest: l.Digest, State: string(now),
		CreatedAt: l.CreatedAt, ReleasedAt: l.ReleasedAt,
	}, err
}

// listedRelease shows a release with the job it came from.
func (d *deed) listedRelease(l postgres.Release) (release.View, error) {
	row, err := d.jobOfOutput(l.Output)
	if err != nil {
		return release.View{}, err
	}
	return d.releaseView(l, row)
}

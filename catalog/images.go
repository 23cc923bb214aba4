package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/image"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Images keeps the list of what Python jobs may run in.
type Images struct{ c *core }

// Propose puts an image before the other office of the platform. Nothing runs in it yet. It fails with Conflict
// image.name_taken or image.digest_taken. Who: system_admin of the platform.
func (s *Images) Propose(ctx context.Context, caller policy.Subject, spec image.Spec) (view image.View, err error) {
	if err := spec.Validate(); err != nil {
		return view, err
	}
	err = s.c.change(ctx, caller, "image.propose", &view, func(d *deed) error {
		row := postgres.Image{
			ID: name.NewID().String(), Name: spec.Name, Digest: spec.Digest, SBOM: spec.SBOM, State: string(image.Flow().Start()),
			ProposedBy: caller.Member, ProposedAt: d.now,
		}
		if err := d.decideImage(row); err != nil {
			return err
		}
		if view, err = d.imageView(row); err != nil {
			return err
		}
		err := d.tx.InsertImage(ctx, row)
		switch {
		case postgres.IsUnique(err, "image_name_key"):
			return fault.New(fault.Conflict, "image.name_taken")
		case postgres.IsUnique(err, "image_digest_idx"):
			return fault.New(fault.Conflict, "image.digest_taken")
		}
		return err
	})
	return view, err
}

// Approve lets jobs run in an image. Who: security_admin of the platform, never who proposed it.
func (s *Images) Approve(ctx context.Context, caller policy.Subject, called string) (image.View, error) {
	return s.move(ctx, caller, "image.approve", called, func(d *deed, row *postgres.Image) error {
		row.ApprovedBy, row.ApprovedAt = &caller.Member, &d.now
		return nil
	})
}

// Retire takes an image off the list for good; what runs in it ends within seconds. Who: system_admin or
// security_admin of the platform.
func (s *Images) Retire(ctx context.Context, caller policy.Subject, called string) (image.View, error) {
	return s.move(ctx, caller, "image.retire", called, func(d *deed, row *postgres.Image) error {
		row.RetiredAt = &d.now
		jobs, err := d.tx.LiveJobsIn(ctx, row.Digest)
		if err != nil {
			return fmt.Errorf("finding runs in the image: %w", err)
		}
		return d.stopJobs(jobs, "image.retired")
	})
}

// move moves an image by one act.
func (s *Images) move(ctx context.Context, caller policy.Subject, action policy.Action, called string, change func(*deed, *postgres.Image) error) (view image.View, err error) {
	err = s.c.change(ctx, caller, action, &view, func(d *deed) error {
		row, err := d.tx.LockImage(ctx, called)
		if err != nil {
			return err
		}
		if err := d.decideImage(row); err != nil {
			return err
		}
		if err := d.seen(d.imageView(row)); err != nil {
			return err
		}
		to, err := image.Flow().Check(state(row.State), string(action)[len("image."):])
		if err != nil {
			return err
		}
		row.State = string(to)
		if err := change(d, &row); err != nil {
			return err
		}
		if err := d.tx.MoveImage(ctx, row); err != nil {
			return err
		}
		view, err = d.imageView(row)
		return err
	})
	return view, err
}

// Show returns an image. Who: the platform's offices, and who runs jobs or approves them.
func (s *Images) Show(ctx context.Context, caller policy.Subject, called string) (view image.View, err error) {
	err = s.c.act(ctx, caller, "image.show", func(d *deed) error {
		row, err := d.tx.Image(ctx, called)
		if err != nil {
			return err
		}
		if err := d.decideImage(row); err != nil {
			return err
		}
		view, err = d.imageView(row)
		return err
	})
	return view, err
}

// List returns the images. Who: as Show.
func (s *Images) List(ctx context.Context, caller policy.Subject, p Page) (views Listed[image.View], err error) {
	err = s.c.act(ctx, caller, "image.list", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "image", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.Image, error) { return d.tx.Images(ctx, w) },
			func(r postgres.Image) string { return r.ID }, d.imageView, image.Flow())
		return err
	})
	return views, err
}

// decideImage decides about an image. It is nobody's, and no secret: who may not have to do with images is told so.
func (d *deed) decideImage(row postgres.Image) error {
	d.refs["image"], d.refs["sbom"] = row.Digest, row.SBOM
	return d.decide(policy.Object{Kind: "image", ID: row.ID, Org: d.caller.Org}, row.Name, policy.Facts{Person: &policy.PersonFacts{First: row.ProposedBy}})
}

func (d *deed) imageView(row postgres.Image) (image.View, error) {
	view := image.View{
		Name: row.Name, Digest: row.Digest, SBOM: row.SBOM, State: row.State, ProposedAt: row.ProposedAt.UTC(),
		ApprovedAt: row.ApprovedAt, RetiredAt: row.RetiredAt,
	}
	proposer, err := d.tx.Member(d.ctx, row.ProposedBy)
	if err != nil {
		return view, err
	}
	view.ProposedBy = proposer.Login
	if row.ApprovedBy == nil {
		return view, nil
	}
	approver, err := d.tx.Member(d.ctx, *row.ApprovedBy)
	view.ApprovedBy = approver.Login
	return view, err
}

// pictured freezes the image of a Python job into its package: the one it names by name or digest, or the only one
// there is. It stays approved until the act is over.
func (d *deed) pictured(p *job.Package) error {
	approved, err := d.tx.ShareImages(d.ctx)
	if err != nil {
		return fmt.Errorf("reading approved images: %w", err)
	}
	named := slices.DeleteFunc(approved, func(i postgres.Image) bool {
		return p.Image != "" && p.Image != i.Digest && p.Image != i.Name
	})
	switch {
	case len(named) == 1:
		p.Image = named[0].Digest
		return nil
	case p.Image != "":
		return fault.New(fault.Conflict, "image.not_approved")
	case len(named) == 0:
		return fault.New(fault.Conflict, "image.none_approved")
	}
	return fault.New(fault.Conflict, "image.several_approved")
}

// stillPictured asks at the claim whether a job's image is approved. The job's row is locked: who retires the image
// meanwhile finds it and stops it.
func (d *deed) stillPictured(p job.Package) error {
	if p.Engine != job.EnginePython {
		return nil
	}
	d.refs["image"] = p.Image
	ok, err := d.tx.ImageApproved(d.ctx, p.Image)
	if err == nil && !ok {
		err = fault.New(fault.Conflict, "image.not_approved")
	}
	return err
}

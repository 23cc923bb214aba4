package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Orgs keeps organizations and their capacities.
type Orgs struct{ c *core }

// Create adds an organization. Who: platform system_admin.
func (s *Orgs) Create(ctx context.Context, caller policy.Subject, spec org.Spec) (view org.View, err error) {
	if err := spec.Check(); err != nil {
		return org.View{}, err
	}
	err = s.c.change(ctx, caller, "org.create", &view, func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "org", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		number, err := d.newNumber(name.Organization)
		if err != nil {
			return err
		}
		row := postgres.Org{ID: name.NewID().String(), Number: number, Name: spec.Name, CreditCode: optional(spec.CreditCode), CreatedAt: d.now}
		d.object.ID, d.number = row.ID, number
		if err := d.tx.InsertOrg(ctx, row); err != nil {
			if postgres.IsUnique(err, "org_name_key") {
				return fault.New(fault.Conflict, "org.name_taken")
			}
			return fmt.Errorf("adding organization: %w", err)
		}
		view, err = d.orgView(row)
		return err
	})
	return view, err
}

// GrantCapacity gives an organization a capacity, resting on a designation document. Who: platform
// system_admin, entering the document.
func (s *Orgs) GrantCapacity(ctx context.Context, caller policy.Subject, number string, spec org.CapacitySpec) (view org.View, err error) {
	if err := spec.Check(); err != nil {
		return org.View{}, err
	}
	err = s.c.change(ctx, caller, "capacity.grant", &view, func(d *deed) error {
		row, err := d.tx.OrgByNumber(ctx, number)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "capacity", ID: row.ID, Org: row.ID}, number, policy.Facts{}); err != nil {
			return err
		}
		if err := d.mayHold(row.ID, spec.Capacity); err != nil {
			return err
		}
		d.detail["capacity"] = string(spec.Capacity)
		if err := d.tx.InsertCapacity(ctx, row.ID, string(spec.Capacity), spec.Document, d.now); err != nil {
			return fmt.Errorf("giving capacity: %w", err)
		}
		view, err = d.orgView(row)
		return err
	})
	return view, err
}

// mayHold refuses a capacity that an organization has, or that one of its own excludes. Two at once would not see each
// other, so they follow one another.
func (d *deed) mayHold(id string, capacity org.Capacity) error {
	if err := d.tx.LockCapacities(d.ctx, id); err != nil {
		return fmt.Errorf("locking capacities: %w", err)
	}
	held, err := d.capacities(id)
	if err != nil {
		return err
	}
	if slices.Contains(held, capacity) {
		return fault.New(fault.Conflict, "capacity.held")
	}
	return org.CheckCapacities(append(held, capacity))
}

// capacities lists what an organization is now.
func (d *deed) capacities(id string) ([]org.Capacity, error) {
	rows, err := d.tx.Designations(d.ctx, id, d.now)
	if err != nil {
		return nil, fmt.Errorf("reading capacities: %w", err)
	}
	return each(rows, plain(func(r postgres.Designation) org.Capacity { return org.Capacity(r.Capacity) }))
}

// EndCapacity ends a capacity; what rests on it stops counting at once, and an operator's jobs end. Who: platform system_admin.
func (s *Orgs) EndCapacity(ctx context.Context, caller policy.Subject, number string, capacity org.Capacity) (view org.View, err error) {
	err = s.c.change(ctx, caller, "capacity.end", &view, func(d *deed) error {
		row, err := d.tx.OrgByNumber(ctx, number)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "capacity", ID: row.ID, Org: row.ID}, number, policy.Facts{}); err != nil {
			return err
		}
		if err := d.tx.EndCapacity(ctx, row.ID, string(capacity), d.now); err != nil {
			return err
		}
		if capacity == org.Operator {
			if err := d.stopJobsBy(row.ID, "", "capacity.ended"); err != nil {
				return err
			}
		}
		view, err = d.orgView(row)
		return err
	})
	return view, err
}

// Show returns one organization. Who: everyone its own, platform all.
func (s *Orgs) Show(ctx context.Context, caller policy.Subject, number string) (view org.View, err error) {
	err = s.c.act(ctx, caller, "org.show", func(d *deed) error {
		row, err := d.tx.OrgByNumber(ctx, number)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "org", ID: row.ID, Org: row.ID}, number, policy.Facts{}); err != nil {
			return err
		}
		view, err = d.orgView(row)
		return err
	})
	return view, err
}

// List returns all organizations. Who: platform system_admin, data authority.
func (s *Orgs) List(ctx context.Context, caller policy.Subject, p Page) (views Listed[org.View], err error) {
	err = s.c.act(ctx, caller, "org.list", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "org", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.Org, error) { return d.tx.Orgs(ctx, w) },
			func(r postgres.Org) string { return r.ID }, d.orgView)
		return err
	})
	return views, err
}

func (d *deed) orgView(row postgres.Org) (org.View, error) {
	rows, err := d.tx.Designations(d.ctx, row.ID, d.now)
	if err != nil {
		return org.View{}, fmt.Errorf("reading capacities: %w", err)
	}
	v := org.View{
		Number: row.Number, Name: row.Name, CreditCode: text(row.CreditCode), Capacities: []string{},
		Designations: []org.Designation{}, CreatedAt: row.CreatedAt,
	}
	for _, r := range rows {
		v.Capacities = append(v.Capacities, r.Capacity)
		v.Designations = append(v.Designations, org.Designation(r))
	}
	return v, nil
}

// each maps rows to views and stops at the first error. The result is never nil: lists are empty, not null.
func each[R, V any](rows []R, view func(R) (V, error)) ([]V, error) {
	out := make([]V, 0, len(rows))
	for _, r := range rows {
		v, err := view(r)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

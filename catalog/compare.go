package catalog

import (
	"context"
	"slices"

	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Compare holds what a grant asks against the provider's terms, its agreement and its dataset as they are now. Who:
// as Show.
func (s *Grants) Compare(ctx context.Context, caller policy.Subject, number string) (all []grant.Comparison, err error) {
	err = s.c.act(ctx, caller, "grant.compare", func(d *deed) error {
		row, a, ds, err := d.partyGrant(number)
		all = row.Scope.Compare(boundsOf(row.Scope, a, ds))
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Check holds a grant that might be proposed against the same bounds. Nothing is proposed and nothing kept. Who: of those
// who may Compare, the operator's.
func (s *Grants) Check(ctx context.Context, caller policy.Subject, spec grant.Spec) (all []grant.Comparison, err error) {
	if err := spec.Scope.Validate(); err != nil {
		return nil, err
	}
	err = s.c.act(ctx, caller, "grant.compare", func(d *deed) error {
		a, ds, err := d.groundsOf(spec)
		if err != nil {
			return err
		}
		d.detail["dataset"] = ds.Slug
		all = spec.Scope.Compare(boundsOf(spec.Scope, a, ds))
		return d.decide(policy.Object{Kind: "grant", Org: caller.Org}, "", policy.Facts{})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// boundsOf gathers what bounds a scope. A dataset without terms, or one its agreement does not cover, allows nothing.
func boundsOf(scope grant.Scope, a postgres.Agreement, ds postgres.Dataset) grant.Bounds {
	var b grant.Bounds
	if slices.Contains(a.Datasets, ds.ID) {
		b.Agreement = &grant.Term{From: a.Document.From, To: a.Document.To}
	}
	if t := ds.Terms; t != nil {
		b.Terms = &grant.Ceiling{
			Columns: t.Columns, Purposes: t.Purposes, Operations: t.Operations, Outputs: t.Outputs, MinUnits: t.MinUnits, To: t.To,
		}
	}
	for _, c := range ds.Columns {
		if slices.Contains(scope.Columns, c.Name) {
			b.Level = max(b.Level, c.Level)
		}
	}
	return b
}

package catalog

import (
	"context"
	"fmt"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// List returns the datasets, those of the caller's organization alone where Show allows no other. Who: as Show.
func (s *Datasets) List(ctx context.Context, caller policy.Subject, p Page) (views Listed[dataset.View], err error) {
	err = s.c.act(ctx, caller, "dataset.list", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "dataset", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		if err := d.within(&p.Facets); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.Dataset, error) { return d.tx.Datasets(ctx, w, p.Facets) },
			func(r postgres.Dataset) string { return r.ID }, d.datasetView, dataset.Flow())
		return err
	})
	return views, err
}

// within narrows a list to what the caller may be shown one by one.
func (d *deed) within(f *dataset.Facets) error {
	const show = "dataset.show"
	may, err := (&Sessions{d.c}).MayForeign(d.ctx, d.caller, show)
	if err != nil || may[show].Allow {
		return err
	}
	home, err := d.tx.Org(d.ctx, d.caller.Org)
	if err != nil {
		return fmt.Errorf("reading organization: %w", err)
	}
	if f.Provider == "" || f.Provider == home.Number {
		f.Provider = home.Number
		return nil
	}
	return fault.Bad("request.invalid", fault.Place{Location: "query.provider", Code: "query.invalid"})
}

// Providers lists the organizations that have datasets, by name: what List may be narrowed to. Who: as Show.
func (s *Datasets) Providers(ctx context.Context, caller policy.Subject) (all []dataset.Provider, err error) {
	err = s.c.act(ctx, caller, "dataset.list", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "dataset", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		var only dataset.Facets
		if err := d.within(&only); err != nil {
			return err
		}
		rows, err := d.tx.Providers(ctx)
		for _, o := range rows {
			if only.Provider != "" && only.Provider != o.Number {
				continue
			}
			all = append(all, dataset.Provider{Number: o.Number, Name: o.Name})
		}
		return err
	})
	return all, err
}

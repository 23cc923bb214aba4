package catalog

import (
	"context"
	"fmt"
	"slices"

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
		if p.Facets.Provider, err = d.within(p.Facets.Provider); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.Dataset, error) { return d.tx.Datasets(ctx, w, p.Facets) },
			func(r postgres.Dataset) string { return r.ID }, d.datasetView, dataset.Flow())
		return err
	})
	return views, err
}

// within says which provider's datasets a list may hold, "" for all: whose the caller may be shown one by one. Whose they
// may not, who has none and who is not there are one refusal, which names those there are: an empty list would hide a slip.
func (d *deed) within(provider string) (string, error) {
	only, err := d.onlyProvider()
	if err != nil || provider == "" || provider == only {
		return only, err
	}
	all, err := d.providers(only)
	if err != nil || slices.ContainsFunc(all, func(o dataset.Provider) bool { return o.Number == provider }) {
		return provider, err
	}
	numbers := make([]string, 0, len(all))
	for _, o := range all {
		numbers = append(numbers, o.Number)
	}
	unknown := fault.Bad("request.invalid", fault.Place{Location: "query.provider", Code: "provider.unknown"})
	return "", offering(unknown, false, numbers)
}

// onlyProvider is the caller's own organization where they are shown the datasets of no other, "" where they are.
func (d *deed) onlyProvider() (string, error) {
	const show = "dataset.show"
	may, err := (&Sessions{d.c}).MayForeign(d.ctx, d.caller, show)
	if err != nil || may[show].Allow {
		return "", err
	}
	home, err := d.tx.Org(d.ctx, d.caller.Org)
	if err != nil {
		return "", fmt.Errorf("reading organization: %w", err)
	}
	return home.Number, nil
}

// providers lists the organizations that have datasets, by name; only is the one the caller is shown, "" all.
func (d *deed) providers(only string) (all []dataset.Provider, err error) {
	rows, err := d.tx.Providers(d.ctx)
	if err != nil {
		return nil, fmt.Errorf("reading providers: %w", err)
	}
	for _, o := range rows {
		if only == "" || only == o.Number {
			all = append(all, dataset.Provider{Number: o.Number, Name: o.Name})
		}
	}
	return all, nil
}

// Providers lists the organizations that have datasets, by name: what List may be narrowed to. Who: as Show.
func (s *Datasets) Providers(ctx context.Context, caller policy.Subject) (all []dataset.Provider, err error) {
	err = s.c.act(ctx, caller, "dataset.list", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "dataset", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		only, err := d.onlyProvider()
		if err != nil {
			return err
		}
		all, err = d.providers(only)
		return err
	})
	return all, err
}

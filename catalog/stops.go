package catalog

import (
	"context"
	"fmt"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Stops lists the jobs a revocation would end now. It is for who can revoke: the agreement's agency.
func (s *Grants) Stops(ctx context.Context, caller policy.Subject, number string) (stops []job.Stop, err error) {
	err = s.c.act(ctx, caller, "grant.show", func(d *deed) error {
		row, a, _, err := d.partyGrant(number)
		if err == nil && a.Agency != caller.Org {
			return fault.NotFound()
		}
		if err != nil {
			return err
		}
		d.detail["part"] = "stops"
		stops, err = d.stops(row.ID, row.Dataset, 0)
		return err
	})
	return stops, err
}

// Stops lists the jobs that would end now with a dataset. Who: data_steward of the provider.
func (s *Datasets) Stops(ctx context.Context, caller policy.Subject, slug string) ([]job.Stop, error) {
	return s.stops(ctx, caller, slug, 0)
}

// VersionStops lists the jobs that would end now with one version of a dataset. Who: data_steward of the provider.
func (s *Datasets) VersionStops(ctx context.Context, caller policy.Subject, slug string, version int) ([]job.Stop, error) {
	if version < 1 {
		return nil, fault.NotFound()
	}
	return s.stops(ctx, caller, slug, version)
}

// stops lists what would end with a version; 0: with any.
func (s *Datasets) stops(ctx context.Context, caller policy.Subject, slug string, version int) (stops []job.Stop, err error) {
	err = s.c.act(ctx, caller, "dataset.usage", func(d *deed) error {
		row, err := d.dataset(slug)
		if err != nil {
			return err
		}
		if version > 0 {
			if _, err := d.tx.Version(ctx, row.ID, version); err != nil {
				return err
			}
		}
		d.detail["part"] = "stops"
		stops, err = d.stops("", row.ID, version)
		return err
	})
	return stops, err
}

func (d *deed) stops(grant, dataset string, version int) ([]job.Stop, error) {
	rows, err := d.tx.StoppingJobs(d.ctx, grant, dataset, version)
	if err != nil {
		return nil, fmt.Errorf("finding what would stop: %w", err)
	}
	return each(rows, plain(func(r postgres.Stopping) job.Stop {
		return job.Stop{Number: r.Number, Operator: r.Operator, OperatorName: r.OperatorName, Mode: job.Mode(r.Kind), State: r.State, CreatedAt: r.CreatedAt}
	}))
}

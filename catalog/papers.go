package catalog

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/policy"
)

// Papers returns what proves a release without its bytes: certificate, proof, votes and trust.json, and how often its
// parties fetched the product. A release that has not left has no certificate yet. Who: as Get.
func (s *Releases) Papers(ctx context.Context, caller policy.Subject, number string) (p release.Papers, err error) {
	err = s.c.act(ctx, caller, "release.verify", func(d *deed) error {
		l, row, err := d.release(number)
		if err != nil {
			return err
		}
		if p, err = d.papers(l); err != nil {
			return err
		}
		if p.Certificate != nil {
			if p.Votes, err = d.signedVotes(l.Request); err != nil {
				return err
			}
		}
		if p.Fetches, err = d.tx.CountActs(ctx, "release.get", number); err != nil {
			return fmt.Errorf("counting fetches: %w", err)
		}
		p.Release, err = d.releaseView(l, row)
		return err
	})
	if err != nil {
		return release.Papers{}, err
	}
	return p, nil
}

// papers reads what the keeper signed of a release.
func (d *deed) papers(l postgres.Release) (p release.Papers, err error) {
	if p.Trust, err = d.tx.Setting(d.ctx, TrustSetting); err != nil || l.Certificate == nil {
		return p, err
	}
	var kept signed
	if err := json.Unmarshal(l.Certificate, &kept); err != nil {
		return p, fmt.Errorf("reading certificate: %w", err)
	}
	p.Certificate, p.Proof = &kept.Certificate, kept.Proof
	return p, nil
}

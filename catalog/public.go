package catalog

import (
	"context"
	"fmt"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/catalog/release"
)

// Public is what everybody may read without being known, as trust.json, recalls and checkpoints are: what an act on
// the record made public. It names no person, and nothing that is not public is in its reach. Readers who are nobody
// leave no entry: strangers could fill the trace.
type Public struct{ c *core }

// publicPage is how many rows a public list shows.
const publicPage = 50

// Products lists the newest products that left, also those that were taken back.
func (s *Public) Products(ctx context.Context) (all []release.Notice, err error) {
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		rows, err := tx.PublicReleases(ctx, publicPage)
		for _, r := range rows {
			all = append(all, release.Notice(r))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing products: %w", err)
	}
	return all, nil
}

// Product returns a product that left, with what proves it to whoever holds its certificate.
func (s *Public) Product(ctx context.Context, number string) (n release.Notice, p release.Papers, err error) {
	if _, err := name.ParseNumberOf(name.Release, number); err != nil {
		return n, p, fault.NotFound()
	}
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		row, err := tx.PublicRelease(ctx, number)
		if err != nil {
			return err
		}
		l, err := tx.Release(ctx, number)
		if err != nil {
			return err
		}
		d := &deed{ctx: ctx, c: s.c, tx: tx}
		n = release.Notice(row)
		p, err = d.papers(l)
		return err
	})
	return n, p, outward(err)
}

// Notices lists the registrations in their public notice (R13), the one that ends first at the top.
func (s *Public) Notices(ctx context.Context) (all []registration.Notice, err error) {
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		rows, err := tx.PublicNotices(ctx, publicPage)
		for _, r := range rows {
			all = append(all, registration.Notice(r))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing notices: %w", err)
	}
	return all, nil
}

// Code returns the registration of a query code (R15).
func (s *Public) Code(ctx context.Context, code string) (n registration.Notice, err error) {
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		row, err := tx.PublicCode(ctx, code)
		n = registration.Notice(row)
		return err
	})
	return n, outward(err)
}

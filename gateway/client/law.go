package client

import (
	"context"

	"github.com/sluicedata/sluice/gateway/wire"
)

// Registrations is the registration of datasets.
type Registrations struct{ c *Client }

// Apply opens the registration of a dataset.
func (r Registrations) Apply(ctx context.Context, slug string, spec wire.RegistrationSpec) (wire.Registration, error) {
	return send[wire.Registration](ctx, r.c, wire.Application{Dataset: slug, RegistrationSpec: spec}, "registrations")
}

// Accept takes an application in.
func (r Registrations) Accept(ctx context.Context, number string) (wire.Registration, error) {
	return act[wire.Registration](ctx, r.c, "registrations", number, "accept")
}

// Notice opens the public notice.
func (r Registrations) Notice(ctx context.Context, number string) (wire.Registration, error) {
	return act[wire.Registration](ctx, r.c, "registrations", number, "notice")
}

// Code issues the query code.
func (r Registrations) Code(ctx context.Context, number string) (wire.Registration, error) {
	return act[wire.Registration](ctx, r.c, "registrations", number, "code")
}

// Show returns a registration.
func (r Registrations) Show(ctx context.Context, number string) (wire.Registration, error) {
	return get[wire.Registration](ctx, r.c, "registrations", number)
}

// List returns the registrations.
func (r Registrations) List(ctx context.Context, by ...Narrow) ([]wire.Registration, error) {
	return narrowed[wire.Registration](ctx, r.c, by, "registrations")
}

// Agreements is operating agreements.
type Agreements struct{ c *Client }

// Record enters what was agreed.
func (a Agreements) Record(ctx context.Context, spec wire.AgreementSpec) (wire.Agreement, error) {
	return send[wire.Agreement](ctx, a.c, spec, "agreements")
}

// Sign signs for the caller's organization.
func (a Agreements) Sign(ctx context.Context, number string) (wire.Agreement, error) {
	return act[wire.Agreement](ctx, a.c, "agreements", number, "sign")
}

// File records that the authority received the agreement.
func (a Agreements) File(ctx context.Context, number, receipt string) (wire.Agreement, error) {
	return send[wire.Agreement](ctx, a.c, wire.Receipt{Receipt: receipt}, "agreements", number, "file")
}

// Show returns an agreement.
func (a Agreements) Show(ctx context.Context, number string) (wire.Agreement, error) {
	return get[wire.Agreement](ctx, a.c, "agreements", number)
}

// List returns the agreements.
func (a Agreements) List(ctx context.Context, by ...Narrow) ([]wire.Agreement, error) {
	return narrowed[wire.Agreement](ctx, a.c, by, "agreements")
}

// Grants is what one operator may do with one dataset.
type Grants struct{ c *Client }

// Propose asks for a grant.
func (g Grants) Propose(ctx context.Context, spec wire.GrantSpec) (wire.Grant, error) {
	return send[wire.Grant](ctx, g.c, spec, "grants")
}

// Approve makes a proposed grant active.
func (g Grants) Approve(ctx context.Context, number string) (wire.Grant, error) {
	return act[wire.Grant](ctx, g.c, "grants", number, "approve")
}

// Allow makes a part of a proposed grant active.
func (g Grants) Allow(ctx context.Context, number string, part wire.Allowance) (wire.Grant, error) {
	return send[wire.Grant](ctx, g.c, part, "grants", number, "allow")
}

// Refuse ends a proposed grant.
func (g Grants) Refuse(ctx context.Context, number string, said wire.Opinion) (wire.Grant, error) {
	return send[wire.Grant](ctx, g.c, said, "grants", number, "refuse")
}

// Revoke ends a grant; its runs die.
func (g Grants) Revoke(ctx context.Context, number string) (wire.Grant, error) {
	return act[wire.Grant](ctx, g.c, "grants", number, "revoke")
}

// Show returns a grant.
func (g Grants) Show(ctx context.Context, number string) (wire.Grant, error) {
	return get[wire.Grant](ctx, g.c, "grants", number)
}

// Compare holds a grant against what bounds it now.
func (g Grants) Compare(ctx context.Context, number string) ([]wire.Comparison, error) {
	return list[wire.Comparison](ctx, g.c, "grants", number, "comparison")
}

// Check holds a proposal against what bounds it now, before it is made.
func (g Grants) Check(ctx context.Context, spec wire.GrantSpec) ([]wire.Comparison, error) {
	told, err := send[wire.List[wire.Comparison]](ctx, g.c, spec, "grants", "check")
	return told.Items, err
}

// Stops lists the jobs a revocation would end.
func (g Grants) Stops(ctx context.Context, number string) ([]wire.Stop, error) {
	return list[wire.Stop](ctx, g.c, "grants", number, "stops")
}

// List returns the grants.
func (g Grants) List(ctx context.Context, by ...Narrow) ([]wire.Grant, error) {
	return narrowed[wire.Grant](ctx, g.c, by, "grants")
}

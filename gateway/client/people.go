package client

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/wire"
)

// Orgs is organizations and their capacities.
type Orgs struct{ c *Client }

// Create adds an organization.
func (o Orgs) Create(ctx context.Context, spec wire.OrgSpec) (wire.Org, error) {
	return send[wire.Org](ctx, o.c, spec, "orgs")
}

// Show returns an organization.
func (o Orgs) Show(ctx context.Context, number string) (wire.Org, error) {
	return get[wire.Org](ctx, o.c, "orgs", number)
}

// List returns all organizations.
func (o Orgs) List(ctx context.Context) ([]wire.Org, error) {
	return list[wire.Org](ctx, o.c, "orgs")
}

// GrantCapacity gives an organization a capacity.
func (o Orgs) GrantCapacity(ctx context.Context, number string, spec wire.CapacitySpec) (wire.Org, error) {
	return send[wire.Org](ctx, o.c, spec, "orgs", number, "capacities")
}

// EndCapacity ends a capacity.
func (o Orgs) EndCapacity(ctx context.Context, number string, capacity org.Capacity) (wire.Org, error) {
	return act[wire.Org](ctx, o.c, "orgs", number, "capacities", string(capacity), "end")
}

// Members is the people of organizations.
type Members struct{ c *Client }

// Invite adds a person.
func (m Members) Invite(ctx context.Context, number string, spec wire.MemberSpec) (wire.Member, error) {
	return send[wire.Member](ctx, m.c, spec, "orgs", number, "members")
}

// List returns the people of an organization.
func (m Members) List(ctx context.Context, number string, by ...Narrow) ([]wire.Member, error) {
	return narrowed[wire.Member](ctx, m.c, by, "orgs", number, "members")
}

// SetRoles replaces what a person may do.
func (m Members) SetRoles(ctx context.Context, number, login string, roles []org.Role) (wire.Member, error) {
	return send[wire.Member](ctx, m.c, wire.Roles{Roles: roles}, "orgs", number, "members", login, "roles")
}

// Remove ends a membership.
func (m Members) Remove(ctx context.Context, number, login string) (wire.Member, error) {
	return act[wire.Member](ctx, m.c, "orgs", number, "members", login, "remove")
}

// Link makes a link with which a person makes a password and a second factor.
func (m Members) Link(ctx context.Context, number, login string) (wire.EnrolLink, error) {
	return act[wire.EnrolLink](ctx, m.c, "orgs", number, "members", login, "link")
}

// Recover ends what a person signs in with and makes a link.
func (m Members) Recover(ctx context.Context, number, login string) (wire.EnrolLink, error) {
	return act[wire.EnrolLink](ctx, m.c, "orgs", number, "members", login, "recover")
}

// Address is where a link leads to, at the client's server.
func (m Members) Address(link wire.EnrolLink) string {
	return m.c.base + "/console/enrol?link=" + link.Link
}

// Keys is people's own keys.
type Keys struct{ c *Client }

// Offer hands in the client's own key for a login, with proof that the client holds it, and returns the
// fingerprint an administrator compares. It needs no token.
func (k Keys) Offer(ctx context.Context, number, login string) (string, error) {
	statement := org.OfferStatement{Org: number, Login: login, Certificate: certificateName(k.c.certificate)}
	if k.c.rehearsing {
		return "", k.c.unsigned(ctx, statement, "keys")
	}
	proof, err := envelope.Sign(org.OfferType, k.c.fingerprint, k.c.key, statement)
	if err != nil {
		return "", fmt.Errorf("proving possession: %w", err)
	}
	public, ok := k.c.key.Public().(ed25519.PublicKey)
	if !ok {
		return "", fmt.Errorf("proving possession: %w", envelope.ErrKey)
	}
	m, err := encoded(wire.KeyOffer{PublicKey: public, Proof: proof}, "keys")
	if err != nil {
		return "", err
	}
	m.public = true
	taken, err := exchange[wire.Fingerprint](ctx, k.c, m)
	return taken.Fingerprint, err
}

// Admit lets an offered key in.
func (k Keys) Admit(ctx context.Context, fingerprint string) (wire.Key, error) {
	return act[wire.Key](ctx, k.c, "keys", fingerprint, "admit")
}

// Platform is the instance itself.
type Platform struct{ c *Client }

// Status returns how the instance is.
func (p Platform) Status(ctx context.Context) (wire.Status, error) {
	return get[wire.Status](ctx, p.c, "platform", "status")
}

// Revoke ends a key.
func (k Keys) Revoke(ctx context.Context, fingerprint string) (wire.Key, error) {
	return act[wire.Key](ctx, k.c, "keys", fingerprint, "revoke")
}

// End ends a key of the caller's own.
func (k Keys) End(ctx context.Context, fingerprint string) (wire.Key, error) {
	return act[wire.Key](ctx, k.c, "keys", fingerprint, "end")
}

// Rotate puts a new key in the place of the client's own, with a certificate (DER) or nil for none. From then on
// the client's own counts no more: open another client with the new one.
func (k Keys) Rotate(ctx context.Context, fresh ed25519.PrivateKey, certificate []byte) (wire.Key, error) {
	public, ok := fresh.Public().(ed25519.PublicKey)
	if !ok {
		return wire.Key{}, fmt.Errorf("signing rotation: %w", envelope.ErrKey)
	}
	said := org.RotationStatement{From: k.c.fingerprint, To: org.Fingerprint(public), Certificate: certificateName(certificate)}
	if k.c.rehearsing {
		return wire.Key{}, k.c.unsigned(ctx, said, "keys", said.From, "rotate")
	}
	byOld, err := envelope.Sign(org.RotationType, said.From, k.c.key, said)
	if err != nil {
		return wire.Key{}, fmt.Errorf("signing rotation: %w", err)
	}
	byNew, err := envelope.Sign(org.RotationType, said.To, fresh, said)
	if err != nil {
		return wire.Key{}, fmt.Errorf("signing rotation: %w", err)
	}
	return send[wire.Key](ctx, k.c, wire.KeyRotation{PublicKey: public, ByOld: byOld, ByNew: byNew}, "keys", said.From, "rotate")
}

// Mine returns the client's own keys.
func (k Keys) Mine(ctx context.Context) ([]wire.Key, error) {
	return list[wire.Key](ctx, k.c, "me", "keys")
}

// List returns the keys of an organization's people.
func (k Keys) List(ctx context.Context, number string, by ...Narrow) ([]wire.Key, error) {
	return narrowed[wire.Key](ctx, k.c, by, "orgs", number, "keys")
}

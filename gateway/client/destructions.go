package client

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/gateway/wire"
)

// Destructions ends dataset versions.
type Destructions struct{ c *Client }

// Propose asks for the end of a version.
func (d Destructions) Propose(ctx context.Context, slug string, number int, why destruction.Reason) (wire.Destruction, error) {
	return send[wire.Destruction](ctx, d.c, wire.DestructionSpec{Reason: why}, version(slug, number, "destruction")...)
}

// Show returns what was asked for last of a version.
func (d Destructions) Show(ctx context.Context, slug string, number int) (wire.Destruction, error) {
	return get[wire.Destruction](ctx, d.c, version(slug, number, "destruction")...)
}

// Get returns a signed certificate with all that proves it.
func (d Destructions) Get(ctx context.Context, slug string, number int) (wire.DestructionPackage, error) {
	return get[wire.DestructionPackage](ctx, d.c, version(slug, number, "destruction", "package")...)
}

// Approve ends a version for good.
func (d Destructions) Approve(ctx context.Context, slug string, number int) (wire.Destruction, error) {
	return act[wire.Destruction](ctx, d.c, version(slug, number, "destruction", "approve")...)
}

// Withdraw takes a proposal back.
func (d Destructions) Withdraw(ctx context.Context, slug string, number int) (wire.Destruction, error) {
	return act[wire.Destruction](ctx, d.c, version(slug, number, "destruction", "withdraw")...)
}

// VerifyDestruction checks a certificate offline, with nothing but the instance's root public key: trust.json under the
// root key, the certificate under a key it vouches for, and that the erasure is in the signed trace.
func VerifyDestruction(pkg destruction.Package, root ed25519.PublicKey) (destruction.Certificate, error) {
	doc, err := trust.Verify(pkg.Trust, root)
	if err != nil {
		return destruction.Certificate{}, err
	}
	var e envelope.Envelope
	if err := json.Unmarshal(pkg.Certificate, &e); err != nil {
		return destruction.Certificate{}, fmt.Errorf("reading certificate: %w", err)
	}
	i := slices.IndexFunc(doc.Keys, func(k trust.Key) bool { return k.ID == e.Key })
	if i < 0 {
		return destruction.Certificate{}, fmt.Errorf("finding certificate key: %w", trust.ErrUnknown)
	}
	c, err := destruction.Open(e, doc.Keys[i].Public)
	if err != nil {
		return destruction.Certificate{}, err
	}
	if _, err := doc.Key(e.Key, trust.Certificate, c.Issued); err != nil {
		return destruction.Certificate{}, fmt.Errorf("checking certificate key: %w", err)
	}
	return c, verifyEntry(pkg.Proof, release.Entry(c.Trace), c.Issued, doc)
}

package client

import (
	"context"

	"github.com/sluicedata/sluice/gateway/wire"
)

// Images are what Python jobs run in.
type Images struct{ c *Client }

// Propose puts an image before the platform's other office.
func (i Images) Propose(ctx context.Context, spec wire.ImageSpec) (wire.Image, error) {
	return send[wire.Image](ctx, i.c, spec, "images")
}

// Approve lets jobs run in an image.
func (i Images) Approve(ctx context.Context, name string) (wire.Image, error) {
	return act[wire.Image](ctx, i.c, "images", name, "approve")
}

// Retire takes an image off the list for good.
func (i Images) Retire(ctx context.Context, name string) (wire.Image, error) {
	return act[wire.Image](ctx, i.c, "images", name, "retire")
}

// Show returns an image.
func (i Images) Show(ctx context.Context, name string) (wire.Image, error) {
	return get[wire.Image](ctx, i.c, "images", name)
}

// List lists images.
func (i Images) List(ctx context.Context, by ...Narrow) ([]wire.Image, error) {
	return narrowed[wire.Image](ctx, i.c, by, "images")
}

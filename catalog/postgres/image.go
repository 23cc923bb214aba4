package postgres

import (
	"context"
	"time"
)

// Image is a row of image.
type Image struct {
	ID         string
	Name       string
	Digest     string
	SBOM       string `db:"sbom"`
	State      string
	ProposedBy string
	ProposedAt time.Time
	ApprovedBy *string
	ApprovedAt *time.Time
	RetiredAt  *time.Time
}

// InsertImage adds a proposed image. A name that was ever used violates image_name_key, a digest that is another's now
// image_digest_idx.
func (t *Tx) InsertImage(ctx context.Context, i Image) error {
	return t.exec(ctx, `insert into image (id, name, digest, sbom, state, proposed_by, proposed_at)
		values ($1, $2, $3, $4, $5, $6, $7)`, i.ID, i.Name, i.Digest, i.SBOM, i.State, i.ProposedBy, i.ProposedAt)
}

// Image reads one by name.
func (t *Tx) Image(ctx context.Context, name string) (Image, error) {
	return one[Image](ctx, t, "select * from image where name = $1", name)
}

// LockImage reads one by name for update.
func (t *Tx) LockImage(ctx context.Context, name string) (Image, error) {
	return one[Image](ctx, t, "select * from image where name = $1 for update", name)
}

// ShareImages reads the approved images and keeps them so until the transaction ends.
func (t *Tx) ShareImages(ctx context.Context) ([]Image, error) {
	return many[Image](ctx, t, "select * from image where state = 'approved' order by approved_at desc, id for share")
}

// Images lists images.
func (t *Tx) Images(ctx context.Context, w Window) ([]Image, error) {
	return listed[Image](ctx, t, w, "select * from image")
}

// MoveImage moves an image, with who approved it and when it was retired.
func (t *Tx) MoveImage(ctx context.Context, i Image) error {
	return t.touch(ctx, `update image set state = $2, approved_by = $3, approved_at = $4, retired_at = $5 where id = $1`,
		i.ID, i.State, i.ApprovedBy, i.ApprovedAt, i.RetiredAt)
}

// ImageApproved tells whether a digest is an approved image's now.
func (t *Tx) ImageApproved(ctx context.Context, digest string) (bool, error) {
	found, err := values[string](ctx, t, "select name from image where digest = $1 and state = 'approved'", digest)
	return len(found) > 0, err
}

// LiveJobsIn lists the jobs in an image that have not ended.
func (t *Tx) LiveJobsIn(ctx context.Context, digest string) ([]Job, error) {
	return many[Job](ctx, t, `select * from job j where image = $1
		and `+live+` order by created_at for update`, digest)
}

package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sluicedata/sluice/catalog/upload"
)

// Upload is a row of upload.
type Upload struct {
	ID         string
	Org        string
	Dataset    *string
	State      string
	Size       int64
	ChunkBytes int64
	Digest     *string
	Source     upload.Source
	DataKey    string
	Inspection json.RawMessage
	CreatedBy  string
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

// Chunk is a row of upload_chunk.
type Chunk struct {
	Upload string
	Number int
	Size   int64
	Digest string
	Object json.RawMessage
	At     time.Time
}

// InsertUpload adds an announced file.
func (t *Tx) InsertUpload(ctx context.Context, u Upload) error {
	return t.exec(ctx, `insert into upload
		(id, org, dataset, state, size, chunk_bytes, digest, source, data_key, created_by, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		u.ID, u.Org, u.Dataset, u.State, u.Size, u.ChunkBytes, u.Digest, u.Source, u.DataKey, u.CreatedBy, u.CreatedAt, u.ExpiresAt)
}

// Upload reads an upload.
func (t *Tx) Upload(ctx context.Context, id string) (Upload, error) {
	return one[Upload](ctx, t, "select * from upload where id = $1", id)
}

// LockUpload reads an upload for update.
func (t *Tx) LockUpload(ctx context.Context, id string) (Upload, error) {
	return one[Upload](ctx, t, "select * from upload where id = $1 for update", id)
}

// Uploads lists an organization's uploads that have not ended, newest first.
func (t *Tx) Uploads(ctx context.Context, org string, w Window) ([]Upload, error) {
	return listed[Upload](ctx, t, w, "select * from upload where org = $1 and state in ('open', 'complete')", org)
}

// IsPublished tells whether a version was made of an upload.
func (t *Tx) IsPublished(ctx context.Context, id string) (bool, error) {
	return value[bool](ctx, t, "select exists (select from dataset_version where publication ->> 'upload' = $1::text)", id)
}

// MoveUpload writes an upload's state.
func (t *Tx) MoveUpload(ctx context.Context, id, state string) error {
	return t.touch(ctx, "update upload set state = $2 where id = $1", id, state)
}

// CompleteUpload writes an upload's state and the digest of its whole.
func (t *Tx) CompleteUpload(ctx context.Context, id, state, digest string) error {
	return t.touch(ctx, "update upload set state = $2, digest = $3 where id = $1", id, state, digest)
}

// PutInspection stores where what was found in a file lies.
func (t *Tx) PutInspection(ctx context.Context, id string, inspection json.RawMessage) error {
	return t.touch(ctx, "update upload set inspection = $2 where id = $1", id, inspection)
}

// InsertChunk adds a received chunk.
func (t *Tx) InsertChunk(ctx context.Context, c Chunk) error {
	return t.exec(ctx, `insert into upload_chunk (upload, number, size, digest, object, at)
		values ($1, $2, $3, $4, $5, $6)`, c.Upload, c.Number, c.Size, c.Digest, c.Object, c.At)
}

// Chunk reads one received chunk.
func (t *Tx) Chunk(ctx context.Context, upload string, number int) (Chunk, error) {
	return one[Chunk](ctx, t, "select * from upload_chunk where upload = $1 and number = $2", upload, number)
}

// Chunks lists the received chunks of an upload in order.
func (t *Tx) Chunks(ctx context.Context, upload string) ([]Chunk, error) {
	return many[Chunk](ctx, t, "select * from upload_chunk where upload = $1 order by number", upload)
}

// ForgetChunks deletes the chunks of an upload that ended.
func (t *Tx) ForgetChunks(ctx context.Context, upload string) error {
	return t.exec(ctx, "delete from upload_chunk where upload = $1", upload)
}

// EndingUpload finds one upload whose time is over, or that was dropped and still has chunks. ErrNone when there
// is none. One whose inspection is under way waits for it.
func (t *Tx) EndingUpload(ctx context.Context, now time.Time) (Upload, error) {
	return one[Upload](ctx, t, `select * from upload u where (u.state in ('open', 'complete') and u.expires_at <= $1
			or u.state = 'dropped' and exists (select from upload_chunk c where c.upload = u.id))
		and not exists (select from work w where w.subject = u.id and w.state <> 'settled')
		order by u.expires_at limit 1`, now)
}

package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/upload"
	"github.com/sluicedata/sluice/policy"
)

// Uploads takes files in, chunk by chunk, so that a broken line costs one chunk. Nothing of them is parsed here.
type Uploads struct{ c *core }

// Start announces a file. Who: data_steward of a data provider.
func (s *Uploads) Start(ctx context.Context, caller policy.Subject, spec upload.Spec) (view upload.View, err error) {
	if err := spec.Validate(int64(s.c.Rules.Data.UploadMB) << 20); err != nil {
		return upload.View{}, err
	}
	err = s.c.change(ctx, caller, "upload.start", &view, func(d *deed) error {
		row := postgres.Upload{
			ID: name.NewID().String(), Org: caller.Org, State: string(upload.Flow().Start()), Size: spec.Size,
			ChunkBytes: s.ChunkBytes(), Digest: optional(string(spec.Digest)), Source: spec.Source, CreatedBy: caller.Member,
			CreatedAt: d.now, ExpiresAt: d.now.Add(time.Duration(s.c.Rules.Data.UploadHours) * time.Hour),
		}
		if err := d.decide(policy.Object{Kind: "upload", ID: row.ID, Org: caller.Org}, row.ID, policy.Facts{}); err != nil {
			return err
		}
		if err := d.meant(&row, spec.Dataset); err != nil {
			return err
		}
		key, err := d.newDataKey("upload")
		if err != nil {
			return err
		}
		row.DataKey = key.ID
		if err := d.tx.InsertUpload(ctx, row); err != nil {
			return fmt.Errorf("adding upload: %w", err)
		}
		view, err = d.uploadView(row)
		return err
	})
	return view, err
}

// meant notes the dataset a file is meant for: one of the caller's own.
func (d *deed) meant(row *postgres.Upload, slug string) error {
	if slug == "" {
		return nil
	}
	ds, err := d.tx.Dataset(d.ctx, slug)
	if err != nil {
		return err
	}
	if ds.Org != d.caller.Org {
		return fault.NotFound()
	}
	row.Dataset = &ds.ID
	return nil
}

// ChunkBytes is the size of every chunk but a file's last, by the rule set in force.
func (s *Uploads) ChunkBytes() int64 { return int64(s.c.Rules.Data.ChunkMB) << 20 }

// Send takes one chunk: body must have exactly the size the plan gives it and the digest said before; what has
// not is not stored. A chunk that is there already succeeds when it is the same. Who: as Start, of the upload's
// organization.
func (s *Uploads) Send(ctx context.Context, caller policy.Subject, id string, number int, said name.Digest, body io.Reader) (upload.Chunk, error) {
	var there *upload.Chunk
	var size int64
	err := s.c.act(ctx, caller, "upload.send", func(d *deed) (err error) {
		d.detail["phase"] = "receive"
		there, size, err = d.expected(id, number, said)
		return err
	})
	if err != nil || there != nil {
		return valueOf(there), err
	}
	key, wrapped, err := s.c.dataKey(ctx, "upload")
	if err != nil {
		return upload.Chunk{}, err
	}
	ref, err := s.c.Store.PutKnown(ctx, object.Intake, key, object.Content{Digest: string(said), Size: size}, body)
	if err != nil {
		return upload.Chunk{}, fmt.Errorf("storing chunk: %w", otherChunk(err))
	}
	taken := upload.Chunk{Number: number, Size: size, Digest: said}
	return taken, s.c.act(ctx, caller, "upload.send", func(d *deed) error {
		// Another sender may have been faster; then what this one stored is an orphan of the intake.
		if there, _, err := d.expected(id, number, said); err != nil || there != nil {
			return err
		}
		return d.keepChunk(id, taken, wrapped, ref)
	})
}

// otherChunk tells the sender when a chunk is not what was said.
func otherChunk(err error) error {
	for is, code := range map[error]string{object.ErrSize: "size.differs", object.ErrDigest: "digest.differs"} {
		if errors.Is(err, is) {
			return fault.Bad("chunk.invalid", fault.Place{Location: "body", Code: code})
		}
	}
	return err
}

// expected decides a chunk: what is there of that number already, or how long it must be.
func (d *deed) expected(id string, number int, said name.Digest) (*upload.Chunk, int64, error) {
	row, err := d.lockedUpload(id)
	if err != nil {
		return nil, 0, err
	}
	if _, err := upload.Flow().Check(state(row.State), "send"); err != nil {
		return nil, 0, err
	}
	size, ok := planOf(row).SizeOf(number)
	if !ok {
		return nil, 0, fault.Bad("chunk.out_of_range", fault.Place{Location: "path.chunk", Code: "chunk.out_of_range"})
	}
	d.detail["chunk"], d.refs["chunk"] = fmt.Sprint(number), string(said)
	c, err := d.tx.Chunk(d.ctx, row.ID, number)
	switch {
	case absent(err):
		return nil, size, nil
	case err != nil:
		return nil, 0, fmt.Errorf("reading chunk: %w", err)
	case c.Digest != string(said):
		return nil, 0, fault.New(fault.Conflict, "chunk.differs")
	}
	return &upload.Chunk{Number: number, Size: c.Size, Digest: said}, size, nil
}

func (d *deed) keepChunk(id string, c upload.Chunk, key postgres.DataKey, ref object.Ref) error {
	if err := d.tx.InsertDataKey(d.ctx, key); err != nil {
		return fmt.Errorf("keeping data key: %w", err)
	}
	body, err := json.Marshal(ref)
	if err != nil {
		return fmt.Errorf("encoding reference: %w", err)
	}
	row := postgres.Chunk{Upload: id, Number: c.Number, Size: c.Size, Digest: string(c.Digest), Object: body, At: d.now}
	if err := d.tx.InsertChunk(d.ctx, row); err != nil {
		return fmt.Errorf("adding chunk: %w", err)
	}
	return nil
}

// Show returns an upload with what is there of it. Who: as Send.
func (s *Uploads) Show(ctx context.Context, caller policy.Subject, id string) (view upload.View, err error) {
	err = s.c.act(ctx, caller, "upload.show", func(d *deed) error {
		row, err := d.upload(id)
		if err != nil {
			return err
		}
		view, err = d.uploadView(row)
		return err
	})
	return view, err
}

// List returns the caller's organization's uploads that have not ended, newest first. Who: as Start.
func (s *Uploads) List(ctx context.Context, caller policy.Subject, p Page) (views Listed[upload.View], err error) {
	err = s.c.act(ctx, caller, "upload.list", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "upload", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		views, err = listed(p, func(w postgres.Window) ([]postgres.Upload, error) { return d.tx.Uploads(ctx, caller.Org, w) },
			func(r postgres.Upload) string { return r.ID }, d.uploadView, upload.Flow())
		return err
	})
	return views, err
}

// Complete ends the sending: every chunk must be there. The whole's digest is believed until a container reads
// the file; one that is not that file publishes nothing. Completing twice with the same sum succeeds. Who: as Send.
func (s *Uploads) Complete(ctx context.Context, caller policy.Subject, id string, said upload.Sum) (view upload.View, err error) {
	err = s.c.change(ctx, caller, "upload.complete", &view, func(d *deed) error {
		row, err := d.lockedUpload(id)
		if err != nil {
			return err
		}
		to := upload.Complete
		if row.State != string(to) { // a second time, with the same sum, is the first again
			if to, err = upload.Flow().Check(state(row.State), "complete"); err != nil {
				return err
			}
		}
		if view, err = d.uploadView(row); err != nil {
			return err
		}
		if err := planOf(row).Completes(said, view.Digest, view.Received); err != nil {
			return err
		}
		d.refs["upload"] = string(said.Digest)
		view.State, view.Digest = string(to), said.Digest
		return d.tx.CompleteUpload(ctx, id, view.State, string(said.Digest))
	})
	return view, err
}

// Drop ends an upload; versions published from it stay. Who: as Send.
func (s *Uploads) Drop(ctx context.Context, caller policy.Subject, id string) (view upload.View, err error) {
	err = s.c.change(ctx, caller, "upload.drop", &view, func(d *deed) error {
		row, err := d.lockedUpload(id)
		if err != nil {
			return err
		}
		to, err := upload.Flow().Check(state(row.State), "drop")
		if err != nil {
			return err
		}
		row.State = string(to)
		if view, err = d.uploadView(row); err != nil {
			return err
		}
		if err := d.tx.MoveUpload(ctx, id, row.State); err != nil {
			return err
		}
		d.tx.Notify("keeper", "upload")
		return nil
	})
	return view, err
}

// Expire ends one upload whose time is over, and forgets the chunks of one that ended. It returns false when
// there is none. The objects in the intake are left to the search for orphans.
func (s *Uploads) Expire(ctx context.Context) (bool, error) {
	var due postgres.Upload
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		due, err = tx.EndingUpload(ctx, s.c.Now())
		return err
	})
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for ending uploads: %w", err)
	}
	return true, s.c.act(ctx, Keeper(), "upload.expire", func(d *deed) error {
		row, err := d.lockedUpload(due.ID)
		if err != nil {
			return err
		}
		if row.State == string(upload.Dropped) {
			d.detail["dropped"] = "chunks"
			return d.tx.ForgetChunks(ctx, row.ID)
		}
		to, err := upload.Flow().Check(state(row.State), "expire")
		if err != nil {
			return err
		}
		if err := d.tx.MoveUpload(ctx, row.ID, string(to)); err != nil {
			return err
		}
		return d.tx.ForgetChunks(ctx, row.ID)
	})
}

// upload reads the upload an act is about and decides it.
func (d *deed) upload(id string) (postgres.Upload, error) { return d.uploadBy(d.tx.Upload, id) }

// lockedUpload is upload for an act that changes it or rests on its state.
func (d *deed) lockedUpload(id string) (postgres.Upload, error) {
	return d.uploadBy(d.tx.LockUpload, id)
}

func (d *deed) uploadBy(read func(context.Context, string) (postgres.Upload, error), id string) (postgres.Upload, error) {
	if _, err := name.ParseID(id); err != nil {
		return postgres.Upload{}, fault.NotFound()
	}
	row, err := read(d.ctx, id)
	if err != nil {
		return postgres.Upload{}, err
	}
	return row, d.decide(policy.Object{Kind: "upload", ID: row.ID, Org: row.Org}, row.ID, policy.Facts{})
}

// chunkRefs returns where the chunks of an upload lie, in order.
func (d *deed) chunkRefs(id string) ([]object.Ref, error) {
	rows, err := d.tx.Chunks(d.ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading chunks: %w", err)
	}
	refs := make([]object.Ref, len(rows))
	for i, c := range rows {
		if err := json.Unmarshal(c.Object, &refs[i]); err != nil {
			return nil, fmt.Errorf("reading chunk reference: %w", err)
		}
	}
	return refs, nil
}

func (d *deed) uploadView(row postgres.Upload) (upload.View, error) {
	view := upload.View{
		ID: row.ID, State: row.State, Size: row.Size, Digest: name.Digest(text(row.Digest)), Source: row.Source,
		ChunkBytes: row.ChunkBytes, Received: []upload.Chunk{}, CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt,
	}
	if row.Dataset != nil {
		ds, err := d.tx.DatasetByID(d.ctx, *row.Dataset)
		if err != nil {
			return upload.View{}, fmt.Errorf("reading dataset: %w", err)
		}
		view.Dataset = ds.Slug
	}
	var found object.Ref
	if json.Unmarshal(row.Inspection, &found) == nil {
		view.Inspection = digest(found)
	}
	var err error
	if view.Published, err = d.tx.IsPublished(d.ctx, row.ID); err != nil {
		return upload.View{}, fmt.Errorf("reading its versions: %w", err)
	}
	chunks, err := d.tx.Chunks(d.ctx, row.ID)
	if err != nil {
		return upload.View{}, fmt.Errorf("reading chunks: %w", err)
	}
	for _, c := range chunks {
		view.Received = append(view.Received, upload.Chunk{Number: c.Number, Size: c.Size, Digest: name.Digest(c.Digest)})
	}
	return view, nil
}

func planOf(row postgres.Upload) upload.Plan {
	return upload.Plan{Size: row.Size, Chunk: row.ChunkBytes}
}

// digest names an object's plain bytes.
func digest(ref object.Ref) name.Digest { return name.Digest(ref.Digest) }

func valueOf(c *upload.Chunk) upload.Chunk {
	if c == nil {
		return upload.Chunk{}
	}
	return *c
}

package client

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/upload"
	"github.com/sluicedata/sluice/gateway/wire"
)

// Uploads is files on their way in.
type Uploads struct{ c *Client }

// File is what is sent: bytes that can be read again from anywhere, as os.File and bytes.Reader can.
type File interface {
	io.ReaderAt
	io.ReadSeeker
}

// Start announces a file.
func (u Uploads) Start(ctx context.Context, spec wire.UploadSpec) (wire.Upload, error) {
	return send[wire.Upload](ctx, u.c, spec, "uploads")
}

// Show returns an upload with what is there of it.
func (u Uploads) Show(ctx context.Context, id string) (wire.Upload, error) {
	return get[wire.Upload](ctx, u.c, "uploads", id)
}

// List returns the organization's uploads that have not ended.
func (u Uploads) List(ctx context.Context, by ...Narrow) ([]wire.Upload, error) {
	return narrowed[wire.Upload](ctx, u.c, by, "uploads")
}

// SendChunk sends chunk number, counted from 1.
func (u Uploads) SendChunk(ctx context.Context, id string, number int, body []byte) (wire.Chunk, error) {
	sum := sha256.Sum256(body)
	return exchange[wire.Chunk](ctx, u.c, message{
		method: http.MethodPut, path: []string{"uploads", id, "chunks", strconv.Itoa(number)},
		contentType: "application/octet-stream", body: body,
		digest: "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":",
	})
}

// Complete says that all is sent.
func (u Uploads) Complete(ctx context.Context, id string, sum wire.Sum) (wire.Upload, error) {
	return send[wire.Upload](ctx, u.c, sum, "uploads", id, "complete")
}

// Drop ends an upload.
func (u Uploads) Drop(ctx context.Context, id string) (wire.Upload, error) {
	return act[wire.Upload](ctx, u.c, "uploads", id, "drop")
}

// Inspect asks what a complete upload looks like: WaitInspection.
func (u Uploads) Inspect(ctx context.Context, id string) (wire.Upload, error) {
	return act[wire.Upload](ctx, u.c, "uploads", id, "inspect")
}

// ShowInspection returns what was found as JSON.
func (u Uploads) ShowInspection(ctx context.Context, id string) ([]byte, error) {
	return u.c.do(ctx, message{method: http.MethodGet, path: []string{"uploads", id, "inspection"}})
}

// WaitInspection waits for what is found in an upload.
func (u Uploads) WaitInspection(ctx context.Context, id string) ([]byte, error) {
	return await(ctx, func() ([]byte, bool, error) {
		found, err := u.ShowInspection(ctx, id)
		if conflict(err, "work.under_way") {
			return nil, false, nil
		}
		return found, true, err
	})
}

// Send uploads a file and returns its complete upload. It first reads the file for its size and digest, which it
// puts into spec; when an upload of that very file is there, only what is missing of it is sent. told, if not nil,
// hears after each step how many bytes are there.
func (u Uploads) Send(ctx context.Context, spec wire.UploadSpec, file File, told func(there int64)) (wire.Upload, error) {
	sum, err := SumOf(file)
	if err != nil {
		return wire.Upload{}, err
	}
	spec.Size, spec.Digest = sum.Size, sum.Digest
	up, err := u.begun(ctx, spec)
	if err != nil {
		return up, err
	}
	if up.State == string(upload.Complete) {
		return up, nil
	}
	if err := u.sendMissing(ctx, up, file, told); err != nil {
		return up, err
	}
	return u.Complete(ctx, up.ID, sum)
}

// begun returns the upload of the same file for the same purpose, or starts one.
func (u Uploads) begun(ctx context.Context, spec wire.UploadSpec) (wire.Upload, error) {
	all, err := u.List(ctx)
	if err != nil {
		return wire.Upload{}, err
	}
	same := func(v wire.Upload) bool {
		return v.Digest == spec.Digest && v.Size == spec.Size && v.Source == spec.Source && v.Dataset == spec.Dataset
	}
	if i := slices.IndexFunc(all, same); i >= 0 {
		return all[i], nil
	}
	return u.Start(ctx, spec)
}

func (u Uploads) sendMissing(ctx context.Context, up wire.Upload, file io.ReaderAt, told func(int64)) error {
	plan, there := up.Plan(), int64(0)
	for _, c := range up.Received {
		there += c.Size
	}
	buffer := make([]byte, min(plan.Chunk, plan.Size))
	for _, n := range plan.Missing(up.Received) {
		size, _ := plan.SizeOf(n)
		body := buffer[:size]
		if _, err := io.ReadFull(io.NewSectionReader(file, int64(n-1)*plan.Chunk, size), body); err != nil {
			return fmt.Errorf("reading the file: %w", err)
		}
		if err := u.insist(ctx, up.ID, n, body); err != nil {
			return err
		}
		there += size
		if told != nil {
			told(there)
		}
	}
	return nil
}

// attempts is how often a chunk is sent over a line that breaks.
const attempts = 3

// insist sends a chunk again when the line broke or the server was away. What the server refuses it refuses.
func (u Uploads) insist(ctx context.Context, id string, number int, body []byte) error {
	var err error
	for range attempts {
		if _, err = u.SendChunk(ctx, id, number, body); err == nil || ctx.Err() != nil {
			return err
		}
		var p *Problem
		if errors.As(err, &p) && p.Status < http.StatusInternalServerError {
			return err
		}
	}
	return err
}

// SumOf reads a file whole and returns its size and digest.
func SumOf(file io.ReadSeeker) (wire.Sum, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return wire.Sum{}, fmt.Errorf("reading the file: %w", err)
	}
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return wire.Sum{}, fmt.Errorf("reading the file: %w", err)
	}
	return wire.Sum{Size: size, Digest: name.DigestSum([sha256.Size]byte(hash.Sum(nil)))}, nil
}

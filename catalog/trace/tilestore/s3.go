// Package tilestore keeps a log in the object store, or in a folder for those who verify it offline.
package tilestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/trace"
)

// S3 is a log in the bucket of the trace. It implements trace.Storage; what its account may not do fails with
// object.ErrForbidden.
type S3 struct{ files object.Plain }

// NewS3 returns the log in a store.
func NewS3(s *object.Store) S3 { return S3{s.Plain()} }

// Get reads a file of the log.
func (s S3) Get(ctx context.Context, path string) ([]byte, error) {
	data, _, err := s.files.Get(ctx, path)
	return data, translate(err, trace.ErrForked)
}

// Put writes a file once.
func (s S3) Put(ctx context.Context, path string, data []byte) error {
	return translate(s.files.Create(ctx, path, data), trace.ErrForked)
}

// Head reads the checkpoint; its tag is the store's ETag.
func (s S3) Head(ctx context.Context) ([]byte, string, error) {
	data, tag, err := s.files.Get(ctx, trace.CheckpointPath)
	if errors.Is(err, object.ErrAbsent) {
		return nil, "", nil
	}
	return data, tag, err
}

// Swap replaces the checkpoint by If-Match.
func (s S3) Swap(ctx context.Context, checkpoint []byte, tag string) (string, error) {
	next, err := s.files.Replace(ctx, trace.CheckpointPath, checkpoint, tag)
	return next, translate(err, trace.ErrStale)
}

// translate turns the store's errors into the trace's; changed is what a lost condition means here.
func translate(err, changed error) error {
	switch {
	case errors.Is(err, object.ErrAbsent):
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case errors.Is(err, object.ErrChanged):
		return fmt.Errorf("%w: %w", changed, err)
	default:
		return err
	}
}

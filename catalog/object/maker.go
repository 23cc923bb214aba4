package object

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	"github.com/minio/minio-go/v7"
)

// Maker is the claim under which a worker put an object. It lies in the object's metadata, where it tells whose an
// object is that no record names. An object is written once, so it is the claim of the first put.
type Maker struct {
	Work  string // UUID of the piece of work
	Fence int64  // of the lease
}

// Names of a Maker's members in an object's metadata.
const (
	metaWork  = "Sluice-Work"
	metaFence = "Sluice-Fence"
)

// By returns the same store for one claim: what is put through it names the claim.
func (s *Store) By(m Maker) *Store {
	marked := *s
	marked.mark = map[string]string{metaWork: m.Work, metaFence: strconv.FormatInt(m.Fence, 10)}
	return &marked
}

// marked adds the store's own metadata to that of a put.
func (s *Store) marked(of map[string]string) map[string]string {
	all := maps.Clone(s.mark)
	if all == nil {
		return of
	}
	maps.Copy(all, of)
	return all
}

// MadeBy tells under which claim an object was put; known is false for one that no worker put.
func (s *Store) MadeBy(ctx context.Context, ref Ref) (m Maker, known bool, err error) {
	path, err := ref.path()
	if err != nil {
		return m, false, err
	}
	info, err := s.client.StatObject(ctx, s.bucket(ref.Bucket), path, minio.StatObjectOptions{})
	if err = outcome(err); err != nil {
		return m, false, fmt.Errorf("asking for an object's maker: %w", err)
	}
	m.Work = info.UserMetadata[metaWork]
	if m.Work == "" {
		return m, false, nil
	}
	if m.Fence, err = strconv.ParseInt(info.UserMetadata[metaFence], 10, 64); err != nil {
		return m, false, fmt.Errorf("reading an object's maker: %w", err)
	}
	return m, true, nil
}

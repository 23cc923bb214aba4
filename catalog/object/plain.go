package object

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
)

// maxPlain bounds what Plain reads into memory: a tile has 8 KiB, a bundle of leaves 16 KiB.
const maxPlain = 1 << 20

// ErrPath refuses a path that is not clean.
var ErrPath = errors.New("not a path of the log")

// Plain is the trace's part of the store: small public files under their own names, not encrypted, since
// they hold hashes only. All but one are written once; the checkpoint is replaced by whoever saw the last.
type Plain struct{ s *Store }

// Plain returns the trace's part of the store.
func (s *Store) Plain() Plain { return Plain{s} }

// Get returns a file and the tag that names this state of it. ErrAbsent: there is none.
func (p Plain) Get(ctx context.Context, file string) (data []byte, tag string, err error) {
	if err := cleanPath(file); err != nil {
		return nil, "", err
	}
	return p.read(ctx, file)
}

// Create writes a file once. The same bytes already there are success; other bytes are ErrChanged.
func (p Plain) Create(ctx context.Context, file string, data []byte) error {
	if err := cleanPath(file); err != nil {
		return err
	}
	err := p.s.create(ctx, Trace, file, bytes.NewReader(data), int64(len(data)), compared(sha256.Sum256(data)))
	if !errors.Is(err, ErrChanged) {
		return wrap("creating", file, err)
	}
	there, _, err := p.read(ctx, file)
	if err == nil && !bytes.Equal(there, data) {
		err = ErrChanged
	}
	return wrap("creating", file, err)
}

// Replace writes a file whose present state is tag ("": there is none) and returns the new state's tag.
// ErrChanged: it is another by now. After any other error it may have been replaced or not.
func (p Plain) Replace(ctx context.Context, file string, data []byte, tag string) (next string, err error) {
	if err := cleanPath(file); err != nil {
		return "", err
	}
	opts := compared(sha256.Sum256(data))
	opts.DisableMultipart = true
	if tag == "" {
		opts.SetMatchETagExcept("*")
	} else {
		opts.SetMatchETag(tag)
	}
	info, err := p.s.client.PutObject(ctx, p.s.bucket(Trace), file, bytes.NewReader(data), int64(len(data)), opts)
	if err = outcome(err); tag != "" && errors.Is(err, ErrAbsent) {
		err = ErrChanged // what was to be replaced is gone
	}
	return info.ETag, wrap("replacing", file, err)
}

func (p Plain) read(ctx context.Context, file string) ([]byte, string, error) {
	core := minio.Core{Client: p.s.client}
	body, info, _, err := core.GetObject(ctx, p.s.bucket(Trace), file, minio.GetObjectOptions{})
	if err != nil {
		return nil, "", wrap("reading", file, outcome(err))
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxPlain+1))
	if err != nil {
		return nil, "", wrap("reading", file, err)
	}
	if len(data) > maxPlain || int64(len(data)) != info.Size {
		return nil, "", wrap("reading", file, ErrCorrupt)
	}
	return data, info.ETag, nil
}

// cleanPath takes lower-case letters, digits, dots, slashes: the paths of C2SP tlog-tiles and no others.
func cleanPath(file string) error {
	odd := strings.IndexFunc(file, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '/'
	})
	if odd >= 0 || file == "" || path.Clean(file) != file || file[0] == '/' || file[0] == '.' {
		return ErrPath
	}
	return nil
}

func wrap(doing, file string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, file, err)
}

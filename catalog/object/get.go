package object

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/sluicedata/sluice/catalog/name"
)

// Get streams the plaintext of an object to w. The digest of the whole is known only at the end: on error w
// has got bytes that must be thrown away. Whoever cannot take bytes back uses OpenVerified.
func (s *Store) Get(ctx context.Context, ref Ref, key DataKey, w io.Writer) error {
	body, err := s.fetch(ctx, ref)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := verify(body, ref, key, w); err != nil {
		return fmt.Errorf("reading object: %w", err)
	}
	return nil
}

// OpenVerified returns the plaintext of an object only after all of it passed its check. The ciphertext
// waits in the spool and is decrypted, and authenticated, again while it is read. The caller closes it.
func (s *Store) OpenVerified(ctx context.Context, ref Ref, key DataKey) (io.ReadCloser, error) {
	file, err := s.scratch()
	if err != nil {
		return nil, err
	}
	plain, err := s.spooled(ctx, file, ref, key)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("reading object: %w", err)
	}
	return &verified{Reader: plain, file: file}, nil
}

type verified struct {
	io.Reader
	file *os.File
}

func (v *verified) Close() error { return v.file.Close() }

func (s *Store) spooled(ctx context.Context, file *os.File, ref Ref, key DataKey) (io.Reader, error) {
	body, err := s.fetch(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if err := verify(io.TeeReader(body, file), ref, key, io.Discard); err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("rewinding spool: %w", err)
	}
	return decrypter(file, key)
}

// check reads an object whole and returns the digest of its ciphertext, where the record keeps one or its ref has one.
func (s *Store) check(ctx context.Context, ref Ref, key DataKey) (string, error) {
	body, err := s.fetch(ctx, ref)
	if err != nil {
		return "", err
	}
	defer body.Close()
	if !ref.Bucket.recorded() && ref.CipherSHA256 == "" {
		return "", verify(body, ref, key, io.Discard)
	}
	sum := sha256.New()
	if err := verify(io.TeeReader(body, sum), ref, key, io.Discard); err != nil {
		return "", err
	}
	return name.DigestSum([sha256.Size]byte(sum.Sum(nil))).String(), nil
}

// verify decrypts r to w and compares size and digest with the ref. The cipher reads r to its end: bytes after
// the last segment fail it.
func verify(r io.Reader, ref Ref, key DataKey, w io.Writer) error {
	if key.ID != ref.Key {
		return fmt.Errorf("choosing data key: %w", ErrKey)
	}
	plain, err := decrypter(r, key)
	if err != nil {
		return err
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(w, sum), plain)
	if err != nil {
		return err
	}
	if size != ref.Size || name.DigestSum([sha256.Size]byte(sum.Sum(nil))).String() != ref.Digest {
		return ErrCorrupt
	}
	return nil
}

// fetch opens an object as it is stored. The first byte is asked for at once, so that absence and refusal
// are told here.
func (s *Store) fetch(ctx context.Context, ref Ref) (io.ReadCloser, error) {
	path, err := ref.path()
	if err != nil {
		return nil, err
	}
	return s.open(ctx, ref.Bucket, path)
}

func (s *Store) open(ctx context.Context, b Bucket, path string) (io.ReadCloser, error) {
	core := minio.Core{Client: s.client}
	body, _, _, err := core.GetObject(ctx, s.bucket(b), path, minio.GetObjectOptions{})
	if err != nil {
		return nil, fmt.Errorf("opening object: %w", outcome(err))
	}
	return arriving{body}, nil
}

// Delete removes an object. An object that is not there is success.
func (s *Store) Delete(ctx context.Context, ref Ref) error {
	path, err := ref.path()
	if err != nil {
		return err
	}
	err = outcome(s.client.RemoveObject(ctx, s.bucket(ref.Bucket), path, minio.RemoveObjectOptions{}))
	if err != nil && !errors.Is(err, ErrAbsent) {
		return fmt.Errorf("deleting object: %w", err)
	}
	return nil
}

// Listed is a stored object. Only Bucket, Key and Digest of its Ref are set.
type Listed struct {
	Ref
	Since time.Time // when it was stored
}

// List yields what a bucket holds, in the order of keys and digests, byte by byte. It stops at the first error.
func (s *Store) List(ctx context.Context, b Bucket) iter.Seq2[Listed, error] {
	return s.list(ctx, b, "")
}

// ListUnder yields what a bucket holds under one data key, as List does.
func (s *Store) ListUnder(ctx context.Context, b Bucket, key string) iter.Seq2[Listed, error] {
	id, err := parseKeyID(key)
	if err != nil {
		return func(yield func(Listed, error) bool) { yield(Listed{}, err) }
	}
	return s.list(ctx, b, id.String()+"/")
}

func (s *Store) list(ctx context.Context, b Bucket, prefix string) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		for o := range s.client.ListObjects(ctx, s.bucket(b), minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
			ref, err := listed(b, o)
			if !yield(Listed{Ref: ref, Since: o.LastModified}, err) || err != nil {
				return
			}
		}
	}
}

func listed(b Bucket, o minio.ObjectInfo) (Ref, error) {
	if o.Err != nil {
		return Ref{}, fmt.Errorf("listing objects: %w", outcome(o.Err))
	}
	const keyLength = 36
	if len(o.Key) < keyLength+1 {
		return Ref{}, fmt.Errorf("listing objects: %w", ErrCorrupt)
	}
	digest, err := name.ParseHexDigest(o.Key[keyLength+1:])
	ref := Ref{Bucket: b, Key: o.Key[:keyLength], Digest: digest.String()}
	if err == nil {
		_, err = ref.path()
	}
	if err != nil {
		return Ref{}, fmt.Errorf("listing objects: %w", err)
	}
	return ref, nil
}

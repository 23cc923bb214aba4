package object

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/minio/minio-go/v7"

	"github.com/sluicedata/sluice/catalog/name"
)

// Put encrypts r under key and stores it once in bucket. Bytes that are there already are success: the put is
// idempotent, and two at the same time leave one object. Memory does not grow with the object; the plaintext
// never touches a disk.
//
// When Put returns without error the store has made the object durable. On error nothing can be said about
// it and the caller puts again.
func (s *Store) Put(ctx context.Context, bucket Bucket, key DataKey, r io.Reader) (Ref, error) {
	sealed, err := s.seal(key, r)
	if err != nil {
		return Ref{}, err
	}
	defer sealed.file.Close()
	ref := sealed.ref
	ref.Bucket = bucket
	path, err := ref.path()
	if err != nil {
		return Ref{}, err
	}
	err = s.create(ctx, bucket, path, sealed.file, sealed.size, sealed.sum)
	if errors.Is(err, ErrChanged) {
		return s.already(ctx, ref, key)
	}
	if err != nil {
		return Ref{}, fmt.Errorf("putting object: %w", err)
	}
	return ref, nil
}

// already answers for an object that was there before. Its ciphertext is another one, since each encryption
// draws its own salt, so the object is read whole before anything is said about it. An account that may not
// read (an upload's) trusts the store's word; the first reader finds out.
func (s *Store) already(ctx context.Context, ref Ref, key DataKey) (Ref, error) {
	ref.CipherSHA256 = ""
	sum, err := s.check(ctx, ref, key)
	switch {
	case errors.Is(err, ErrForbidden):
		return ref, nil
	case err != nil:
		return Ref{}, fmt.Errorf("checking the object already there: %w", err)
	}
	ref.CipherSHA256 = sum
	return ref, nil
}

// sealed is ciphertext in the spool: an open file that has no name any more.
type sealed struct {
	file *os.File
	size int64 // of the ciphertext
	sum  [sha256.Size]byte
	ref  Ref
}

// seal encrypts r into the spool, hashing both sides on the way.
func (s *Store) seal(key DataKey, r io.Reader) (*sealed, error) {
	file, err := s.scratch()
	if err != nil {
		return nil, err
	}
	cipher := &hashed{w: file, hash: sha256.New()}
	plain, size, err := encryptTo(cipher, key, r)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("encrypting object: %w", err)
	}
	sum := [sha256.Size]byte(cipher.hash.Sum(nil))
	ref := Ref{Key: key.ID, Digest: plain, Size: size, CipherSHA256: name.DigestSum(sum).String()}
	return &sealed{file: file, size: cipher.n, sum: sum, ref: ref}, nil
}

func encryptTo(w io.Writer, key DataKey, r io.Reader) (digest string, size int64, err error) {
	enc, err := encrypter(w, key)
	if err != nil {
		return "", 0, err
	}
	plain := &hashed{w: enc, hash: sha256.New()}
	// Whole segments: the hash beside the cipher then has enough to do to be worth a goroutine.
	size, err = io.CopyBuffer(plain, io.LimitReader(r, MaxSize+1), make([]byte, segmentSize))
	if err != nil {
		return "", 0, err
	}
	if size > MaxSize {
		return "", 0, ErrTooLarge
	}
	if err := enc.Close(); err != nil {
		return "", 0, fmt.Errorf("ending stream: %w", err)
	}
	return name.DigestSum([sha256.Size]byte(plain.hash.Sum(nil))).String(), size, nil
}

// scratch opens a file of the spool and unlinks it at once: it is gone with the process, however that ends.
func (s *Store) scratch() (*os.File, error) {
	f, err := os.CreateTemp(s.spool, "object-*")
	if err != nil {
		return nil, fmt.Errorf("opening spool: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("unlinking spool: %w", err)
	}
	return f, nil
}

// create puts size bytes in one part where nothing is. ErrChanged: something is there.
func (s *Store) create(ctx context.Context, b Bucket, path string, r io.Reader, size int64, sum [sha256.Size]byte) error {
	opts := putOptions(sum)
	opts.SetMatchETagExcept("*")
	_, err := s.client.PutObject(ctx, s.bucket(b), path, r, size, opts)
	return outcome(err)
}

// putOptions asks for one part (a multipart put overwrites what is there) and has the store compare the
// bytes it got with the digest of those we meant.
func putOptions(sum [sha256.Size]byte) minio.PutObjectOptions {
	return minio.PutObjectOptions{
		DisableMultipart: true,
		UserMetadata:     map[string]string{"x-amz-checksum-sha256": base64.StdEncoding.EncodeToString(sum[:])},
	}
}

// hashed hashes and counts what passes to w. The hash of a write is made beside the write itself: hashing costs
// more than encrypting.
type hashed struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (h *hashed) Write(p []byte) (int, error) {
	made := make(chan struct{})
	go func() {
		h.hash.Write(p)
		close(made)
	}()
	n, err := h.w.Write(p)
	<-made
	h.n += int64(n)
	return n, err // a write that fell short fails, and with it what was hashed
}

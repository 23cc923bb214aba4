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

// Put encrypts r under key and stores it once in bucket, as PutKnown does. It reads r twice: an object's place
// follows from its digest.
func (s *Store) Put(ctx context.Context, bucket Bucket, key DataKey, r io.ReadSeeker) (Ref, error) {
	is, err := measure(r)
	if err != nil {
		return Ref{}, fmt.Errorf("measuring object: %w", err)
	}
	return s.PutKnown(ctx, bucket, key, is, r)
}

// PutKnown encrypts r, which must hold what is said, under key and stores it once in bucket. Of other bytes
// nothing is stored: ErrSize or ErrDigest. What a Meter of this process measured is not hashed a second time. Bytes
// that are there already are success: the put is idempotent, and two at the same time leave one object. Memory does
// not grow with the object, and no disk but the store's sees it.
//
// When it returns without error the store has made the object durable. On any other error than those two nothing
// can be said about it and the caller puts again.
func (s *Store) PutKnown(ctx context.Context, bucket Bucket, key DataKey, is Content, r io.Reader) (Ref, error) {
	ref := Ref{Bucket: bucket, Key: key.ID, Digest: is.Digest, Size: is.Size}
	path, err := ref.path()
	if err != nil {
		return Ref{}, err
	}
	if is.Size > MaxSize {
		return Ref{}, fmt.Errorf("putting object: %w", ErrTooLarge)
	}
	sealed := seal(key, is, r, bucket.recorded())
	err = s.create(ctx, bucket, path, sealed, sealedSize(is.Size), trailed())
	sum, wrong := sealed.end()
	switch {
	case errors.Is(err, ErrChanged):
		return s.already(ctx, ref, key)
	case wrong != nil:
		return Ref{}, fmt.Errorf("encrypting object: %w", wrong)
	case err != nil:
		// "Already there" is answered before a large body was read, and may be lost with the connection.
		if ref.CipherSHA256, wrong = s.check(ctx, ref, key); wrong == nil {
			return ref, nil
		}
		return Ref{}, fmt.Errorf("putting object: %w", err)
	}
	ref.CipherSHA256 = sum
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

// sealing is a reader of ciphertext that is made while it is read.
type sealing struct {
	*relay
	done   chan struct{} // closed when the maker has ended
	cipher hash.Hash     // of the ciphertext; nil: nobody keeps it
	err    error         // why the maker ended early; read after done
}

// seal encrypts r beside whoever reads the ciphertext. The ciphertext ends with an error unless the plaintext was
// what was said, so that whoever stores it stores nothing.
func seal(key DataKey, is Content, r io.Reader, digested bool) *sealing {
	between := newRelay()
	s := &sealing{relay: between, done: make(chan struct{})}
	var w io.Writer = between
	if digested {
		s.cipher = sha256.New()
		w = &hashed{between, s.cipher}
	}
	go func() {
		defer close(s.done)
		s.err = encryptTo(w, key, is, r)
		between.close(s.err)
	}()
	return s
}

// errLeft ends a maker whose reader has had enough.
var errLeft = errors.New("nobody reads any more")

// end stops the maker and returns the digest of what it made, if one was to be, and why it stopped by itself.
func (s *sealing) end() (sum string, err error) {
	s.leave(errLeft)
	<-s.done
	if err = s.err; errors.Is(err, errLeft) {
		err = nil
	}
	if s.cipher != nil {
		sum = name.DigestSum([sha256.Size]byte(s.cipher.Sum(nil))).String()
	}
	return sum, err
}

// encryptTo encrypts what r holds and fails before the last segment when it is not what was said.
func encryptTo(w io.Writer, key DataKey, is Content, r io.Reader) error {
	enc, err := encrypter(w, key)
	if err != nil {
		return err
	}
	check := is.check()
	size, err := io.CopyBuffer(&hashed{enc, check}, io.LimitReader(r, is.Size+1), make([]byte, min(copyStep, is.Size+1)))
	switch {
	case err != nil:
		return err
	case size != is.Size:
		return ErrSize
	case !is.passes(check):
		return ErrDigest
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("ending stream: %w", err)
	}
	return nil
}

// copyStep is what plaintext is taken in by, in bytes: a segment of the cipher, so that each step has one to encrypt
// beside the hashing of the step. In less, most steps have nothing but the hash to wait for.
const copyStep = segmentSize

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

// create puts size bytes in one part where nothing is: a multipart put overwrites what is there. ErrChanged:
// something is there.
func (s *Store) create(ctx context.Context, b Bucket, path string, r io.Reader, size int64, opts minio.PutObjectOptions) error {
	opts.DisableMultipart = true
	opts.SetMatchETagExcept("*")
	opts.UserMetadata = s.marked(opts.UserMetadata)
	_, err := s.client.PutObject(ctx, s.bucket(b), path, r, size, opts)
	return outcome(err)
}

// trailed sends a checksum behind the bytes, which the store compares: of a body that ends too early it stores
// nothing. CRC-32C is against faults; against people there is the cipher.
func trailed() minio.PutObjectOptions { return minio.PutObjectOptions{Checksum: minio.ChecksumCRC32C} }

// compared has the store compare the bytes it got with the digest of those we meant.
func compared(sum [sha256.Size]byte) minio.PutObjectOptions {
	return minio.PutObjectOptions{
		UserMetadata: map[string]string{"x-amz-checksum-sha256": base64.StdEncoding.EncodeToString(sum[:])},
	}
}

// hashed hashes what passes to w. The hash of a write is made beside the write itself: hashing costs
// more than encrypting. A checksum costs less than a goroutine and is made before it.
type hashed struct {
	w    io.Writer
	hash hash.Hash
}

func (h *hashed) Write(p []byte) (int, error) {
	if _, quick := h.hash.(hash.Hash32); quick {
		h.hash.Write(p)
		return h.w.Write(p)
	}
	made := make(chan struct{})
	go func() {
		h.hash.Write(p)
		close(made)
	}()
	n, err := h.w.Write(p)
	<-made
	return n, err // a write that fell short fails, and with it what was hashed
}

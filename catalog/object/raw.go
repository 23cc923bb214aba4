package object

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Raw opens an object as it is stored, encrypted and unchecked: for a backup, which holds no data key. The caller
// closes it.
func (s *Store) Raw(ctx context.Context, ref Ref) (io.ReadCloser, error) { return s.fetch(ctx, ref) }

// PutRaw stores size bytes that Raw once gave under the name they had; sum is their digest, which the store
// compares. Bytes that are there already are left, whatever they are: Check tells.
func (s *Store) PutRaw(ctx context.Context, ref Ref, r io.Reader, size int64, sum [sha256.Size]byte) error {
	path, err := ref.path()
	if err != nil {
		return err
	}
	if err := s.create(ctx, ref.Bucket, path, r, size, compared(sum)); err != nil && !errors.Is(err, ErrChanged) {
		return fmt.Errorf("putting object: %w", err)
	}
	return nil
}

// Check reads an object whole and compares it with what its ref says. A ref without a digest of the ciphertext
// has only the plaintext's compared.
func (s *Store) Check(ctx context.Context, ref Ref, key DataKey) error {
	sum, err := s.check(ctx, ref, key)
	if err == nil && ref.CipherSHA256 != "" && sum != ref.CipherSHA256 {
		err = ErrCorrupt
	}
	if err != nil {
		return fmt.Errorf("checking object: %w", err)
	}
	return nil
}

package catalog

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// exactly reads bytes that must be so many and have a digest. It ends with an Invalid fault instead of io.EOF
// when they are others, so that what reads it stores nothing.
type exactly struct {
	r      io.Reader
	left   int64
	digest name.Digest
	sum    hash.Hash
}

// Read implements io.Reader.
func (e *exactly) Read(b []byte) (int, error) {
	if e.sum == nil {
		e.sum = sha256.New()
	}
	n, err := e.r.Read(b)
	e.left -= int64(n)
	e.sum.Write(b[:n])
	switch {
	case e.left < 0:
		return 0, wrongChunk("size.differs")
	case errors.Is(err, io.EOF):
		return n, e.end()
	}
	return n, err
}

// end says whether the bytes read so far are the whole.
func (e *exactly) end() error {
	switch {
	case e.left != 0:
		return wrongChunk("size.differs")
	case name.DigestSum([sha256.Size]byte(e.sum.Sum(nil))) != e.digest:
		return wrongChunk("digest.differs")
	}
	return io.EOF
}

func wrongChunk(code string) error {
	return fault.Bad("chunk.invalid", fault.Place{Location: "body", Code: code})
}

package object

import (
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"io"

	"github.com/sluicedata/sluice/catalog/name"
)

// Content is what a reader is said to hold. Whoever says so may be anybody: its bytes are hashed when they are put,
// unless a Meter made it.
type Content struct {
	Digest string // of the bytes, as name.Digest spells it
	Size   int64  // bytes

	crc *uint32 // CRC-32C of the bytes; only a Meter sets it
}

// check is what the bytes are compared by. Bytes this process hashed when it got them are compared with a checksum
// made beside the digest: it tells of a disk that forgot, and costs a tenth.
func (c Content) check() hash.Hash {
	if c.crc != nil {
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	}
	return sha256.New()
}

// passes tells whether a check that saw all bytes saw the ones that were said.
func (c Content) passes(check hash.Hash) bool {
	if sum, ok := check.(hash.Hash32); ok {
		return c.crc != nil && sum.Sum32() == *c.crc
	}
	return name.DigestSum([sha256.Size]byte(check.Sum(nil))).String() == c.Digest
}

// Meter measures bytes while they arrive and are kept where only this process writes, so that they need not be
// hashed again when they are put. It is for one goroutine.
type Meter struct {
	sum  hash.Hash
	crc  hash.Hash32
	size int64
}

// NewMeter returns a Meter that has seen nothing.
func NewMeter() *Meter {
	return &Meter{sum: sha256.New(), crc: crc32.New(crc32.MakeTable(crc32.Castagnoli))}
}

// Write implements io.Writer. It never fails.
func (m *Meter) Write(p []byte) (int, error) {
	m.sum.Write(p)
	m.crc.Write(p)
	m.size += int64(len(p))
	return len(p), nil
}

// Content is what was written so far.
func (m *Meter) Content() Content {
	crc := m.crc.Sum32()
	return Content{Digest: name.DigestSum([sha256.Size]byte(m.sum.Sum(nil))).String(), Size: m.size, crc: &crc}
}

// measure reads r to its end and goes back to where it stood.
func measure(r io.ReadSeeker) (Content, error) {
	at, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return Content{}, err
	}
	m := NewMeter()
	if _, err = io.CopyBuffer(m, struct{ io.Reader }{r}, make([]byte, segmentSize)); err == nil {
		_, err = r.Seek(at, io.SeekStart)
	}
	return m.Content(), err
}

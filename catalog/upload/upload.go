package upload

import (
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// Spec announces a file.
type Spec struct {
	// Dataset it is meant for (slug). A file that is inspected before its dataset is declared has none.
	Dataset string      `json:"dataset,omitempty"`
	Size    int64       `json:"size"`             // bytes, 1 or more
	Digest  name.Digest `json:"digest,omitempty"` // of the whole file; at the latest Sum tells it
	Source  Source      `json:"source"`
}

// Validate checks an announcement. most is the rule set's bound in bytes.
func (s Spec) Validate(most int64) error {
	var p fault.Places
	if s.Dataset != "" {
		_, err := name.ParseSlug(s.Dataset)
		p.Require(err == nil, "dataset", "slug.invalid")
	}
	p.Require(s.Size >= 1, "size", "size.invalid")
	p.Require(s.Size <= most, "size", "size.too_large")
	p.Require(s.Digest == "" || s.Digest.Valid(), "digest", "digest.invalid")
	s.Source.check(&p, "source")
	return p.Err("upload.invalid")
}

// Sum says what a whole upload is, by the side that has the file.
type Sum struct {
	Size   int64       `json:"size"` // bytes
	Digest name.Digest `json:"digest"`
}

// Plan is how a file is cut: every chunk but the last has Chunk bytes.
type Plan struct {
	Size  int64 // bytes of the whole
	Chunk int64 // bytes
}

// Chunks is how many there are.
func (p Plan) Chunks() int { return int((p.Size + p.Chunk - 1) / p.Chunk) }

// SizeOf returns the size in bytes of chunk n, counted from 1; false when the file has no such chunk.
func (p Plan) SizeOf(n int) (int64, bool) {
	if n < 1 || n > p.Chunks() {
		return 0, false
	}
	return min(p.Chunk, p.Size-int64(n-1)*p.Chunk), true
}

// Chunk is one received piece of a file.
type Chunk struct {
	Number int         `json:"number"` // from 1
	Size   int64       `json:"size"`   // bytes
	Digest name.Digest `json:"digest"`
}

// Missing returns the numbers of the chunks that are not among the received ones, in order.
func (p Plan) Missing(received []Chunk) []int {
	there := map[int]bool{}
	for _, c := range received {
		there[c.Number] = true
	}
	var gaps []int
	for n := 1; n <= p.Chunks(); n++ {
		if !there[n] {
			gaps = append(gaps, n)
		}
	}
	return gaps
}

// Completes checks that a sum is that of an announced file whose chunks are all there. announced may be empty.
func (p Plan) Completes(said Sum, announced name.Digest, received []Chunk) error {
	var faults fault.Places
	faults.Require(said.Size == p.Size, "size", "size.differs")
	faults.Require(said.Digest.Valid(), "digest", "digest.invalid")
	faults.Require(announced == "" || said.Digest == announced, "digest", "digest.differs")
	for _, n := range p.Missing(received) {
		faults.Add(fmt.Sprintf("chunks[%d]", n), "chunk.missing")
	}
	return faults.Err("upload.incomplete")
}

// View is an upload as it is shown: what is there already need not be sent again.
type View struct {
	ID         string      `json:"id"`
	Dataset    string      `json:"dataset,omitempty"`
	State      string      `json:"state"`
	Size       int64       `json:"size"`
	Digest     name.Digest `json:"digest,omitempty"`
	Source     Source      `json:"source"`
	ChunkBytes int64       `json:"chunk_bytes"`
	Received   []Chunk     `json:"received"` // in order
	Inspection name.Digest `json:"inspection,omitempty"`
	Published  bool        `json:"published,omitempty"` // a version was made of it; until it ends, another one may be
	CreatedAt  time.Time   `json:"created_at"`
	ExpiresAt  time.Time   `json:"expires_at"`
}

// Plan is how the file is cut.
func (v View) Plan() Plan { return Plan{Size: v.Size, Chunk: v.ChunkBytes} }

package object

import (
	"io"
	"sync"
)

// relay passes bytes from one writer to one reader, as io.Pipe does, but through buffers of its own: the writer makes
// the next bytes while the reader sends the last ones. Memory does not grow with what passes.
type relay struct {
	full, empty chan []byte
	left        chan struct{} // closed when the reader has had enough
	leaving     sync.Once
	why         error // of leaving; read after left

	rest, held []byte // of the reader: what it has not read of the buffer it holds
	ended      error  // of the writer; read after full is closed
}

// Sizes of a relay: two segments of the cipher lie in it, one that is sent and one that is made.
const (
	relayBuffers = 8
	relayBuffer  = 256 << 10 // bytes
)

func newRelay() *relay {
	r := &relay{full: make(chan []byte, relayBuffers), empty: make(chan []byte, relayBuffers), left: make(chan struct{})}
	for range relayBuffers {
		r.empty <- nil // made when it is needed: little fits in one
	}
	return r
}

// Write implements io.Writer. Once the reader has left, it fails with why.
func (r *relay) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		var buf []byte
		select {
		case buf = <-r.empty:
		case <-r.left:
			return n, r.why
		}
		if buf == nil {
			buf = make([]byte, relayBuffer)
		}
		k := copy(buf[:relayBuffer], p)
		r.full <- buf[:k] // never waits: there are as many places as buffers
		n, p = n+k, p[k:]
	}
	return n, nil
}

// close tells the reader that nothing more comes, and why: nil is io.EOF. The writer calls it once.
func (r *relay) close(err error) {
	if r.ended = err; err == nil {
		r.ended = io.EOF
	}
	close(r.full)
}

// Read implements io.Reader.
func (r *relay) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.held != nil {
			r.empty <- r.held // never waits
			r.held = nil
		}
		var open bool
		select {
		case r.rest, open = <-r.full:
		case <-r.left:
			return 0, r.why
		}
		if !open {
			return 0, r.ended
		}
		r.held = r.rest
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// leave tells the writer, and a reader that still waits, that nobody reads any more. The first reason stays.
func (r *relay) leave(why error) {
	r.leaving.Do(func() {
		r.why = why
		close(r.left)
	})
}

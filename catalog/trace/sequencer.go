package trace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// Sequencer makes a log longer. It is safe for concurrent use; of several over one storage each append is
// won by one and lost with ErrStale by the rest.
type Sequencer struct {
	store  Storage
	signer Signer
	old    []Keys

	mu    sync.Mutex
	state *state // nil: to be read from the store before it is used
}

// state is what the sequencer knows of the stored log.
type state struct {
	head Checkpoint
	tag  string
	edge frontier
}

// NewSequencer returns a sequencer over a storage. Retired names keys the stored checkpoint may still be
// signed with, after a rotation.
func NewSequencer(store Storage, signer Signer, retired ...Keys) *Sequencer {
	return &Sequencer{store: store, signer: signer, old: retired}
}

// Checkpoint returns the log's head; the zero Checkpoint for a log that has none yet.
func (s *Sequencer) Checkpoint(ctx context.Context) (Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return Checkpoint{}, err
	}
	return s.state.head, nil
}

// Append adds leaves, the first of which has index first, and returns the head that covers them all. Leaves
// that are in the log already are compared and not added again, so after a crash, an error or a lost race the
// caller appends the same leaves again until it succeeds.
//
// The caller must have made the place of each leaf durable before: the same index, the same leaf, for ever.
// Tiles are written before the checkpoint; were a leaf to change after a crash in between, the log would
// refuse it with ErrForked.
func (s *Sequencer) Append(ctx context.Context, first int64, leaves [][]byte) (Checkpoint, error) {
	for _, leaf := range leaves {
		if _, err := ParseLeaf(leaf); err != nil {
			return Checkpoint{}, fmt.Errorf("appending: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return Checkpoint{}, err
	}
	fresh, err := s.unseen(ctx, first, leaves)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("appending: %w", err)
	}
	if len(fresh) == 0 {
		return s.state.head, nil
	}
	next, err := s.extend(ctx, fresh)
	s.state = next // nil after an error: what the store holds now is not known
	if err != nil {
		return Checkpoint{}, fmt.Errorf("appending: %w", err)
	}
	return next.head, nil
}

// unseen compares leaves with those the log has and returns the rest. A log that moved since it was read
// shows here or when the checkpoint is swapped.
func (s *Sequencer) unseen(ctx context.Context, first int64, leaves [][]byte) ([][]byte, error) {
	size := s.state.edge.size
	if first < 0 || first > size {
		return nil, ErrGap
	}
	seen := min(size-first, int64(len(leaves)))
	var bundle [][]byte
	for i := range seen {
		at := first + i
		if i == 0 || at%width == 0 {
			var err error
			if bundle, err = readBundle(ctx, s.store, at/width, size); err != nil {
				return nil, err
			}
		}
		if !bytes.Equal(bundle[at%width], leaves[i]) {
			return nil, fmt.Errorf("%w: %w", ErrForked, &Fault{at, "leaf.differs"})
		}
	}
	return leaves[seen:], nil
}

// extend writes tiles, then the checkpoint.
func (s *Sequencer) extend(ctx context.Context, leaves [][]byte) (*state, error) {
	edge, root, files, err := s.state.edge.extend(leaves)
	if err != nil {
		return nil, err
	}
	if err := s.put(ctx, files); err != nil {
		return nil, err
	}
	head, err := s.signer.sign(edge.size, root)
	if err != nil {
		return nil, err
	}
	tag, err := s.store.Swap(ctx, []byte(head.Note), s.state.tag)
	if err != nil {
		return nil, fmt.Errorf("publishing checkpoint: %w", err)
	}
	return &state{head: head, tag: tag, edge: edge}, nil
}

// writers is how many files are written at a time: a durable store makes them durable together.
const writers = 8

// put writes files in any order.
func (s *Sequencer) put(ctx context.Context, files []file) error {
	turns := make(chan struct{}, writers)
	errs := make([]error, len(files))
	var all sync.WaitGroup
	for i, f := range files {
		turns <- struct{}{}
		all.Go(func() {
			errs[i] = s.store.Put(ctx, f.path, f.data)
			<-turns
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("writing tiles: %w", err)
	}
	return nil
}

// load reads the stored log's head and right edge, unless they are known.
func (s *Sequencer) load(ctx context.Context) error {
	if s.state != nil {
		return nil
	}
	signed, tag, err := s.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("reading checkpoint: %w", err)
	}
	st := &state{tag: tag, edge: frontier{edges: map[int][]byte{}}}
	if signed != nil {
		if st.head, err = s.open(string(signed)); err != nil {
			return err
		}
		if st.edge, err = loadFrontier(ctx, s.store, st.head); err != nil {
			return fmt.Errorf("reading the log's right edge: %w", err)
		}
	}
	s.state = st
	return nil
}

// open verifies the stored checkpoint with today's key or a retired one.
func (s *Sequencer) open(signed string) (Checkpoint, error) {
	head, err := s.signer.keys.Open(signed)
	for _, k := range s.old {
		if err == nil {
			break
		}
		head, err = k.Open(signed)
	}
	return head, err
}

// loadFrontier reads the right edge of the tree a checkpoint signs and checks it against the root.
func loadFrontier(ctx context.Context, r Reader, head Checkpoint) (frontier, error) {
	f := frontier{size: head.Size, edges: map[int][]byte{}}
	for level := 0; edge(level, head.Size).W > 0; level++ {
		data, err := readTile(ctx, r, edge(level, head.Size))
		if err != nil {
			return frontier{}, err
		}
		f.edges[level] = data
	}
	root, err := tlog.TreeHash(f.size, f)
	if err != nil || root != head.Root {
		return frontier{}, ErrCorrupt
	}
	return f, f.loadBundle(ctx, r)
}

// loadBundle reads the open bundle and checks it against the level 0 tile.
func (f *frontier) loadBundle(ctx context.Context, r Reader) error {
	last := edge(0, f.size)
	if last.W == 0 || last.W == width {
		return nil
	}
	leaves, err := readBundle(ctx, r, last.N, f.size)
	if err != nil {
		return err
	}
	for i, leaf := range leaves {
		h := tlog.RecordHash(leaf)
		if !bytes.Equal(h[:], f.edges[0][i*tlog.HashSize:(i+1)*tlog.HashSize]) {
			return fmt.Errorf("%w: %w", ErrCorrupt, &Fault{last.N*width + int64(i), "leaf.differs"})
		}
		f.bundle = appendEntry(f.bundle, leaf)
	}
	return nil
}

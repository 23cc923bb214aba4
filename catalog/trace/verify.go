package trace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// VerifyLog reads a whole log and checks it against its keys alone: every entry against its tile, every tile
// against the entries, the root against the signed checkpoint, and against checkpoints seen before, which
// also bound where a fault lies. It returns the checkpoint that holds. What is wrong with the log is a *Fault
// or ErrCheckpoint; other errors are of reading.
func VerifyLog(ctx context.Context, r Reader, keys Keys, known ...Checkpoint) (Checkpoint, error) {
	signed, err := r.Get(ctx, CheckpointPath)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("reading checkpoint: %w", err)
	}
	head, err := keys.Open(string(signed))
	if err != nil {
		return Checkpoint{}, err
	}
	v := newVerifier(r, head, known)
	if last := v.marks[len(v.marks)-1]; last.Size > head.Size {
		return Checkpoint{}, &Fault{head.Size, "log.shorter"}
	}
	for n := int64(0); n*width < head.Size; n++ {
		if err := v.bundle(ctx, n); err != nil {
			return Checkpoint{}, err
		}
	}
	if err := v.finish(ctx); err != nil {
		return Checkpoint{}, err
	}
	return head, nil
}

// verifier rebuilds the tree from the entries on, tile by tile, and keeps no more than the open ones.
type verifier struct {
	r     Reader
	head  Checkpoint
	marks []Checkpoint // sizes whose roots are known, ascending; the head among them
	sound int64        // all entries before it are under a root that matched

	count  int64
	levels [][]tlog.Hash // by level: the hashes of the open tile
	full   []int64       // by level: how many tiles were closed
}

func newVerifier(r Reader, head Checkpoint, known []Checkpoint) *verifier {
	marks := append(slices.Clone(known), head)
	slices.SortStableFunc(marks, func(a, b Checkpoint) int { return int(a.Size - b.Size) })
	return &verifier{r: r, head: head, marks: marks}
}

// bundle checks the entries of one level 0 tile.
func (v *verifier) bundle(ctx context.Context, n int64) error {
	leaves, err := readBundle(ctx, v.r, n, v.head.Size)
	if err != nil && !damaged(err) {
		return err
	}
	short := err != nil
	t := tileAt(0, n, v.head.Size)
	tile, err := readTile(ctx, v.r, t)
	if err != nil {
		return v.unread(err, n*width, "tile.missing")
	}
	for i, leaf := range leaves {
		h := tlog.RecordHash(leaf)
		if !bytes.Equal(h[:], tile[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
			return &Fault{n*width + int64(i), "leaf.differs"}
		}
		if err := v.add(ctx, h); err != nil {
			return err
		}
	}
	if short {
		return &Fault{n*width + int64(len(leaves)), "entries.missing"}
	}
	return nil
}

// damaged tells errors of the log from errors of reading.
func damaged(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrLeaf) || errors.Is(err, ErrCorrupt)
}

func (v *verifier) unread(err error, index int64, reason string) error {
	if damaged(err) {
		return &Fault{max(index, v.sound), reason}
	}
	return err
}

// add appends a leaf hash and compares the root where it is known.
func (v *verifier) add(ctx context.Context, h tlog.Hash) error {
	if err := v.push(ctx, 0, h); err != nil {
		return err
	}
	v.count++
	for len(v.marks) > 0 && v.marks[0].Size <= v.count {
		if v.marks[0].Size == v.count && v.marks[0].Root != v.root() {
			return v.blame(ctx)
		}
		v.sound, v.marks = max(v.sound, v.marks[0].Size), v.marks[1:]
	}
	return nil
}

// blame says where the first entry under a root that differs can be. At the log's end the open tiles may
// still tell; before it the stored ones are those of a longer log.
func (v *verifier) blame(ctx context.Context) error {
	if v.count == v.head.Size {
		if err := v.finish(ctx); err != nil {
			return err
		}
	}
	return &Fault{v.sound, "root.differs"}
}

// push adds a hash to a level; a tile that is full is closed and its root pushed to the level above.
func (v *verifier) push(ctx context.Context, level int, h tlog.Hash) error {
	if level == len(v.levels) {
		v.levels, v.full = append(v.levels, nil), append(v.full, 0)
	}
	v.levels[level] = append(v.levels[level], h)
	if len(v.levels[level]) < width {
		return nil
	}
	if err := v.compare(ctx, level); err != nil {
		return err
	}
	root := merkle(v.levels[level])
	v.levels[level] = nil
	v.full[level]++
	return v.push(ctx, level+1, root)
}

// compare compares an open tile above the entries with the stored one. Level 0 was compared entry by entry.
func (v *verifier) compare(ctx context.Context, level int) error {
	if level == 0 || len(v.levels[level]) == 0 {
		return nil
	}
	n := v.full[level]
	tile, err := readTile(ctx, v.r, tlog.Tile{H: height, L: level, N: n, W: len(v.levels[level])})
	if err != nil {
		return v.unread(err, n*width<<(height*level), "tile.missing")
	}
	for i, h := range v.levels[level] {
		if !bytes.Equal(h[:], tile[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
			return &Fault{(n*width + int64(i)) << (height * level), "tile.differs"}
		}
	}
	return nil
}

// finish compares the open tiles and the root of an empty log.
func (v *verifier) finish(ctx context.Context) error {
	for level := range v.levels {
		if err := v.compare(ctx, level); err != nil {
			return err
		}
	}
	if v.head.Size == 0 && v.head.Root != v.root() {
		return &Fault{0, "root.differs"}
	}
	return nil
}

// root is the root over all that was added: the open tiles from the bottom up, each closed by the one below.
func (v *verifier) root() tlog.Hash {
	var tail []tlog.Hash
	for _, open := range v.levels {
		if nodes := append(slices.Clone(open), tail...); len(nodes) > 0 {
			tail = []tlog.Hash{merkle(nodes)}
		}
	}
	return merkle(tail)
}

// merkle is the tree hash of RFC 6962 2.1 over nodes already hashed.
func merkle(nodes []tlog.Hash) tlog.Hash {
	switch len(nodes) {
	case 0:
		h, _ := tlog.TreeHash(0, nil) // of nothing: it reads nothing and cannot fail
		return h
	case 1:
		return nodes[0]
	}
	split := 1
	for split*2 < len(nodes) {
		split *= 2
	}
	return tlog.NodeHash(merkle(nodes[:split]), merkle(nodes[split:]))
}

// CompareLeaves compares another copy of the leaves, the record's, with those of a log under a checkpoint. A
// leaf changed, deleted, swapped or missing at the end is a *Fault; leaves after the checkpoint are not
// looked at.
func CompareLeaves(ctx context.Context, r Reader, c Checkpoint, leaves iter.Seq2[[]byte, error]) error {
	var at int64
	var bundle [][]byte
	for leaf, err := range leaves {
		if err != nil {
			return fmt.Errorf("reading the record's leaves: %w", err)
		}
		if at == c.Size {
			return nil
		}
		if at%width == 0 {
			if bundle, err = readBundle(ctx, r, at/width, c.Size); err != nil {
				return err
			}
		}
		if !bytes.Equal(leaf, bundle[at%width]) {
			return &Fault{at, "record.differs"}
		}
		at++
	}
	if at < c.Size {
		return &Fault{at, "record.missing"}
	}
	return nil
}

// Copy copies the log under a checkpoint, tiles first, checkpoint last, so that a copy that has a checkpoint
// is whole. It does not verify: VerifyLog of the copy does.
func Copy(ctx context.Context, from Reader, c Checkpoint, put func(ctx context.Context, path string, data []byte) error) error {
	for _, t := range tlog.NewTiles(height, 0, c.Size) {
		paths := []string{tilePath(t)}
		if t.L == 0 {
			paths = append(paths, bundlePath(t.N, t.W))
		}
		for _, path := range paths {
			if err := copyFile(ctx, from, path, put); err != nil {
				return err
			}
		}
	}
	if err := put(ctx, CheckpointPath, []byte(c.Note)); err != nil {
		return fmt.Errorf("writing copy: %w", err)
	}
	return nil
}

func copyFile(ctx context.Context, from Reader, path string, put func(context.Context, string, []byte) error) error {
	data, err := from.Get(ctx, path)
	if err != nil {
		return fmt.Errorf("reading log: %w", err)
	}
	if err := put(ctx, path, data); err != nil {
		return fmt.Errorf("writing copy: %w", err)
	}
	return nil
}

// Leaves reads count leaves from index first on of a log of a size, which VerifyLog has verified.
func Leaves(ctx context.Context, r Reader, size, first, count int64) ([][]byte, error) {
	leaves := make([][]byte, 0, count)
	for at := first; at < first+count; {
		bundle, err := readBundle(ctx, r, at/width, size)
		if err != nil {
			return nil, err
		}
		take := min(first+count-at, int64(len(bundle))-at%width)
		if take <= 0 {
			return nil, &Fault{at, "entries.missing"}
		}
		leaves = append(leaves, bundle[at%width:at%width+take]...)
		at += take
	}
	return leaves, nil
}

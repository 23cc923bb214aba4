package trace

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/transparency-dev/tessera/api/layout"
	"golang.org/x/mod/sumdb/tlog"
)

// height is the height of a tile: 256 hashes or entries, as C2SP tlog-tiles has it.
const (
	height = layout.TileHeight
	width  = layout.TileWidth
)

// tilePath is where a tile lies. Its width modulo 256 is what the path says of it.
func tilePath(t tlog.Tile) string {
	return layout.TilePath(uint64(t.L), uint64(t.N), uint8(t.W))
}

// bundlePath is where the entries of a level 0 tile lie.
func bundlePath(n int64, w int) string { return layout.EntriesPath(uint64(n), uint8(w)) }

// edge returns the rightmost tile of a level in a tree of a size; W is 0 when the level has none.
func edge(level int, size int64) tlog.Tile {
	count := size >> (height * level)
	if count == 0 {
		return tlog.Tile{H: height, L: level}
	}
	n := (count - 1) / width
	return tlog.Tile{H: height, L: level, N: n, W: int(count - n*width)}
}

// tileAt returns a tile as it is in a tree of a size.
func tileAt(level int, n, size int64) tlog.Tile {
	if last := edge(level, size); last.N == n {
		return last
	}
	return tlog.Tile{H: height, L: level, N: n, W: width}
}

// appendEntry adds a leaf to a bundle: its length in two bytes, then itself.
func appendEntry(bundle, leaf []byte) []byte {
	bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(leaf)))
	return append(bundle, leaf...)
}

// parseBundle takes a bundle of leaves apart. It returns as many as are whole and of our format.
func parseBundle(bundle []byte) (leaves [][]byte, err error) {
	for len(bundle) > 0 {
		if len(bundle) < 2+LeafSize || binary.BigEndian.Uint16(bundle) != LeafSize {
			return leaves, ErrLeaf
		}
		leaf := bundle[2 : 2+LeafSize]
		if _, err := ParseLeaf(leaf); err != nil {
			return leaves, err
		}
		leaves, bundle = append(leaves, leaf), bundle[2+LeafSize:]
	}
	return leaves, nil
}

// readBundle reads the leaves of level 0 tile n in a tree of a size; there must be exactly as many as it has.
func readBundle(ctx context.Context, r Reader, n, size int64) ([][]byte, error) {
	t := tileAt(0, n, size)
	raw, err := getWide(ctx, r, t, func(t tlog.Tile) string { return bundlePath(t.N, t.W) })
	if err != nil {
		return nil, err
	}
	leaves, err := parseBundle(raw)
	if len(leaves) > t.W {
		return leaves[:t.W], nil // the full bundle stands in for the partial one
	}
	if err == nil && len(leaves) < t.W {
		err = ErrLeaf
	}
	return leaves, err
}

// readTile reads a tile's hashes, exactly as many as it has.
func readTile(ctx context.Context, r Reader, t tlog.Tile) ([]byte, error) {
	raw, err := getWide(ctx, r, t, tilePath)
	if err != nil {
		return nil, err
	}
	if len(raw) < t.W*tlog.HashSize {
		return nil, fmt.Errorf("reading %s: %w", tilePath(t), ErrCorrupt)
	}
	return raw[:t.W*tlog.HashSize], nil
}

// getWide reads a tile or bundle, or the full one where the partial one is gone (tlog-tiles allows deleting
// partial tiles once the full one is there).
func getWide(ctx context.Context, r Reader, t tlog.Tile, path func(tlog.Tile) string) ([]byte, error) {
	raw, err := r.Get(ctx, path(t))
	if errors.Is(err, fs.ErrNotExist) && t.W < width {
		t.W = width
		if full, err := r.Get(ctx, path(t)); err == nil {
			return full, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading log: %w", err)
	}
	return raw, nil
}

// tiles lets tlog read a log's tiles; it authenticates them against the root itself.
type tiles struct {
	ctx context.Context
	r   Reader
}

func (t tiles) Height() int                     { return height }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, 0, len(want))
	for _, w := range want {
		data, err := readTile(t.ctx, t.r, w)
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

// hashes reads the hashes of the tree a checkpoint signs.
func hashes(ctx context.Context, r Reader, c Checkpoint) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tiles{ctx, r})
}

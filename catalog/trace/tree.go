package trace

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// frontier is the right edge of a tree: all that is needed to make it longer. It is a value: extend returns
// another and leaves it as it is.
type frontier struct {
	size   int64
	edges  map[int][]byte // by level: the data of the rightmost tile
	bundle []byte         // the entries of the rightmost level 0 tile, when that is not full
}

// file is one file of the log to be written.
type file struct {
	path string
	data []byte
}

// ReadHashes reads hashes of the right edge: those a longer tree is made with.
func (f frontier) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		need := tlog.TileForIndex(height, index)
		have := edge(need.L, f.size)
		if have.N != need.N || have.W < need.W {
			return nil, fmt.Errorf("reading right edge: %w", ErrCorrupt)
		}
		h, err := tlog.HashFromTile(have, f.edges[need.L], index)
		if err != nil {
			return nil, fmt.Errorf("reading right edge: %w", err)
		}
		out = append(out, h)
	}
	return out, nil
}

// growth is a frontier with the hashes of new leaves beside it.
type growth struct {
	old frontier
	new map[int64]tlog.Hash
}

// ReadHashes reads hashes, new or of the old right edge.
func (g growth) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		h, ok := g.new[index]
		if !ok {
			old, err := g.old.ReadHashes([]int64{index})
			if err != nil {
				return nil, err
			}
			h = old[0]
		}
		out[i] = h
	}
	return out, nil
}

// extend appends leaves: it returns the new right edge, the root over it, and the files to write.
func (f frontier) extend(leaves [][]byte) (next frontier, root tlog.Hash, files []file, err error) {
	g := growth{old: f, new: map[int64]tlog.Hash{}}
	next = frontier{size: f.size, edges: map[int][]byte{}}
	for _, leaf := range leaves {
		added, err := tlog.StoredHashes(next.size, leaf, g)
		if err != nil {
			return frontier{}, root, nil, fmt.Errorf("hashing leaf: %w", err)
		}
		at := tlog.StoredHashIndex(0, next.size)
		for i, h := range added {
			g.new[at+int64(i)] = h
		}
		next.size++
	}
	if root, err = tlog.TreeHash(next.size, g); err != nil {
		return frontier{}, root, nil, fmt.Errorf("hashing tree: %w", err)
	}
	files, next.bundle = f.bundles(leaves)
	grown, err := next.grow(f, g)
	return next, root, append(files, grown...), err
}

// bundles returns the entry bundles leaves fill, and the one they leave partial.
func (f frontier) bundles(leaves [][]byte) (files []file, open []byte) {
	open = append([]byte(nil), f.bundle...)
	size := f.size
	for _, leaf := range leaves {
		open = appendEntry(open, leaf)
		if size++; size%width == 0 {
			files = append(files, file{bundlePath(size/width-1, width), open})
			open = nil
		}
	}
	if len(open) > 0 {
		files = append(files, file{bundlePath(size/width, int(size%width)), open})
	}
	return files, open
}

// grow fills the edges of the new frontier and returns the tiles to write.
func (f frontier) grow(old frontier, g growth) (files []file, err error) {
	for level, data := range old.edges {
		f.edges[level] = data
	}
	for _, t := range tlog.NewTiles(height, old.size, f.size) {
		data, err := tlog.ReadTileData(t, g)
		if err != nil {
			return nil, fmt.Errorf("making tile: %w", err)
		}
		files = append(files, file{tilePath(t), data})
		if edge(t.L, f.size).N == t.N {
			f.edges[t.L] = data
		}
	}
	return files, nil
}

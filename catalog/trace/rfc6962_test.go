package trace_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io/fs"
	"slices"
	"sync"
	"testing"

	"github.com/sluicedata/sluice/catalog/trace"
)

// The independent implementation: RFC 6962 2.1 as it is written, over all leaves at once, and the proof
// verification of RFC 9162 2.1.3.2 and 2.1.4.2. It shares nothing with the code under test.

func mth(d [][]byte) [32]byte {
	switch n := len(d); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, d[0]...))
	default:
		k := split(n)
		return node(mth(d[:k]), mth(d[k:]))
	}
}

func split(n int) int {
	k := 1
	for k<<1 < n {
		k <<= 1
	}
	return k
}

func node(l, r [32]byte) [32]byte {
	return sha256.Sum256(slices.Concat([]byte{1}, l[:], r[:]))
}

func rfcInclusion(leaf []byte, index, size int64, path [][32]byte) (root [32]byte, ok bool) {
	fn, sn := index, size-1
	r := sha256.Sum256(append([]byte{0}, leaf...))
	for _, p := range path {
		if sn == 0 {
			return r, false
		}
		if fn&1 == 1 || fn == sn {
			r = node(p, r)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			r = node(r, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	return r, sn == 0
}

func rfcConsistency(first, second int64, path [][32]byte, old, grown [32]byte) bool {
	if first == second {
		return len(path) == 0 && old == grown
	}
	if first&(first-1) == 0 {
		path = append([][32]byte{old}, path...)
	}
	if len(path) == 0 {
		return false
	}
	fn, sn := first-1, second-1
	for fn&1 == 1 {
		fn, sn = fn>>1, sn>>1
	}
	fr, sr := path[0], path[0]
	for _, c := range path[1:] {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			fr, sr = node(c, fr), node(c, sr)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			sr = node(sr, c)
		}
		fn, sn = fn>>1, sn>>1
	}
	return fr == old && sr == grown && sn == 0
}

func arrays[H ~[32]byte](in []H) [][32]byte {
	out := make([][32]byte, len(in))
	for i, h := range in {
		out[i] = h
	}
	return out
}

// Roots and proofs equal those of RFC 6962 at every size around the edges of tiles, however the log grew.
func TestAgainstRFC6962(t *testing.T) {
	const most = 256*3 + 5
	all := leaves(t, 0, most)
	dir, _ := openDir(t)
	s := trace.NewSequencer(dir, signer(t, 1))
	sizes := []int{1, 2, 3, 7, 8, 200, 255, 256, 257, 511, 512, 600, 768, most}
	var heads []trace.Checkpoint
	at := 0
	for _, size := range sizes {
		c := extend(t, s, at, size)
		at = size
		if c.Size != int64(size) || c.Root != mth(all[:size]) {
			t.Fatalf("size %d: root differs from RFC 6962", size)
		}
		heads = append(heads, c)
	}
	for i, c := range heads {
		for _, index := range []int64{0, 1, 6, 254, 255, 256, 300, 511, 512, 767, 768, int64(sizes[i]) - 1} {
			if index >= c.Size {
				continue
			}
			p, err := trace.Prove(t.Context(), dir, c, index)
			if err != nil {
				t.Fatalf("proving %d of %d: %v", index, c.Size, err)
			}
			root, ok := rfcInclusion(all[index], index, c.Size, arrays(p.Hashes))
			if !ok || root != c.Root || !bytes.Equal(p.Leaf, all[index]) {
				t.Fatalf("proof of %d of %d does not hold in RFC 9162", index, c.Size)
			}
		}
		for _, old := range heads[:i+1] {
			p, err := trace.ProveConsistency(t.Context(), dir, old, c)
			if err != nil {
				t.Fatalf("proving %d → %d: %v", old.Size, c.Size, err)
			}
			if !rfcConsistency(old.Size, c.Size, arrays(p.Hashes), old.Root, c.Root) {
				t.Fatalf("consistency %d → %d does not hold in RFC 9162", old.Size, c.Size)
			}
			if _, _, err := trace.VerifyConsistency(p, keys(t, 1)); err != nil {
				t.Fatalf("consistency %d → %d: %v", old.Size, c.Size, err)
			}
		}
	}
	if _, err := trace.VerifyLog(t.Context(), dir, keys(t, 1), heads...); err != nil {
		t.Fatal(err)
	}
}

// A tree of three levels of tiles: 65 536 entries and some.
func TestThreeLevels(t *testing.T) {
	const most = 256*256 + 300
	all := leaves(t, 0, most)
	log := memory{files: map[string][]byte{}, mu: &sync.Mutex{}}
	var c trace.Checkpoint
	for _, cut := range [][2]int{{0, 40_000}, {40_000, 65_536}, {65_536, most}} {
		s := trace.NewSequencer(log, signer(t, 1)) // each part after a restart
		var err error
		if c, err = s.Append(t.Context(), int64(cut[0]), all[cut[0]:cut[1]]); err != nil {
			t.Fatal(err)
		}
	}
	if c.Root != mth(all) {
		t.Fatal("root differs from RFC 6962")
	}
	for _, want := range []string{"tile/0/256", "tile/0/257.p/44", "tile/1/001.p/1", "tile/2/000.p/1", "tile/entries/257.p/44"} {
		if log.files[want] == nil {
			t.Errorf("tlog-tiles path %s is missing", want)
		}
	}
	if _, err := trace.VerifyLog(t.Context(), log, keys(t, 1)); err != nil {
		t.Fatal(err)
	}
	p, err := trace.Prove(t.Context(), log, c, 50_000)
	if err != nil {
		t.Fatal(err)
	}
	if root, ok := rfcInclusion(all[50_000], 50_000, most, arrays(p.Hashes)); !ok || root != c.Root {
		t.Fatal("proof does not hold")
	}
	log.files["tile/1/000"][3*32] ^= 1 // names the first entry below it
	wantFault(t, log, 3*256, "tile.differs")
}

// memory is a log for the size of which a disk would be slow. The real ones pass TestStorages.
type memory struct {
	mu    *sync.Mutex
	files map[string][]byte
}

func (m memory) Get(_ context.Context, path string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if data, ok := m.files[path]; ok {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

func (m memory) Put(_ context.Context, path string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if there, ok := m.files[path]; ok && !bytes.Equal(there, data) {
		return trace.ErrForked
	}
	m.files[path] = bytes.Clone(data)
	return nil
}

func (m memory) Head(ctx context.Context) ([]byte, string, error) {
	data, err := m.Get(ctx, trace.CheckpointPath)
	if err != nil {
		return nil, "", nil
	}
	return data, string(data), nil
}

func (m memory) Swap(ctx context.Context, checkpoint []byte, tag string) (string, error) {
	if _, now, _ := m.Head(ctx); now != tag {
		return "", trace.ErrStale
	}
	m.files[trace.CheckpointPath] = checkpoint
	return string(checkpoint), nil
}

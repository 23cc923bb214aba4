package trace_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/objecttest"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
)

func flipFile(t testing.TB, path string, at int) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[at] ^= 1
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantFault(t testing.TB, r trace.Reader, index int64, reason string, known ...trace.Checkpoint) {
	t.Helper()
	_, err := trace.VerifyLog(t.Context(), r, keys(t, 1), known...)
	var f *trace.Fault
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a fault at %d", err, index)
	}
	if diff := cmp.Diff(&trace.Fault{Index: index, Reason: reason}, f); diff != "" {
		t.Fatalf("fault (-want +got):\n%s", diff)
	}
}

const stored = 2 + trace.LeafSize // one leaf in a bundle

func TestTamperingIsFound(t *testing.T) {
	const size = 600
	for what, c := range map[string]struct {
		damage func(t *testing.T, path string)
		index  int64
		reason string
	}{
		"flipped bit of a leaf": {func(t *testing.T, path string) {
			flipFile(t, filepath.Join(path, "tile/entries/001"), 10*stored+2+40)
		}, 266, "leaf.differs"},
		"flipped bit of a length": {func(t *testing.T, path string) {
			flipFile(t, filepath.Join(path, "tile/entries/001"), 10*stored)
		}, 266, "entries.missing"},
		"truncated bundle": {func(t *testing.T, path string) {
			rewrite(t, filepath.Join(path, "tile/entries/000"), func(b []byte) []byte { return b[:100*stored] })
		}, 100, "entries.missing"},
		"last entry deleted": {func(t *testing.T, path string) {
			rewrite(t, filepath.Join(path, "tile/entries/002.p/88"), func(b []byte) []byte { return b[:87*stored] })
		}, 599, "entries.missing"},
		"middle entry deleted": {func(t *testing.T, path string) {
			rewrite(t, filepath.Join(path, "tile/entries/000"), func(b []byte) []byte {
				return slices.Delete(b, 50*stored, 51*stored)
			})
		}, 50, "leaf.differs"},
		"two swapped": {func(t *testing.T, path string) {
			rewrite(t, filepath.Join(path, "tile/entries/002.p/88"), func(b []byte) []byte {
				a, z := bytes.Clone(b[5*stored:6*stored]), bytes.Clone(b[60*stored:61*stored])
				copy(b[5*stored:], z)
				copy(b[60*stored:], a)
				return b
			})
		}, 517, "leaf.differs"},
		"bundle missing": {func(t *testing.T, path string) { remove(t, filepath.Join(path, "tile/entries/001")) }, 256, "entries.missing"},
		"tile missing":   {func(t *testing.T, path string) { remove(t, filepath.Join(path, "tile/0/001")) }, 256, "tile.missing"},
		"flipped hash":   {func(t *testing.T, path string) { flipFile(t, filepath.Join(path, "tile/0/002.p/88"), 7*32) }, 519, "leaf.differs"},
		"leaf and tile alike": {func(t *testing.T, path string) {
			forge(t, path, "001", 10)
		}, 256, "tile.differs"},
	} {
		t.Run(what, func(t *testing.T) {
			dir, path := openDir(t)
			extend(t, trace.NewSequencer(dir, signer(t, 1)), 0, size)
			c.damage(t, path)
			wantFault(t, dir, c.index, c.reason)
		})
	}
}

func rewrite(t testing.TB, path string, change func([]byte) []byte) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(raw), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// forge alters a leaf and the tile above it to match.
func forge(t testing.TB, path, n string, i int) {
	t.Helper()
	bundle := filepath.Join(path, "tile/entries/"+n)
	flipFile(t, bundle, i*stored+2+40)
	raw, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(append([]byte{0}, raw[i*stored+2:(i+1)*stored]...))
	rewrite(t, filepath.Join(path, "tile/0/"+n), func(b []byte) []byte {
		copy(b[i*32:], h[:])
		return b
	})
}

// A log rebuilt whole over other leaves is still not the one signed; earlier checkpoints tell from where.
func TestRebuiltLogIsFound(t *testing.T) {
	dir, path := openDir(t)
	s := trace.NewSequencer(dir, signer(t, 1))
	first, second := extend(t, s, 0, 300), extend(t, s, 300, 600)
	forged, forgedPath := openDir(t)
	other := leaves(t, 0, 600)
	other[400], other[401] = other[401], other[400]
	if _, err := trace.NewSequencer(forged, signer(t, 2)).Append(t.Context(), 0, other); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(forgedPath, "checkpoint")); err != nil {
		t.Fatal(err)
	}
	if err := forged.Put(t.Context(), "checkpoint", []byte(second.Note)); err != nil {
		t.Fatal(err)
	}
	wantFault(t, forged, 0, "root.differs")
	wantFault(t, forged, 300, "root.differs", first)
	// Rolled back: an old checkpoint over a log that was longer.
	rewrite(t, filepath.Join(path, "checkpoint"), func([]byte) []byte { return []byte(first.Note) })
	if _, err := trace.VerifyLog(t.Context(), dir, keys(t, 1)); err != nil {
		t.Fatalf("who knows no later checkpoint cannot tell: %v", err)
	}
	wantFault(t, dir, 300, "log.shorter", second)
}

func TestRecordIsCompared(t *testing.T) {
	dir, _ := openDir(t)
	c := extend(t, trace.NewSequencer(dir, signer(t, 1)), 0, 600)
	sound := leaves(t, 0, 700)
	change := func(f func([][]byte) [][]byte) [][]byte { return f(slices.Clone(sound)) }
	for what, x := range map[string]struct {
		record [][]byte
		want   error
	}{
		"sound, with later ones": {sound, nil},
		"changed": {change(func(l [][]byte) [][]byte {
			l[299] = bytes.Clone(l[299])
			l[299][30] ^= 1
			return l
		}), &trace.Fault{Index: 299, Reason: "record.differs"}},
		"last deleted": {sound[:599], &trace.Fault{Index: 599, Reason: "record.missing"}},
		"middle deleted": {change(func(l [][]byte) [][]byte {
			return slices.Delete(l, 256, 257)
		}), &trace.Fault{Index: 256, Reason: "record.differs"}},
		"two swapped": {change(func(l [][]byte) [][]byte {
			l[3], l[599] = l[599], l[3]
			return l
		}), &trace.Fault{Index: 3, Reason: "record.differs"}},
		"empty": {nil, &trace.Fault{Index: 0, Reason: "record.missing"}},
	} {
		err := trace.CompareLeaves(t.Context(), dir, c, seq(x.record))
		if fmt.Sprint(err) != fmt.Sprint(x.want) {
			t.Errorf("%s: got %v, want %v", what, err, x.want)
		}
	}
}

func seq(leaves [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, l := range leaves {
			if !yield(l, nil) {
				return
			}
		}
	}
}

// The log in the store, restarted, copied to a folder and verified there without the server.
func TestStoreToFolder(t *testing.T) {
	server := objecttest.Start(t)
	extend(t, trace.NewSequencer(tilestore.NewS3(server.Open(t, object.Keeper)), signer(t, 1)), 0, 300)
	server.Kill(t)
	server.Restart(t)
	log := tilestore.NewS3(server.Open(t, object.Keeper))
	s := trace.NewSequencer(log, signer(t, 1))
	c := extend(t, s, 300, 520)
	copied, path := openDir(t)
	if err := trace.Copy(t.Context(), log, c, copied.Put); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	got, err := trace.VerifyLog(t.Context(), copied, keys(t, 1))
	if err != nil || got != c {
		t.Fatalf("copy: %+v, %v", got, err)
	}
	flipFile(t, filepath.Join(path, "tile/entries/000"), 5*stored+50)
	wantFault(t, copied, 5, "leaf.differs")
}

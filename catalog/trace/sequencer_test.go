package trace_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/objecttest"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
)

// failing stages a fault: it fails the calls a test names.
type failing struct {
	trace.Storage
	mu   sync.Mutex
	puts int // how many puts succeed before they fail; negative: all
	swap error
	lost bool // the swap is done, its answer lost
}

var errStaged = errors.New("staged failure")

func (f *failing) Put(ctx context.Context, path string, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.puts == 0 {
		return errStaged
	}
	f.puts--
	return f.Storage.Put(ctx, path, data)
}

func (f *failing) Swap(ctx context.Context, checkpoint []byte, tag string) (string, error) {
	if f.lost {
		if _, err := f.Storage.Swap(ctx, checkpoint, tag); err != nil {
			return "", err
		}
		return "", errStaged
	}
	if f.swap != nil {
		return "", f.swap
	}
	return f.Storage.Swap(ctx, checkpoint, tag)
}

// A crash after any write leaves a log that the same leaves complete.
func TestCrash(t *testing.T) {
	stages := map[string]func(*failing){
		"at the checkpoint":    func(f *failing) { f.swap = errStaged },
		"after the checkpoint": func(f *failing) { f.lost = true },
	}
	for n := range 9 { // bundles 0–2, tiles 0/0–0/2, 1/0, and two more than there are
		stages[fmt.Sprintf("after %d files", n)] = func(f *failing) { f.puts, f.swap = n, errStaged }
	}
	for what, stage := range stages {
		t.Run(what, func(t *testing.T) {
			dir, _ := openDir(t)
			extend(t, trace.NewSequencer(dir, signer(t, 1)), 0, 200)
			f := &failing{Storage: dir, puts: -1}
			stage(f)
			s := trace.NewSequencer(f, signer(t, 1))
			if _, err := s.Append(t.Context(), 200, leaves(t, 200, 600)); !errors.Is(err, errStaged) {
				t.Fatalf("got %v", err)
			}
			if _, err := trace.VerifyLog(t.Context(), dir, keys(t, 1)); err != nil {
				t.Fatalf("between: %v", err)
			}
			*f = failing{Storage: dir, puts: -1}
			for _, again := range []*trace.Sequencer{s, trace.NewSequencer(dir, signer(t, 1))} {
				c, err := again.Append(t.Context(), 200, leaves(t, 200, 650))
				if err != nil || c.Size != 650 || c.Root != mth(leaves(t, 0, 650)) {
					t.Fatalf("again: size %d, %v", c.Size, err)
				}
			}
			if _, err := trace.VerifyLog(t.Context(), dir, keys(t, 1)); err != nil {
				t.Fatalf("after: %v", err)
			}
		})
	}
}

func TestAppendRefuses(t *testing.T) {
	dir, _ := openDir(t)
	s := trace.NewSequencer(dir, signer(t, 1))
	c := extend(t, s, 0, 300)
	if _, err := s.Append(t.Context(), 301, leaves(t, 301, 302)); !errors.Is(err, trace.ErrGap) {
		t.Errorf("gap: got %v", err)
	}
	if _, err := s.Append(t.Context(), -1, leaves(t, 0, 1)); !errors.Is(err, trace.ErrGap) {
		t.Errorf("negative: got %v", err)
	}
	other := leaves(t, 250, 310)
	other[20] = leaves(t, 999, 1000)[0]
	_, err := s.Append(t.Context(), 250, other)
	var f *trace.Fault
	if !errors.Is(err, trace.ErrForked) || !errors.As(err, &f) || f.Index != 270 {
		t.Errorf("other leaf: got %v, want a fork at 270", err)
	}
	if _, err := s.Append(t.Context(), 300, [][]byte{make([]byte, 57)}); !errors.Is(err, trace.ErrLeaf) {
		t.Errorf("no leaf: got %v", err)
	}
	if same, err := s.Append(t.Context(), 0, leaves(t, 0, 300)); err != nil || same != c {
		t.Errorf("all again: got %v, %v", same, err)
	}
	if none, err := s.Append(t.Context(), 300, nil); err != nil || none != c {
		t.Errorf("nothing: got %v, %v", none, err)
	}
}

// A sequencer does not build on a log whose right edge was altered, nor on a checkpoint of unknown keys.
func TestSequencerChecksWhatItFinds(t *testing.T) {
	for what, damage := range map[string]func(path string){
		"tile":   func(path string) { flipFile(t, filepath.Join(path, "tile/0/001.p/44"), 50) },
		"bundle": func(path string) { flipFile(t, filepath.Join(path, "tile/entries/001.p/44"), 50) },
		"both":   func(path string) { forge(t, path, "001.p/44", 10) },
	} {
		dir, path := openDir(t)
		extend(t, trace.NewSequencer(dir, signer(t, 1)), 0, 300)
		damage(path)
		if _, err := trace.NewSequencer(dir, signer(t, 1)).Append(t.Context(), 300, leaves(t, 300, 301)); !errors.Is(err, trace.ErrCorrupt) {
			t.Errorf("%s altered: got %v, want ErrCorrupt", what, err)
		}
	}
	dir, _ := openDir(t)
	extend(t, trace.NewSequencer(dir, signer(t, 1)), 0, 3)
	if _, err := trace.NewSequencer(dir, signer(t, 2)).Append(t.Context(), 3, leaves(t, 3, 4)); !errors.Is(err, trace.ErrCheckpoint) {
		t.Errorf("another key's log: got %v, want ErrCheckpoint", err)
	}
	rotated, err := trace.NewSequencer(dir, signer(t, 2), keys(t, 1)).Append(t.Context(), 3, leaves(t, 3, 4))
	if err != nil || rotated.Size != 4 {
		t.Fatalf("after a rotation: %v", err)
	}
	if _, err := keys(t, 2).Open(rotated.Note); err != nil {
		t.Errorf("new key: %v", err)
	}
}

// conformance is what every storage of a log must do.
func conformance(t *testing.T, open func() trace.Storage) {
	ctx := t.Context()
	st := open()
	if _, err := st.Get(ctx, "tile/0/000"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: got %v", err)
	}
	if cp, tag, err := st.Head(ctx); cp != nil || tag != "" || err != nil {
		t.Errorf("no checkpoint: got %q %q %v", cp, tag, err)
	}
	for range 2 {
		if err := st.Put(ctx, "tile/0/000", []byte("a")); err != nil {
			t.Errorf("put: %v", err)
		}
	}
	if err := st.Put(ctx, "tile/0/000", []byte("b")); !errors.Is(err, trace.ErrForked) {
		t.Errorf("other bytes: got %v", err)
	}
	tag, err := st.Swap(ctx, []byte("one"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Swap(ctx, []byte("x"), ""); !errors.Is(err, trace.ErrStale) {
		t.Errorf("second first: got %v", err)
	}
	if _, err := st.Swap(ctx, []byte("two"), tag); err != nil {
		t.Errorf("swap: %v", err)
	}
	if _, err := open().Swap(ctx, []byte("x"), tag); !errors.Is(err, trace.ErrStale) {
		t.Errorf("stale: got %v", err)
	}
	if cp, _, err := open().Head(ctx); string(cp) != "two" || err != nil {
		t.Errorf("head: %q %v", cp, err)
	}
}

func TestStorages(t *testing.T) {
	t.Run("dir", func(t *testing.T) {
		dir, _ := openDir(t)
		conformance(t, func() trace.Storage { return dir })
	})
	t.Run("s3", func(t *testing.T) {
		server := objecttest.Start(t)
		conformance(t, func() trace.Storage { return tilestore.NewS3(server.Open(t, object.Keeper)) })
	})
}

// Two sequencers over one store: every round one wins and the rest lose, and nothing is lost or doubled.
func TestRace(t *testing.T) {
	server := objecttest.Start(t)
	const keepers, rounds = 2, 12
	all := leaves(t, 0, rounds)
	sequencers := make([]*trace.Sequencer, keepers)
	for k := range sequencers {
		sequencers[k] = trace.NewSequencer(tilestore.NewS3(server.Open(t, object.Keeper)), signer(t, 1))
	}
	for n := range rounds {
		errs := make([]error, keepers)
		var both sync.WaitGroup
		for k, s := range sequencers {
			both.Go(func() { _, errs[k] = s.Append(t.Context(), int64(n), all[n:n+1]) })
		}
		both.Wait()
		won := 0
		for k, err := range errs {
			if err == nil {
				won++
				continue
			}
			if !errors.Is(err, trace.ErrStale) {
				t.Fatalf("round %d: keeper %d: %v", n, k, err)
			}
			if _, err := sequencers[k].Append(t.Context(), int64(n), all[n:n+1]); err != nil {
				t.Fatalf("round %d: keeper %d again: %v", n, k, err)
			}
		}
		if won == 0 {
			t.Fatalf("round %d: nobody won", n)
		}
	}
	reader := tilestore.NewS3(server.Open(t, object.Serve))
	c, err := trace.VerifyLog(t.Context(), reader, keys(t, 1))
	if err != nil || c.Size != rounds || c.Root != mth(all) {
		t.Fatalf("size %d, %v", c.Size, err)
	}
}

// Two keepers that disagree about a leaf cannot both publish it.
func TestRaceOverOneIndex(t *testing.T) {
	server := objecttest.Start(t)
	open := func() *trace.Sequencer {
		return trace.NewSequencer(tilestore.NewS3(server.Open(t, object.Keeper)), signer(t, 1))
	}
	a, b := open(), open()
	if _, err := b.Checkpoint(t.Context()); err != nil { // b knows the empty log
		t.Fatal(err)
	}
	extend(t, a, 0, 5)
	_, err := b.Append(t.Context(), 0, leaves(t, 50, 55))
	if !errors.Is(err, trace.ErrForked) && !errors.Is(err, trace.ErrStale) {
		t.Fatalf("got %v", err)
	}
	if _, err := b.Append(t.Context(), 0, leaves(t, 50, 55)); !errors.Is(err, trace.ErrForked) {
		t.Fatalf("again: got %v, want ErrForked", err)
	}
}

// What serve may not do to the log, it cannot: the worker not even read.
func TestOnlyTheKeeperWrites(t *testing.T) {
	server := objecttest.Start(t)
	for _, a := range []object.Account{object.Serve, object.Worker} {
		_, err := trace.NewSequencer(tilestore.NewS3(server.Open(t, a)), signer(t, 1)).Append(t.Context(), 0, leaves(t, 0, 1))
		if !errors.Is(err, object.ErrForbidden) {
			t.Errorf("%s: got %v, want ErrForbidden", a, err)
		}
	}
}

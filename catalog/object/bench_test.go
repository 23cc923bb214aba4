package object_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/objecttest"
)

// big is the size of an object of the benchmarks, in bytes.
const big = 64 << 20

// BenchmarkPut times a put of 64 MiB: encrypted, compared with what it was said to be, and durable when it returns.
// The bytes are a worker's, which metered them while they arrived, or a sender's, who only says their digest. The
// floor, by turns, writes the same bytes to a file on the same disk and syncs it. x-speed is the floor's time over
// the put's.
func BenchmarkPut(b *testing.B) {
	data := random(b, big)
	meter := object.NewMeter()
	meter.Write(data)
	metered := meter.Content()
	b.Run("metered", func(b *testing.B) { benchmarkPut(b, metered, data) })
	b.Run("said", func(b *testing.B) { benchmarkPut(b, object.Content{Digest: metered.Digest, Size: big}, data) })
}

func benchmarkPut(b *testing.B, is object.Content, data []byte) {
	stores := objecttest.Start(b)
	store := stores.Open(b, object.Worker)
	var puts, files []time.Duration
	for b.Loop() {
		files = append(files, written(b, stores.Dir, data))
		key := newKey(b)
		began := time.Now()
		ref, err := store.PutKnown(b.Context(), object.Data, key, is, bytes.NewReader(data))
		puts = append(puts, time.Since(began))
		if err != nil {
			b.Fatal(err)
		}
		if err := os.Remove(stored(stores, ref)); err != nil {
			b.Fatal(err)
		}
	}
	reportSpeed(b, puts, files)
}

// written times the write of a file, until it is durable.
func written(b *testing.B, folder string, data []byte) time.Duration {
	b.Helper()
	path := filepath.Join(folder, "floor")
	began := time.Now()
	f, err := os.Create(path)
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	took := time.Since(began)
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		b.Fatal(err)
	}
	return took
}

// BenchmarkGet times a get of 64 MiB, decrypted and its plaintext hashed. The floor, by turns, gets the same
// object's bytes from the store as they lie there.
func BenchmarkGet(b *testing.B) {
	stores := objecttest.Start(b)
	store, data, key := stores.Open(b, object.Worker), random(b, big), newKey(b)
	ref := put(b, store, object.Data, key, data)
	out := bytes.NewBuffer(make([]byte, 0, big))
	var gets, raws []time.Duration
	for b.Loop() {
		raws = append(raws, asStored(b, store, ref))
		out.Reset()
		began := time.Now()
		err := store.Get(b.Context(), ref, key, out)
		gets = append(gets, time.Since(began))
		if err != nil || !bytes.Equal(out.Bytes(), data) {
			b.Fatalf("got %d bytes, %v", out.Len(), err)
		}
	}
	reportSpeed(b, gets, raws)
}

// asStored times a get of an object as it is stored.
func asStored(b *testing.B, store *object.Store, ref object.Ref) time.Duration {
	b.Helper()
	began := time.Now()
	body, err := store.Raw(b.Context(), ref)
	if err != nil {
		b.Fatal(err)
	}
	n, err := io.Copy(io.Discard, body)
	took := time.Since(began)
	if err := body.Close(); err != nil {
		b.Fatal(err)
	}
	if err != nil || n <= big {
		b.Fatalf("got %d bytes, %v", n, err)
	}
	return took
}

func reportSpeed(b *testing.B, own, floor []time.Duration) {
	b.Helper()
	took, least := middle(own), middle(floor)
	b.ReportMetric(took, "ns-own")
	b.ReportMetric(least, "ns-floor")
	b.ReportMetric(least/took, "x-speed")
}

// middle is the median, in nanoseconds.
func middle(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2])
}

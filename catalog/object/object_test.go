package object_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/objecttest"
)

func TestMain(m *testing.M) { objecttest.Main(m) }

func newKey(t testing.TB) object.DataKey {
	t.Helper()
	key, err := object.NewDataKey(name.NewID().String(), random(t, object.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func put(t testing.TB, s *object.Store, b object.Bucket, key object.DataKey, data []byte) object.Ref {
	t.Helper()
	ref, err := s.Put(t.Context(), b, key, bytes.NewReader(data))
	if err != nil {
		t.Fatalf("putting %d bytes: %v", len(data), err)
	}
	return ref
}

func get(s *object.Store, t testing.TB, ref object.Ref, key object.DataKey) ([]byte, error) {
	var out bytes.Buffer
	err := s.Get(t.Context(), ref, key, &out)
	return out.Bytes(), err
}

func random(t testing.TB, n int) []byte {
	t.Helper()
	data := make([]byte, n)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	return data
}

// stored is the file the store keeps an object in.
func stored(s *objecttest.Server, ref object.Ref) string {
	return filepath.Join(s.Dir, string(ref.Bucket), ref.Key, name.Digest(ref.Digest).Hex())
}

func TestRoundTrip(t *testing.T) {
	server := objecttest.Start(t)
	s := server.Open(t, object.Worker)
	key := newKey(t)
	const segment = 1 << 20
	for _, size := range []int{0, 1, 57, segment - 90, segment - 16, segment, segment + 1, 3*segment + 7} {
		data := random(t, size)
		ref := put(t, s, object.Output, key, data)
		if ref.Digest != name.DigestOf(data).String() || ref.Size != int64(size) {
			t.Fatalf("%d bytes: ref says %+v", size, ref)
		}
		got, err := get(s, t, ref, key)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes: got %d back, %v", size, len(got), err)
		}
		raw, err := os.ReadFile(stored(server, ref))
		if err != nil {
			t.Fatal(err)
		}
		if name.DigestOf(raw).String() != ref.CipherSHA256 {
			t.Fatalf("%d bytes: cipher digest differs from the stored bytes", size)
		}
		if size > 32 && bytes.Contains(raw, data[:32]) {
			t.Fatalf("%d bytes: plaintext on disk", size)
		}
		if id, err := object.KeyOf(raw); err != nil || id != key.ID {
			t.Fatalf("header names key %q, %v", id, err)
		}
	}
}

// What a Meter saw is what is put, although nothing but a checksum is made of it again.
func TestMeteredBytesAreCompared(t *testing.T) {
	server := objecttest.Start(t)
	s := server.Open(t, object.Worker)
	for _, size := range []int{0, 1, 1000, 5 << 20} {
		data := random(t, size+1)
		meter := object.NewMeter()
		meter.Write(data[:size/2])
		meter.Write(data[size/2 : size])
		is := meter.Content()
		if is.Digest != name.DigestOf(data[:size]).String() || is.Size != int64(size) {
			t.Fatalf("%d bytes: measured %+v", size, is)
		}
		other := bytes.Clone(data[:size])
		for i := range min(size, 1) {
			other[size-1-i] ^= 1
		}
		for what, try := range map[string]struct {
			body []byte
			want error
		}{
			"one byte more":    {data, object.ErrSize},
			"the last bit":     {other, map[bool]error{true: object.ErrDigest}[size > 0]},
			"what was metered": {data[:size], nil},
		} {
			ref, err := s.PutKnown(t.Context(), object.Data, newKey(t), is, bytes.NewReader(try.body))
			if !errors.Is(err, try.want) || ref.CipherSHA256 != "" {
				t.Errorf("%d bytes, %s: %+v, %v; want %v", size, what, ref, err, try.want)
			}
			if _, err := os.Stat(stored(server, object.Ref{Bucket: object.Data, Key: ref.Key, Digest: is.Digest})); try.want != nil && err == nil {
				t.Errorf("%d bytes, %s: it is stored", size, what)
			}
		}
	}
}

// One put of bytes is enough: later ones, and those at the same time, find it.
func TestPutTwice(t *testing.T) {
	server := objecttest.Start(t)
	s := server.Open(t, object.Worker)
	key := newKey(t)
	data := random(t, 100_000)
	const writers = 20
	refs := make([]object.Ref, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			var err error
			if refs[i], err = s.Put(t.Context(), object.Data, key, bytes.NewReader(data)); err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	all.Wait()
	first := put(t, s, object.Data, key, data)
	for i, ref := range refs {
		if diff := cmp.Diff(first, ref); diff != "" {
			t.Fatalf("writer %d (-want +got):\n%s", i, diff)
		}
	}
	if got, err := get(s, t, first, key); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("got %d bytes back, %v", len(got), err)
	}
}

// Bytes that are not what was said are not stored, whether they are found out at once or after many segments.
func TestOtherBytesAreNotStored(t *testing.T) {
	server := objecttest.Start(t)
	s := server.Open(t, object.Worker)
	for _, size := range []int{0, 1, 1000, 5 << 20} {
		data := random(t, size+1)
		digest := name.DigestOf(data[:size]).String()
		for what, try := range map[string]struct {
			body []byte
			said int64
			want error
		}{
			"one byte more":        {data, int64(size), object.ErrSize},
			"one byte fewer":       {data[:size], int64(size) + 1, object.ErrSize},
			"as many, but other":   {data[1:], int64(size), object.ErrDigest},
			"what was said at all": {data[:size], int64(size), nil},
		} {
			if size == 0 && errors.Is(try.want, object.ErrDigest) {
				continue // there is only one way to be empty
			}
			key := newKey(t)
			ref, err := s.PutKnown(t.Context(), object.Data, key, object.Content{Digest: digest, Size: try.said}, bytes.NewReader(try.body))
			if !errors.Is(err, try.want) {
				t.Errorf("%d bytes, %s: got %v, want %v", size, what, err, try.want)
			}
			_, there := os.Stat(stored(server, object.Ref{Bucket: object.Data, Key: key.ID, Digest: digest}))
			if (there == nil) != (try.want == nil) {
				t.Errorf("%d bytes, %s: in the store: %v", size, what, there)
			}
			if try.want == nil {
				if got, err := get(s, t, ref, key); err != nil || !bytes.Equal(got, try.body) {
					t.Errorf("%d bytes: got %d back, %v", size, len(got), err)
				}
			}
		}
	}
}

// An object of many segments that is there already is success, though the store answers before it has read it all.
func TestPutOfALargeObjectAgain(t *testing.T) {
	s := objecttest.Start(t).Open(t, object.Worker)
	key, data := newKey(t), random(t, 16<<20)
	first := put(t, s, object.Data, key, data)
	for range 5 {
		if again := put(t, s, object.Data, key, data); again != first {
			t.Fatalf("put again: %+v, first %+v", again, first)
		}
	}
}

// An object that is there but damaged is not success.
func TestPutOverDamage(t *testing.T) {
	server := objecttest.Start(t)
	s := server.Open(t, object.Worker)
	key, data := newKey(t), random(t, 1000)
	ref := put(t, s, object.Data, key, data)
	flip(t, stored(server, ref), 500)
	if _, err := s.Put(t.Context(), object.Data, key, bytes.NewReader(data)); !errors.Is(err, object.ErrCorrupt) {
		t.Fatalf("got %v, want ErrCorrupt", err)
	}
}

func flip(t testing.TB, file string, at int64) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if at < 0 {
		at += int64(len(raw))
	}
	raw[at] ^= 1
	rewrite(t, file, raw)
}

// rewrite changes bytes in place: the store's own attributes stay.
func rewrite(t testing.TB, file string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDamageIsFound(t *testing.T) {
	server := objecttest.Start(t)
	s := server.Open(t, object.Worker)
	key := newKey(t)
	data := random(t, 2<<20)
	ref := put(t, s, object.Data, key, data)
	file := stored(server, ref)
	sound, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other := put(t, s, object.Data, key, random(t, 2<<20))
	swapped, err := os.ReadFile(stored(server, other))
	if err != nil {
		t.Fatal(err)
	}
	const segment = 1 << 20
	reordered := bytes.Clone(sound)
	copy(reordered[segment:], sound[:segment/2])
	for what, bad := range map[string][]byte{
		"magic":             flipped(sound, 0),
		"version":           flipped(sound, 8),
		"suite":             flipped(sound, 9),
		"reserved":          flipped(sound, 12),
		"key id":            flipped(sound, 20),
		"salt":              flipped(sound, 40),
		"first byte":        flipped(sound, 73),
		"last byte":         flipped(sound, len(sound)-1),
		"middle":            flipped(sound, len(sound)/2),
		"one byte short":    sound[:len(sound)-1],
		"one segment short": sound[:segment],
		"header only":       sound[:32],
		"empty":             {},
		"one byte long":     append(bytes.Clone(sound), 0),
		"reordered":         reordered,
		"another object":    swapped,
	} {
		t.Run(what, func(t *testing.T) {
			rewrite(t, file, bad)
			if _, err := get(s, t, ref, key); err == nil {
				t.Fatal("Get passed it")
			}
			if r, err := s.OpenVerified(t.Context(), ref, key); err == nil {
				r.Close()
				t.Fatal("OpenVerified passed it")
			}
		})
	}
	rewrite(t, file, sound)
	if _, err := get(s, t, ref, key); err != nil {
		t.Fatalf("sound again: %v", err)
	}
}

func flipped(raw []byte, at int) []byte {
	out := bytes.Clone(raw)
	out[at] ^= 1
	return out
}

func TestWrongKey(t *testing.T) {
	server := objecttest.Start(t)
	s := server.Open(t, object.Worker)
	key := newKey(t)
	ref := put(t, s, object.Data, key, random(t, 100))
	same := key
	same.Secret[3] ^= 1
	if _, err := get(s, t, ref, same); !errors.Is(err, object.ErrCorrupt) {
		t.Fatalf("another secret: got %v, want ErrCorrupt", err)
	}
	if _, err := get(s, t, ref, newKey(t)); !errors.Is(err, object.ErrKey) {
		t.Fatalf("another key: got %v, want ErrKey", err)
	}
	lies := ref
	lies.Size++
	if _, err := get(s, t, lies, key); !errors.Is(err, object.ErrCorrupt) {
		t.Fatalf("another size: got %v, want ErrCorrupt", err)
	}
}

func TestOpenVerified(t *testing.T) {
	server := objecttest.Start(t)
	s := server.Open(t, object.Worker)
	key, data := newKey(t), random(t, 3<<20)
	ref := put(t, s, object.Data, key, data)
	r, err := s.OpenVerified(t.Context(), ref, key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Remove(stored(server, ref)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	if _, err := s.OpenVerified(t.Context(), ref, key); !errors.Is(err, object.ErrAbsent) {
		t.Fatalf("gone: got %v, want ErrAbsent", err)
	}
}

// Putting and getting 64 MiB allocates a few segments, not the object.
func TestMemoryIsFlat(t *testing.T) {
	server := objecttest.Start(t)
	s := server.Open(t, object.Worker)
	key := newKey(t)
	const size, most = 64 << 20, 24 << 20
	is := object.Content{Digest: zerosDigest(t, size), Size: size}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ref, err := s.PutKnown(t.Context(), object.Data, key, is, io.LimitReader(zeros{}, size))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Get(t.Context(), ref, key, io.Discard); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > most {
		t.Fatalf("allocated %d MiB for an object of 64 MiB", used>>20)
	}
}

// zerosDigest is the digest of so many zero bytes.
func zerosDigest(t testing.TB, size int64) string {
	t.Helper()
	sum := sha256.New()
	if _, err := io.CopyN(sum, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	return name.DigestSum([sha256.Size]byte(sum.Sum(nil))).String()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestRestart(t *testing.T) {
	server := objecttest.Start(t)
	key, data := newKey(t), random(t, 5000)
	ref := put(t, server.Open(t, object.Worker), object.Data, key, data)
	server.Kill(t)
	server.Restart(t)
	got, err := get(server.Open(t, object.Worker), t, ref, key)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("after restart: got %d bytes, %v", len(got), err)
	}
}

func TestDeleteAndList(t *testing.T) {
	server := objecttest.Start(t)
	worker, keeper := server.Open(t, object.Worker), server.Open(t, object.Keeper)
	key := newKey(t)
	keep := put(t, worker, object.Data, key, []byte("keep"))
	gone := put(t, worker, object.Data, key, []byte("gone"))
	for range 2 { // the second time it is not there, which is the same
		if err := keeper.Delete(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
	}
	var left []object.Ref
	for l, err := range keeper.List(t.Context(), object.Data) {
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, l.Ref)
	}
	want := []object.Ref{{Bucket: object.Data, Key: keep.Key, Digest: keep.Digest}}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Fatalf("left (-want +got):\n%s", diff)
	}
}

func TestRefTakesOnlyOurWords(t *testing.T) {
	server := objecttest.Start(t)
	s := server.Open(t, object.Worker)
	good := object.Ref{Bucket: object.Data, Key: uuid.NewString(), Digest: name.DigestOf(nil).String()}
	for what, ref := range map[string]object.Ref{
		"path in key":    {Bucket: object.Data, Key: "../" + good.Key[3:], Digest: good.Digest},
		"upper-case key": {Bucket: object.Data, Key: strings.ToUpper(good.Key), Digest: good.Digest},
		"no key":         {Bucket: object.Data, Digest: good.Digest},
		"no digest":      {Bucket: object.Data, Key: good.Key},
		"path in digest": {Bucket: object.Data, Key: good.Key, Digest: "sha256:../../x"},
	} {
		if err := s.Get(t.Context(), ref, object.DataKey{ID: ref.Key}, io.Discard); err == nil || errors.Is(err, object.ErrAbsent) {
			t.Errorf("%s: got %v, want a refusal before the store is asked", what, err)
		}
	}
	if err := s.Get(t.Context(), good, object.DataKey{ID: good.Key}, io.Discard); !errors.Is(err, object.ErrAbsent) {
		t.Errorf("good ref: got %v, want ErrAbsent", err)
	}
}

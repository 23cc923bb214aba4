package trace_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sluicedata/sluice/catalog/object/objecttest"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
)

func TestMain(m *testing.M) { objecttest.Main(m) }

const origin = "sluice.test/trace"

func keyPair(t testing.TB, seed byte) (ed25519.PrivateKey, ed25519.PublicKey) {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	return private, private.Public().(ed25519.PublicKey)
}

func signer(t testing.TB, seed byte) trace.Signer {
	t.Helper()
	private, _ := keyPair(t, seed)
	s, err := trace.NewSigner(origin, private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func keys(t testing.TB, seeds ...byte) trace.Keys {
	t.Helper()
	var list []ed25519.PublicKey
	for _, seed := range seeds {
		_, public := keyPair(t, seed)
		list = append(list, public)
	}
	k, err := trace.NewKeys(origin, list...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// entry makes the n-th entry of a log, always the same.
func entry(t testing.TB, n int) trace.Entry {
	t.Helper()
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	id[6], id[8] = 0x70, id[8]&0x3f|0x80
	body, err := trace.EncodeBody(trace.Body{
		Act: "job.submit", Actor: trace.Actor{Member: trace.PersonHash([]byte("key"), "m"), Org: "o", Process: "serve"},
		Object: trace.Object{Kind: "job", Name: fmt.Sprintf("J-%d", n)}, Decision: trace.Allow,
		Detail: map[string]string{"rows": "10^3"},
	})
	if err != nil {
		t.Fatal(err)
	}
	salt := sha256.Sum256(fmt.Append(nil, "salt", n))
	return trace.Entry{ID: id.String(), Time: time.UnixMilli(int64(1_700_000_000_000 + n)), Salt: salt[:], Body: body}
}

func leaves(t testing.TB, from, to int) [][]byte {
	t.Helper()
	var out [][]byte
	for n := from; n < to; n++ {
		leaf, err := entry(t, n).Leaf()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, leaf)
	}
	return out
}

func openDir(t testing.TB) (tilestore.Dir, string) {
	t.Helper()
	path := t.TempDir()
	d, err := tilestore.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, path
}

func extend(t testing.TB, s *trace.Sequencer, from, to int) trace.Checkpoint {
	t.Helper()
	c, err := s.Append(t.Context(), int64(from), leaves(t, from, to))
	if err != nil {
		t.Fatalf("appending %d–%d: %v", from, to, err)
	}
	return c
}

package object

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"testing"
)

func testKey(t *testing.T) DataKey {
	t.Helper()
	key, err := NewDataKey("01890a5d-ac96-774b-bcce-b302099a8057", bytes.Repeat([]byte{7}, SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The header's bytes are for ever.
func TestHeaderBytes(t *testing.T) {
	h, err := header(testKey(t))
	if err != nil {
		t.Fatal(err)
	}
	want := hex.EncodeToString([]byte("SLUICEOB")) + "0101" + "000000000000" + "01890a5dac96774bbcceb302099a8057"
	if got := hex.EncodeToString(h); got != want {
		t.Fatalf("header\n got %s\nwant %s", got, want)
	}
}

// A stream that is sound under a header of another version, suite or meaning is not read as this one.
func TestOtherFormatsAreRefused(t *testing.T) {
	key := testKey(t)
	for what, at := range map[string]int{"version": 8, "suite": 9, "reserved": 10, "key": 31} {
		h, err := header(key)
		if err != nil {
			t.Fatal(err)
		}
		h[at]++
		s, err := stream(key)
		if err != nil {
			t.Fatal(err)
		}
		var object bytes.Buffer
		object.Write(h)
		w, err := s.NewEncryptingWriter(&object, h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("text")); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := decrypter(&object, key); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", what, err)
		}
	}
}

// A fault of the network is not taken for tampering.
func TestReadErrorsStayTheirOwn(t *testing.T) {
	key := testKey(t)
	var object bytes.Buffer
	w, err := encrypter(&object, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 3*segmentSize)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{10, 40, segmentSize + 5} {
		broken := io.MultiReader(bytes.NewReader(object.Bytes()[:cut]), &failing{})
		r, err := decrypter(broken, key)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("cut at %d: got %v, want the reader's own error", cut, err)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestSecretsStayHidden(t *testing.T) {
	key := testKey(t)
	if got := key.String() + key.GoString(); bytes.Contains([]byte(got), key.Secret[:8]) {
		t.Errorf("printed as %q", got)
	}
	if _, err := key.MarshalJSON(); err == nil {
		t.Error("marshalled")
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := NewDataKey(key.ID, make([]byte, n)); !errors.Is(err, ErrKey) {
			t.Errorf("secret of %d bytes: got %v", n, err)
		}
	}
}

// A put says how long its ciphertext will be before it makes it.
func TestSealedSize(t *testing.T) {
	key := testKey(t)
	const first, each = segmentSize - headerSize - streamHeader - tagSize, segmentSize - tagSize
	for _, size := range []int64{0, 1, first - 1, first, first + 1, first + each - 1, first + each, first + each + 1, first + 3*each} {
		var out bytes.Buffer
		enc, err := encrypter(&out, key)
		if err == nil {
			_, err = enc.Write(make([]byte, size))
		}
		if err == nil {
			err = enc.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := sealedSize(size); got != int64(out.Len()) {
			t.Errorf("%d bytes: said %d, made %d", size, got, out.Len())
		}
	}
}

package keyring

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func newPrivate(t *testing.T) PrivateKey {
	t.Helper()
	k, err := NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealOpens(t *testing.T) {
	key := newPrivate(t)
	for _, size := range []int{0, 1, 32, 10_000} {
		plain := make([]byte, size)
		if _, err := rand.Read(plain); err != nil {
			t.Fatal(err)
		}
		public, err := ParsePublicKey(key.Public().Bytes())
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := Seal(public, "sluice/data-key/1", plain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Open(key, "sluice/data-key/1", sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes: got %d, %v", size, len(got), err)
		}
	}
}

func TestSealedIsBound(t *testing.T) {
	key, other := newPrivate(t), newPrivate(t)
	sealed, err := Seal(key.Public(), "sluice/work/w/7", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for what, try := range map[string]func() ([]byte, error){
		"another fence": func() ([]byte, error) { return Open(key, "sluice/work/w/8", sealed) },
		"no info":       func() ([]byte, error) { return Open(key, "", sealed) },
		"another key":   func() ([]byte, error) { return Open(other, "sluice/work/w/7", sealed) },
		"cut":           func() ([]byte, error) { return Open(key, "sluice/work/w/7", sealed[:len(sealed)-1]) },
		"empty":         func() ([]byte, error) { return Open(key, "sluice/work/w/7", nil) },
		"short":         func() ([]byte, error) { return Open(key, "sluice/work/w/7", sealed[:20]) },
	} {
		if _, err := try(); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: got %v, want ErrSealed", what, err)
		}
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		// The top bit of an X25519 key is ignored, the low one is not.
		if _, err := Open(key, "sluice/work/w/7", bad); !errors.Is(err, ErrSealed) {
			t.Fatalf("byte %d flipped: got %v, want ErrSealed", i, err)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	if _, err := Seal(PublicKey{}, "x", nil); !errors.Is(err, ErrKey) {
		t.Errorf("no key: got %v", err)
	}
	if _, err := Seal(newPrivate(t).Public(), "", nil); !errors.Is(err, ErrInfo) {
		t.Errorf("no info: got %v", err)
	}
	if _, err := Open(PrivateKey{}, "x", []byte{suite}); !errors.Is(err, ErrKey) {
		t.Errorf("no private key: got %v", err)
	}
	for _, raw := range [][]byte{nil, make([]byte, 31), make([]byte, 33)} {
		if _, err := ParsePublicKey(raw); !errors.Is(err, ErrKey) {
			t.Errorf("%d bytes as public key: got %v", len(raw), err)
		}
	}
}

func TestDeriveSeparates(t *testing.T) {
	master := bytes.Repeat([]byte{7}, 32)
	unit, digest := Derive(master, "unit"), Derive(master, "digest")
	if len(unit) != 32 || bytes.Equal(unit, digest) || !bytes.Equal(unit, Derive(master, "unit")) {
		t.Fatalf("unit %x digest %x", unit, digest)
	}
}

func TestKeyFiles(t *testing.T) {
	for p, kind := range kinds() {
		path := filepath.Join(t.TempDir(), string(p))
		made, err := LoadOrCreate(path, p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := LoadOrCreate(path, p)
		if err != nil || again.ID() != made.ID() || !bytes.Equal(again.secret, made.secret) {
			t.Fatalf("%s: loaded %v, made %v, %v", p, again, made, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o400 {
			t.Fatalf("%s: %v, %v", p, info.Mode(), err)
		}
		_, signs := made.Signing()
		_, wraps := made.Wrapping()
		_, derives := made.Master()
		got := map[string]bool{kindSigning: signs == nil, kindWrapping: wraps == nil, kindMaster: derives == nil}
		want := map[string]bool{kindSigning: false, kindWrapping: false, kindMaster: false, kind: true}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s serves (-want +got):\n%s", p, diff)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) > 0 {
			t.Errorf("%s: left behind %v", p, left)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "k")
	if _, err := Create(path, Checkpoint); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, Checkpoint); err == nil {
		t.Error("a second key replaced the first")
	}
	if _, err := Load(path, Certificate); !errors.Is(err, ErrFile) {
		t.Errorf("another purpose: got %v, want ErrFile", err)
	}
	if err := os.Symlink(path, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(filepath.Join(dir, "link"), Checkpoint); err == nil {
		t.Error("a link was followed")
	}
	for _, mode := range []os.FileMode{0o440, 0o404, 0o420, 0o401, 0o640} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, Checkpoint); !errors.Is(err, ErrExposed) {
			t.Errorf("mode %o: got %v, want ErrExposed", mode, err)
		}
	}
	for what, text := range map[string]string{
		"empty":          "",
		"cut":            string(sound[:len(sound)/2]),
		"unknown member": strings.Replace(string(sound), `"v":1`, `"v":1,"x":2`, 1),
		"version":        strings.Replace(string(sound), `"v":1`, `"v":2`, 1),
		"another id":     strings.Replace(string(sound), `"id":"`, `"id":"0`, 1),
	} {
		bad := filepath.Join(dir, what)
		if err := os.WriteFile(bad, []byte(text), 0o400); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(bad, Checkpoint); !errors.Is(err, ErrFile) {
			t.Errorf("%s: got %v, want ErrFile", what, err)
		}
	}
}

// Another uid's file is refused even when its mode is right.
func TestOwnerIsChecked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	if _, err := Create(path, Wrap); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !private(info, os.Geteuid()) || private(info, os.Geteuid()+1) {
		t.Fatal("owner is not compared")
	}
}

func TestCreateRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	ids := make([]string, 8)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			k, err := LoadOrCreate(path, Root)
			if err != nil {
				t.Error(err)
			}
			ids[i] = k.ID()
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("two keys: %v", ids)
		}
	}
}

func TestSecretsStayHidden(t *testing.T) {
	k, err := New(Root)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k), fmt.Sprintf("%s", k)} { //nolint:staticcheck // the verb is what is tested
		if text != "root key "+k.ID() {
			t.Errorf("printed as %q", text)
		}
	}
	if _, err := json.Marshal(k); err == nil {
		t.Error("marshalled")
	}
	s, err := k.Signing()
	if err != nil || KeyID(s.Public().(ed25519.PublicKey)) != k.ID() || len(k.ID()) != 16 {
		t.Errorf("id %s, %v", k.ID(), err)
	}
}

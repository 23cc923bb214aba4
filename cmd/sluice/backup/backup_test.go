package backup_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/sluicedata/sluice/cmd/sluice/backup"
)

// folder writes a backup that consists of files, by path.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	m := backup.Manifest{Format: backup.Format}
	for name, text := range files {
		write(t, dir, name, text)
		sum := sha256.Sum256([]byte(text))
		m.Files = append(m.Files, backup.File{Path: name, Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])})
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, backup.ManifestFile, string(raw))
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyNamesEveryFault(t *testing.T) {
	dir := folder(t, map[string]string{"a": "one", "objects/data/k/d": "two", "log": "three", "same": "four"})
	if _, err := backup.Verify(dir); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "a", "onf")
	write(t, dir, "log", "thrice")
	if err := os.Remove(filepath.Join(dir, "objects/data/k/d")); err != nil {
		t.Fatal(err)
	}
	_, err := backup.Verify(dir)
	var faults *backup.FaultsError
	if !errors.As(err, &faults) || len(faults.Faults) != 3 {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"a: holds other bytes", "log: has 6 bytes instead of 5", "objects/data/k/d: is missing"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestReadRefusesWhatIsNoBackup(t *testing.T) {
	empty := t.TempDir()
	if _, err := backup.Read(empty); err == nil || !strings.Contains(err.Error(), "is no backup") {
		t.Errorf("an empty folder: %v", err)
	}
	for name, text := range map[string]string{
		"not JSON":   "{",
		"other form": `{"format":2}`,
		"outside":    `{"format":1,"files":[{"path":"../../etc/shadow"}]}`,
		"absolute":   `{"format":1,"files":[{"path":"/etc/shadow"}]}`,
	} {
		dir := t.TempDir()
		write(t, dir, backup.ManifestFile, text)
		if _, err := backup.Verify(dir); err == nil {
			t.Errorf("%s is taken for a backup", name)
		}
	}
}

func TestKeysOpenForTheirOwnerOnly(t *testing.T) {
	const secret = "canary-secret-8812"
	keys := backup.Keys{"root/root.key": []byte(secret)}
	mine, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "keys.age")
	to, err := backup.Recipient(mine.Recipient().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := backup.WriteKeys(file, "sluice/one", keys, to); err != nil {
		t.Fatal(err)
	}
	if err := backup.WriteKeys(file, "sluice/one", keys, to); err == nil {
		t.Error("keys were overwritten")
	}
	sealed, err := os.ReadFile(file)
	if err != nil || bytes.Contains(sealed, []byte(secret)) {
		t.Fatalf("the keys lie open (%v)", err)
	}
	ids, err := backup.Identities(mine.String(), "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := backup.ReadKeys(file, "sluice/one", ids)
	if err != nil || string(got["root/root.key"]) != secret {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := backup.ReadKeys(file, "sluice/two", ids); err == nil {
		t.Error("keys of another instance are taken")
	}
	if ids, err = backup.Identities(other.String(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.ReadKeys(file, "sluice/one", ids); err == nil {
		t.Error("opens for somebody else")
	}
	if _, err := backup.Recipient("", "short"); err == nil {
		t.Error("a short passphrase is taken")
	}
}

func TestPackedBackupIsTheSame(t *testing.T) {
	dir := folder(t, map[string]string{"a": "one", "objects/data/k/d": "two"})
	file := filepath.Join(t.TempDir(), "backup.tar")
	if err := backup.Pack(dir, file); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := backup.Unpack(file, out); err != nil {
		t.Fatal(err)
	}
	if m, err := backup.Verify(out); err != nil || len(m.Files) != 2 {
		t.Errorf("unpacked %v, %v", m, err)
	}
}

func TestUnpackStaysInside(t *testing.T) {
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	err := errors.Join(w.WriteHeader(&tar.Header{Name: "../escaped", Mode: 0o600, Size: 1, Typeflag: tar.TypeReg}))
	if _, more := w.Write([]byte("x")); errors.Join(err, more, w.Close()) != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "evil.tar")
	if err := os.WriteFile(file, raw.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := backup.Unpack(file, out); err == nil {
		t.Error("a path that leads out is followed")
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(out), "escaped")); err == nil {
		t.Error("a file was written outside")
	}
}

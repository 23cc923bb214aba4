package keyring

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Purpose says what a key is for. A key serves one purpose; its file says which and is refused elsewhere.
type Purpose string

// The closed list of purposes.
const (
	Checkpoint  Purpose = "checkpoint"  // signs the trace's checkpoints
	Certificate Purpose = "certificate" // signs release certificates
	Root        Purpose = "root"        // signs trust.json; exported and kept offline
	Wrap        Purpose = "wrap"        // data keys are sealed to it
	Unit        Purpose = "unit"        // master of unit and token keys
	Person      Purpose = "person"      // keys the hashes that stand for people in the trace
)

// kinds tells which kind of key a purpose takes.
func kinds() map[Purpose]string {
	return map[Purpose]string{
		Checkpoint: kindSigning, Certificate: kindSigning, Root: kindSigning,
		Wrap: kindWrapping, Unit: kindMaster, Person: kindMaster,
	}
}

const (
	kindSigning  = "ed25519"
	kindWrapping = "x25519"
	kindMaster   = "secret"
	secretSize   = 32
)

// Errors about key files.
var (
	// ErrExposed refuses a key file that others could have read or written.
	ErrExposed = errors.New("key file is open to others")
	// ErrFile refuses a file that is no key file of this purpose.
	ErrFile = errors.New("not a key file of this purpose")
)

// Key is a key with its purpose. The zero value is no key. Its secret never appears in text.
type Key struct {
	purpose Purpose
	secret  []byte
}

// New makes a key for a purpose.
func New(p Purpose) (Key, error) {
	if kinds()[p] == "" {
		return Key{}, ErrFile
	}
	k := Key{purpose: p, secret: make([]byte, secretSize)}
	if _, err := io.ReadFull(rand.Reader, k.secret); err != nil {
		return Key{}, fmt.Errorf("drawing key: %w", err)
	}
	return k, nil
}

// Purpose returns what the key is for.
func (k Key) Purpose() Purpose { return k.purpose }

// Signing returns the key of a purpose that signs (RFC 8032).
func (k Key) Signing() (ed25519.PrivateKey, error) {
	if kinds()[k.purpose] != kindSigning {
		return nil, ErrKey
	}
	return ed25519.NewKeyFromSeed(k.secret), nil
}

// Wrapping returns the key of the purpose Wrap.
func (k Key) Wrapping() (PrivateKey, error) {
	if kinds()[k.purpose] != kindWrapping {
		return PrivateKey{}, ErrKey
	}
	return ParsePrivateKey(k.secret)
}

// Master returns the 32 bytes of a purpose other keys are derived from.
func (k Key) Master() ([]byte, error) {
	if kinds()[k.purpose] != kindMaster {
		return nil, ErrKey
	}
	return append([]byte(nil), k.secret...), nil
}

// Public returns the public half; nil for a master, which has none.
func (k Key) Public() []byte {
	if s, err := k.Signing(); err == nil {
		public, _ := s.Public().(ed25519.PublicKey) // what every ed25519.PrivateKey has
		return public
	}
	if w, err := k.Wrapping(); err == nil {
		return w.Public().Bytes()
	}
	return nil
}

// ID names the key: by its public half, or a master by a key derived from it, which tells nothing of it.
func (k Key) ID() string {
	if pub := k.Public(); pub != nil {
		return KeyID(pub)
	}
	return KeyID(Derive(k.secret, "id"))
}

// String returns purpose and id.
func (k Key) String() string { return string(k.purpose) + " key " + k.ID() }

// GoString returns what String does.
func (k Key) GoString() string { return k.String() }

// MarshalJSON refuses: a key reaches a file by Create or not at all.
func (k Key) MarshalJSON() ([]byte, error) { return nil, ErrKey }

// file is a key file: one JSON object.
type file struct {
	Version int     `json:"v"`
	Purpose Purpose `json:"purpose"`
	Kind    string  `json:"kind"`
	ID      string  `json:"id"`
	Secret  []byte  `json:"secret"`
}

// Create writes a new key to a file that is not there yet: mode 0400, owned by this process's uid, durable
// and whole before it has its name.
func Create(path string, p Purpose) (Key, error) {
	k, err := New(p)
	if err != nil {
		return Key{}, err
	}
	raw, err := json.Marshal(file{Version: 1, Purpose: p, Kind: kinds()[p], ID: k.ID(), Secret: k.secret}) //nolint:gosec // this file is where the secret is kept
	if err != nil {
		return Key{}, fmt.Errorf("encoding key: %w", err)
	}
	if err := place(path, append(raw, '\n')); err != nil {
		return Key{}, fmt.Errorf("creating key file: %w", err)
	}
	return k, nil
}

// place writes a file under another name, then links it to its own, which fails when that is taken.
func place(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(raw)
	err = errors.Join(err, f.Chmod(0o400), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// LoadOrCreate loads a key file, or makes it when there is none.
func LoadOrCreate(path string, p Purpose) (Key, error) {
	k, err := Load(path, p)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	k, err = Create(path, p)
	if errors.Is(err, fs.ErrExist) {
		return Load(path, p)
	}
	return k, err
}

// Load reads a key file of one purpose. A file that is not this uid's own, or that group or others may touch,
// is refused: who could read it may have the key.
func Load(path string, p Purpose) (Key, error) {
	raw, err := readPrivate(path)
	if err != nil {
		return Key{}, fmt.Errorf("reading key file: %w", err)
	}
	return Parse(raw, p)
}

// Parse reads the content of a key file of one purpose, for whoever has it from elsewhere than its file.
func Parse(raw []byte, p Purpose) (Key, error) {
	var f file
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Key{}, fmt.Errorf("reading key file: %w", ErrFile) // the cause could quote the secret
	}
	k := Key{purpose: f.Purpose, secret: f.Secret}
	if f.Version != 1 || f.Purpose != p || f.Kind != kinds()[p] || len(f.Secret) != secretSize || f.ID != k.ID() {
		return Key{}, fmt.Errorf("reading key file: %w", ErrFile)
	}
	return k, nil
}

func readPrivate(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !private(info, os.Geteuid()) {
		return nil, ErrExposed
	}
	const most = 4096
	return io.ReadAll(io.LimitReader(f, most))
}

// private tells whether a file is regular, owned by uid, and closed to everybody else.
func private(info fs.FileInfo, uid int) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode().IsRegular() && info.Mode().Perm()&0o077 == 0 && int(stat.Uid) == uid
}

package client

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Profile is what a person keeps on their own side: who they are where, and their key. Its file is theirs
// alone.
type Profile struct {
	Server string `json:"server,omitempty"`
	Org    string `json:"org"`
	Login  string `json:"login"`
	Key    string `json:"key"` // base64 of the 32-byte ed25519 seed
	// Certificate is a program's own certificate, over its own key: base64 of its DER form.
	Certificate string `json:"certificate,omitempty"`
}

// ErrProfileOpen refuses a profile that other people can read.
var ErrProfileOpen = errors.New("other people can read this profile: chmod 600 it")

// LoadProfile reads a profile file, which nobody else may be able to read.
func LoadProfile(path string) (Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return Profile{}, fmt.Errorf("reading profile: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return Profile{}, fmt.Errorf("reading profile: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Profile{}, fmt.Errorf("reading profile: %w", ErrProfileOpen)
	}
	var p Profile
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Profile{}, fmt.Errorf("reading profile: %w", err)
	}
	return p, nil
}

// NewProfile makes a profile for a new key.
func NewProfile(server, org, login string, key ed25519.PrivateKey) Profile {
	return Profile{Server: server, Org: org, Login: login, Key: base64.StdEncoding.EncodeToString(key.Seed())}
}

// Client opens a client for a profile at a server.
func (p Profile) Client(server string) (*Client, error) {
	key, err := p.PrivateKey()
	if err != nil {
		return nil, err
	}
	der, err := base64.StdEncoding.DecodeString(p.Certificate)
	if err != nil {
		return nil, errors.New("the profile's certificate cannot be read")
	}
	c := New(server, key)
	if len(der) > 0 {
		c.Bear(der)
	}
	return c, nil
}

// Save writes a profile to a file that is not there yet: a key is never overwritten.
func (p Profile) Save(path string) error {
	body, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding profile: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making profile folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing profile: %w", err)
	}
	_, err = f.Write(append(body, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing profile: %w", err)
	}
	return nil
}

// PrivateKey returns the profile's key.
func (p Profile) PrivateKey() (ed25519.PrivateKey, error) {
	seed, err := base64.StdEncoding.DecodeString(p.Key)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("the profile holds no key")
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// ReadRoot reads the root public key that an instance exported at its first start: 64 hexadecimal digits.
func ReadRoot(path string) (ed25519.PublicKey, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading root key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(body)))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, errors.New("reading root key: not 64 hexadecimal digits")
	}
	return key, nil
}

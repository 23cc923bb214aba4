package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// maxKeys bounds a file of keys, in bytes.
const maxKeys = 1 << 20

// Keys are files by their path in the data folder.
type Keys map[string][]byte

// keysFile is what is encrypted.
type keysFile struct {
	Format int    `json:"format"`
	Origin string `json:"origin"`
	Files  Keys   `json:"files"`
}

// Recipient reads whom keys are encrypted to: an age recipient ("age1…"), or else a passphrase of at least twelve
// characters (age's scrypt).
func Recipient(public, passphrase string) (age.Recipient, error) {
	if public != "" {
		r, err := age.ParseX25519Recipient(public)
		if err != nil {
			return nil, fmt.Errorf("reading the recipient: %w", err)
		}
		return r, nil
	}
	const least = 12
	if len(passphrase) < least {
		return nil, fmt.Errorf("the passphrase is shorter than %d characters", least)
	}
	return age.NewScryptRecipient(passphrase)
}

// Identities reads what opens keys: the text of an age identity file, or else a passphrase.
func Identities(identity, passphrase string) ([]age.Identity, error) {
	if identity != "" {
		return age.ParseIdentities(strings.NewReader(identity))
	}
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("taking the passphrase: %w", err)
	}
	return []age.Identity{id}, nil
}

// WriteKeys encrypts keys to a recipient into a new file (age v1, armored).
func WriteKeys(file, origin string, keys Keys, to age.Recipient) error {
	plain, err := json.Marshal(keysFile{Format: Format, Origin: origin, Files: keys})
	if err != nil {
		return fmt.Errorf("encoding keys: %w", err)
	}
	var sealed bytes.Buffer
	text := armor.NewWriter(&sealed)
	w, err := age.Encrypt(text, to)
	if err != nil {
		return fmt.Errorf("encrypting keys: %w", err)
	}
	_, err = w.Write(plain)
	if err := errors.Join(err, w.Close(), text.Close()); err != nil {
		return fmt.Errorf("encrypting keys: %w", err)
	}
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s is there already: keys are never overwritten; name another file", file)
	}
	_, err = place(filepath.Dir(file), filepath.Base(file), &sealed)
	return err
}

// ReadKeys opens a file of keys of the instance whose log is origin.
func ReadKeys(file, origin string, ids []age.Identity) (Keys, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("opening keys: %w", err)
	}
	defer func() { _ = f.Close() }()
	plain, err := age.Decrypt(armor.NewReader(io.LimitReader(f, maxKeys)), ids...)
	if err != nil {
		return nil, fmt.Errorf("opening keys: %w", err)
	}
	raw, err := io.ReadAll(plain)
	if err != nil {
		return nil, fmt.Errorf("opening keys: %w", err)
	}
	var k keysFile
	if err := json.Unmarshal(raw, &k); err != nil || k.Format != Format {
		return nil, errors.New("opening keys: not a file of keys of this form")
	}
	if origin != "" && k.Origin != origin {
		return nil, fmt.Errorf("the keys are of the instance %s, the backup of %s", k.Origin, origin)
	}
	for name := range k.Files {
		if !filepath.IsLocal(name) {
			return nil, errors.New("opening keys: a path leads out of the data folder")
		}
	}
	return k.Files, nil
}

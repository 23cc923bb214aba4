package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
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
			return nil, texts.Wrong("keys.recipient").Because(err)
		}
		return r, nil
	}
	const least = 12
	if len(passphrase) < least {
		return nil, texts.Wrong("keys.passphrase_short", "n", least)
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
		return nil, texts.Wrong("keys.passphrase").Because(err)
	}
	return []age.Identity{id}, nil
}

// WriteKeys encrypts keys to a recipient into a new file (age v1, armored).
func WriteKeys(file, origin string, keys Keys, to age.Recipient) error {
	plain, err := json.Marshal(keysFile{Format: Format, Origin: origin, Files: keys})
	if err != nil {
		return texts.Wrong("keys.not_sealed").Because(err)
	}
	var sealed bytes.Buffer
	text := armor.NewWriter(&sealed)
	w, err := age.Encrypt(text, to)
	if err != nil {
		return texts.Wrong("keys.not_sealed").Because(err)
	}
	_, err = w.Write(plain)
	if err := errors.Join(err, w.Close(), text.Close()); err != nil {
		return texts.Wrong("keys.not_sealed").Because(err)
	}
	if _, err := os.Lstat(file); err == nil {
		return texts.Wrong("keys.there", "path", file)
	}
	_, err = place(filepath.Dir(file), filepath.Base(file), &sealed)
	return err
}

// ReadKeys opens a file of keys of the instance whose log is origin.
func ReadKeys(file, origin string, ids []age.Identity) (Keys, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, texts.Wrong("keys.unopened", "path", file).Because(err)
	}
	defer func() { _ = f.Close() }()
	plain, err := age.Decrypt(armor.NewReader(io.LimitReader(f, maxKeys)), ids...)
	if err != nil {
		return nil, texts.Wrong("keys.unopened", "path", file).Because(err)
	}
	raw, err := io.ReadAll(plain)
	if err != nil {
		return nil, texts.Wrong("keys.unopened", "path", file).Because(err)
	}
	var k keysFile
	if err := json.Unmarshal(raw, &k); err != nil || k.Format != Format {
		return nil, texts.Wrong("keys.other_form", "path", file)
	}
	if origin != "" && k.Origin != origin {
		return nil, texts.Wrong("keys.other_instance", "keys", k.Origin, "backup", origin)
	}
	for name := range k.Files {
		if !filepath.IsLocal(name) {
			return nil, texts.Wrong("keys.outside", "path", file)
		}
	}
	return k.Files, nil
}

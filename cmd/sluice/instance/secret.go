package instance

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// secretBytes is the length of a secret before it is written as text.
const secretBytes = 32

// Secret returns the secret of that name of a part and makes it the first time: 43 characters that the part's
// group may read and nobody may write.
func (l Layout) Secret(users Users, part, name string) (string, error) {
	path := filepath.Join(l.Secrets(part), name)
	secret, err := ReadSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	random := make([]byte, secretBytes)
	if _, err := rand.Read(random); err != nil {
		return "", texts.Wrong("up.drawing").Because(err)
	}
	secret = base64.RawURLEncoding.EncodeToString(random)
	return secret, l.KeepSecret(users, part, name, []byte(secret+"\n"))
}

// KeepSecret writes what a part must know where the part's group may read it, whole or not at all.
func (l Layout) KeepSecret(users Users, part, name string, content []byte) error {
	path := filepath.Join(l.Secrets(part), name)
	group := "sluice-" + part
	if part == "pg" {
		group = userPostgres
	}
	if err := writeWhole(path, content, 0o440, users.gid(group), users != nil); err != nil {
		return texts.Wrong("up.writing", "path", path).Because(err)
	}
	return nil
}

// ReadSecret reads a secret as Secret wrote it.
func ReadSecret(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", texts.Wrong("file.unreadable", "path", path).Because(err)
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		return "", texts.Wrong("up.secret_empty", "path", path)
	}
	return secret, nil
}

// writeWhole writes beside the path, makes it durable and renames it into place.
func writeWhole(path string, content []byte, mode fs.FileMode, gid int, chown bool) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if chown && err == nil {
		err = file.Chown(0, gid)
	}
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

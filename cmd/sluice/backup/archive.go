package backup

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// Pack writes a backup's folder into one new tar file, whole or not at all.
func Pack(dir, file string) error {
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return texts.Wrong("file.not_written", "path", file).Because(err)
	}
	w := tar.NewWriter(f)
	err = errors.Join(w.AddFS(os.DirFS(dir)), w.Close(), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		return texts.Wrong("file.not_written", "path", file).Because(errors.Join(err, os.Remove(file+".new")))
	}
	return nil
}

// Unpack reads a tar file into an empty folder. Nothing it names can lie outside.
func Unpack(file, dir string) error {
	f, err := os.Open(file)
	if err != nil {
		return texts.Wrong("backup.not_unpacked", "path", file).Because(err)
	}
	defer func() { _ = f.Close() }()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return texts.Wrong("backup.not_unpacked", "path", file).Because(err)
	}
	defer func() { _ = root.Close() }()
	for r := tar.NewReader(f); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return texts.Wrong("backup.not_unpacked", "path", file).Because(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if err := unpackFile(root, header.Name, r); err != nil {
			return texts.Wrong("backup.not_unpacked", "path", header.Name).Because(err)
		}
	}
}

func unpackFile(root *os.Root, name string, r io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

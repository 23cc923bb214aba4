// Package backup copies an instance into a folder and back: one moment of its database, every object that moment
// refers to, and the signed log under that moment's checkpoint. A list of digests of all of it is written last, so
// a folder without a list that fits is no backup.
//
// Objects are immutable and carry their digest as their name, so a folder that holds an earlier backup is only
// added to. No key is in it: objects stay encrypted as they are stored, and the keys travel in a file of their
// own, encrypted to a recipient of the administrator's choice (keys.go).
package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/messages"
)

// Format is the version of the form of a backup.
const Format = 1

// ManifestFile is the list of everything else in the folder.
const ManifestFile = "manifest.json"

// Manifest lists what a backup consists of.
type Manifest struct {
	Format  int       `json:"format"`
	Made    time.Time `json:"made"`
	Origin  string    `json:"origin"`  // of the log: which instance this is
	Schema  int64     `json:"schema"`  // last migration of the database
	Entries int64     `json:"entries"` // of the log, all under its checkpoint
	Dump    string    `json:"dump"`    // path of the database's dump
	Files   []File    `json:"files"`   // by path
}

// File is one file of a backup.
type File struct {
	Path   string `json:"path"` // with slashes, relative
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// Fault is one thing that is wrong with a backup or with what was restored from it.
type Fault struct {
	Place string // file, object or entry
	What  *texts.Fault
}

// FaultsError says that something is not as it was written down. Nothing may be built on it.
type FaultsError struct{ Faults []Fault }

// Error implements error in English, for logs.
func (e *FaultsError) Error() string {
	said, err := texts.In(messages.English)
	if err != nil {
		return "faults"
	}
	return e.Say(said)
}

// Say words the faults in the language of the texts, one line each.
func (e *FaultsError) Say(said texts.Texts) string {
	var all strings.Builder
	all.WriteString(said.Say("backup.faults", "n", len(e.Faults)))
	for _, f := range e.Faults {
		all.WriteString("\n  " + f.Place + said.Say("because", "cause", said.Say(f.What.Key, f.What.Pairs...)))
	}
	return all.String()
}

// faulty returns an error for faults, nil for none.
func faulty(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &FaultsError{faults}
}

// Read reads the list of a folder.
func Read(dir string) (Manifest, error) {
	var m Manifest
	raw, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, texts.Wrong("backup.none", "path", dir, "list", ManifestFile)
	}
	if err != nil {
		return m, texts.Wrong("file.unreadable", "path", filepath.Join(dir, ManifestFile)).Because(err)
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, texts.Wrong("file.unreadable", "path", filepath.Join(dir, ManifestFile)).Because(err)
	}
	if m.Format != Format {
		return m, texts.Wrong("backup.form", "form", m.Format, "known", Format)
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(f.Path) || path.Clean(f.Path) != f.Path {
			return m, &FaultsError{[]Fault{{ManifestFile, texts.Wrong("fault.outside")}}}
		}
	}
	return m, nil
}

// Verify compares every file of a backup with the list. It names each one that is missing or differs.
func Verify(dir string) (Manifest, error) {
	m, err := Read(dir)
	if err != nil {
		return m, err
	}
	var faults []Fault
	for _, f := range m.Files {
		found, err := digest(dir, f.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			faults = append(faults, Fault{f.Path, texts.Wrong("fault.missing")})
		case err != nil:
			return m, err
		case found.Size != f.Size:
			faults = append(faults, Fault{f.Path, texts.Wrong("fault.size", "found", found.Size, "want", f.Size)})
		case found.SHA256 != f.SHA256:
			faults = append(faults, Fault{f.Path, texts.Wrong("fault.bytes")})
		}
	}
	return m, faulty(faults)
}

// find returns the entry of a path.
func (m Manifest) find(name string) (File, bool) {
	i, ok := slices.BinarySearchFunc(m.Files, name, func(f File, p string) int { return strings.Compare(f.Path, p) })
	if !ok {
		return File{}, false
	}
	return m.Files[i], true
}

// digest reads a file whole.
func digest(dir, name string) (File, error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return File{}, texts.Wrong("file.unreadable", "path", filepath.Join(dir, name)).Because(err)
	}
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return File{}, texts.Wrong("file.unreadable", "path", filepath.Join(dir, name)).Because(err)
	}
	return File{name, size, hex.EncodeToString(sum.Sum(nil))}, nil
}

// place writes a file whole and durable, or not at all.
func place(dir, name string, r io.Reader) (File, error) {
	target := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return File{}, texts.Wrong("up.making", "path", filepath.Dir(target)).Because(err)
	}
	f, err := os.OpenFile(target+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return File{}, texts.Wrong("file.not_written", "path", target).Because(err)
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, sum), r)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(target+".new", target)
	}
	if err != nil {
		return File{}, texts.Wrong("file.not_written", "path", target).Because(err)
	}
	return File{name, size, hex.EncodeToString(sum.Sum(nil))}, nil
}

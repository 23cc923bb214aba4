// Package bundle is the policy in force: access (who may) and rules (what may be done) as one unit with one
// revision. Both must allow.
//
// Old bundles are kept: Load brings back the files of an earlier revision, and what was decided under it can
// be decided again with the same answer (invariant 6).
package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/policy/access"
	"github.com/sluicedata/sluice/policy/rule"
)

// Folders of a bundle's files.
const (
	accessFolder = "access"
	ruleFolder   = "rule"
)

// Reasons this package gives itself.
const (
	NotPermitted  = "access.not_permitted" // no line of the matrix lets the subject do the act
	ActionUnknown = "action.unknown"       // no line names the act at all
)

// Bundle decides. It never changes once made and is safe for concurrent use.
type Bundle struct {
	files    map[string][]byte
	revision string
	access   *access.Matrix
	rules    *rule.Rules
}

// Embedded returns the bundle this build carries.
func Embedded() (*Bundle, error) {
	files := map[string][]byte{}
	if err := gather(files, access.Embedded(), accessFolder); err != nil {
		return nil, err
	}
	if err := gather(files, rule.Embedded(), ruleFolder); err != nil {
		return nil, err
	}
	return Of(files)
}

// Load reads a bundle laid out as Files names it.
func Load(fsys fs.FS) (*Bundle, error) {
	files := map[string][]byte{}
	if err := gather(files, fsys, ""); err != nil {
		return nil, err
	}
	return Of(files)
}

// gather adds the policy files of a tree under a folder. Tests of rules are not policy.
func gather(files map[string][]byte, fsys fs.FS, folder string) error {
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.rego") {
			return err
		}
		body, err := fs.ReadFile(fsys, name)
		files[path.Join(folder, name)] = body
		return err
	})
	if err != nil {
		return fmt.Errorf("reading policy bundle: %w", err)
	}
	return nil
}

// Of makes a bundle of its files. A file that has no place in a bundle, a missing or broken one, and acts
// that only one half knows fail the whole.
func Of(files map[string][]byte) (*Bundle, error) {
	b := &Bundle{files: clone(files), revision: revisionOf(files)}
	modules, err := b.modules()
	if err != nil {
		return nil, err
	}
	b.access, err = access.Load(b.files[path.Join(accessFolder, access.ModelFile)], b.files[path.Join(accessFolder, access.MatrixFile)])
	if err != nil {
		return nil, err
	}
	b.rules, err = rule.Load(context.Background(), modules, b.files[path.Join(ruleFolder, rule.ValuesFile)])
	if err != nil {
		return nil, err
	}
	if !slices.Equal(b.access.Actions(), b.rules.Actions()) {
		return nil, errors.New("reading policy bundle: access and rules do not list the same acts")
	}
	return b, nil
}

// modules checks that every file has its place and returns the rules.
func (b *Bundle) modules() (map[string][]byte, error) {
	modules := map[string][]byte{}
	needed := map[string]bool{
		path.Join(accessFolder, access.ModelFile): true, path.Join(accessFolder, access.MatrixFile): true,
		path.Join(ruleFolder, rule.ValuesFile): true,
	}
	for name, body := range b.files {
		folder, file := path.Split(name)
		switch {
		case needed[name]:
			delete(needed, name)
		case folder == path.Join(ruleFolder, rule.RegoFolder)+"/" && path.Ext(file) == ".rego":
			modules[file] = body
		default:
			return nil, fmt.Errorf("reading policy bundle: a file out of place: %q", name)
		}
	}
	if len(needed) > 0 || len(modules) == 0 {
		return nil, errors.New("reading policy bundle: files are missing")
	}
	return modules, nil
}

// revisionOf digests names and bytes in the order of names, each with its length before it, so that no two
// bundles share a revision.
func revisionOf(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, part := range [][]byte{[]byte(name), files[name]} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
			h.Write(part)
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Revision names the bundle: "sha256:" and the digest of its files.
func (b *Bundle) Revision() string { return b.revision }

// Files returns a copy of the bundle's files by name, to be kept.
func (b *Bundle) Files() map[string][]byte { return clone(b.files) }

// Actions returns every act the bundle knows, sorted.
func (b *Bundle) Actions() []string { return b.rules.Actions() }

// Codes returns every reason code a refusal can carry, sorted: each needs a message and a remedy.
func (b *Bundle) Codes() []string {
	codes := append(b.rules.Codes(), NotPermitted, rule.Unexplained)
	if !slices.Contains(codes, ActionUnknown) {
		codes = append(codes, ActionUnknown)
	}
	slices.Sort(codes)
	return codes
}

func clone(files map[string][]byte) map[string][]byte {
	out := make(map[string][]byte, len(files))
	for name, body := range files {
		out[name] = slices.Clone(body)
	}
	return out
}

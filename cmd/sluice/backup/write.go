package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// logDir is where the log lies in a backup, laid out so that `sluice trace verify --dir` reads it.
const logDir = "trace"

// Stores says with which credential each bucket is opened: no process may do everything.
type Stores map[object.Bucket]*object.Store

// Source is a running instance.
type Source struct {
	DB *postgres.DB // as its owner
	// Dump writes the database as a snapshot has it to a file.
	Dump func(ctx context.Context, snapshot, file string) error
	// Stores can read every bucket.
	Stores Stores
	// Files are what is kept beside: rule set, configuration without secrets, trust.json, root.pub; by name.
	Files map[string][]byte
	Now   time.Time
}

// Report is what a backup came to.
type Report struct {
	Objects int    `json:"objects"` // referred to
	Copied  int    `json:"copied"`  // of them, new in the folder
	Bytes   int64  `json:"bytes"`   // of everything
	Entries int64  `json:"entries"` // of the log
	Digest  string `json:"digest"`  // SHA-256 of the list: whoever keeps it elsewhere can tell a swapped backup
}

// writer is one backup under way.
type writer struct {
	Source
	dir    string
	before Manifest // of an earlier backup in the same folder
	m      Manifest
	report Report
}

// Write backs an instance up into a folder, which may hold an earlier backup. Until the end that one stays valid;
// then it is replaced at once. An object that the record refers to and the store has not is a fault that is told
// at the end: the rest is backed up all the same.
func Write(ctx context.Context, dir string, s Source) (Report, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Report{}, texts.Wrong("up.making", "path", dir).Because(err)
	}
	w := &writer{Source: s, dir: dir}
	if before, err := Read(dir); err == nil {
		w.before = before
	}
	w.m = Manifest{Format: Format, Made: s.Now.UTC(), Dump: "database-" + s.Now.UTC().Format("20060102T150405.000") + ".dump"}
	var refs []postgres.Reference
	var head postgres.Head
	err := s.DB.InSnapshot(ctx, func(tx *postgres.Tx, snapshot string) (err error) {
		if refs, err = tx.References(ctx); err != nil {
			return texts.Wrong("backup.record").Because(err)
		}
		if head, err = tx.Head(ctx); err != nil {
			return texts.Wrong("backup.record").Because(err)
		}
		if w.m.Schema, _, err = tx.Schema(ctx); err != nil {
			return texts.Wrong("backup.record").Because(err)
		}
		return w.dump(ctx, snapshot)
	})
	if err != nil {
		return Report{}, err
	}
	if err := w.files(); err != nil {
		return Report{}, err
	}
	if err := w.log(ctx, head); err != nil {
		return Report{}, err
	}
	faults, err := w.objects(ctx, refs)
	if err != nil {
		return Report{}, err
	}
	return w.report, errors.Join(w.end(), faulty(faults))
}

func (w *writer) dump(ctx context.Context, snapshot string) error {
	target := filepath.Join(w.dir, w.m.Dump)
	if err := w.Dump(ctx, snapshot, target); err != nil {
		return err
	}
	f, err := digest(w.dir, w.m.Dump)
	w.add(f)
	return err
}

func (w *writer) add(f File) {
	w.m.Files = append(w.m.Files, f)
	w.report.Bytes += f.Size
}

func (w *writer) files() error {
	for _, name := range slices.Sorted(maps.Keys(w.Files)) {
		f, err := place(w.dir, name, bytes.NewReader(w.Files[name]))
		if err != nil {
			return err
		}
		w.add(f)
	}
	return nil
}

// log copies the log under the checkpoint the snapshot has. The store's may be longer by now: what comes after
// the snapshot is not part of it.
func (w *writer) log(ctx context.Context, head postgres.Head) error {
	if head.Checkpoint == "" {
		return nil
	}
	checkpoint, err := trace.ReadCheckpoint(head.Checkpoint)
	if err != nil {
		return texts.Wrong("backup.checkpoint").Because(err)
	}
	w.m.Origin, w.m.Entries, w.report.Entries = checkpoint.Origin, checkpoint.Size, checkpoint.Size
	return trace.Copy(ctx, tilestore.NewS3(w.Stores[object.Trace]), checkpoint, func(_ context.Context, name string, data []byte) error {
		f, err := place(w.dir, logDir+"/"+name, bytes.NewReader(data))
		w.add(f)
		return err
	})
}

// objectPath is where an object lies in a backup.
func objectPath(r postgres.Reference) (string, error) {
	d, err := name.ParseDigest(r.Digest)
	if err != nil {
		return "", texts.Wrong("backup.record").Because(err)
	}
	return strings.Join([]string{"objects", r.Bucket, r.Key, d.Hex()}, "/"), nil
}

// objects copies what is not there yet. An object of an earlier backup is taken at the word of that backup's list,
// and of its length: Verify reads them all.
func (w *writer) objects(ctx context.Context, refs []postgres.Reference) (missing []Fault, err error) {
	for _, r := range refs {
		at, err := objectPath(r)
		if err != nil {
			return nil, err
		}
		w.report.Objects++
		if f, ok := w.kept(at); ok {
			w.add(f)
			continue
		}
		f, err := w.object(ctx, r, at)
		if errors.Is(err, object.ErrAbsent) {
			missing = append(missing, Fault{at, texts.Wrong("fault.not_stored")})
			continue
		}
		if err != nil {
			return nil, err
		}
		w.report.Copied++
		w.add(f)
	}
	return missing, nil
}

func (w *writer) kept(at string) (File, bool) {
	f, ok := w.before.find(at)
	if !ok {
		return File{}, false
	}
	info, err := os.Stat(filepath.Join(w.dir, filepath.FromSlash(at)))
	return f, err == nil && info.Size() == f.Size
}

func (w *writer) object(ctx context.Context, r postgres.Reference, at string) (f File, err error) {
	ref := object.Ref{Bucket: object.Bucket(r.Bucket), Key: r.Key, Digest: r.Digest}
	store := w.Stores[ref.Bucket]
	if store == nil {
		return File{}, texts.Wrong("backup.no_credential", "bucket", r.Bucket)
	}
	body, err := store.Raw(ctx, ref)
	if err != nil {
		return File{}, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	if f, err = place(w.dir, at, body); err != nil {
		return File{}, err
	}
	if r.CipherSHA256 != nil && *r.CipherSHA256 != "sha256:"+f.SHA256 {
		return File{}, &FaultsError{[]Fault{{at, texts.Wrong("fault.altered")}}}
	}
	return f, nil
}

// end writes the list, and then lets go of the earlier backup's dump.
func (w *writer) end() error {
	slices.SortFunc(w.m.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	raw, err := json.MarshalIndent(w.m, "", " ")
	if err != nil {
		return texts.Wrong("file.not_written", "path", ManifestFile).Because(err)
	}
	f, err := place(w.dir, ManifestFile, bytes.NewReader(append(raw, '\n')))
	if err != nil {
		return err
	}
	w.report.Digest = f.SHA256
	if w.before.Dump == "" || w.before.Dump == w.m.Dump {
		return nil
	}
	if err := os.Remove(filepath.Join(w.dir, w.before.Dump)); err != nil {
		return texts.Wrong("up.clearing", "path", w.before.Dump).Because(err)
	}
	return nil
}

package backup

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// Target is an instance that is being filled, or whose content is being checked.
type Target struct {
	DB      *postgres.DB // as its owner
	Writers Stores       // for Fill
	Readers Stores       // for Check
	// Wrap holds the keys that data keys were wrapped to, today's and retired ones.
	Wrap catalog.KeyProvider
	// Keys are those that may have signed the log's newest checkpoint.
	Keys trace.Keys
}

// Fill puts a backup's objects and log into an empty store.
func Fill(ctx context.Context, dir string, m Manifest, t Target) error {
	for _, f := range m.Files {
		if rest, ok := strings.CutPrefix(f.Path, "objects/"); ok {
			if err := t.putObject(ctx, dir, rest, f); err != nil {
				return err
			}
		}
	}
	if m.Entries == 0 {
		return nil
	}
	return t.putLog(ctx, filepath.Join(dir, logDir))
}

func (t Target) putObject(ctx context.Context, dir, rest string, f File) error {
	steps := strings.Split(rest, "/")
	sum, err := hex.DecodeString(f.SHA256)
	if len(steps) != 3 || err != nil || len(sum) != 32 {
		return &FaultsError{[]Fault{{f.Path, texts.Wrong("fault.no_object")}}}
	}
	ref := object.Ref{Bucket: object.Bucket(steps[0]), Key: steps[1], Digest: "sha256:" + steps[2]}
	store := t.Writers[ref.Bucket]
	if store == nil {
		return &FaultsError{[]Fault{{f.Path, texts.Wrong("fault.no_bucket")}}}
	}
	body, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return texts.Wrong("file.unreadable", "path", f.Path).Because(err)
	}
	return errors.Join(store.PutRaw(ctx, ref, body, f.Size, [32]byte(sum)), body.Close())
}

func (t Target) putLog(ctx context.Context, dir string) error {
	from, err := tilestore.OpenDir(dir)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	note, err := from.Get(ctx, trace.CheckpointPath)
	if err != nil {
		return err
	}
	checkpoint, err := trace.ReadCheckpoint(string(note))
	if err != nil {
		return texts.Wrong("backup.checkpoint").Because(err)
	}
	to := tilestore.NewS3(t.Writers[object.Trace])
	return trace.Copy(ctx, from, checkpoint, func(ctx context.Context, file string, data []byte) error {
		if file != trace.CheckpointPath {
			return to.Put(ctx, file, data)
		}
		_, err := to.Swap(ctx, data, "")
		return err
	})
}

// VerifyLog checks the log of a backup, from its first entry to its signed head.
func VerifyLog(ctx context.Context, dir string, keys trace.Keys) (int64, error) {
	from, err := tilestore.OpenDir(filepath.Join(dir, logDir))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	head, err := trace.VerifyLog(ctx, from, keys)
	return head.Size, errors.Join(logFault(err), from.Close())
}

// entryPlace names an entry of the log.
func entryPlace(index int64) string { return fmt.Sprintf("trace/%d", index) }

// logFault turns what is wrong with a log into a fault that names the entry.
func logFault(err error) error {
	var broken *trace.Fault
	if errors.As(err, &broken) {
		return &FaultsError{[]Fault{{entryPlace(broken.Index), texts.Wrong("fault.entry", "reason", broken.Reason)}}}
	}
	return err
}

// Checked is what a check read.
type Checked struct {
	Entries int64 `json:"entries"` // of the log, from the first to the signed head
	Bodies  int64 `json:"bodies"`  // of them, compared with the record
	Objects int   `json:"objects"` // decrypted and compared with their digests
}

// Check reads an instance whole: the log under its keys, the record's entries against the log, and every object
// the record refers to, decrypted. It names everything that does not hold.
func Check(ctx context.Context, t Target) (c Checked, err error) {
	if c.Entries, err = t.CheckLog(ctx); err != nil {
		return c, err
	}
	if c.Bodies, err = t.CheckBodies(ctx, c.Entries); err != nil {
		return c, err
	}
	c.Objects, err = t.checkObjects(ctx)
	return c, err
}

// CheckLog verifies the stored log. Its head must be the one the record has, or follow it.
func (t Target) CheckLog(ctx context.Context) (int64, error) {
	var row postgres.Head
	err := t.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		row, err = tx.Head(ctx)
		return err
	})
	if err != nil {
		return 0, texts.Wrong("backup.record").Because(err)
	}
	if row.Checkpoint == "" {
		return 0, nil
	}
	known, err := t.Keys.Open(row.Checkpoint)
	if err != nil {
		return 0, &FaultsError{[]Fault{{Place: "trace_head", What: texts.Wrong("fault.unsigned")}}}
	}
	head, err := trace.VerifyLog(ctx, tilestore.NewS3(t.Readers[object.Trace]), t.Keys, known)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, &FaultsError{[]Fault{{Place: "trace", What: texts.Wrong("fault.no_log")}}}
	}
	return head.Size, logFault(err)
}

// bodiesAtOnce is how many entries are compared at a time.
const bodiesAtOnce = 1000

// CheckBodies compares the record's entries with the leaves that the log was just found to hold.
func (t Target) CheckBodies(ctx context.Context, size int64) (int64, error) {
	log := tilestore.NewS3(t.Readers[object.Trace])
	for at := int64(0); at < size; {
		var rows []postgres.Leaf
		err := t.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
			rows, err = tx.LeavesFrom(ctx, at, int(min(bodiesAtOnce, size-at)))
			return err
		})
		if err != nil {
			return at, texts.Wrong("backup.record").Because(err)
		}
		if len(rows) == 0 {
			return at, &FaultsError{[]Fault{{entryPlace(at), texts.Wrong("fault.no_record")}}}
		}
		leaves, err := trace.Leaves(ctx, log, size, at, int64(len(rows)))
		if err != nil {
			return at, logFault(err)
		}
		entries := make([]trace.Entry, 0, len(rows))
		for _, r := range rows {
			entries = append(entries, trace.Entry{ID: r.ID, Time: r.At, Salt: r.Salt, Body: r.Body})
		}
		if _, err := trace.VerifyBodies(at, leaves, entries); err != nil {
			return at, logFault(err)
		}
		at += int64(len(rows))
	}
	return size, nil
}

// checkObjects decrypts every object the record refers to.
func (t Target) checkObjects(ctx context.Context) (int, error) {
	var refs []postgres.Reference
	err := t.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		refs, err = tx.References(ctx)
		return err
	})
	if err != nil {
		return 0, texts.Wrong("backup.record").Because(err)
	}
	var faults []Fault
	for _, r := range refs {
		if what, err := t.objectFault(ctx, r); err != nil {
			return 0, err
		} else if what != nil {
			at := strings.Join([]string{r.Bucket, r.Key, strings.TrimPrefix(r.Digest, "sha256:")}, "/")
			faults = append(faults, Fault{"objects/" + at, what})
		}
	}
	return len(refs), faulty(faults)
}

// CheckObject tells what is wrong with an object, by a stable code; "": nothing.
func (t Target) CheckObject(ctx context.Context, r postgres.Reference) (string, error) {
	what, err := t.objectFault(ctx, r)
	if what == nil {
		return "", err
	}
	return what.Key, err
}

// objectFault reads an object whole, and says what is wrong with it; nil: nothing.
func (t Target) objectFault(ctx context.Context, r postgres.Reference) (*texts.Fault, error) {
	key, err := t.dataKey(ctx, r.Key)
	if errors.Is(err, keyring.ErrSealed) || errors.Is(err, keyring.ErrAway) || errors.Is(err, keyring.ErrGone) {
		return texts.Wrong("fault.sealed"), nil
	}
	if err != nil {
		return nil, err
	}
	ref := object.Ref{Bucket: object.Bucket(r.Bucket), Key: r.Key, Digest: r.Digest}
	if r.Size != nil {
		ref.Size = *r.Size
	}
	if r.CipherSHA256 != nil {
		ref.CipherSHA256 = *r.CipherSHA256
	}
	store := t.Readers[ref.Bucket]
	if store == nil {
		return texts.Wrong("fault.no_bucket"), nil
	}
	err = store.Check(ctx, ref, key)
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(err, object.ErrAbsent):
		return texts.Wrong("fault.not_stored"), nil
	case errors.Is(err, object.ErrCorrupt):
		return texts.Wrong("fault.altered"), nil
	default:
		return nil, err
	}
}

// dataKey opens a data key with the wrapping key it was sealed to.
func (t Target) dataKey(ctx context.Context, id string) (object.DataKey, error) {
	if _, err := name.ParseID(id); err != nil {
		return object.DataKey{}, texts.Wrong("backup.record").Because(err)
	}
	var row postgres.DataKey
	err := t.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		row, err = tx.DataKey(ctx, id)
		return err
	})
	if err != nil {
		return object.DataKey{}, texts.Wrong("backup.record").Because(err)
	}
	if row.Erased() {
		return object.DataKey{}, keyring.ErrGone
	}
	secret, err := t.Wrap.Unwrap(ctx, catalog.KeyInfo(id), row.Sealed())
	if err != nil {
		return object.DataKey{}, texts.Wrong("backup.data_key", "key", id).Because(err)
	}
	return object.NewDataKey(id, secret)
}

package main

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/trust"
)

// overlap is how long a retired key may still sign: until the keeper has been started again with its successor.
const overlap = time.Hour

// rotation is one key on its way to be replaced.
type rotation struct {
	*opened
	purpose keyring.Purpose
	root    keyring.Key
	revoked *time.Time
	lost    bool // its file is gone
	now     time.Time
}

// replace makes the key and puts it in force. It may end after any of its steps: done again, it goes on where it stood.
// The new key's file waits beside the old one's until trust.json names it, and the old one's stays until then.
func (r rotation) replace(ctx context.Context, cat *catalog.Catalog) (id string, err error) {
	current := keyPath(r.Home("keeper"), r.purpose)
	old, err := r.old(current)
	if err != nil {
		return "", err
	}
	doc, err := r.today(ctx, cat)
	if err != nil {
		return "", err
	}
	key, err := r.next(current + ".next")
	if err != nil {
		return "", err
	}
	id = trust.KeyID(trust.Purpose(r.purpose), key.Public())
	if r.unsaid(doc, id) {
		if err := r.publish(ctx, cat, r.following(doc, key), key); err != nil {
			return "", err
		}
	}
	if r.purpose == keyring.Checkpoint {
		if err := r.keepPublic(doc, id); err != nil {
			return "", err
		}
	}
	return id, r.swap(current, current+".next", old)
}

// old reads the key in force. One that is gone is replaced only for whoever says that it is lost, and one that is
// there is not lost: nothing is changed before this is known.
func (r rotation) old(path string) (keyring.Key, error) {
	named := keyPath(filepath.Join(r.Data, "keeper"), r.purpose)
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.lost:
		return keyring.Key{}, nil
	case errors.Is(err, fs.ErrNotExist) && r.purpose == keyring.Wrap:
		return keyring.Key{}, failed("trust.wrap_missing", "path", named)
	case errors.Is(err, fs.ErrNotExist):
		return keyring.Key{}, failed("trust.key_missing", "path", named)
	case err != nil:
		return keyring.Key{}, failed("file.unreadable", "path", named).because(err)
	}
	key, err := keyring.Parse(raw, r.purpose)
	switch {
	case err != nil:
		return keyring.Key{}, failed("trust.key_damaged", "path", named)
	case r.lost:
		return keyring.Key{}, failed("trust.not_lost", "path", named)
	}
	return key, nil
}

// today is the trust.json in force, which the same root must have signed.
func (r rotation) today(ctx context.Context, cat *catalog.Catalog) (trust.Document, error) {
	today, err := cat.Trust.Show(ctx)
	if err != nil {
		return trust.Document{}, err
	}
	doc, err := trust.Verify(today, r.root.Public())
	if err != nil {
		return trust.Document{}, failed("trust.other_root").because(err)
	}
	return doc, nil
}

// next makes the new key's file, or finds that of an interrupted rotation. Its owner is set again: the interruption may
// have come before.
func (r rotation) next(path string) (keyring.Key, error) {
	raw, err := os.ReadFile(path)
	var key keyring.Key
	switch {
	case err == nil:
		key, err = keyring.Parse(raw, r.purpose)
	case errors.Is(err, fs.ErrNotExist):
		key, err = keyring.Create(path, r.purpose)
	}
	if err != nil {
		return keyring.Key{}, failed("trust.next_key", "path", path).because(err)
	}
	return key, r.handToKeeper(path)
}

// unsaid tells whether trust.json does not say yet what this rotation is to say.
func (r rotation) unsaid(doc trust.Document, id string) bool {
	if _, err := doc.Key(id, trust.Purpose(r.purpose), r.now); errors.Is(err, trust.ErrUnknown) {
		return true
	}
	for _, k := range doc.Keys {
		if r.revoked != nil && k.Purpose == trust.Purpose(r.purpose) && k.ID != id && k.RevokedAt == nil {
			return true
		}
	}
	return false
}

// following is today's document with the new key, and an end to those of its purpose before it.
func (r rotation) following(doc trust.Document, key keyring.Key) trust.Document {
	fresh := trusted(key, r.now)
	known := false
	doc.Serial, doc.Issued = doc.Serial+1, r.now
	for i, k := range doc.Keys {
		known = known || k.ID == fresh.ID
		if k.Purpose != fresh.Purpose || k.ID == fresh.ID || k.RevokedAt != nil {
			continue
		}
		if end := r.now.Add(overlap); end.Before(k.NotAfter) {
			doc.Keys[i].NotAfter = end
		}
		doc.Keys[i].RevokedAt = r.revoked
	}
	if !known {
		doc.Keys = append(doc.Keys, fresh)
	}
	return doc
}

// publish signs the document and puts it in force.
func (r rotation) publish(ctx context.Context, cat *catalog.Catalog, doc trust.Document, key keyring.Key) error {
	signing, err := r.root.Signing()
	if err != nil {
		return failed("trust.other_root").because(err)
	}
	document, err := doc.Sign(signing)
	if err != nil {
		return failed("trust.not_signed").because(err)
	}
	var wrap []byte
	if r.purpose == keyring.Wrap {
		wrap = key.Public()
	}
	return cat.Trust.Replace(ctx, document, r.root.Public(), wrap)
}

// keepPublic keeps the public half of every checkpoint key whose file is gone, as trust.json has it under the root: the
// log's head is still signed by the lost one when the keeper starts.
func (r rotation) keepPublic(doc trust.Document, id string) error {
	folder := filepath.Dir(keyPath(r.Home("keeper"), r.purpose))
	for _, k := range doc.Keys {
		if k.Purpose != trust.Checkpoint || k.ID == id || !missing(filepath.Join(folder, k.ID+".key")) {
			continue
		}
		if err := r.putKey(filepath.Join(folder, k.ID+publicSuffix), []byte(hex.EncodeToString(k.Public)+"\n")); err != nil {
			return err
		}
	}
	return nil
}

// swap gives the new key the old one's place. The old one, when it is there, is kept under its id: it opens what was
// sealed to it. An interrupted swap has kept it already.
func (r rotation) swap(current, next string, old keyring.Key) error {
	if !r.lost {
		retired := filepath.Join(filepath.Dir(current), trust.KeyID(trust.Purpose(r.purpose), old.Public())+".key")
		if err := os.Link(current, retired); err != nil && !errors.Is(err, fs.ErrExist) {
			return failed("trust.not_placed", "path", retired).because(err)
		}
	}
	if err := errors.Join(os.Rename(next, current), syncFolder(filepath.Dir(current))); err != nil {
		return failed("trust.not_placed", "path", current).because(err)
	}
	return nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// putKey writes a file of the keeper's keys whole, for its user alone.
func (in *opened) putKey(path string, content []byte) error {
	beside := path + ".new"
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) { // of an interruption
		return failed("file.not_written", "path", beside).because(err)
	}
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return failed("file.not_written", "path", beside).because(err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = in.handToKeeper(beside)
	}
	if err == nil {
		err = errors.Join(os.Rename(beside, path), syncFolder(filepath.Dir(path)))
	}
	if err != nil {
		return failed("file.not_written", "path", path).because(err)
	}
	return nil
}

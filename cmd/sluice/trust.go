package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
)

// overlap is how long a retired key may still sign: until the keeper has been started again with its successor.
const overlap = time.Hour

// newTrust groups what is done about the instance's own keys.
func newTrust() *cobra.Command {
	return noun(text{
		use: "trust", example: "  sluice trust rotate --data /var/lib/sluice --root root.key --purpose certificate",
	}, trustRotate(), trustRecover())
}

// rotateOptions are the flags of `sluice trust rotate` beside the configuration's.
type rotateOptions struct{ root, purpose, revokedAt string }

func trustRotate() *cobra.Command {
	var o rotateOptions
	cmd := lists(offline(text{
		use: "rotate --data DIR --root root.key --purpose PURPOSE",
		example: "  sluice trust rotate --data /var/lib/sluice --root /media/safe/root.key --purpose certificate\n" +
			"  sluice trust rotate --data /var/lib/sluice --root /media/safe/root.key --purpose checkpoint --revoked-at 2026-05-01T08:00:00Z",
	}, func(c *call) error { return rotate(c, o) }))
	addConfigFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.root, "root", "", "")
	f.StringVar(&o.purpose, "purpose", "", "")
	f.StringVar(&o.revokedAt, "revoked-at", "", "")
	return cmd
}

// rotation is one key on its way to be replaced.
type rotation struct {
	instance.Layout
	users   instance.Users
	purpose keyring.Purpose
	root    keyring.Key
	revoked *time.Time
	now     time.Time
}

func rotate(c *call, o rotateOptions) error {
	loaded, err := loadConfig(c.cmd)
	if err != nil {
		return err
	}
	if err := c.given("--data DIR", loaded.Data, "--root FILE", o.root, "--purpose PURPOSE", o.purpose); err != nil {
		return err
	}
	r, err := rotationOf(o, c.now().UTC().Truncate(time.Second))
	if err != nil {
		return err
	}
	if r.Layout, err = instance.NewLayout(loaded.Data, instance.RuntimeDir(os.Geteuid(), os.Getenv)); err != nil {
		return err
	}
	if !loaded.SingleUser {
		if r.users, err = instance.LookUp(); err != nil {
			return err
		}
	}
	opened, err := r.open(c.ctx, loaded.Database)
	if err != nil {
		return err
	}
	defer opened.db.Close()
	id, err := r.replace(c.ctx, opened.catalog)
	if err != nil {
		return err
	}
	c.note("trust.restart")
	return one(c, rotatedKey{id}, nil, []field[rotatedKey]{{"new key", func(k rotatedKey) string { return k.Key }}})
}

// rotatedKey is what a rotation tells.
type rotatedKey struct {
	Key string `json:"key"`
}

// rotationOf reads what the flags ask for.
func rotationOf(o rotateOptions, now time.Time) (r rotation, err error) {
	r = rotation{purpose: keyring.Purpose(o.purpose), now: now}
	if _, err := keyring.New(r.purpose); err != nil || r.purpose == keyring.Root {
		return r, usage("trust.purpose")
	}
	if o.revokedAt != "" {
		at, err := time.Parse(time.RFC3339, o.revokedAt)
		if err != nil || at.After(now) {
			return r, usage("trust.revoked_at")
		}
		r.revoked = &at
	}
	if r.root, err = keyring.Load(o.root, keyring.Root); err != nil {
		return r, failed("file.unreadable", "path", o.root).because(err)
	}
	return r, nil
}

// open opens the front door as the keeper does.
func (r rotation) open(ctx context.Context, database string) (o openedCatalog, err error) {
	if database == "" {
		if database, err = r.OwnerAddress(); err != nil {
			return o, err
		}
	}
	address, err := instance.Anonymous(database)
	if err != nil {
		return o, err
	}
	in := surroundings{log: slog.New(slog.DiscardHandler), now: time.Now, settings: settings{
		home: r.Home("keeper"), secrets: r.Secrets("keeper"), database: address, store: r.Endpoint(),
	}}
	if kept := filepath.Join(r.Data, rulesFile); exists(kept) {
		in.rules = kept
	}
	return in.openCatalog(ctx, "keeper", object.Keeper)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// replace makes the key and puts it in force. A rotation that was interrupted goes on where it stood: the new key's
// file waits beside the old one's until trust.json names it.
func (r rotation) replace(ctx context.Context, cat *catalog.Catalog) (id string, err error) {
	current, next := keyPath(r.Home("keeper"), r.purpose), keyPath(r.Home("keeper"), r.purpose)+".next"
	key, err := r.next(next)
	if err != nil {
		return "", err
	}
	id = trust.KeyID(trust.Purpose(r.purpose), key.Public())
	signing, err := r.root.Signing()
	if err != nil {
		return "", fmt.Errorf("taking root key: %w", err)
	}
	today, err := cat.Trust.Show(ctx)
	if err != nil {
		return "", err
	}
	doc, err := trust.Verify(today, r.root.Public())
	if err != nil {
		return "", failed("trust.other_root").because(err)
	}
	if _, err := doc.Key(id, trust.Purpose(r.purpose), r.now); errors.Is(err, trust.ErrUnknown) {
		document, err := r.following(doc, key).Sign(signing)
		if err != nil {
			return "", fmt.Errorf("signing trust.json: %w", err)
		}
		var wrap []byte
		if r.purpose == keyring.Wrap {
			wrap = key.Public()
		}
		if err := cat.Trust.Replace(ctx, document, r.root.Public(), wrap); err != nil {
			return "", err
		}
	}
	return id, r.swap(current, next)
}

// next makes the new key's file, or finds that of an interrupted rotation.
func (r rotation) next(path string) (keyring.Key, error) {
	raw, err := os.ReadFile(path)
	if err == nil {
		return keyring.Parse(raw, r.purpose)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return keyring.Key{}, fmt.Errorf("reading the new key: %w", err)
	}
	key, err := keyring.Create(path, r.purpose)
	if err != nil {
		return keyring.Key{}, fmt.Errorf("making the new key: %w", err)
	}
	in := opened{users: r.users}
	return key, in.handToKeeper(path)
}

// following is today's document with the new key, and an end to those of its purpose before it.
func (r rotation) following(doc trust.Document, key keyring.Key) trust.Document {
	doc.Serial, doc.Issued = doc.Serial+1, r.now
	for i, k := range doc.Keys {
		if k.Purpose != trust.Purpose(r.purpose) || k.RevokedAt != nil {
			continue
		}
		if end := r.now.Add(overlap); end.Before(k.NotAfter) {
			doc.Keys[i].NotAfter = end
		}
		doc.Keys[i].RevokedAt = r.revoked
	}
	doc.Keys = append(doc.Keys, trusted(key, r.now))
	return doc
}

// swap gives the new key the old one's place. The old one is kept under its id: it opens what was sealed to it.
func (r rotation) swap(current, next string) error {
	raw, err := os.ReadFile(current)
	if err != nil {
		return fmt.Errorf("reading the old key: %w", err)
	}
	old, err := keyring.Parse(raw, r.purpose)
	if err != nil {
		return err
	}
	retired := filepath.Join(filepath.Dir(current), trust.KeyID(trust.Purpose(r.purpose), old.Public())+".key")
	if err := errors.Join(os.Link(current, retired), os.Rename(next, current)); err != nil {
		return fmt.Errorf("putting the new key in place: %w", err)
	}
	return nil
}

// trustRecover makes the command that takes the root key out of a file of keys.
func trustRecover() *cobra.Command {
	var o restoreOptions
	var out string
	cmd := offline(text{
		use: "recover --keys FILE --out root.key", example: "  sluice trust recover --keys keys.age --passphrase-file phrase --out root.key",
	}, func(c *call) error {
		if err := c.given("--keys FILE", o.keys, "--out FILE", out); err != nil {
			return err
		}
		keys, err := openKeys(o, "")
		if err != nil {
			return err
		}
		return recoverRoot(keys, out)
	})
	f := cmd.Flags()
	f.StringVar(&o.keys, "keys", "", "")
	f.StringVar(&o.identityFile, "identity-file", "", "")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "")
	f.StringVar(&out, "out", "", "")
	return cmd
}

func recoverRoot(keys backup.Keys, out string) error {
	raw, ok := keys["root/root.key"]
	if !ok {
		return failed("trust.no_root")
	}
	if _, err := keyring.Parse(raw, keyring.Root); err != nil {
		return err
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return failed("file.not_written", "path", out).because(err)
	}
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return failed("file.not_written", "path", out).because(err)
	}
	return nil
}

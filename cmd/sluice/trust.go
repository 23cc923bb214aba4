package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
)

// newTrust groups what is done about the instance's own keys.
func newTrust(p parts) *cobra.Command {
	return noun(text{
		use: "trust", example: "  sluice trust rotate --data /var/lib/sluice --root root.key --purpose certificate",
	}, trustRotate(p), trustRestore(p), trustRecover())
}

// rotateOptions are the flags of `sluice trust rotate` beside the configuration's.
type rotateOptions struct {
	root, purpose, revokedAt string
	lost                     bool
}

func trustRotate(p parts) *cobra.Command {
	var o rotateOptions
	cmd := onInstance(text{
		use: "rotate --data DIR --root root.key --purpose PURPOSE",
		example: "  sluice trust rotate --data /var/lib/sluice --root /media/safe/root.key --purpose certificate\n" +
			"  sluice trust rotate --data /var/lib/sluice --root /media/safe/root.key --purpose checkpoint --revoked-at 2026-05-01T08:00:00Z\n" +
			"  sluice trust rotate --data /var/lib/sluice --root /media/safe/root.key --purpose checkpoint --lost",
	}, func(c *call, conf config.Config, layout instance.Layout) error { return rotate(c, p, conf, layout, o) })
	f := cmd.Flags()
	f.StringVar(&o.root, "root", "", "")
	f.StringVar(&o.purpose, "purpose", "", "")
	f.StringVar(&o.revokedAt, "revoked-at", "", "")
	f.BoolVar(&o.lost, "lost", false, "")
	return cmd
}

func rotate(c *call, p parts, conf config.Config, layout instance.Layout, o rotateOptions) error {
	if err := c.given("--root FILE", o.root, "--purpose PURPOSE", o.purpose); err != nil {
		return err
	}
	r, err := rotationOf(o, c.now().UTC().Truncate(time.Second))
	if err != nil {
		return err
	}
	var id string
	err = asKeeper(c, p, conf, layout, "rotate", func(ctx context.Context, in *opened, cat *catalog.Catalog) (err error) {
		r.opened = in
		id, err = r.replace(ctx, cat)
		return err
	})
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
	r = rotation{purpose: keyring.Purpose(o.purpose), lost: o.lost, now: now}
	switch r.purpose {
	case keyring.Checkpoint, keyring.Certificate:
	case keyring.Wrap:
		if r.lost {
			return r, usage("trust.wrap_lost")
		}
	default:
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

// missing tells whether a path has no file.
func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
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
	keysFlags(cmd, &o)
	cmd.Flags().StringVar(&out, "out", "", "")
	return cmd
}

// keysFlags name the safe's file of keys, and what opens it.
func keysFlags(cmd *cobra.Command, o *restoreOptions) {
	f := cmd.Flags()
	f.StringVar(&o.keys, "keys", "", "")
	f.StringVar(&o.identityFile, "identity-file", "", "")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "")
}

func recoverRoot(keys backup.Keys, out string) error {
	raw, ok := keys["root/root.key"]
	if !ok {
		return failed("trust.no_root")
	}
	if _, err := keyring.Parse(raw, keyring.Root); err != nil {
		return failed("trust.no_root").because(err)
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

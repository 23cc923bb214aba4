package main

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
	"github.com/sluicedata/sluice/cmd/sluice/supervise"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// restored is an instance on its way back.
type restored struct {
	*opened
	dir      string // of the backup
	manifest backup.Manifest
	keys     backup.Keys
	wrap     *keyring.FileProvider
	logKeys  trace.Keys
	ledger   []catalog.Replayed
}

// filled is what a restore read again, and what it destroyed again.
type filled struct {
	backup.Checked
	destroyed int
}

// run starts database and store alone, fills and checks them, and stops them again.
func (r restored) run(cmd *cobra.Command, p parts) (checked filled, err error) {
	ctx, done := context.WithCancel(cmd.Context())
	defer done()
	rulesOf(&r.options, r.dir)
	if err := r.open(ctx, p); err != nil {
		return checked, err
	}
	if err := r.placeKeys(); err != nil {
		return checked, err
	}
	fill := supervise.Part{Name: "restore", Do: func(ctx context.Context) (err error) {
		checked, err = r.fill(ctx, p)
		return err
	}}
	err = supervise.Run(ctx, supervise.Config{
		Parts: append(r.keepers(), fill), Logs: r.Logs(), Now: time.Now, Hold: r.lock, Adopt: true, StartWithin: restorePatience,
		Log: newLog(cmd.ErrOrStderr(), r.options.LogLevel).With("part", "restore"),
	}, done)
	if err == nil && cmd.Context().Err() != nil {
		err = cmd.Context().Err()
	}
	return checked, err
}

// keepers are the parts that keep things: the database, when it is ours, and the store.
func (in *opened) keepers() []supervise.Part {
	var parts []supervise.Part
	if in.server != nil {
		parts = append(parts, in.postgres())
	}
	return append(parts, in.process(in.table[0])) // the table begins with the store
}

// fill brings database, objects and log back, and reads all of it again.
func (r restored) fill(ctx context.Context, p parts) (checked filled, err error) {
	if err := postgres.CreateRoles(ctx, r.owner); err != nil {
		return checked, err
	}
	err = databaseTool(ctx, r.Layout, r.owner, "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner",
		"--dbname="+databaseOf(r.owner), filepath.Join(r.dir, r.manifest.Dump))
	if err != nil {
		return checked, err
	}
	if err := p.migrate(ctx, r.owner, r.secrets); err != nil {
		return checked, err
	}
	db, err := postgres.Open(ctx, r.owner)
	if err != nil {
		return checked, err
	}
	defer db.Close()
	spool, err := os.MkdirTemp("", "sluice-restore-*")
	if err != nil {
		return checked, texts.Wrong("work.folder").Because(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(spool)) }()
	target := backup.Target{DB: db, Wrap: r.wrap, Keys: r.logKeys}
	if target.Writers, err = openStores(r.Layout, spool, object.Write); err != nil {
		return checked, err
	}
	if target.Readers, err = openStores(r.Layout, spool, object.Read); err != nil {
		return checked, err
	}
	if checked.destroyed, err = r.replay(ctx, db); err != nil {
		return checked, err
	}
	if err := backup.Fill(ctx, r.dir, r.manifest, target); err != nil {
		return checked, err
	}
	checked.Checked, err = backup.Check(ctx, target)
	return checked, err
}

// replay destroys again what was destroyed after the backup: before any part of the instance could read it.
func (r restored) replay(ctx context.Context, db *postgres.DB) (destroyed int, err error) {
	for _, x := range r.ledger {
		err := db.InTx(ctx, func(tx *postgres.Tx) error {
			did, err := catalog.Replay(ctx, tx, x, time.Now())
			if did {
				destroyed++
			}
			return err
		})
		if err != nil {
			return destroyed, texts.Wrong("restore.not_replayed", "dataset", x.Certificate.Dataset, "version", x.Certificate.Version).Because(err)
		}
	}
	return destroyed, nil
}

// databaseOf names the database of an address; PostgreSQL's programs take the rest from the environment.
func databaseOf(dsn string) string {
	environment, err := postgres.Environment(dsn)
	if err != nil {
		return ""
	}
	for _, entry := range environment {
		if name, ok := strings.CutPrefix(entry, "PGDATABASE="); ok {
			return name
		}
	}
	return ""
}

// placeKeys writes the instance's keys where its parts expect them, each for its own user alone.
func (r restored) placeKeys() error {
	for name, content := range r.keys {
		folder, file := path.Split(name)
		var err error
		switch folder {
		case "root/":
			err = os.WriteFile(filepath.Join(r.Root(), file), content, 0o400)
		case "keeper/keys/":
			err = r.placeKeeperKey(file, content)
		case "secret/serve/", "secret/keeper/":
			err = r.KeepSecret(r.users, path.Base(path.Clean(folder)), file, content)
		default:
			err = texts.Wrong("keys.belongs_nowhere", "name", name)
		}
		if err != nil {
			return texts.Wrong("file.not_written", "path", name).Because(err)
		}
	}
	return nil
}

func (r restored) placeKeeperKey(file string, content []byte) error {
	target := filepath.Join(r.Home("keeper"), "keys", file)
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(target, content, 0o400); err != nil {
		return err
	}
	return r.handToKeeper(filepath.Dir(target), target)
}

// currentWrap is the path of the wrapping key in force among an instance's keys; retired ones have their id in it.
const currentWrap = "keeper/keys/" + string(keyring.Wrap) + ".key"

// wrapKeys reads the wrapping keys among an instance's keys, today's and retired ones.
func wrapKeys(keys backup.Keys) (*keyring.FileProvider, error) {
	var current keyring.Key
	var retired []keyring.Key
	for name, content := range keys {
		if !strings.HasPrefix(name, "keeper/keys/"+string(keyring.Wrap)) {
			continue
		}
		key, err := keyring.Parse(content, keyring.Wrap)
		if err != nil {
			return nil, texts.Wrong("file.unreadable", "path", name).Because(err)
		}
		if name == currentWrap {
			current = key
		} else {
			retired = append(retired, key)
		}
	}
	if current.Purpose() == "" {
		return nil, failed("keys.no_wrap")
	}
	return keyring.NewFileProvider(current, retired...)
}

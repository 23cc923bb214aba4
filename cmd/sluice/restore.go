package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/cmd/sluice/supervise"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// restoreOptions are the flags of `sluice restore` beside the configuration's.
type restoreOptions struct {
	from, keys, identityFile, passphraseFile, root, ledger string
	verifyOnly                                             bool
}

// restorePatience bounds a restore: what takes longer does not move any more.
const restorePatience = 48 * time.Hour

// newRestore makes the command that brings an instance back.
func newRestore(p parts) *cobra.Command {
	var o restoreOptions
	cmd := lists(offline(text{
		use: "restore --from FOLDER|FILE.tar --keys FILE --data DIR",
		example: "  sluice restore --from /backup/sluice --keys keys.age --passphrase-file phrase --data /var/lib/sluice\n" +
			"  sluice restore --from /backup/sluice --verify-only",
	}, func(c *call) error { return runRestore(c, p, o) }))
	addConfigFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "")
	f.StringVar(&o.keys, "keys", "", "")
	f.StringVar(&o.identityFile, "identity-file", "", "")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "")
	f.StringVar(&o.root, "root", "", "")
	f.StringVar(&o.ledger, "ledger", "", "")
	f.BoolVar(&o.verifyOnly, "verify-only", false, "")
	return cmd
}

func runRestore(c *call, p parts, o restoreOptions) (err error) {
	loaded, err := loadConfig(c.cmd)
	if err != nil {
		return err
	}
	if err := c.given("--from FOLDER", o.from); err != nil {
		return err
	}
	if o.verifyOnly {
		return withFolder(o.from, func(dir string) error { return verifyBackup(c, dir, o) })
	}
	if o.keys == "" || loaded.Data == "" {
		return usage("restore.needs")
	}
	if !vacant(loaded.Data) {
		return failed("restore.not_empty", "path", loaded.Data)
	}
	if err := absoluteFlags(&o); err != nil {
		return err
	}
	users, err := admit(c.Texts, &loaded.Config, os.Geteuid())
	if err != nil {
		return err
	}
	layout, err := place(loaded.Config, users)
	if err != nil {
		return err
	}
	lock, err := supervise.Acquire(c.ctx, layout.Lock())
	if err != nil {
		return err
	}
	in := opened{Layout: layout, options: loaded.Config, users: users, lock: lock, table: p.processes}
	err = withFolder(o.from, func(dir string) error { return in.restore(c, p, dir, o) })
	tidied := errors.Join(layout.Discard(), lock.Release())
	if err != nil {
		return err // it says more than what tidying up met
	}
	return tidied
}

// vacant tells whether nothing is in a folder, or nothing but the lock of a restore that was refused.
func vacant(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return len(entries) == 0 || len(entries) == 1 && entries[0].Name() == "lock"
}

// absoluteFlags makes paths hold wherever the parts run.
func absoluteFlags(o *restoreOptions) error {
	for _, path := range []*string{&o.from, &o.keys, &o.identityFile, &o.passphraseFile, &o.root, &o.ledger} {
		if *path == "" {
			continue
		}
		named, err := filepath.Abs(*path)
		if err != nil {
			return texts.Wrong("up.naming", "path", *path).Because(err)
		}
		*path = named
	}
	return nil
}

// withFolder does something with a backup's folder; one in a file is unpacked for that time.
func withFolder(from string, do func(dir string) error) (err error) {
	if !strings.HasSuffix(from, tarSuffix) {
		return do(from)
	}
	dir, err := os.MkdirTemp("", "sluice-restore-*")
	if err != nil {
		return texts.Wrong("work.folder").Because(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := backup.Unpack(from, dir); err != nil {
		return err
	}
	return do(dir)
}

// verifyBackup checks files and log of a backup, with nothing but the root's public key.
func verifyBackup(c *call, dir string, o restoreOptions) error {
	m, err := backup.Verify(dir)
	if err != nil {
		return failed("backup.not_verified").because(err)
	}
	path := o.root
	if path == "" {
		path = filepath.Join(dir, "root.pub")
	}
	root, err := os.ReadFile(path)
	if err != nil {
		return usage("file.unreadable", "path", path).because(err)
	}
	keys, err := logKeys(dir, root)
	if err != nil {
		return err
	}
	entries, err := backup.VerifyLog(c.ctx, dir, keys)
	if err != nil {
		return failed("backup.not_verified").because(err)
	}
	return one(c, verifiedBackup{len(m.Files), entries, m.Made}, nil, []field[verifiedBackup]{
		{"verified", func(v verifiedBackup) string {
			return c.Say("backup.verified", "files", number(v.Files), "entries", number(v.Entries))
		}},
		{"as of", func(v verifiedBackup) string { return when(v.Made) }},
	})
}

// verifiedBackup is what the check of a backup tells.
type verifiedBackup struct {
	Files   int       `json:"files"`
	Entries int64     `json:"entries"`
	Made    time.Time `json:"made"`
}

// logKeys reads who may have signed the log of a backup.
func logKeys(dir string, root []byte) (trace.Keys, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "trust.json"))
	if err != nil {
		return trace.Keys{}, failed("trust.unreadable").because(err)
	}
	return logKeysOf(raw, root)
}

// logKeysOf reads who may have signed a log from trust.json, under the root's public key.
func logKeysOf(raw, root []byte) (trace.Keys, error) {
	public, err := rootKey(root)
	if err != nil {
		return trace.Keys{}, err
	}
	doc, err := trust.Verify(raw, public)
	if err != nil {
		return trace.Keys{}, err
	}
	return trace.NewKeys(doc.Origin, checkpointKeys(doc)...)
}

// restore fills an instance whose folder is empty and locked, and verifies it.
func (in *opened) restore(c *call, p parts, dir string, o restoreOptions) error {
	m, err := backup.Verify(dir)
	if err != nil {
		return failed("restore.not_verified").because(err)
	}
	keys, err := openKeys(o, m.Origin)
	if err != nil {
		return err
	}
	root := keys["root/root.pub"]
	if o.root != "" {
		if root, err = os.ReadFile(o.root); err != nil {
			return usage("file.unreadable", "path", o.root).because(err)
		}
	}
	target := restored{opened: in, dir: dir, manifest: m, keys: keys}
	if target.logKeys, err = logKeys(dir, root); err != nil {
		return err
	}
	if target.wrap, err = wrapKeys(keys); err != nil {
		return err
	}
	if target.ledger, err = ledgerOf(o, dir, m.Origin, root); err != nil {
		return err
	}
	if err := os.WriteFile(in.Unfinished(), []byte(m.Made.Format(time.RFC3339)+"\n"), 0o600); err != nil {
		return texts.Wrong("up.writing", "path", in.Unfinished()).Because(err)
	}
	began := c.now()
	checked, err := target.run(c.cmd, p)
	if err != nil {
		return failed("restore.not", "path", in.Data).because(err)
	}
	if err := os.Remove(in.Unfinished()); err != nil {
		return texts.Wrong("up.clearing", "path", in.Unfinished()).Because(err)
	}
	return one(c, restoredInstance{
		Data: in.Data, Made: m.Made, Entries: checked.Entries, Objects: checked.Objects, Destroyed: checked.destroyed,
		Took: c.now().Sub(began).Round(time.Millisecond).String(),
	}, nil, restoredFields(c))
}

// ledgerOf reads and verifies what a restore replays.
func ledgerOf(o restoreOptions, dir, origin string, root []byte) ([]catalog.Replayed, error) {
	all, err := restoreLedger(o, dir)
	if err != nil {
		return nil, err
	}
	public, err := rootKey(root)
	if err != nil {
		return nil, err
	}
	return verifiedLedger(all, origin, public)
}

// restoredInstance is what a restore tells.
type restoredInstance struct {
	Data    string    `json:"data"`
	Made    time.Time `json:"made"`
	Entries int64     `json:"entries"`
	Objects int       `json:"objects"`
	// Destroyed are versions that were in the backup and were destroyed since.
	Destroyed int    `json:"destroyed"`
	Took      string `json:"took"`
}

func restoredFields(c *call) []field[restoredInstance] {
	return []field[restoredInstance]{
		{"restored", func(r restoredInstance) string { return r.Data }},
		{"as of", func(r restoredInstance) string { return when(r.Made) }},
		{"verified", func(r restoredInstance) string {
			return c.Say("restore.verified", "entries", number(r.Entries), "objects", number(r.Objects))
		}},
		{"replayed", func(r restoredInstance) string { return number(r.Destroyed) }},
		{"took", func(r restoredInstance) string { return r.Took }},
	}
}

// rulesOf makes the instance follow the rule set the backup has.
func rulesOf(o *config.Config, dir string) {
	path := filepath.Join(dir, rulesFile)
	if _, err := os.Stat(path); err == nil && o.Rules == "" {
		o.Rules = path
	}
}

// openKeys decrypts the instance's keys.
func openKeys(o restoreOptions, origin string) (backup.Keys, error) {
	var identity, passphrase string
	switch {
	case (o.identityFile == "") == (o.passphraseFile == ""):
		return nil, usage("keys.by_one")
	case o.identityFile != "":
		raw, err := os.ReadFile(o.identityFile)
		if err != nil {
			return nil, usage("file.unreadable", "path", o.identityFile).because(err)
		}
		identity = string(raw)
	default:
		secret, err := instance.ReadSecret(o.passphraseFile)
		if err != nil {
			return nil, usage("file.unreadable", "path", o.passphraseFile).because(err)
		}
		passphrase = secret
	}
	ids, err := backup.Identities(identity, passphrase)
	if err != nil {
		return nil, err
	}
	return backup.ReadKeys(o.keys, origin, ids)
}

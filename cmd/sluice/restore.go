package main

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/cmd/sluice/supervise"
)

// restoreOptions are the flags of `sluice restore` beside the configuration's.
type restoreOptions struct {
	from, keys, identityFile, passphraseFile, root string
	verifyOnly                                     bool
}

// restorePatience bounds a restore: what takes longer does not move any more.
const restorePatience = 48 * time.Hour

// newRestore makes the command that brings an instance back.
func newRestore(p parts) *cobra.Command {
	var o restoreOptions
	cmd := &cobra.Command{
		Use: "restore --from FOLDER|FILE.tar --keys FILE --data DIR", Short: "Bring an instance back into an empty folder, and verify it",
		Long: `Compares every file of a backup with its list, brings database, objects and log back into an empty folder, and then
verifies: the trace from its first entry to its signed head, the record's entries against it, and every object,
decrypted, against its digest. Success is reported only when all of it holds; until then "sluice up" refuses the folder.
The secrets between the parts are made anew. --verify-only checks a backup as it lies and restores nothing.`,
		Example: "  sluice restore --from /backup/sluice --keys keys.age --passphrase-file phrase --data /var/lib/sluice\n" +
			"  sluice restore --from /backup/sluice --verify-only",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRestore(cmd, p, o) },
	}
	addConfigFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "folder or .tar file of a backup (needed)")
	f.StringVar(&o.keys, "keys", "", "file of the instance's keys")
	f.StringVar(&o.identityFile, "identity-file", "", "age identity that opens the keys")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "file with the passphrase that opens the keys")
	f.StringVar(&o.root, "root", "", "file of the root's public key from the safe; default: the one beside the keys")
	f.BoolVar(&o.verifyOnly, "verify-only", false, "check the backup and restore nothing")
	return cmd
}

func runRestore(cmd *cobra.Command, p parts, o restoreOptions) (err error) {
	loaded, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	if o.from == "" {
		return usageError{errors.New("--from FOLDER is needed")}
	}
	if !o.verifyOnly && (o.keys == "" || loaded.Data == "") {
		return usageError{errors.New("--keys FILE and --data DIR are needed, or --verify-only")}
	}
	if o.verifyOnly {
		return withFolder(o.from, func(dir string) error { return verifyBackup(cmd, dir, o) })
	}
	if !vacant(loaded.Data) {
		return fmt.Errorf("%s is not empty: an instance is restored into an empty folder only", loaded.Data)
	}
	if err := absoluteFlags(&o); err != nil {
		return err
	}
	users, err := admit(&loaded.Config, os.Geteuid())
	if err != nil {
		return err
	}
	layout, err := place(loaded.Config, users)
	if err != nil {
		return err
	}
	lock, err := supervise.Acquire(cmd.Context(), layout.Lock())
	if err != nil {
		return err
	}
	in := opened{Layout: layout, options: loaded.Config, users: users, lock: lock, table: p.processes}
	err = withFolder(o.from, func(dir string) error { return in.restore(cmd, p, dir, o) })
	return errors.Join(err, layout.Discard(), lock.Release())
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
	for _, path := range []*string{&o.from, &o.keys, &o.identityFile, &o.passphraseFile, &o.root} {
		if *path == "" {
			continue
		}
		named, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("naming a file: %w", err)
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
		return fmt.Errorf("making a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := backup.Unpack(from, dir); err != nil {
		return err
	}
	return do(dir)
}

// verifyBackup checks files and log of a backup, with nothing but the root's public key.
func verifyBackup(cmd *cobra.Command, dir string, o restoreOptions) error {
	m, err := backup.Verify(dir)
	if err != nil {
		return fmt.Errorf("the backup DOES NOT VERIFY: %w", err)
	}
	path := o.root
	if path == "" {
		path = filepath.Join(dir, "root.pub")
	}
	root, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the root's public key: %w", err)
	}
	keys, err := logKeys(dir, root)
	if err != nil {
		return err
	}
	entries, err := backup.VerifyLog(cmd.Context(), dir, keys)
	if err != nil {
		return fmt.Errorf("the backup DOES NOT VERIFY: %w", err)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "verified  %d files, %d entries of the log\nof        %s\n", len(m.Files), entries, m.Made.Format(time.RFC3339))
	return err
}

// logKeys reads who may have signed the log of a backup.
func logKeys(dir string, root []byte) (trace.Keys, error) {
	public, err := hex.DecodeString(strings.TrimSpace(string(root)))
	if err != nil || len(public) != ed25519.PublicKeySize {
		return trace.Keys{}, errors.New("the root's public key is not 64 hexadecimal digits")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "trust.json"))
	if err != nil {
		return trace.Keys{}, fmt.Errorf("reading trust.json: %w", err)
	}
	doc, err := trust.Verify(raw, public)
	if err != nil {
		return trace.Keys{}, err
	}
	return trace.NewKeys(doc.Origin, checkpointKeys(doc)...)
}

// restore fills an instance whose folder is empty and locked, and verifies it.
func (in *opened) restore(cmd *cobra.Command, p parts, dir string, o restoreOptions) error {
	m, err := backup.Verify(dir)
	if err != nil {
		return fmt.Errorf("the backup DOES NOT VERIFY, and nothing was restored: %w", err)
	}
	keys, err := openKeys(o, m.Origin)
	if err != nil {
		return err
	}
	root := keys["root/root.pub"]
	if o.root != "" {
		if root, err = os.ReadFile(o.root); err != nil {
			return fmt.Errorf("reading the root's public key: %w", err)
		}
	}
	target := restored{opened: in, dir: dir, manifest: m, keys: keys}
	if target.logKeys, err = logKeys(dir, root); err != nil {
		return err
	}
	if target.wrap, err = wrapKeys(keys); err != nil {
		return err
	}
	if err := os.WriteFile(in.Unfinished(), []byte(m.Made.Format(time.RFC3339)+"\n"), 0o600); err != nil {
		return fmt.Errorf("marking the folder: %w", err)
	}
	began := time.Now()
	checked, err := target.run(cmd, p)
	if err != nil {
		return fmt.Errorf("NOT restored; remove %s before trying again: %w", in.Data, err)
	}
	if err := os.Remove(in.Unfinished()); err != nil {
		return fmt.Errorf("marking the end: %w", err)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "restored  %s, as of %s\nverified  %d entries of the trace, %d objects\ntook      %s\n",
		in.Data, m.Made.Format(time.RFC3339), checked.Entries, checked.Objects, time.Since(began).Round(time.Millisecond))
	return err
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
		return nil, usageError{errors.New("--keys needs --identity-file or --passphrase-file")}
	case o.identityFile != "":
		raw, err := os.ReadFile(o.identityFile)
		if err != nil {
			return nil, fmt.Errorf("reading the identity: %w", err)
		}
		identity = string(raw)
	default:
		secret, err := instance.ReadSecret(o.passphraseFile)
		if err != nil {
			return nil, err
		}
		passphrase = secret
	}
	ids, err := backup.Identities(identity, passphrase)
	if err != nil {
		return nil, err
	}
	return backup.ReadKeys(o.keys, origin, ids)
}

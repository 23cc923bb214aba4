package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// tarSuffix tells a backup in one file from one in a folder.
const tarSuffix = ".tar"

// backupOptions are the flags of `sluice backup` beside the configuration's.
type backupOptions struct {
	out, keys, recipient, passphraseFile string
}

// newBackup makes the command that copies a running instance.
func newBackup() *cobra.Command {
	var o backupOptions
	cmd := lists(offline(text{
		use: "backup --data DIR --out FOLDER|FILE.tar",
		example: "  sluice backup --data /var/lib/sluice --out /backup/sluice\n" +
			"  sluice backup --data /var/lib/sluice --out /backup/sluice --keys /media/safe/keys.age --recipient age1…",
	}, func(c *call) error { return runBackup(c, o) }))
	addConfigFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "")
	f.StringVar(&o.keys, "keys", "", "")
	f.StringVar(&o.recipient, "recipient", "", "")
	f.StringVar(&o.passphraseFile, "passphrase-file", "", "")
	return cmd
}

// backedUp is what a backup tells.
type backedUp struct {
	Backup   string `json:"backup"`
	Objects  int    `json:"objects"`
	New      int    `json:"new"` // objects the folder did not hold yet
	Entries  int64  `json:"entries"`
	Bytes    int64  `json:"bytes"`
	Manifest string `json:"manifest"`
	Took     string `json:"took"`
}

func backedUpFields(c *call) []field[backedUp] {
	return []field[backedUp]{
		{"backup", func(b backedUp) string { return b.Backup }},
		{"objects", func(b backedUp) string { return c.Say("backup.objects", "n", b.Objects, "new", b.New) }},
		{"entries", func(b backedUp) string { return number(b.Entries) }},
		{"bytes", func(b backedUp) string { return number(b.Bytes) }},
		{"manifest", func(b backedUp) string { return b.Manifest }},
		{"took", func(b backedUp) string { return b.Took }},
	}
}

func runBackup(c *call, o backupOptions) error {
	loaded, err := loadConfig(c.cmd)
	if err != nil {
		return err
	}
	if err := c.given("--data DIR", loaded.Data, "--out FOLDER", o.out); err != nil {
		return err
	}
	if o.out, err = filepath.Abs(o.out); err != nil {
		return texts.Wrong("up.naming", "path", o.out).Because(err)
	}
	var to age.Recipient
	if o.keys != "" {
		if to, err = recipient(o); err != nil {
			return err
		}
	}
	layout, err := instance.NewLayout(loaded.Data, instance.RuntimeDir(os.Geteuid(), os.Getenv))
	if err != nil {
		return err
	}
	began := c.now()
	report, origin, err := backUp(c.ctx, layout, loaded, o.out)
	if err != nil {
		return err
	}
	if to != nil {
		if err := backUpKeys(layout, o.keys, origin, to); err != nil {
			return err
		}
	}
	return one(c, backedUp{
		Backup: o.out, Objects: report.Objects, New: report.Copied, Entries: report.Entries, Bytes: report.Bytes,
		Manifest: "sha256:" + report.Digest, Took: c.now().Sub(began).Round(time.Millisecond).String(),
	}, nil, backedUpFields(c))
}

// recipient reads whom keys are for: exactly one way must be named.
func recipient(o backupOptions) (age.Recipient, error) {
	if (o.recipient == "") == (o.passphraseFile == "") {
		return nil, usage("keys.for_one")
	}
	passphrase := ""
	if o.passphraseFile != "" {
		secret, err := instance.ReadSecret(o.passphraseFile)
		if err != nil {
			return nil, usage("file.unreadable", "path", o.passphraseFile).because(err)
		}
		passphrase = secret
	}
	to, err := backup.Recipient(o.recipient, passphrase)
	if err != nil {
		return nil, usage("keys.for_bad").because(err)
	}
	return to, nil
}

// backUp writes a folder, or a file by way of a folder beside it.
func backUp(ctx context.Context, layout instance.Layout, loaded *config.Loaded, out string) (report backup.Report, origin string, err error) {
	source, closing, err := openSource(ctx, layout, loaded)
	if err != nil {
		return report, "", err
	}
	defer func() { err = errors.Join(err, closing()) }()
	dir := out
	if strings.HasSuffix(out, tarSuffix) {
		if dir, err = os.MkdirTemp(filepath.Dir(out), ".backup-*"); err != nil {
			return report, "", texts.Wrong("work.folder").Because(err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	recorded, err := recordedLedger(ctx, source.DB)
	if err != nil {
		return report, "", err
	}
	if source.Files[ledgerFile], err = encodeLedger(recorded); err != nil {
		return report, "", err
	}
	if report, err = backup.Write(ctx, dir, source); err != nil {
		return report, "", err
	}
	if err := growLedger(ledgerBeside(out), recorded); err != nil {
		return report, "", err
	}
	m, err := backup.Read(dir)
	if err == nil && dir != out {
		err = backup.Pack(dir, out)
	}
	return report, m.Origin, err
}

// openSource opens a running instance for reading: the database as its owner, each bucket as who may read it.
func openSource(ctx context.Context, layout instance.Layout, loaded *config.Loaded) (s backup.Source, closing func() error, err error) {
	owner := loaded.Database
	if owner == "" {
		if owner, err = layout.OwnerAddress(); err != nil {
			return s, nil, failed("instance.none", "path", layout.Data).because(err)
		}
	}
	db, err := postgres.Open(ctx, owner)
	if err != nil {
		return s, nil, failed("backup.not_running").because(err)
	}
	spool, err := os.MkdirTemp("", "sluice-backup-*")
	if err != nil {
		db.Close()
		return s, nil, texts.Wrong("work.folder").Because(err)
	}
	closing = func() error { db.Close(); return os.RemoveAll(spool) }
	s = backup.Source{DB: db, Now: time.Now(), Files: map[string][]byte{}}
	s.Dump = func(ctx context.Context, snapshot, file string) error {
		return databaseTool(ctx, layout, owner, "pg_dump", "--format=custom", "--snapshot="+snapshot, "--file="+file)
	}
	if s.Stores, err = openStores(layout, spool, object.Read); err == nil {
		err = besideFiles(ctx, db, layout, loaded, s.Files)
	}
	if err != nil {
		return s, nil, errors.Join(err, closing())
	}
	return s, closing, nil
}

// openStores opens each bucket under an account that has a right in it.
func openStores(layout instance.Layout, spool string, right object.Right) (backup.Stores, error) {
	endpoint, err := object.ReadEndpoint(layout.Endpoint())
	if err != nil {
		return nil, err
	}
	stores := backup.Stores{}
	for _, grant := range object.Access() {
		if stores[grant.Bucket] != nil || !grant.May(right) {
			continue
		}
		secret, err := instance.ReadSecret(filepath.Join(layout.Secrets(string(grant.Account)), "store"))
		if err != nil {
			return nil, err
		}
		store, err := object.Open(object.Config{Endpoint: endpoint, Account: grant.Account, Secret: secret, Spool: spool})
		if err != nil {
			return nil, err
		}
		stores[grant.Bucket] = store
	}
	return stores, nil
}

// besideFiles gathers what is neither record nor object: none of it is secret.
func besideFiles(ctx context.Context, db *postgres.DB, layout instance.Layout, loaded *config.Loaded, files map[string][]byte) error {
	for name, path := range map[string]string{
		rulesFile: filepath.Join(layout.Data, rulesFile), "root.pub": filepath.Join(layout.Root(), "root.pub"),
	} {
		content, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return texts.Wrong("file.unreadable", "path", path).Because(err)
		}
		if err == nil {
			files[name] = content
		}
	}
	var settings strings.Builder
	for _, v := range loaded.Values() {
		fmt.Fprintf(&settings, "%s: %q # %s\n", v.Key, v.Value, v.From)
	}
	files["config.txt"] = []byte(settings.String())
	return db.InTx(ctx, func(tx *postgres.Tx) (err error) {
		if files["trust.json"], err = tx.Setting(ctx, catalog.TrustSetting); err != nil {
			return texts.Wrong("backup.record").Because(err)
		}
		return nil
	})
}

// databaseTool runs one of PostgreSQL's programs against a database.
func databaseTool(ctx context.Context, layout instance.Layout, dsn, program string, args ...string) error {
	bin, err := layout.Programs()
	if err != nil {
		return err
	}
	environment, err := postgres.Environment(dsn)
	if err != nil {
		return err
	}
	var said strings.Builder
	cmd := exec.CommandContext(ctx, filepath.Join(bin, program), args...)
	cmd.Env = append(environment, "LANG=C.UTF-8", "PATH=/usr/bin:/bin")
	cmd.Stderr, cmd.Dir = &said, "/"
	if err := cmd.Run(); err != nil {
		return texts.Wrong("backup.tool", "program", program, "said", strings.TrimSpace(said.String())).Because(err)
	}
	return nil
}

// keyFiles are the files of an instance's keys, by patterns below its data folder. The root key and the
// administrator's profile are there until somebody has moved them to a safe.
func keyFiles() []string {
	return []string{"root/root.key", "root/root.pub", "root/admin.json", "keeper/keys/*.key", "keeper/keys/*" + publicSuffix, "secret/*/person"}
}

func backUpKeys(layout instance.Layout, file, origin string, to age.Recipient) error {
	keys := backup.Keys{}
	for _, pattern := range keyFiles() {
		paths, err := filepath.Glob(filepath.Join(layout.Data, filepath.FromSlash(pattern)))
		if err != nil {
			return texts.Wrong("file.unreadable", "path", pattern).Because(err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				return texts.Wrong("file.unreadable", "path", path).Because(err)
			}
			name, err := filepath.Rel(layout.Data, path)
			if err != nil {
				return texts.Wrong("up.naming", "path", path).Because(err)
			}
			keys[filepath.ToSlash(name)] = content
		}
	}
	return backup.WriteKeys(file, origin, keys, to)
}

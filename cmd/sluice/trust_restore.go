package main

import (
	"context"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
)

// trustRestore makes the command that puts lost keys of the keeper back from the safe's copy.
func trustRestore(p parts) *cobra.Command {
	var o restoreOptions
	cmd := onInstance(text{
		use:     "restore --data DIR --keys FILE",
		example: "  sluice trust restore --data /var/lib/sluice --keys /media/safe/keys.age --passphrase-file /media/safe/phrase",
	}, func(c *call, conf config.Config, layout instance.Layout) error {
		if err := c.given("--keys FILE", o.keys); err != nil {
			return err
		}
		return restoreKeys(c, p, conf, layout, o)
	})
	keysFlags(cmd, &o)
	cmd.Flags().StringVar(&o.root, "root", "", "")
	return cmd
}

// placedKey is one file that was put back.
type placedKey struct {
	File string `json:"file"`
}

func restoreKeys(c *call, p parts, conf config.Config, layout instance.Layout, o restoreOptions) error {
	var placed []placedKey
	var lacking []string
	err := asKeeper(c, p, conf, layout, "restore-keys", func(ctx context.Context, in *opened, cat *catalog.Catalog) (err error) {
		placed, lacking, err = in.putBack(ctx, cat, o)
		return err
	})
	if err != nil {
		return err
	}
	if err := many(c, placed, nil, []field[placedKey]{{"put back", func(k placedKey) string { return k.File }}}); err != nil {
		return err
	}
	if len(lacking) > 0 {
		return failed("trust.outdated_copy", "purposes", strings.Join(lacking, ", "))
	}
	if len(placed) > 0 {
		c.note("trust.restart")
	}
	return nil
}

// putBack writes the keys of the copy that the keeper's folder does not have; nothing that is there is touched. lacking
// are the purposes that have no key in force even then.
func (in *opened) putBack(ctx context.Context, cat *catalog.Catalog, o restoreOptions) (placed []placedKey, lacking []string, err error) {
	keys, doc, err := copyOfKeys(ctx, cat, o)
	if err != nil {
		return nil, nil, err
	}
	folder := filepath.Join(in.Home("keeper"), "keys")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, nil, failed("up.making", "path", folder).because(err)
	}
	if err := in.handToKeeper(folder); err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		if path.Dir(name) != "keeper/keys" {
			continue
		}
		file, err := placeOf(doc, path.Base(name), keys[name])
		if err != nil {
			return placed, nil, err
		}
		if !missing(filepath.Join(folder, file)) {
			continue
		}
		if err := in.putKey(filepath.Join(folder, file), keys[name]); err != nil {
			return placed, nil, err
		}
		placed = append(placed, placedKey{file})
	}
	for _, p := range []keyring.Purpose{keyring.Checkpoint, keyring.Certificate, keyring.Wrap} {
		if missing(keyPath(in.Home("keeper"), p)) {
			lacking = append(lacking, string(p))
		}
	}
	return placed, lacking, nil
}

// copyOfKeys opens the safe's copy, and trust.json under the root's public key in it.
func copyOfKeys(ctx context.Context, cat *catalog.Catalog, o restoreOptions) (backup.Keys, trust.Document, error) {
	keys, err := openKeys(o, "")
	if err != nil {
		return nil, trust.Document{}, err
	}
	raw := keys["root/root.pub"]
	if o.root != "" {
		if raw, err = os.ReadFile(o.root); err != nil {
			return nil, trust.Document{}, usage("file.unreadable", "path", o.root).because(err)
		}
	}
	root, err := rootKey(raw)
	if err != nil {
		return nil, trust.Document{}, err
	}
	today, err := cat.Trust.Show(ctx)
	if err != nil {
		return nil, trust.Document{}, err
	}
	doc, err := trust.Verify(today, root)
	if err != nil {
		return nil, trust.Document{}, failed("trust.other_copy").because(err)
	}
	return keys, doc, nil
}

// placeOf names the file a key of the copy belongs into. trust.json says which key is in force, not the copy: it may be
// from before a rotation, and then its key is a retired one by now.
func placeOf(doc trust.Document, file string, content []byte) (string, error) {
	if strings.HasSuffix(file, publicSuffix) {
		return file, nil
	}
	named, _, _ := strings.Cut(strings.TrimSuffix(file, ".key"), "-")
	purpose := keyring.Purpose(named)
	key, err := keyring.Parse(content, purpose)
	if err != nil {
		return "", failed("trust.foreign_key", "path", file).because(err)
	}
	id, newest := trust.KeyID(trust.Purpose(purpose), key.Public()), ""
	known := false
	for _, k := range doc.Keys { // in the order in which they came
		if k.Purpose == trust.Purpose(purpose) {
			newest, known = k.ID, known || k.ID == id
		}
	}
	switch {
	case !known:
		return "", failed("trust.foreign_key", "path", file)
	case id == newest:
		return named + ".key", nil
	}
	return id + ".key", nil
}

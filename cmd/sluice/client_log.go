package main

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/gateway/client"
)

// logged is what a copy of the log is found to be.
type logged struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
	Result string `json:"result"`
}

func loggedOf(c trace.Checkpoint, result string) logged {
	return logged{Origin: c.Origin, Size: c.Size, Root: hex.EncodeToString(c.Root[:]), Result: result}
}

func loggedFields() []field[logged] {
	return []field[logged]{
		{"log", func(l logged) string { return l.Origin }},
		{"entries", func(l logged) string { return fmt.Sprint(l.Size) }},
		{"root hash", func(l logged) string { return l.Root }},
		{"result", func(l logged) string { return l.Result }},
	}
}

func traceExport() *cobra.Command {
	cmd := command(text{
		use: "export --dir DIR", short: "Copy the log's tiles, to verify them without the server",
		long: `Copies the log under its newest checkpoint into a folder, as any tlog-tiles reader expects it. A folder that holds an
earlier copy is brought up to date; tiles that differ from it are a fault and end the copy. Nothing in it is secret: the
log holds salted hashes only.`,
		example: "  sluice trace export --dir log",
	}, func(c *call) error {
		copied, err := export(c, c.flag("dir"))
		return one(c, loggedOf(copied, "copied, not verified"), err, loggedFields())
	})
	cmd.Flags().String("dir", "", "folder of the copy; made when absent (needed)")
	return need(cmd, "dir")
}

func export(c *call, dir string) (trace.Checkpoint, error) {
	note, err := c.Trace.Get(c.ctx, trace.CheckpointPath)
	if err != nil {
		return trace.Checkpoint{}, err
	}
	newest, err := trace.ReadCheckpoint(string(note))
	if err != nil {
		return trace.Checkpoint{}, fmt.Errorf("reading checkpoint: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return trace.Checkpoint{}, fmt.Errorf("making folder: %w", err)
	}
	copies, err := tilestore.OpenDir(dir)
	if err != nil {
		return trace.Checkpoint{}, err
	}
	err = trace.Copy(c.ctx, c.Trace, newest, func(ctx context.Context, path string, data []byte) error {
		if path != trace.CheckpointPath {
			return copies.Put(ctx, path, data)
		}
		return replaceCheckpoint(ctx, copies, data, newest.Size)
	})
	return newest, errors.Join(err, copies.Close())
}

// replaceCheckpoint puts a newer checkpoint in the place of an older one. A log that became shorter is a fault.
func replaceCheckpoint(ctx context.Context, copies tilestore.Dir, data []byte, size int64) error {
	old, tag, err := copies.Head(ctx)
	if err != nil {
		return err
	}
	if old != nil {
		was, err := trace.ReadCheckpoint(string(old))
		if err != nil {
			return fmt.Errorf("reading the copy's checkpoint: %w", err)
		}
		if was.Size > size {
			return &trace.Fault{Index: size, Reason: "log.shorter"}
		}
	}
	_, err = copies.Swap(ctx, data, tag)
	return err
}

// keyFlags say under which keys a log is verified.
type keyFlags struct{ dir, root, trust, key string }

func traceVerify() *cobra.Command {
	var k keyFlags
	cmd := offline(text{
		use: "verify --dir DIR", short: "Verify a copy of the log offline: every entry, every tile, the signed root",
		long: `Rebuilds the whole tree from the entries of a copy (` + "`sluice trace export`" + `) and compares it with every stored tile and
with the signed checkpoint. The checkpoint's key comes from trust.json under the root's public key (--root), or is given
itself (--key, hexadecimal). What does not fit is told with the first entry it concerns.`,
		example: "  sluice trace verify --dir log --root root.pub --trust product/trust.json\n" +
			"  sluice trace verify --dir log --key 4f9a…",
	}, func(c *call) error { return verifyLog(c, k) })
	f := cmd.Flags()
	f.StringVar(&k.dir, "dir", "", "folder of the copy (needed)")
	f.StringVar(&k.root, "root", "", "file of the root's public key, hexadecimal")
	f.StringVar(&k.trust, "trust", "", "trust.json; default: the one in the folder")
	f.StringVar(&k.key, "key", "", "public key of the log, hexadecimal; instead of --root")
	return need(cmd, "dir")
}

func verifyLog(c *call, k keyFlags) error {
	if (k.root == "") == (k.key == "") {
		return usageError{errors.New("give --root FILE or --key KEY")}
	}
	folder, err := tilestore.OpenDir(k.dir)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	keys, err := k.keys(c.ctx, folder)
	if err != nil {
		return err
	}
	head, err := trace.VerifyLog(c.ctx, folder, keys)
	if err != nil {
		return toldError{text: "DOES NOT VERIFY: " + err.Error(), code: exitFailed, cause: err}
	}
	return one(c, loggedOf(head, "every entry and every tile fit the signed checkpoint"), nil, loggedFields())
}

// keys opens the keys a log is verified with.
func (k keyFlags) keys(ctx context.Context, folder tilestore.Dir) (trace.Keys, error) {
	if k.key != "" {
		return k.givenKey(ctx, folder)
	}
	root, err := client.ReadRoot(k.root)
	if err != nil {
		return trace.Keys{}, usageError{err}
	}
	if k.trust == "" {
		k.trust = filepath.Join(k.dir, "trust.json")
	}
	body, err := os.ReadFile(k.trust)
	if err != nil {
		return trace.Keys{}, usageError{fmt.Errorf("reading trust.json: %w; --trust FILE names another", err)}
	}
	document, err := trust.Verify(body, root)
	if err != nil {
		return trace.Keys{}, toldError{text: "DOES NOT VERIFY: " + err.Error(), code: exitFailed, cause: err}
	}
	return trace.NewKeys(document.Origin, checkpointKeys(document)...)
}

// checkpointKeys are the keys that may sign checkpoints and were not revoked.
func checkpointKeys(d trust.Document) []ed25519.PublicKey {
	var public []ed25519.PublicKey
	for _, key := range d.Keys {
		if key.Purpose == trust.Checkpoint && key.RevokedAt == nil {
			public = append(public, key.Public)
		}
	}
	return public
}

// givenKey takes the log's name from its checkpoint, which the key then has to have signed under that name.
func (k keyFlags) givenKey(ctx context.Context, folder tilestore.Dir) (trace.Keys, error) {
	public, err := hex.DecodeString(strings.TrimSpace(k.key))
	if err != nil || len(public) != ed25519.PublicKeySize {
		return trace.Keys{}, usageError{errors.New("--key is 64 hexadecimal digits")}
	}
	note, err := folder.Get(ctx, trace.CheckpointPath)
	if err != nil {
		return trace.Keys{}, err
	}
	head, err := trace.ReadCheckpoint(string(note))
	if err != nil {
		return trace.Keys{}, toldError{text: "DOES NOT VERIFY: " + err.Error(), code: exitFailed, cause: err}
	}
	return trace.NewKeys(head.Origin, public)
}

package main

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
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
	Result string `json:"result"` // copied or fits
}

func loggedOf(c trace.Checkpoint, result string) logged {
	return logged{Origin: c.Origin, Size: c.Size, Root: hex.EncodeToString(c.Root[:]), Result: result}
}

func loggedFields(c *call) []field[logged] {
	return []field[logged]{
		{"log", func(l logged) string { return l.Origin }},
		{"entries", func(l logged) string { return number(l.Size) }},
		{"root hash", func(l logged) string { return l.Root }},
		{"result", func(l logged) string { return c.Say("log." + l.Result) }},
	}
}

func traceExport() *cobra.Command {
	cmd := command(text{
		use: "export --dir DIR", example: "  sluice trace export --dir log",
	}, func(c *call) error {
		copied, err := export(c, c.flag("dir"))
		return one(c, loggedOf(copied, "copied"), err, loggedFields(c))
	})
	cmd.Flags().String("dir", "", "")
	return need(cmd, "dir")
}

func export(c *call, dir string) (trace.Checkpoint, error) {
	note, err := c.Trace.Get(c.ctx, trace.CheckpointPath)
	if err != nil {
		return trace.Checkpoint{}, err
	}
	newest, err := trace.ReadCheckpoint(string(note))
	if err != nil {
		return trace.Checkpoint{}, failed("checkpoint.unreadable").because(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return trace.Checkpoint{}, failed("folder.not_made", "path", dir).because(err)
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
			return failed("checkpoint.unreadable").because(err)
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
		use: "verify --dir DIR", example: "  sluice trace verify --dir log --root root.pub --trust product/trust.json\n" +
			"  sluice trace verify --dir log --key 4f9a…",
	}, func(c *call) error { return verifyLog(c, k) })
	f := cmd.Flags()
	f.StringVar(&k.dir, "dir", "", "")
	f.StringVar(&k.root, "root", "", "")
	f.StringVar(&k.trust, "trust", "", "")
	f.StringVar(&k.key, "key", "", "")
	return need(cmd, "dir")
}

func verifyLog(c *call, k keyFlags) error {
	if (k.root == "") == (k.key == "") {
		return usage("verify.one_key")
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
		return failed("verify.not").because(err)
	}
	return one(c, loggedOf(head, "fits"), nil, loggedFields(c))
}

// keys opens the keys a log is verified with.
func (k keyFlags) keys(ctx context.Context, folder tilestore.Dir) (trace.Keys, error) {
	if k.key != "" {
		return k.givenKey(ctx, folder)
	}
	root, err := client.ReadRoot(k.root)
	if err != nil {
		return trace.Keys{}, usage("root.unreadable", "path", k.root).because(err)
	}
	if k.trust == "" {
		k.trust = filepath.Join(k.dir, "trust.json")
	}
	body, err := os.ReadFile(k.trust)
	if err != nil {
		return trace.Keys{}, usage("trust.unreadable").because(err)
	}
	document, err := trust.Verify(body, root)
	if err != nil {
		return trace.Keys{}, failed("verify.not").because(err)
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
		return trace.Keys{}, usage("verify.bad_key")
	}
	note, err := folder.Get(ctx, trace.CheckpointPath)
	if err != nil {
		return trace.Keys{}, err
	}
	head, err := trace.ReadCheckpoint(string(note))
	if err != nil {
		return trace.Keys{}, failed("verify.not").because(err)
	}
	return trace.NewKeys(head.Origin, public)
}

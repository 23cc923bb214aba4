package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/fsck"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/cmd/sluice/supervise"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// newFsck makes the command that checks an instance's invariants.
func newFsck(p parts) *cobra.Command {
	var witness string
	cmd := onInstance(text{
		use:     "fsck --data DIR [--witness FILE]",
		example: "  sluice fsck --data /var/lib/sluice -o json\n  sluice fsck --data /var/lib/sluice --witness log/checkpoint",
	}, func(c *call, o config.Config, layout instance.Layout) error {
		seen, err := checkpointIn(witness)
		if err != nil {
			return err
		}
		return checkInstance(c, p, o, layout, seen)
	})
	cmd.Flags().StringVar(&witness, "witness", "", "")
	return cmd
}

// maxCheckpoint bounds what is read as one: it has a line a signature.
const maxCheckpoint = 64 << 10

// checkpointIn reads the checkpoint somebody kept, "" for none.
func checkpointIn(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", texts.Wrong("file.unreadable", "path", path).Because(err)
	}
	body, err := io.ReadAll(io.LimitReader(f, maxCheckpoint))
	if err := errors.Join(err, f.Close()); err != nil {
		return "", texts.Wrong("file.unreadable", "path", path).Because(err)
	}
	return string(body), nil
}

// checkInstance checks a running instance as it is, and of a stopped one starts database and store for that time.
func checkInstance(c *call, p parts, o config.Config, layout instance.Layout, witness string) error {
	waiting, cancel := context.WithTimeout(c.ctx, time.Second)
	defer cancel()
	var results []fsck.Result
	lock, err := supervise.Acquire(waiting, layout.Lock())
	var held *supervise.HeldError
	switch {
	case errors.As(err, &held):
		results, err = checkRunning(c, o, layout, witness)
	case err == nil:
		results, err = checkStopped(c.cmd, p, o, lock, witness)
	}
	if err != nil {
		return failed("fsck.not").because(err)
	}
	return showChecked(c, results)
}

// checkRunning checks an instance as it is, and what only a running one shows.
func checkRunning(c *call, o config.Config, layout instance.Layout, witness string) (results []fsck.Result, err error) {
	live := &fsck.Live{Answers: func(context.Context) bool {
		return !slices.ContainsFunc(c.askReady(layout, "serve", o.AdminListen), func(r check) bool { return r.Name == silent && !r.OK })
	}}
	engine, err := engineOf(c.ctx, o, layout)
	if err == nil {
		defer func() { err = errors.Join(err, engine.Close()) }()
		live.Containers = func(ctx context.Context) ([]fsck.Container, error) { return containersOf(ctx, engine) }
	}
	return checkAll(c.ctx, layout, o.Database, fsck.Source{Witness: witness, Live: live})
}

// engineOf opens the engine of a running instance for the containers of its launcher, which are labelled by the path that
// the launcher sees.
func engineOf(ctx context.Context, o config.Config, layout instance.Layout) (*docker.Engine, error) {
	in := &opened{Layout: layout, options: o}
	if enters(o) {
		in.Layout = layout.Inside()
	}
	return docker.Open(ctx, strings.TrimPrefix(in.engineAddress(), "unix://"), launcher.Owner(runsOf(in.Layout)))
}

func containersOf(ctx context.Context, engine *docker.Engine) (all []fsck.Container, err error) {
	held, err := engine.List(ctx)
	for _, h := range held {
		all = append(all, fsck.Container{ID: h.ID, Work: h.Work, Fence: h.Fence, Since: h.Since})
	}
	return all, err
}

// runsOf is the folder of the launcher's runs.
func runsOf(layout instance.Layout) string { return filepath.Join(layout.Home("launcher"), "runs") }

// checkStopped starts what keeps things, checks it and stops it.
func checkStopped(cmd *cobra.Command, p parts, o config.Config, lock *supervise.Lock, witness string) (results []fsck.Result, err error) {
	err = onStopped(cmd, p, o, lock, "fsck", func(ctx context.Context, in *opened) (err error) {
		results, err = checkAll(ctx, in.Layout, in.owner, fsck.Source{Witness: witness})
		return err
	})
	return results, err
}

// checkAll does every check of an instance whose database and store answer.
func checkAll(ctx context.Context, layout instance.Layout, owner string, beside fsck.Source) (results []fsck.Result, err error) {
	err = withSource(ctx, layout, owner, func(s fsck.Source) error {
		s.Witness, s.Live = beside.Witness, beside.Live
		return fsck.Run(ctx, s, func(r fsck.Result) { results = append(results, r) })
	})
	return results, err
}

// withSource opens an instance for reading. The database is asked as its owner: no process may see everything.
func withSource(ctx context.Context, layout instance.Layout, owner string, do func(fsck.Source) error) (err error) {
	if owner == "" {
		if owner, err = layout.OwnerAddress(); err != nil {
			return err
		}
	}
	db, err := postgres.Open(ctx, owner)
	if err != nil {
		return err
	}
	defer db.Close()
	spool, err := os.MkdirTemp("", "sluice-fsck-*")
	if err != nil {
		return texts.Wrong("work.folder").Because(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(spool)) }()
	s := fsck.Source{Data: layout.Dir, Runs: runsOf(layout), Target: backup.Target{DB: db}}
	if s.Readers, err = openStores(layout, spool, object.Read); err != nil {
		return err
	}
	if s.Lists, err = openStores(layout, spool, object.List); err != nil {
		return err
	}
	if err := instanceKeys(ctx, layout, &s); err != nil {
		return err
	}
	return do(s)
}

// instanceKeys fills in the keys of an instance: those that data keys were wrapped to, and those that sign for it.
func instanceKeys(ctx context.Context, layout instance.Layout, s *fsck.Source) error {
	files, err := filepath.Glob(filepath.Join(layout.Home("keeper"), "keys", string(keyring.Wrap)+"*.key"))
	if err != nil {
		return texts.Wrong("up.retired_keys").Because(err)
	}
	keys := backup.Keys{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return texts.Wrong("file.unreadable", "path", file).Because(err)
		}
		keys["keeper/keys/"+filepath.Base(file)] = content
	}
	if s.Wrap, err = wrapKeys(keys); err != nil {
		return err
	}
	beside := map[string][]byte{}
	if err := besideFiles(ctx, s.DB, layout, &config.Loaded{}, beside); err != nil {
		return err
	}
	s.Trust = beside["trust.json"]
	if s.Root, err = rootKey(beside["root.pub"]); err != nil {
		return err
	}
	s.Keys, err = logKeysOf(s.Trust, beside["root.pub"])
	return err
}

func showChecked(c *call, results []fsck.Result) error {
	if err := many(c, results, nil, checkedFields(c)); err != nil {
		return err
	}
	var findings int64
	for _, r := range results {
		findings += r.Findings
		for _, f := range r.First {
			c.note("fsck.finding", "check", r.Check, "place", f.Place, "what", c.Say("finding."+flat(f.Code)))
		}
	}
	if findings > 0 {
		return failed("fsck.found", "n", findings)
	}
	return nil
}

// flat makes a code the last part of a phrase's key.
func flat(code string) string { return strings.ReplaceAll(code, ".", "_") }

func checkedFields(c *call) []field[fsck.Result] {
	return []field[fsck.Result]{
		{"invariant", func(r fsck.Result) string { return r.Invariant }},
		{"check", func(r fsck.Result) string { return r.Check }},
		{"what", func(r fsck.Result) string { return c.Say("checked." + flat(r.Check)) }},
		{"looked at", func(r fsck.Result) string { return number(r.Looked) }},
		{"state", func(r fsck.Result) string {
			switch {
			case r.Unchecked != "":
				return c.Say("unchecked." + flat(r.Unchecked))
			case r.Findings > 0:
				return c.Say("fsck.findings", "n", r.Findings)
			default:
				return c.Say("selftest.holds")
			}
		}},
	}
}

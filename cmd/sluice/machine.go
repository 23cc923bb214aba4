package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/cmd/sluice/supervise"
)

// onInstance makes a command about an instance of this machine, running or stopped, which its configuration names.
func onInstance(said text, do func(c *call, o config.Config, layout instance.Layout) error) *cobra.Command {
	cmd := lists(offline(said, func(c *call) error {
		loaded, err := loadConfig(c.cmd)
		if err == nil {
			err = c.given("--data DIR", loaded.Data)
		}
		if err != nil {
			return err
		}
		layout, err := instance.NewLayout(loaded.Data, instance.RuntimeDir(os.Geteuid(), os.Getenv))
		if err != nil {
			return err
		}
		if _, err := os.Stat(layout.Lock()); err != nil {
			return failed("instance.none", "path", loaded.Data)
		}
		return do(c, loaded.Config, layout)
	}))
	addConfigFlags(cmd)
	return cmd
}

// onStopped starts database and store of a stopped instance whose lock is held, does something with them, and stops
// them again.
func onStopped(cmd *cobra.Command, p parts, o config.Config, lock *supervise.Lock, name string, do func(context.Context, *opened) error) (err error) {
	defer func() { err = errors.Join(err, lock.Release()) }()
	users, err := admit(textsOf(cmd.Context()), &o, os.Geteuid())
	if err != nil {
		return err
	}
	layout, err := place(o, users)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, layout.Discard()) }()
	in := opened{Layout: layout, options: o, users: users, lock: lock, table: p.processes}
	ctx, done := context.WithCancel(cmd.Context())
	defer done()
	if err := in.open(ctx, p); err != nil {
		return err
	}
	var met error // by the step itself, which is said without the supervisor's words
	step := supervise.Part{Name: name, Do: func(ctx context.Context) error {
		met = do(ctx, &in)
		return met
	}}
	err = supervise.Run(ctx, supervise.Config{
		Parts: append(in.keepers(), step), Logs: in.Logs(), Now: time.Now, Hold: lock, Adopt: true, StartWithin: restorePatience,
		Log: newLog(cmd.ErrOrStderr(), o.LogLevel).With("part", name),
	}, done)
	if cancelled := cmd.Context().Err(); cancelled != nil {
		return cancelled
	}
	if met != nil {
		return met
	}
	return err
}

// asKeeper opens the front door as the keeper does: of a running instance, or of a stopped one for that time. An
// instance whose keeper has lost a key does not start.
func asKeeper(c *call, p parts, o config.Config, layout instance.Layout, name string, do func(context.Context, *opened, *catalog.Catalog) error) error {
	waiting, cancel := context.WithTimeout(c.ctx, time.Second)
	defer cancel()
	lock, err := supervise.Acquire(waiting, layout.Lock())
	var held *supervise.HeldError
	switch {
	case err == nil:
		return onStopped(c.cmd, p, o, lock, name, func(ctx context.Context, in *opened) error { return in.withCatalog(ctx, do) })
	case !errors.As(err, &held):
		return err
	}
	in := opened{Layout: layout, options: o, owner: o.Database}
	if !o.SingleUser {
		if in.users, err = instance.LookUp(); err != nil {
			return err
		}
	}
	if in.owner == "" {
		if in.owner, err = layout.OwnerAddress(); err != nil {
			return err
		}
	}
	return in.withCatalog(c.ctx, do)
}

func (in *opened) withCatalog(ctx context.Context, do func(context.Context, *opened, *catalog.Catalog) error) error {
	address, err := instance.Anonymous(in.owner)
	if err != nil {
		return err
	}
	home := in.Home("keeper")
	s := surroundings{log: slog.New(slog.DiscardHandler), now: time.Now, settings: settings{
		home: home, secrets: in.Secrets("keeper"), database: address, store: in.Endpoint(), rules: in.rules(),
	}}
	door, err := s.openCatalog(ctx, "keeper", object.Keeper)
	if err != nil {
		return err
	}
	defer door.db.Close()
	// Where the keeper never ran, opening has made its spool just now, as another user.
	if err := in.handToKeeper(filepath.Join(home, "spool")); err != nil {
		return err
	}
	return do(ctx, in, door.catalog)
}

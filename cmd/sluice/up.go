package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/cmd/sluice/supervise"
)

// newUp makes the command that starts an instance.
func newUp(p parts) *cobra.Command {
	cmd := &cobra.Command{
		Use: "up --data DIR",
		Example: "  sluice up --data /var/lib/sluice\n  sluice up --data ./data --listen 127.0.0.1:9000\n" +
			"  sluice up --config /etc/sluice/sluice.yaml",
		Args: named("up"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			return up(cmd, p, loaded.Config)
		},
	}
	addConfigFlags(cmd)
	return cmd
}

// up starts an instance and keeps it until the command's context ends.
func up(cmd *cobra.Command, p parts, o config.Config) error {
	if err := p.check(o.Engine == ""); err != nil {
		return err
	}
	users, err := admit(&o, os.Geteuid())
	if err != nil {
		return err
	}
	layout, err := place(o, users)
	if err != nil {
		return err
	}
	if _, err := os.Stat(layout.Unfinished()); err == nil {
		return fmt.Errorf("a restore into %s did not come to its end: remove the folder and restore again", layout.Data)
	}
	waiting, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
	defer cancel()
	lock, err := supervise.Acquire(waiting, layout.Lock())
	var held *supervise.HeldError
	if errors.As(err, &held) {
		return fmt.Errorf("another `sluice up` has this folder: %w", held)
	}
	if err != nil {
		return err
	}
	err = keepUp(cmd, p, opened{Layout: layout, options: o, users: users, lock: lock, table: p.processes})
	return errors.Join(err, layout.Discard(), lock.Release())
}

// admit checks who is calling with what, and finds the users the parts run as.
func admit(o *config.Config, uid int) (instance.Users, error) {
	if o.Data == "" {
		return nil, usage("flag.needed", "flag", "--data DIR", "command", "sluice up")
	}
	if uid != 0 && !o.SingleUser {
		return nil, fmt.Errorf("only root can give each part its own user. With --single-user everything runs as you, and:\n  - %s",
			strings.Join(instance.Lost(), "\n  - "))
	}
	if uid != 0 && o.Engine == "" {
		return nil, usage("up.needs_engine")
	}
	if err := findPrograms(o); err != nil {
		return nil, err
	}
	if o.SingleUser {
		return nil, nil
	}
	return instance.LookUp()
}

// findPrograms fills in and checks the programs that containers need.
func findPrograms(o *config.Config) error {
	if o.Runner == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding sluice-runner: %w", err)
		}
		o.Runner = filepath.Join(filepath.Dir(self), "sluice-runner")
	}
	for _, need := range []struct {
		path   *string
		remedy string
	}{{&o.Runner, "make build"}, {&o.Runsc, "make setup"}} {
		if _, err := os.Stat(*need.path); err != nil {
			return fmt.Errorf("%s is missing; run `%s`", *need.path, need.remedy)
		}
	}
	return absolute(o)
}

// absolute makes paths hold for the parts, which run in another folder.
func absolute(o *config.Config) error {
	for _, path := range []*string{&o.Runner, &o.Runsc, &o.Rules, &o.TLSCertificateFile, &o.TLSKeyFile, &o.OIDCFile} {
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

// place finds the instance's folders, and shows them where the parts' users can reach them. With a foreign
// engine that is not possible: it would not see our mounts.
func place(o config.Config, users instance.Users) (instance.Layout, error) {
	layout, err := instance.NewLayout(o.Data, instance.RuntimeDir(os.Geteuid(), os.Getenv))
	if err != nil {
		return layout, err
	}
	if err := layout.Claim(); err != nil {
		return layout, err
	}
	switch {
	case os.Geteuid() == 0 && o.Engine == "":
		return layout.Enter(os.Args, os.Environ())
	case users != nil:
		return layout, layout.Reachable()
	default:
		return layout, nil
	}
}

// keepUp starts the parts of an instance whose lock is held.
func keepUp(cmd *cobra.Command, p parts, in opened) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	if err := in.open(ctx, p); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if in.users == nil {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "sluice: --single-user, for trying only:\n  - %s\n", strings.Join(instance.Lost(), "\n  - "))
	}
	return supervise.Run(ctx, supervise.Config{
		Parts: in.parts(p, out), Logs: in.Logs(), Now: time.Now, Hold: in.lock, Adopt: true,
		Log: newLog(cmd.ErrOrStderr(), in.options.LogLevel).With("part", "up"), StopWithin: stopWithin(in.options),
	}, func() { in.announce(out) })
}

// stopWithin is how long the whole instance may take to stop: nine seconds, and what its requests and its work may
// take beyond the usual.
func stopWithin(o config.Config) time.Duration {
	const usual, parts = 9 * time.Second, 2
	return usual + parts*max(0, time.Duration(o.DrainSeconds)*time.Second-5*time.Second)
}

// announce tells that everything serves, and where.
func (in *opened) announce(out io.Writer) {
	address := "http://" + in.options.Listen
	if written, err := os.ReadFile(in.Address()); err == nil {
		address = strings.TrimSpace(string(written))
	}
	_, _ = fmt.Fprintf(out, "Sluice serves at %s\nlogs: %s\nstop with Ctrl-C\n", address, in.LogsAsNamed())
}

// open makes folders, secrets and the database cluster, or finds them.
func (in *opened) open(ctx context.Context, p parts) error {
	if err := in.Make(in.users); err != nil {
		return err
	}
	if err := errors.Join(in.keepRules(), in.keepEdge()); err != nil {
		return err
	}
	if _, err := in.Secret(in.users, "serve", sessionKeyFile); err != nil {
		return err
	}
	in.secrets = map[string]string{}
	for _, part := range []string{"serve", "worker", "keeper"} {
		secret, err := in.Secret(in.users, part, "database")
		if err != nil {
			return err
		}
		in.secrets[part] = secret
	}
	if err := in.openDatabase(ctx); err != nil {
		return err
	}
	return p.prepare(in)
}

// openDatabase finds the database: its own cluster, or the one that was named.
func (in *opened) openDatabase(ctx context.Context) (err error) {
	if in.options.Database != "" {
		in.owner = in.options.Database
		in.address, err = instance.Anonymous(in.options.Database)
		return err
	}
	tools, err := os.OpenFile(filepath.Join(in.Logs(), "database-setup.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening a log: %w", err)
	}
	in.server, err = instance.NewServer(ctx, in.Layout, in.users, tools)
	if err = errors.Join(err, tools.Close()); err != nil {
		return err
	}
	in.address = in.server.Address()
	in.owner, err = in.server.OwnerAddress()
	return err
}

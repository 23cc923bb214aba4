package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/cmd/sluice/supervise"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
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
	users, err := admit(textsOf(cmd.Context()), &o, os.Geteuid())
	if err != nil {
		return err
	}
	layout, err := place(o, users)
	if err != nil {
		return err
	}
	if _, err := os.Stat(layout.Unfinished()); err == nil {
		return failed("up.restoring", "path", layout.Data)
	}
	waiting, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
	defer cancel()
	lock, err := supervise.Acquire(waiting, layout.Lock())
	if err != nil {
		return err
	}
	err = keepUp(cmd, p, opened{Layout: layout, options: o, users: users, lock: lock, table: p.processes})
	return errors.Join(err, layout.Discard(), lock.Release())
}

// admit checks who is calling with what, and finds the users the parts run as.
func admit(said texts.Texts, o *config.Config, uid int) (instance.Users, error) {
	if o.Data == "" {
		return nil, usage("flag.needed", "flag", "--data DIR", "command", "sluice up")
	}
	if uid != 0 && !o.SingleUser {
		return nil, failed("up.not_root", "lost", lost(said))
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
			return failed("up.self").because(err)
		}
		o.Runner = filepath.Join(filepath.Dir(self), "sluice-runner")
	}
	for _, need := range []struct {
		path   *string
		remedy string
	}{{&o.Runner, "make build"}, {&o.Runsc, "make setup"}} {
		if _, err := os.Stat(*need.path); err != nil {
			return failed("up.program_missing", "path", *need.path, "remedy", need.remedy)
		}
	}
	return absolute(o)
}

// absolute makes paths hold for the parts, which run in another folder.
func absolute(o *config.Config) error {
	for _, path := range []*string{&o.Runner, &o.Images, &o.Runsc, &o.Rules, &o.TLSCertificateFile, &o.TLSKeyFile, &o.OIDCFile} {
		if *path == "" {
			continue
		}
		named, err := filepath.Abs(*path)
		if err != nil {
			return failed("up.naming", "path", *path).because(err)
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
	case enters(o):
		return layout.Enter(os.Args, os.Environ())
	case users != nil:
		return layout, layout.Reachable()
	default:
		return layout, nil
	}
}

// enters tells whether an instance with these options runs in a mount namespace of its own.
func enters(o config.Config) bool { return os.Geteuid() == 0 && o.Engine == "" }

// keepUp starts the parts of an instance whose lock is held.
func keepUp(cmd *cobra.Command, p parts, in opened) error {
	ctx, out, said := cmd.Context(), cmd.OutOrStdout(), textsOf(cmd.Context())
	err := free(ctx, in.options)
	if err == nil {
		err = in.open(ctx, p)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if in.users == nil {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "sluice:", said.Say("up.single_user", "lost", lost(said)))
	}
	return supervise.Run(ctx, supervise.Config{
		Parts: inLanguage(said, in.parts(p, out)), Logs: in.Logs(), LogsNamed: in.LogsAsNamed(), Now: time.Now, Hold: in.lock, Adopt: true,
		Log: newLog(cmd.ErrOrStderr(), in.options.LogLevel).With("part", "up"), StopWithin: stopWithin(in.options),
	}, func() { in.announce(said, out) })
}

// lost lists what nobody keeps apart under one user.
func lost(said texts.Texts) string {
	var all strings.Builder
	for _, key := range instance.Lost() {
		all.WriteString("\n  - " + said.Say("lost."+key))
	}
	return all.String()
}

// inLanguage makes the parts say why they end in the language of the texts.
func inLanguage(said texts.Texts, parts []supervise.Part) []supervise.Part {
	for i := range parts {
		parts[i].Command.Env = append(parts[i].Command.Env, "SLUICE_LANG="+string(said.Language))
	}
	return parts
}

// free looks whether the addresses to listen on are to be had, before anything is made or started: a part that finds
// one taken could say so in its log only.
func free(ctx context.Context, o config.Config) error {
	for _, listens := range []struct{ key, address string }{
		{key: "listen", address: o.Listen},
		{key: "admin_listen", address: o.AdminListen},
		{key: "keeper_admin_listen", address: o.KeeperAdminListen},
		{key: "worker_admin_listen", address: o.WorkerAdminListen},
	} {
		if listens.address == "" {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listens.address)
		if err == nil {
			err = listener.Close()
		}
		if err != nil {
			return failed("up.address", "address", listens.address, "flag", "--"+config.Flag(listens.key)).because(err)
		}
	}
	return nil
}

// stopWithin is how long the whole instance may take to stop: nine seconds, and what its requests and its work may
// take beyond the usual.
func stopWithin(o config.Config) time.Duration {
	const usual, parts = 9 * time.Second, 2
	return usual + parts*max(0, time.Duration(o.DrainSeconds)*time.Second-5*time.Second)
}

// announce tells that everything serves, and where.
func (in *opened) announce(said texts.Texts, out io.Writer) {
	address := "http://" + in.options.Listen
	if written, err := os.ReadFile(in.Address()); err == nil {
		address = strings.TrimSpace(string(written))
	}
	_, _ = fmt.Fprintln(out, said.Say("up.serves", "address", address, "logs", in.LogsAsNamed()))
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
		return failed("up.writing", "path", filepath.Join(in.Logs(), "database-setup.log")).because(err)
	}
	in.server, err = instance.NewServer(ctx, in.Layout, in.users, tools)
	if err = errors.Join(err, tools.Close()); err != nil {
		return err
	}
	in.address = in.server.Address()
	in.owner, err = in.server.OwnerAddress()
	return err
}

package main

import (
	"context"
	"io"
	"time"

	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/cmd/sluice/supervise"
)

// parts are what an instance is made of. Tests hand in others.
type parts struct {
	processes []process
	// migrate brings the database to today's schema and sets the roles' passwords, by process.
	migrate func(ctx context.Context, owner string, secrets map[string]string) error
	// prepare writes what the parts must know (the store's credentials) before anything starts.
	prepare func(in *opened) error
	// first makes what a new instance needs and tells the administrator; it does nothing at later starts.
	first func(ctx context.Context, in *opened, tell io.Writer) error
	// engine returns the private engine.
	engine func(in *opened) supervise.Part
}

// opened is an instance whose folders, secrets and database cluster are there.
type opened struct {
	instance.Layout
	options config.Config
	users   instance.Users    // nil: one user for everything
	server  *instance.Server  // nil: --database names another
	owner   string            // database address of the owner
	address string            // database address without a role
	secrets map[string]string // database secrets by process
	lock    *supervise.Lock
	table   []process
}

// check names what this build lacks to bring up an instance.
func (p parts) check(engine bool) error {
	for _, process := range p.processes {
		if process.run == nil {
			return failed("up.build", "part", process.name)
		}
	}
	if p.migrate == nil || p.prepare == nil || p.first == nil || (engine && p.engine == nil) {
		return failed("up.build", "part", "up")
	}
	return nil
}

// production returns the parts of Sluice itself.
func production() parts {
	return parts{
		processes: processes(),
		migrate: func(ctx context.Context, owner string, secrets map[string]string) error {
			err := postgres.Migrate(ctx, owner, postgres.Secrets{
				Serve: secrets["serve"], Worker: secrets["worker"], Keeper: secrets["keeper"],
			})
			if err != nil {
				return failed("up.migrate").because(err)
			}
			return nil
		},
		prepare: shareStore,
		engine:  engine,
		first:   first,
	}
}

// processes is the table of Sluice's programs, with what each is told.
func processes() []process {
	return []process{
		{name: "store", short: "Keep objects", flags: []string{"run"}, run: runStore},
		{name: "keeper", short: "Sequence the trace, sign, release", flags: []string{"run", "database", "store", "rules", "admin-listen"}, run: runKeeper},
		{name: "launcher", short: "Start containers from fixed templates", flags: []string{"run", "engine", "runner", "images", "runtimes", "job-cpu", "worker-uid", "worker-gid"}, grace: 5 * time.Second, run: runLauncher},
		{name: "worker", short: "Drive work in containers", flags: []string{"run", "database", "store", "launcher", "admin-listen", "worker-slots"}, drains: true, run: runWorker},
		{name: "serve", short: "Serve the API", flags: []string{"run", "database", "store", "listen", "rules", "admin-listen", "base-url", "drain-seconds", "body-bytes"}, drains: true, run: runServe},
	}
}

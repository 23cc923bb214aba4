package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/sluicedata/sluice/catalog/ruleset"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/cmd/sluice/supervise"
)

// self is the program's own file, which another user can execute even when it cannot reach its path.
const self = "/proc/self/exe"

// parts lists what to start, in order: a part comes after everything it needs.
func (in *opened) parts(p parts, tell io.Writer) []supervise.Part {
	var before []supervise.Part
	if in.server != nil {
		before = append(before, in.postgres())
	}
	between := []supervise.Part{
		{Name: "migrate", Do: func(ctx context.Context) error { return p.migrate(ctx, in.owner, in.secrets) }},
		{Name: "first", Do: func(ctx context.Context) error { return p.first(ctx, in, tell) }},
	}
	if in.options.Engine == "" {
		between = append([]supervise.Part{p.engine(in)}, between...)
	}
	var ours []supervise.Part
	for _, row := range in.table {
		ours = append(ours, in.process(row))
	}
	// The table begins with the store, which the steps need.
	return slices.Concat(before, ours[:1], between, ours[1:])
}

// postgres is the instance's database server. SIGINT is its fast shutdown: SIGTERM would wait for clients.
func (in *opened) postgres() supervise.Part {
	return supervise.Part{
		Name: "postgres", As: in.server.As(), Ready: in.server.Ready, Grace: 5 * time.Second,
		Command: guard(true, in.server.Program()),
	}
}

// guard is the command of a program that is not ours.
func guard(interrupt bool, argv []string) supervise.Command {
	args := []string{"guard"}
	if interrupt {
		args = append(args, "--interrupt")
	}
	return own(append(append(args, "--"), argv...)...)
}

// process is one of Sluice's own programs. It says itself when it serves.
func (in *opened) process(p process) supervise.Part {
	return supervise.Part{
		Name: p.name, As: in.users.As(p.name), Grace: in.grace(p),
		Command: own(append([]string{p.name}, in.flags(p)...)...),
	}
}

// grace is how long a process may take to stop: one that has people's work under way is given the time to end it.
func (in *opened) grace(p process) time.Duration {
	if !p.drains {
		return p.grace
	}
	return time.Second + time.Duration(in.options.DrainSeconds)*time.Second
}

// own is a command of this program.
func own(args ...string) supervise.Command {
	return supervise.Command{Path: self, Name: filepath.Base(os.Args[0]), Args: args, Dir: "/"}
}

// flags says what a process is told: the values of the flags that its row of the table names.
func (in *opened) flags(p process) []string {
	values := map[string]string{
		"run":      in.Socket(p.name),
		"database": in.address,
		"store":    in.Endpoint(),
		"launcher": in.LauncherSocket(),
		"engine":   in.engineAddress(),
		"listen":   in.options.Listen,
		"runner":   in.options.Runner,
		"runtimes": in.runtimes(),
		"images":   in.options.Images,
		"rules":    in.rules(),

		"admin-listen": map[string]string{
			"serve": in.options.AdminListen, "keeper": in.options.KeeperAdminListen, "worker": in.options.WorkerAdminListen,
		}[p.name],
		"base-url":      in.options.BaseURL,
		"worker-slots":  strconv.Itoa(in.options.WorkerSlots),
		"job-cpu":       strconv.Itoa(in.options.JobCPU),
		"drain-seconds": strconv.Itoa(in.options.DrainSeconds),
		"body-bytes":    strconv.Itoa(in.options.BodyBytes),

		"worker-uid": strconv.Itoa(int(in.worker().UID)),
		"worker-gid": strconv.Itoa(int(in.worker().GID)),
	}
	args := []string{"--home", in.Home(p.name), "--secrets", in.Secrets(p.name), "--log-level", in.options.LogLevel}
	for _, flag := range p.flags {
		args = append(args, "--"+flag, values[flag])
	}
	return args
}

// runtimes are those the launcher offers.
func (in *opened) runtimes() string {
	if in.options.Runc {
		return string(task.GVisor) + "," + string(task.Runc)
	}
	return string(task.GVisor)
}

// rules is where the parts find the site's own rule set; "" when the instance follows the city's.
func (in *opened) rules() string {
	kept := filepath.Join(in.Dir, rulesFile)
	if _, err := os.Stat(kept); err != nil {
		return ""
	}
	return kept
}

// rulesFile keeps the rule set an instance was started with: a later start follows it too.
const rulesFile = "rules.yaml"

// keepRules copies a site's rule set to where every part can read it, after checking that it is one.
func (in *opened) keepRules() error {
	if in.options.Rules == "" {
		return nil
	}
	data, err := readRules(in.options.Rules)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(in.Dir, rulesFile), data, 0o644); err != nil {
		return failed("up.writing", "path", filepath.Join(in.Dir, rulesFile)).because(err)
	}
	return nil
}

// readRules reads a site's rule set, after checking it whole: what is wrong is told with every place.
func readRules(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, failed("file.unreadable", "path", path).because(err)
	}
	if _, err := ruleset.Load(data); err != nil {
		return nil, usage("up.rules", "path", path).because(err)
	}
	return data, nil
}

// engineAddress is the engine the launcher speaks to.
func (in *opened) engineAddress() string {
	if in.options.Engine != "" {
		return in.options.Engine
	}
	return "unix://" + in.daemon().Socket()
}

// worker is the only user the launcher listens to.
func (in *opened) worker() supervise.Credential {
	if as := in.users.As("worker"); as != nil {
		return *as
	}
	return supervise.Credential{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
}

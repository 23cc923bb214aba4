package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/cmd/sluice/supervise"
)

// process is one of Sluice's long-running programs.
type process struct {
	name  string
	short string
	flags []string      // names of the settings it takes, beside home and secrets
	grace time.Duration // to stop; 0 is the usual
	// drains says that it has work of people under way, which may end before it does.
	drains bool
	run    func(ctx context.Context, in surroundings) error
}

// settings are what a process is told on its command line. Secrets are never there: they are files.
type settings struct {
	home     string // folder it owns
	secrets  string // folder of its secrets, read-only for it
	runtime  string // folder of the sockets it makes
	database string // address without a role
	store    string // address of the object store
	launcher string // socket of the launcher
	engine   string // address of the engine
	listen   string // host:port
	runner   string // path of sluice-runner
	runtimes string // by comma
	images   string // folder of image archives
	rules    string // file of a site's own rule set; "": the city's
	// What an administrator configures: package config says what each means.
	adminListen, logLevel, baseURL string
	workerSlots, jobCPU, drain     int
	bodyBytes                      int
	// The only user the launcher answers, and the group that may pass to its files.
	workerUID, workerGID int
}

// surroundings are all a process gets from outside.
type surroundings struct {
	settings
	log   *slog.Logger
	now   func() time.Time
	ready func() error // to be called once the process serves
	// factors seals second factors; only the gateway has it.
	factors []byte
	stdout  io.Writer
}

// newProcess makes the hidden command of a process.
func newProcess(p process) *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use: p.name, Short: p.short, Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serveProcess(cmd, p, s) },
	}
	cmd.Flags().StringVar(&s.home, "home", "", "folder the process owns")
	cmd.Flags().StringVar(&s.secrets, "secrets", "", "folder of the process's secrets")
	cmd.Flags().StringVar(&s.logLevel, "log-level", "info", "least level of what is logged")
	for _, name := range p.flags {
		s.register(cmd, name)
	}
	return cmd
}

// register adds the flag of one setting.
func (s *settings) register(cmd *cobra.Command, name string) {
	numbers := map[string]struct {
		to       *int
		standard int
		help     string
	}{
		"worker-uid":    {&s.workerUID, -1, "user id that may speak to the launcher"},
		"worker-gid":    {&s.workerGID, -1, "group id of that user"},
		"worker-slots":  {&s.workerSlots, 3, "pieces of work beside each other"},
		"job-cpu":       {&s.jobCPU, 100, "percent of one processor a container may use"},
		"drain-seconds": {&s.drain, 5, "seconds for what is under way at the end"},
		"body-bytes":    {&s.bodyBytes, 1 << 20, "most bytes of a JSON body"},
	}
	if number, ok := numbers[name]; ok {
		cmd.Flags().IntVar(number.to, name, number.standard, number.help)
		return
	}
	texts := map[string]struct {
		to   *string
		help string
	}{
		"run":      {&s.runtime, "folder of the sockets the process makes"},
		"database": {&s.database, "address of the database, without a role"},
		"store":    {&s.store, "address of the object store"},
		"launcher": {&s.launcher, "socket of the launcher"},
		"engine":   {&s.engine, "address of the container engine"},
		"listen":   {&s.listen, "address to listen on"},
		"runner":   {&s.runner, "path of sluice-runner"},
		"runtimes": {&s.runtimes, "what may make the walls of a container, by comma"},
		"images":   {&s.images, "folder of image archives"},
		"rules":    {&s.rules, "file of a rule set; default: the city's"},

		"admin-listen": {&s.adminListen, "address of the administrator's listener; default: a socket in --run"},
		"base-url":     {&s.baseURL, "address people use; default: that of --listen"},
	}
	cmd.Flags().StringVar(texts[name].to, name, "", texts[name].help)
}

// serveProcess runs a process until it is told to stop or its supervisor is gone.
func serveProcess(cmd *cobra.Command, p process, s settings) error {
	if err := harden(); err != nil {
		return err
	}
	life := supervise.Inherit(os.Getenv)
	ctx, cancel := life.Context(cmd.Context(), os.Exit)
	defer cancel()
	log := newLog(cmd.ErrOrStderr(), s.logLevel).With("part", p.name)
	err := p.run(ctx, surroundings{settings: s, log: log, now: time.Now, ready: life.Ready, stdout: cmd.OutOrStdout()})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// harden gives up what no process needs: files that others may write, and memory written to a core file.
func harden() error {
	unix.Umask(0o022)
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return failed("up.core_files").because(err)
	}
	return nil
}

// newGuard makes the hidden command that ties a foreign program to the supervisor.
func newGuard() *cobra.Command {
	var interrupt bool
	cmd := &cobra.Command{
		Use: "guard -- PROGRAM [ARGUMENT…]", Short: "Run a program that ends with its supervisor",
		Hidden: true, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := supervise.Inherit(os.Getenv).Context(cmd.Context(), func(code int) {
				supervise.EndBelow() // the program did not stop in time
				os.Exit(code)
			})
			defer cancel()
			stop := syscall.SIGTERM
			if interrupt {
				stop = syscall.SIGINT
			}
			return supervise.Guard(ctx, stop, args)
		},
	}
	cmd.Flags().BoolVar(&interrupt, "interrupt", false, "stop the program by SIGINT instead of SIGTERM")
	return cmd
}

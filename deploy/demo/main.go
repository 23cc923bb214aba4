// Command sluice-demo is the whole of Sluice on real data: a department's table becomes an approved product,
// and every way around is tried. Each step goes through the public API as its own person. It prints a story,
// writes the same as JSON lines, leaves input and product in build/demo, stops everything it started, and
// fails when any step differs from what must happen.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sluicedata/sluice/gateway/client"
)

// options are the flags of the demo.
type options struct {
	sluice string // program
	dir    string // folder of everything the demo leaves
	data   string // folder of the instance
	listen string
	keep   bool   // leave the instance running with the demo data
	freeze string // folder of a frozen deployment to make of a small story
	probe  string
	kills  int      // how often the instance is killed in the middle of the story
	apart  bool     // kill its parts by turns, not the whole
	seed   uint64   // of the kills' moments
	more   []string // flags for `sluice up` beside the demo's
}

func main() {
	var o options
	flag.StringVar(&o.sluice, "sluice", "build/bin/sluice", "program")
	flag.StringVar(&o.dir, "dir", "build/demo", "folder for story, input and product")
	flag.StringVar(&o.data, "data", "", "folder of the instance; default: below -dir, made anew")
	flag.StringVar(&o.listen, "listen", "", "address of the API; default: a free port")
	flag.BoolVar(&o.keep, "keep", false, "only publish, register and grant, then leave it running")
	flag.StringVar(&o.freeze, "freeze", "", "tell the story up to its release over a small table, and freeze the instance into this new folder")
	flag.StringVar(&o.probe, "probe", "build/bin/sluice-hostile", "hostile program for step 6")
	flag.IntVar(&o.kills, "kills", 0, "kill the instance so often in the middle of the story, and start it again")
	flag.BoolVar(&o.apart, "apart", false, "kill the instance's parts by turns instead of the whole")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the kills' moments")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "sluice-demo:", err)
		os.Exit(1)
	}
}

// run starts an instance, tells the story, and stops the instance again.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	if _, err := os.Lstat(o.freeze); o.freeze != "" && err == nil {
		return fmt.Errorf("%s is there already: what is frozen is never made again; name another", o.freeze)
	}
	if o.data == "" {
		o.data = filepath.Join(o.dir, "data")
		if err := os.RemoveAll(o.data); err != nil {
			return fmt.Errorf("clearing the last instance: %w", err)
		}
	}
	if o.keep && o.listen == "" {
		o.listen = keptAddress
	}
	if o.listen == "" {
		if o.listen, err = freePort(ctx); err != nil {
			return err
		}
	}
	s, err := openStory(o.dir, out)
	if err != nil {
		return err
	}
	began := time.Now()
	_, known := os.Stat(filepath.Join(o.data, "root", "admin.json"))
	started, err := start(ctx, o)
	if err != nil {
		return errors.Join(err, s.close())
	}
	k := newKiller(o, started)
	s.told = k.told
	d := &demo{options: o, story: s, cast: newCast(), server: "http://" + o.listen}
	if !o.keep || known != nil { // a kept instance of an earlier start has its data already
		err = d.play(ctx)
	}
	if o.keep && err == nil {
		s.print("\nRunning at %s with the demo's data. Ctrl-C stops it.\nSpeak as one of its people: SLUICE_PEOPLE=%s %s --as developer job list\n",
			d.server, filepath.Dir(d.profilePath("x")), o.sluice)
		<-ctx.Done()
	}
	err = errors.Join(err, k.stop(), s.close())
	if err == nil {
		s.print("\nAll steps happened as they must, in %s.\n", time.Since(began).Round(time.Second))
	}
	return err
}

// keptAddress is where an instance that is left running serves.
const keptAddress = "127.0.0.1:8420"

func freePort(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// instance is a running `sluice up`.
type instance struct {
	cmd  *exec.Cmd
	done chan error
	log  *os.File
}

// startPatience bounds a cold start; stopPatience a stop.
const (
	startPatience = 2 * time.Minute
	stopPatience  = 15 * time.Second
)

// start brings up an instance and waits until its API answers.
func start(ctx context.Context, o options) (*instance, error) {
	log, err := os.OpenFile(filepath.Join(o.dir, "up.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("making the log: %w", err)
	}
	rules := filepath.Join(o.dir, "rules.yaml")
	if err := writeRules(rules, o.freeze != ""); err != nil {
		return nil, err
	}
	cmd := exec.Command(o.sluice, append([]string{"up", "--data", o.data, "--listen", o.listen, "--rules", rules}, o.more...)...) //nolint:gosec // our own program
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting sluice up: %w", err)
	}
	i := &instance{cmd: cmd, done: make(chan error, 1), log: log}
	go func() { i.done <- cmd.Wait() }()
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := i.answers(ctx, "http://"+o.listen); err != nil {
		return nil, errors.Join(err, i.stop())
	}
	return i, nil
}

// answers waits until the API is there.
func (i *instance) answers(ctx context.Context, server string) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if client.Healthy(ctx, server) == nil {
			return nil
		}
		select {
		case err := <-i.done:
			i.done <- err
			return fmt.Errorf("sluice up ended: %w; see %s", err, i.log.Name())
		case <-ctx.Done():
			return fmt.Errorf("sluice up did not answer: %w; see %s", ctx.Err(), i.log.Name())
		case <-tick.C:
		}
	}
}

// stop ends an instance as Ctrl-C does and waits until it is gone.
func (i *instance) stop() error {
	if err := i.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping sluice up: %w", err)
	}
	timer := time.NewTimer(stopPatience)
	defer timer.Stop()
	select {
	case <-i.done: //nolint:errcheck // it was told to end
		return i.log.Close()
	case <-timer.C:
		return errors.Join(errors.New("sluice up did not stop in time"), i.cmd.Process.Kill(), i.log.Close())
	}
}

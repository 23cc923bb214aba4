package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sluicedata/sluice/catalog/object/objecttest"
	"github.com/sluicedata/sluice/gateway/admin"
)

// TestMain registers the program under its own name, for scripts, and under another with stand-ins for the
// processes whose inner life is tested elsewhere. Both start children of their own kind.
func TestMain(m *testing.M) {
	objecttest.RunIfChild() // the store of a test is this binary again
	testscript.Main(m, map[string]func(){
		"sluice":      main,
		"sluice-bare": bare,
		"sluice-hand": handed,
	})
}

// bare is the program with everything real but the keeper and the gateway, which only serve; without an engine
// the launcher only serves as well.
func bare() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := production()
	for i := range p.processes {
		p.processes[i].run = standFor(p.processes[i])
	}
	p.first = func(context.Context, *opened, io.Writer) error { return nil }
	code := run(ctx, p, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// handed is the program with everything real but containers: no worker and no launcher, so that a test does the
// work by hand.
func handed() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := production()
	for i := range p.processes {
		switch p.processes[i].name {
		case "launcher":
			p.processes[i].run = stand
		case "worker":
			p.processes[i].run = standWatched
		}
	}
	code := run(ctx, p, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// standFor notes the process's id, and then is the process itself or a stand-in.
func standFor(p process) func(context.Context, surroundings) error {
	return func(ctx context.Context, in surroundings) error {
		path := filepath.Join(in.home, "pid")
		if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
			return err
		}
		if p.name == "keeper" || p.name == "serve" || in.engine == noEngine {
			return stand(ctx, in)
		}
		return p.run(ctx, in)
	}
}

// standWatched is stand with an answer for its administrator.
func standWatched(ctx context.Context, in surroundings) error {
	closing, err := in.openAdmin(ctx, &admin.Admin{Metrics: admin.NewMetrics()})
	if err != nil {
		return err
	}
	return errors.Join(stand(ctx, in), closing())
}

// stand serves nothing. Where it finds a file "daemon" it starts a program that outlives its parent.
func stand(ctx context.Context, in surroundings) error {
	daemon := filepath.Join(in.home, "daemon")
	if _, err := os.Stat(daemon); err == nil {
		if err := exec.Command("sh", "-c", "setsid sh -c 'echo $$ >"+daemon+"; exec sleep 1000' >/dev/null 2>&1 &").Run(); err != nil {
			return err
		}
	}
	if err := in.ready(); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

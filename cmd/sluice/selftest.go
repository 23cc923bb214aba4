package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/cmd/sluice/supervise"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// selfTestPatience bounds one test: it takes seconds, on a machine that has time for it.
const selfTestPatience = 5 * time.Minute

// newSelfTest makes the command that tries the bounds of the container template anew, under each runtime.
func newSelfTest(p parts) *cobra.Command {
	return onInstance(text{
		use: "self-test --data DIR", example: "  sluice self-test --data /var/lib/sluice\n  sluice self-test --config /etc/sluice/sluice.yaml",
	}, func(c *call, o config.Config, layout instance.Layout) error { return selfTest(c, p, o, layout) })
}

// errAway says that no worker answers.
var errAway = errors.New("no worker answers")

// selfTest asks the running instance, which puts the verdict on its record, or tests a stopped one's engine.
func selfTest(c *call, p parts, o config.Config, layout instance.Layout) error {
	proofs, err := askSelfTest(c.ctx, layout, o.WorkerAdminListen)
	if errors.Is(err, errAway) {
		proofs, err = testStopped(c.cmd, p, o)
	}
	if err != nil {
		return failed("selftest.not").because(err)
	}
	if err := many(c, triedOf(proofs), nil, triedFields(c)); err != nil {
		return err
	}
	for _, p := range proofs {
		if broken := p.Broken(); len(broken) > 0 {
			return failed("selftest.broken", "n", len(broken), "runtime", p.Runtime)
		}
	}
	return nil
}

// tried is one canary of one runtime.
type tried struct {
	Runtime task.Runtime `json:"runtime"`
	task.Tried
}

func triedOf(proofs []sandbox.Proof) (all []tried) {
	for _, p := range proofs {
		for _, t := range p.Tried {
			all = append(all, tried{p.Runtime, t})
		}
	}
	return all
}

// askSelfTest has the running worker test its runtime.
func askSelfTest(ctx context.Context, layout instance.Layout, at string) (p []sandbox.Proof, err error) {
	network, address := "tcp", at
	if at == "" {
		network, address = "unix", filepath.Join(layout.Socket("worker"), adminSocket)
	}
	ctx, cancel := context.WithTimeout(ctx, selfTestPatience)
	defer cancel()
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			err = errors.Join(errAway, err)
		}
		return conn, err
	}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://worker/self-test", nil)
	if err != nil {
		return p, texts.Wrong("selftest.unasked").Because(err)
	}
	answer, err := web.Do(request)
	if err != nil {
		return p, texts.Wrong("selftest.unasked").Because(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return p, texts.Wrong("selftest.unable")
	}
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil {
		return p, texts.Wrong("answer.unreadable").Because(err)
	}
	return p, nil
}

// testStopped starts the engine alone, tests it and stops it. The verdict is kept where the next start finds it,
// and puts it on the record then.
func testStopped(cmd *cobra.Command, p parts, o config.Config) (proofs []sandbox.Proof, err error) {
	users, err := admit(textsOf(cmd.Context()), &o, os.Geteuid())
	if err != nil {
		return proofs, err
	}
	layout, err := place(o, users)
	if err != nil {
		return proofs, err
	}
	waiting, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	lock, err := supervise.Acquire(waiting, layout.Lock())
	if err != nil {
		return proofs, err
	}
	in := opened{Layout: layout, options: o, users: users, lock: lock, table: p.processes}
	proofs, err = in.selfTest(cmd, p)
	return proofs, errors.Join(err, layout.Discard(), lock.Release())
}

// selfTest tests the engine of an instance whose lock is held.
func (in *opened) selfTest(cmd *cobra.Command, p parts) (proofs []sandbox.Proof, err error) {
	if err := in.Make(in.users); err != nil {
		return proofs, err
	}
	ctx, done := context.WithCancel(cmd.Context())
	defer done()
	var parts []supervise.Part
	if in.options.Engine == "" {
		parts = append(parts, p.engine(in))
	}
	parts = append(parts, supervise.Part{Name: "self-test", Do: func(ctx context.Context) (err error) {
		proofs, err = in.proveEngine(ctx, cmd)
		return err
	}})
	err = supervise.Run(ctx, supervise.Config{
		Parts: parts, Logs: in.Logs(), Now: time.Now, Hold: in.lock, Adopt: true, StartWithin: selfTestPatience,
		Log: newLog(cmd.ErrOrStderr(), in.options.LogLevel).With("part", "self-test"),
	}, done)
	if err == nil {
		err = cmd.Context().Err()
	}
	return proofs, err
}

// proveEngine opens a launcher of this process over the engine: it serves nobody.
func (in *opened) proveEngine(ctx context.Context, cmd *cobra.Command) (proofs []sandbox.Proof, err error) {
	worker := in.worker()
	l, err := launcher.New(ctx, launcher.Options{
		Engine: strings.TrimPrefix(in.engineAddress(), "unix://"), Base: runsOf(in.Layout),
		Runner: in.options.Runner, Runc: in.options.Runc, WorkerUID: int(worker.UID), WorkerGID: int(worker.GID),
		Now: time.Now, Log: newLog(cmd.ErrOrStderr(), in.options.LogLevel).With("part", "launcher"),
	})
	if err != nil {
		return proofs, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return l.Proofs(ctx, true)
}

func triedFields(c *call) []field[tried] {
	return []field[tried]{
		{"runtime", func(t tried) string { return string(t.Runtime) }},
		{"canary", func(t tried) string { return string(t.Canary) }},
		{"bound tried", func(t tried) string { return c.Say("canary." + string(t.Canary)) }},
		{"state", func(t tried) string {
			if t.Held {
				return c.Say("selftest.holds")
			}
			return c.Say("selftest.fails")
		}},
		{"why", func(t tried) string { return t.Why }},
	}
}

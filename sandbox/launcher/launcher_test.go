package launcher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

func TestMain(m *testing.M) {
	if act := os.Getenv(envChild); act != "" {
		os.Exit(child(act))
	}
	os.Exit(dockertest.Main(m))
}

// small are limits that a test can reach.
func small() map[task.Verb]docker.Limits {
	all := docker.DefaultLimits()
	for verb := range all {
		all[verb] = docker.Limits{
			Memory: 128 << 20, Wall: time.Minute, OutBytes: 1 << 20, OutFiles: 16, Scratch: 4 << 20,
		}
	}
	return all
}

// bench is a served launcher, its client, and what the test needs to know of it.
type bench struct {
	*launcher.Client
	opt    launcher.Options
	socket string
	log    *bytes.Buffer
	stop   func() error // ends Serve and closes the launcher
}

// serve starts a launcher with a program in the runner's place, as a process of its own would.
func serve(t *testing.T, opt launcher.Options) *bench {
	t.Helper()
	dir := dockertest.Dir(t)
	b := &bench{log: new(bytes.Buffer), socket: filepath.Join(dir, "s")}
	if opt.Base == "" {
		opt.Base = filepath.Join(dir, "runs")
	}
	if opt.Limits == nil {
		opt.Limits = small()
	}
	opt.Engine, opt.Foreign = dockertest.Socket(t), true
	opt.Log = slog.New(slog.NewTextHandler(b.log, nil))
	b.opt = opt
	l, err := launcher.New(t.Context(), opt)
	if err != nil {
		t.Fatalf("starting a launcher: %v", err)
	}
	listener, err := launcher.Listen(b.socket, opt.WorkerGID)
	if err != nil {
		t.Fatalf("listening: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx, listener) }()
	var stopped bool
	b.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return errors.Join(<-served, l.Close())
	}
	b.Client = launcher.Dial(b.socket)
	t.Cleanup(func() {
		b.Close()
		if err := b.stop(); err != nil {
			t.Errorf("stopping the launcher: %v", err)
		}
		if t.Failed() {
			t.Logf("launcher's log:\n%s", b.log)
		}
	})
	return b
}

// newRun is a run of a new work.
func newRun() sandbox.Run {
	return sandbox.Run{Work: uuid.NewString(), Fence: 1, Step: 1, Verb: task.SQL}
}

// prepare prepares a run and writes its input files.
func (b *bench) prepare(t *testing.T, r sandbox.Run, files map[string]string) string {
	t.Helper()
	in, err := b.Prepare(t.Context(), r)
	if err != nil {
		t.Fatalf("preparing: %v", err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(in, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

// mode prepares and runs the probe.
func (b *bench) mode(t *testing.T, mode string) (sandbox.Run, sandbox.Outcome) {
	t.Helper()
	r := newRun()
	b.prepare(t, r, map[string]string{"mode": mode})
	outcome, err := b.Run(t.Context(), r)
	if err != nil {
		t.Fatalf("running %s: %v", mode, err)
	}
	return r, outcome
}

// collect returns every output file.
func (b *bench) collect(t *testing.T, r sandbox.Run) (map[string][]byte, error) {
	t.Helper()
	files := map[string][]byte{}
	err := b.Collect(t.Context(), r, func(name string, size int64, body io.Reader) error {
		raw, err := io.ReadAll(body)
		if int64(len(raw)) != size {
			return fmt.Errorf("%s has %d bytes, announced %d", name, len(raw), size)
		}
		files[name] = raw
		return err
	})
	return files, err
}

// report mirrors what the probe tells.
type report struct {
	UID, GID int
	Host     string
	Dir      string
	Args     []string
	Env      []string
	Status   map[string]string
	Written  []string
	Errno    string
	Count    int
}

func (b *bench) report(t *testing.T, r sandbox.Run) report {
	t.Helper()
	files, err := b.collect(t, r)
	if err != nil {
		t.Fatalf("collecting: %v", err)
	}
	var told report
	if err := json.Unmarshal(files[task.ReportFile], &told); err != nil {
		t.Fatalf("reading the probe's report: %v", err)
	}
	return told
}

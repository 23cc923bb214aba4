package sandbox_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
)

// envCollecting makes this test program act as a worker over a folder that never comes to the end of collecting.
const envCollecting = "SLUICE_TEST_COLLECTING"

// endless is an engine whose containers leave more and more.
type endless struct{ in string }

func (e endless) Prepare(context.Context, sandbox.Run) (string, error) { return e.in, nil }

func (endless) Run(context.Context, sandbox.Run) (sandbox.Outcome, error) {
	return sandbox.Success, nil
}

func (endless) Collect(ctx context.Context, _ sandbox.Run, fn func(string, int64, io.Reader) error) error {
	err := fn("part-0001.parquet", 4, strings.NewReader("rows"))
	fmt.Println("collected")
	<-ctx.Done()
	return err
}

func (endless) Remove(context.Context, sandbox.Run) error { return nil }

// looking is a queue that is empty, and tells with each claim what lies in a folder then.
type looking struct {
	counting
	dir   string
	found chan []os.DirEntry
}

func (q looking) Claim(context.Context, string, []byte, time.Duration, []task.Runtime) (postgres.Claimed, bool, error) {
	lying, err := os.ReadDir(q.dir)
	select {
	case q.found <- lying:
	default:
	}
	return postgres.Claimed{}, false, err
}

// over is a worker over a folder.
func over(dir string, q sandbox.Queue, e sandbox.Engine) *sandbox.Worker {
	return &sandbox.Worker{
		Queue: q, Engine: e, Dir: dir, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Lease: time.Minute, Beat: time.Second, Pause: time.Millisecond,
	}
}

// next has another worker serve a folder until it claims, and tells what lies there then.
func next(t *testing.T, dir string) ([]os.DirEntry, error) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	q := looking{dir: dir, found: make(chan []os.DirEntry, 1)}
	served := make(chan error, 1)
	go func() { served <- over(dir, q, nil).Serve(ctx) }()
	select {
	case err := <-served:
		return nil, err
	case lying := <-q.found:
		stop()
		return lying, <-served
	}
}

// A worker that is killed leaves rows in the open. The next one deletes them before it claims anything, and nobody who
// shares the folder meanwhile.
func TestKilledWorkersLeaveNothing(t *testing.T) {
	if dir := os.Getenv(envCollecting); dir != "" {
		q := &oneLetter{letter: []byte(`{"kind": "check", "check": {}}`), keys: []byte("{}")}
		t.Fatal(over(dir, q, endless{t.TempDir()}).Serve(t.Context()))
	}
	dir := t.TempDir()
	rows := func() []string {
		found, err := filepath.Glob(filepath.Join(dir, "*", "*", "part-0001.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	first := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^TestKilledWorkersLeaveNothing$")
	first.Env = append(os.Environ(), envCollecting+"="+dir)
	told, err := first.StdoutPipe()
	if err == nil {
		err = first.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(told).ReadString('\n'); line != "collected\n" {
		t.Fatalf("the worker says %q, %v", line, err)
	}
	if _, err := next(t, dir); err == nil || !strings.Contains(err.Error(), "another worker") {
		t.Errorf("a second worker in the folder: %v", err)
	}
	if left := rows(); len(left) != 1 {
		t.Fatalf("the worker has collected %v", left)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // killed
	if left := rows(); len(left) != 1 {
		t.Fatalf("the killed worker left %v: nothing is shown", left)
	}
	if left, err := next(t, dir); err != nil || len(left) > 0 {
		t.Errorf("the next worker claims beside %v, %v", left, err)
	}
}

// A piece under way keeps its folder, named by its claim, when another begins; what is of none goes.
func TestOnlyPiecesUnderWayHaveFolders(t *testing.T) {
	t.Parallel()
	r, e := newRecord(t), newLasting(t)
	w, _ := r.worker(e)
	stray := filepath.Join(w.Dir, "work-1")
	if err := os.Mkdir(stray, 0o700); err != nil {
		t.Fatal(err)
	}
	first := once(t, w)
	<-e.began
	r.exec("insert into work (id, kind, subject, org, letter, state, queued_at) select gen_random_uuid(), kind, subject, org, letter, 'queued', now() from work")
	second := once(t, w)
	<-e.began
	lying, err := os.ReadDir(w.Dir)
	if err != nil || len(lying) != 2 {
		t.Fatalf("beside two pieces there is %v, %v", lying, err)
	}
	if own, err := filepath.Glob(filepath.Join(w.Dir, r.id+"-1-*")); err != nil || len(own) != 1 {
		t.Errorf("the first piece has %v among %v, %v", own, lying, err)
	}
	close(e.well)
	for _, done := range []<-chan error{first, second} {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if lying, err := os.ReadDir(w.Dir); err != nil || len(lying) > 0 {
		t.Errorf("after the work there is %v, %v", lying, err)
	}
}

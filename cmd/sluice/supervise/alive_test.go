package supervise

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A guarded program that hangs is ended with all it left, and started again; one that misses a question and then
// answers is left alone.
func TestPartThatHangsIsEndedAndStartedAgain(t *testing.T) {
	journal := journalIn(t)
	var asked, hangs atomic.Int64
	hanging := part(journal, "guard-leaving", "g")
	hanging.Alive = func(context.Context) error {
		stopped := pids(t, journal, "g-program")[0]
		if n := asked.Add(1); n%silences != 0 || hangs.Load() > 0 && !gone(stopped) {
			return errors.New("silent")
		}
		return nil
	}
	config := Config{
		Parts: []Part{hanging}, Logs: filepath.Dir(journal), Log: slog.New(slog.DiscardHandler), Now: time.Now, AskEvery: 10 * time.Millisecond,
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r := &running{stop: stop, up: make(chan struct{}), err: make(chan error, 1)}
	go func() { r.err <- Run(ctx, config, func() { close(r.up) }) }()
	r.waitUp(t)
	eventually(t, "many questions", func() bool { return asked.Load() > 5*silences })
	first, left := pids(t, journal, "g-program"), pids(t, journal, "g-left")
	if len(first) != 1 || len(left) != 1 {
		t.Fatalf("started %d times though it answered now and then", len(first))
	}
	if err := syscall.Kill(first[0], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	hangs.Store(1)
	eventually(t, "a second start", func() bool { return len(pids(t, journal, "g-program")) == 2 })
	for _, pid := range append(first, left...) {
		if !gone(pid) {
			t.Errorf("process %d of the one that hung still runs", pid)
		}
	}
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
}

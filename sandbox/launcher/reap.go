package launcher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sluicedata/sluice/sandbox"
)

// reapEvery is how often a serving launcher looks for what nobody will remove any more.
const reapEvery = 20 * time.Second

// holder is the process that prepared a run. The zero holder is this process itself.
type holder struct {
	pid   int
	since string // start of the process in clock ticks since boot: ids are used again
}

// holderKey is the key of a holder in a connection's context.
type holderKey struct{}

// holding remembers who is at the other end of a connection.
func holding(ctx context.Context, conn net.Conn) context.Context {
	who, err := peer(conn)
	if err != nil {
		return ctx // the listener has asked before, and refuses whom the kernel does not name
	}
	since, _ := started(int(who.Pid))
	return context.WithValue(ctx, holderKey{}, holder{pid: int(who.Pid), since: since})
}

func holderOf(ctx context.Context) holder {
	h, _ := ctx.Value(holderKey{}).(holder)
	return h
}

// gone tells whether the process has ended. One that only waits for its parent has.
func (h holder) gone() bool {
	if h.pid == 0 {
		return false
	}
	since, running := started(h.pid)
	return !running || since != h.since
}

// started reads when a process was started: field 22 of proc_pid_stat(5), whose second may hold anything.
func started(pid int) (since string, running bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const state, start = 0, 19
	if len(fields) <= start || bytes.ContainsAny(fields[state], "ZX") {
		return "", false
	}
	return string(fields[start]), true
}

// reaping reaps until ctx ends.
func (l *Launcher) reaping(ctx context.Context) {
	tick := time.NewTicker(l.opt.ReapEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := l.Reap(ctx); err != nil && ctx.Err() == nil {
			l.opt.Log.Warn("reaping failed and is tried again", "error", err)
		}
	}
}

// Reap removes what no live job has any more: runs whose worker has ended, runs whose removal has failed, and
// containers, mounts and directories of no known run.
func (l *Launcher) Reap(ctx context.Context) error {
	strays, err := l.strays(ctx)
	for _, r := range append(l.abandoned(), strays...) {
		l.opt.Log.Info("reaping a run", "work", r.key.Work, "fence", r.key.Fence, "step", r.key.Step)
		err = errors.Join(err, l.remove(ctx, r))
	}
	return err
}

// abandoned are known runs that nobody will ask for again.
func (l *Launcher) abandoned() []*run {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []*run
	for _, r := range l.runs {
		if r.is(removed) || r.holder.gone() {
			found = append(found, r)
		}
	}
	return found
}

// strays takes over every run of which there is something on the machine and nothing in memory.
func (l *Launcher) strays(ctx context.Context) ([]*run, error) {
	held, err := l.engine.List(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]sandbox.Run, 0, len(held))
	for _, h := range held {
		keys = append(keys, sandbox.Run{Work: h.Work, Fence: h.Fence, Step: h.Step})
	}
	folders, err := l.folders()
	if err != nil {
		return nil, err
	}
	var found []*run
	for _, key := range append(keys, folders...) {
		if r, stray := l.adopt(key); stray {
			found = append(found, r)
		}
	}
	return found, nil
}

// folders lists the runs that have a directory.
func (l *Launcher) folders() ([]sandbox.Run, error) {
	dir, err := l.base.Open(".")
	if err != nil {
		return nil, fmt.Errorf("reading the directory of runs: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the directory of runs: %w", err)
	}
	var found []sandbox.Run
	for _, each := range names {
		if key, ok := parseName(each); ok {
			found = append(found, key)
		}
	}
	return found, nil
}

// adopt registers a run that is not known, whatever its fence: from then on nobody else can use its name, until it
// is removed. What is known is not a stray.
func (l *Launcher) adopt(key sandbox.Run) (*run, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for other := range l.runs {
		if name(other) == name(key) {
			return nil, false
		}
	}
	r := &run{key: key, state: broken}
	l.runs[key] = r
	return r, true
}

// parseName is the reverse of name. The verb is not in it.
func parseName(dir string) (key sandbox.Run, ok bool) {
	parts := strings.Split(dir, "-")
	if len(parts) < 3 {
		return key, false
	}
	work := len(parts) - 2
	fence, err := strconv.ParseInt(parts[work], 10, 64)
	step, wrong := strconv.Atoi(parts[work+1])
	key = sandbox.Run{Work: strings.Join(parts[:work], "-"), Fence: fence, Step: step}
	return key, err == nil && wrong == nil && name(key) == dir
}

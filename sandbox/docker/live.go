package docker

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"
)

// A running container is looked at every liveEvery. The engine has lost it after liveMisses looks in a row that did
// not show it running: one may fall between its end and the engine's word for it, or into a busy moment.
const (
	liveEvery  = 5 * time.Second
	liveMisses = 2
)

// watch closes its channel when the engine does not stand for a running container any more. Waiting for its end is not
// enough: an engine that hangs never tells it, and one whose disk was full calls a container up for ever though its
// process has ended. It looks until ctx ends, at most liveMisses × (liveEvery + askWithin) behind what happened.
func (e *Engine) watch(ctx context.Context, id string) <-chan struct{} {
	lost := make(chan struct{})
	go func() {
		tick := time.NewTicker(liveEvery)
		defer tick.Stop()
		for misses := 0; misses < liveMisses; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			misses++
			if e.stands(ctx, id) {
				misses = 0
			}
		}
		close(lost)
	}()
	return lost
}

// stands tells whether the engine answers within askWithin that a container runs, and its process is there. The engine
// shares this machine's process ids, as it shares its mounts.
func (e *Engine) stands(ctx context.Context, id string) bool {
	seen, err := e.Inspect(ctx, id)
	return err == nil && seen.State != nil && seen.State.Running && exists(seen.State.Pid)
}

// exists tells whether a process has not ended. One that only waits for its parent has, unless threads of it are left:
// proc_pid_stat(5) has the state behind the program's name, which may hold anything.
func exists(pid int) bool {
	if threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid)); err != nil || len(threads) > 1 {
		return err == nil
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	state := bytes.TrimSpace(stat[bytes.LastIndexByte(stat, ')')+1:])
	return !bytes.HasPrefix(state, []byte("Z")) && !bytes.HasPrefix(state, []byte("X"))
}

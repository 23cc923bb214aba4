package supervise

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// orphans keeps the children we started apart from those we inherited: the parts' own children whose parents
// are gone. With adopt, they come to us instead of the machine's first process, so that they can be ended.
type orphans struct {
	mu    sync.Mutex
	known map[int]bool
}

func newOrphans() *orphans { return &orphans{known: map[int]bool{}} }

// start starts cmd; its process id is known before anybody can collect it.
func (o *orphans) start(cmd *exec.Cmd) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	o.known[cmd.Process.Pid] = true
	return nil
}

// forget is called once a child of ours was waited for.
func (o *orphans) forget(pid int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.known, pid)
}

// adopt makes this process the parent of orphaned descendants and collects those that end, until ctx does.
func (o *orphans) adopt(ctx context.Context) error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		defer signal.Stop(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-ended:
				o.collect()
			}
		}
	}()
	return nil
}

// collect waits for every child that has ended and is not one we started.
func (o *orphans) collect() {
	o.mu.Lock()
	defer o.mu.Unlock()
	self := os.Getpid()
	for _, p := range processes() {
		if p.parent == self && p.ended && !o.known[p.pid] {
			_, _ = unix.Wait4(p.pid, nil, unix.WNOHANG, nil)
		}
	}
}

// sweep kills whatever still descends from us, until nothing does or ctx ends.
func (o *orphans) sweep(ctx context.Context) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		o.collect()
		left := descendants(os.Getpid(), processes())
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// entry is one line of the process table.
type entry struct {
	pid, parent int
	ended       bool // but not waited for
}

// processes reads the process table. Processes that end meanwhile are left out.
func processes() []entry {
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	var all []entry
	for _, path := range paths {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if e, ok := parseStat(stat); ok {
			all = append(all, e)
		}
	}
	return all
}

// parseStat reads process id, state and parent of a stat line (proc(5)). The name, in parentheses, may hold
// anything.
func parseStat(line []byte) (entry, bool) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return entry{}, false
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(line[:open])))
	fields := bytes.Fields(line[end+1:])
	if err != nil || len(fields) < 2 {
		return entry{}, false
	}
	parent, err := strconv.Atoi(string(fields[1]))
	return entry{pid: pid, parent: parent, ended: fields[0][0] == 'Z'}, err == nil
}

// descendants returns every process below root.
func descendants(root int, all []entry) []int {
	children := map[int][]int{}
	for _, e := range all {
		children[e.parent] = append(children[e.parent], e.pid)
	}
	var found []int
	for queue := children[root]; len(queue) > 0; queue = queue[1:] {
		found = append(found, queue[0])
		queue = append(queue, children[queue[0]]...)
	}
	return found
}

//go:build faults

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/gateway/wire"
)

// breakage is a system call of a part that fails, or in which the part dies.
type breakage struct {
	part string // "postgres" is every process of the server
	call string // as strace names it; several with commas
	how  string // of strace's inject=
}

// breakages lists every call by which the store and the log's database make something durable. The log's tiles lie in
// the store, its entries and places in the database.
func breakages() []breakage {
	var all []breakage
	for _, b := range []breakage{
		{"store", "openat", ""}, {"store", "write,pwrite64", ""}, {"store", "linkat,renameat,renameat2", ""},
		{"store", "fsync,fdatasync,syncfs", ""}, {"store", "fsetxattr,setxattr", ""},
		{"postgres", "pwrite64,pwritev", ""}, {"postgres", "fsync,fdatasync", ""}, {"postgres", "openat", ""},
	} {
		for _, how := range []string{"error=EIO", "error=ENOSPC", "signal=SIGKILL"} {
			b.how = how
			all = append(all, b)
		}
	}
	return all
}

// mostCalls bounds how many calls of a kind are broken one after the other: what a part writes behind an act.
const mostCalls = 4

// TestBrokenIO breaks every file call of the store and of the database in turn, the first, the second and so on until
// an act passes that meets no broken one. Whoever got an answer finds what was answered.
func TestBrokenIO(t *testing.T) {
	d := newDrill(t, filepath.Join(t.TempDir(), "data"))
	for _, b := range breakages() {
		t.Run(strings.Join([]string{b.part, b.call, b.how}, " "), func(t *testing.T) {
			defer d.in(t)()
			met := 0
			for n := 1; n <= mostCalls && d.broken(b, n); n++ {
				met++
			}
			d.endsWell()
			tell(t, fmt.Sprintf("%s: %s of %s", b.part, b.how, b.call), fmt.Sprintf("%d calls broken, nothing lost", met))
		})
	}
}

// broken has people act while the nth call of a kind is broken, and tells whether any was.
func (d *drill) broken(b breakage, n int) (met bool) {
	d.t.Helper()
	d.breathe(1)
	pids := []int{d.pid(b.part)}
	if b.part == "postgres" {
		children, err := childrenOf(pids[0])
		must(d.t, err)
		pids = append(pids, children...)
	}
	log := filepath.Join(d.dir, "strace.log")
	args := []string{"-f", "-o", log, "-e", "trace=" + b.call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", b.call, b.how, n)}
	for _, pid := range pids {
		args = append(args, "-p", strconv.Itoa(pid))
	}
	cmd := exec.CommandContext(d.ctx, "strace", args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	must(d.t, cmd.Start())
	done := make(chan struct{})
	go func() { defer close(done); _ = cmd.Wait() }() // one that lost its processes has ended by itself
	d.await("strace", func() (bool, error) { return traced(pids), nil })
	defer func() {
		if now, _ := findPart(d.up.cmd.Process.Pid, b.part); now != pids[0] {
			d.crash()
		}
	}()
	ctx, passed := context.WithCancel(d.ctx)
	gone := make(chan struct{})
	go func() { // what the part starts anew must not meet the broken call again
		defer close(gone)
		for !injected(log) && pause(ctx, pollEach) == nil {
		}
		_ = cmd.Process.Signal(syscall.SIGINT)
		select { // it can miss that while all its processes die, and then nobody learns of their end
		case <-done:
		case <-time.After(detaches):
			_ = cmd.Process.Kill()
		}
	}()
	defer func() { passed(); <-gone; <-done }()
	d.acts()
	return injected(log)
}

// detaches is how long strace may take to let its processes go.
const detaches = 5 * time.Second

// pollEach is how often a drill looks whether something has broken.
const pollEach = 5 * time.Millisecond

// injected tells of strace's log whether a call was broken.
func injected(log string) bool {
	seen, err := os.ReadFile(log)
	return err == nil && (bytes.Contains(seen, []byte("(INJECTED)")) || bytes.Contains(seen, []byte("killed by SIGKILL")))
}

// traced tells whether processes have a tracer or are gone: proc_pid_status(5).
func traced(pids []int) bool {
	for _, pid := range pids {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err == nil && bytes.Contains(status, []byte("TracerPid:\t0\n")) {
			return false
		}
	}
	return true
}

// acts has the department send a file: bytes for the store, entries for the log. It must be there whole afterwards.
func (d *drill) acts() {
	d.t.Helper()
	body := make([]byte, 64<<10)
	_, err := rand.Read(body)
	must(d.t, err)
	up, err := d.steward.Uploads.Start(d.ctx, wire.UploadSpec{Dataset: slug, Size: int64(len(body))})
	must(d.t, err)
	_, err = d.steward.Uploads.SendChunk(d.ctx, up.ID, 1, body)
	must(d.t, err)
	sum := wire.Sum{Size: int64(len(body)), Digest: name.DigestOf(body)}
	_, err = d.steward.Uploads.Complete(d.ctx, up.ID, sum)
	must(d.t, err)
	// Entries wait for their place no longer than the store is away.
	d.await("every entry's place", func() (bool, error) { return d.asked("select count(*) from trace_pending") == "0", nil })
}

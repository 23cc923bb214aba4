package docker

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Reap kills what a stopped engine left running: a container whose start failed keeps its shim, and one whose
// engine was killed keeps everything. Call it only when the engine's own process has ended.
func (d Daemon) Reap() error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return fmt.Errorf("listing processes: %w", err)
	}
	for _, entry := range entries {
		pid, notProcess := strconv.Atoi(entry.Name())
		if notProcess != nil || !d.owns(pid) {
			continue
		}
		if kill := syscall.Kill(pid, syscall.SIGKILL); kill != nil && !errors.Is(kill, syscall.ESRCH) {
			err = errors.Join(err, fmt.Errorf("killing an orphan: %w", kill))
		}
	}
	return err
}

// owns tells whether a process is a part of this engine: one of its programs, told of a path in its state
// directory. A process that ends meanwhile is nobody's.
func (d Daemon) owns(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return false
	}
	var args []string
	for _, arg := range bytes.Split(raw, []byte{0}) {
		args = append(args, string(arg))
	}
	programs := []string{"containerd", "containerd-shim-runc-v2", "runsc-sandbox", "runsc-gofer"}
	return slices.Contains(programs, filepath.Base(args[0])) &&
		slices.ContainsFunc(args[1:], func(arg string) bool { return strings.Contains(arg, d.exec()+"/") })
}

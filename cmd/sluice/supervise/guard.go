package supervise

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// Guard runs a program that knows nothing of a supervisor: when ctx ends (a signal, or the end of the
// supervisor), the program gets the stop signal, and Guard returns when it has ended and nothing it left runs: an
// engine's containers are held by processes that would outlive it. A guard killed outright takes the program with
// it. Guard must be the last thing its process does.
func Guard(ctx context.Context, stop syscall.Signal, argv []string) error {
	kin := newOrphans()
	guarding, done := context.WithCancel(context.WithoutCancel(ctx))
	defer done()
	if err := kin.adopt(guarding); err != nil {
		return texts.Wrong("part.orphans").Because(err)
	}
	defer EndBelow()
	// Pdeathsig follows the thread that starts the program: keep it for this goroutine and wait here.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = withoutMark(os.Environ())
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := kin.start(cmd); err != nil {
		return texts.Wrong("part.starting", "part", argv[0]).Because(err)
	}
	ended := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(stop) })
	err := cmd.Wait()
	if !ended() && isEnd(err) {
		return nil
	}
	if err != nil {
		return texts.Wrong("part.running", "part", argv[0]).Because(err)
	}
	return texts.Wrong("part.ended_itself")
}

// belowPatience is how long what was killed may take to be gone.
const belowPatience = 2 * time.Second

// EndBelow kills whatever descends from this process and returns when nothing does, or after two seconds.
func EndBelow() {
	ctx, cancel := context.WithTimeout(context.Background(), belowPatience)
	defer cancel()
	newOrphans().sweep(ctx)
}

// isEnd says whether err is only about the way a program ended, which a stop signal may colour.
func isEnd(err error) bool {
	var exit *exec.ExitError
	return err == nil || errors.As(err, &exit)
}

// withoutMark drops the mark of supervised children: the program has no pipes.
func withoutMark(env []string) []string {
	var kept []string
	for _, pair := range env {
		if !strings.HasPrefix(pair, envSupervised+"=") {
			kept = append(kept, pair)
		}
	}
	return kept
}

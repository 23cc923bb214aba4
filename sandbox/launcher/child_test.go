package launcher_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// envChild makes this test program act as a process of another uid: "act path".
const envChild = "SLUICE_TEST_CHILD"

const (
	workerUID = 64001
	otherUID  = 64002
)

// child is what such a process does; its outcome is one line on standard output.
func child(act string) int {
	verb, path, _ := strings.Cut(act, " ")
	switch verb {
	case "prepare":
		c := launcher.Dial(path)
		_, err := c.Prepare(context.Background(), newRun())
		fmt.Println(err)
	case "connect":
		conn, err := net.Dial("unix", path)
		if err == nil {
			conn.Close()
		}
		fmt.Println(err)
	case "list":
		_, err := os.ReadDir(path)
		fmt.Println(err)
	}
	return 0
}

// as runs this program again under another uid and returns what it says.
func as(t *testing.T, uid uint32, act string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{envChild + "=" + act}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	cmd.Dir = "/"
	told, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("running as uid %d: %v\n%s", uid, err, told)
	}
	return strings.TrimSpace(string(told))
}

func TestOnlyTheWorkerIsAnswered(t *testing.T) {
	b := serve(t, launcher.Options{
		Runner: dockertest.Program(t, "./testdata/probe"), WorkerUID: workerUID, WorkerGID: workerUID,
	})
	if got := as(t, workerUID, "prepare "+b.socket); got != "<nil>" {
		t.Errorf("the worker got %q", got)
	}
	if got := as(t, otherUID, "prepare "+b.socket); !strings.Contains(got, "permission denied") {
		t.Errorf("another uid got %q from the socket's mode", got)
	}
	// With the mode out of the way the peer's uid alone must do, for root as well.
	if err := os.Chmod(b.socket, 0o666); err != nil {
		t.Fatal(err)
	}
	if got := as(t, otherUID, "prepare "+b.socket); got == "<nil>" || strings.Contains(got, "permission denied") {
		t.Errorf("another uid got %q from the peer check", got)
	}
	if got := as(t, 0, "prepare "+b.socket); got == "<nil>" {
		t.Errorf("root got %q", got)
	}
}

func TestTheWorkerCannotReachTheEngine(t *testing.T) {
	b := serve(t, launcher.Options{
		Runner: dockertest.Program(t, "./testdata/probe"), WorkerUID: workerUID, WorkerGID: workerUID,
	})
	for _, uid := range []uint32{workerUID, otherUID} {
		if got := as(t, uid, "connect "+b.opt.Engine); !strings.Contains(got, "permission denied") {
			t.Errorf("uid %d opening the engine's socket: %q", uid, got)
		}
		if got := as(t, uid, "list "+b.opt.Base); !strings.Contains(got, "permission denied") {
			t.Errorf("uid %d listing the runs: %q", uid, got)
		}
	}
}

//go:build attack

package attack

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
)

// canary is in the environment of the engine and of the launcher: no job may see it.
const canary = "canary-of-the-environment"

func TestMain(m *testing.M) {
	if err := os.Setenv("SLUICE_ATTACK_SECRET", canary); err != nil {
		os.Exit(1)
	}
	os.Exit(dockertest.Main(m))
}

// runtime is one row of what is attacked.
type runtime struct {
	name task.Runtime
	// devices is all that may lie in /dev: what is not harmless everywhere is harmless here for a reason.
	devices string
}

// runtimes are those jobs may run under. fuse and net/tun of gVisor are its own: mount and network tries use them.
func runtimes() []runtime {
	return []runtime{
		{name: task.GVisor, devices: "char char/10:200 char/10:229 char/1:3 char/1:5 char/1:7 char/1:8 char/1:9 char/5:0 fd full fuse net net/tun null ptmx pts pts/ptmx random shm stderr stdin stdout tty urandom zero"},
		{name: task.Runc, devices: "core fd full mqueue null ptmx pts pts/ptmx random shm stderr stdin stdout tty urandom zero"},
	}
}

// bounds are those of a job under attack: small, so that each is reached in no time.
func bounds() docker.Limits {
	return docker.Limits{Memory: 256 << 20, Wall: 2 * time.Minute, OutBytes: 4 << 20, OutFiles: 1024, Scratch: 8 << 20}
}

// families are all cases of the container, in the threat model's order.
func families(r runtime) []family {
	return slices.Concat(reach(), walls(r), floods(), outputs(), endings(), strangers())
}

// TestAttacks plays every family under every runtime that passes the self-test. gVisor must; another that does not is
// in the table with what broke it: no job runs under it.
func TestAttacks(t *testing.T) {
	var all table
	t.Cleanup(func() { all.print(t) })
	for _, r := range runtimes() {
		t.Run(string(r.name), func(t *testing.T) {
			if p := proved(t, r); !p.Holds() {
				all.add("self-test", "", string(r.name), fmt.Sprint("takes no runs: ", p.Broken()), "refused")
				return
			}
			s := open(t, r)
			for _, f := range families(r) {
				t.Run(f.id, func(t *testing.T) { s.play(t, f, &all) })
			}
		})
	}
}

// verb of every job under attack: the author's code runs under it.
const verb = task.SQL

// Package deploy holds what is outside the product: setup, images, demo, documents.
package deploy

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// setup runs the script, changed by replacements, as a user without rights.
func setup(t *testing.T, replace ...string) (said string, code int) {
	t.Helper()
	source, err := os.ReadFile("setup.sh")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "setup")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	script := filepath.Join(folder, "setup.sh")
	changed := strings.NewReplacer(replace...).Replace(string(source))
	if err := os.WriteFile(script, []byte(changed), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", script)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

func TestSetupIsSilentWhenNothingIsMissing(t *testing.T) {
	if said, code := setup(t); said != "" || code != 0 {
		t.Errorf("got %d %q", code, said)
	}
}

func TestSetupWithoutRootShowsTheCommands(t *testing.T) {
	said, code := setup(t, "sluice-keeper\"", "sluice-keeper sluice-absent\"", `PACKAGES="`, `PACKAGES="no-such-package `,
		"RUNSC_DIR=/usr/local/lib/sluice", "RUNSC_DIR=/nonexistent")
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range []string{
		"not root", "apt-get install -q -y --no-install-recommends no-such-package\n", "useradd --system", "sluice-absent",
		"deploy/gvisor/build.sh /nonexistent v0.0.0-",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("said %q, want %q in it", said, want)
		}
	}
}

// TestTheFilterIsOfTheRuntime: gVisor is built with the filter that was compiled from that very version, and is built again when
// either changes.
func TestTheFilterIsOfTheRuntime(t *testing.T) {
	script, err := os.ReadFile("setup.sh")
	if err != nil {
		t.Fatal(err)
	}
	filter, err := os.ReadFile("gvisor/filter.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^RUNSC_VERSION=(\S+)$`).FindSubmatch(script)
	if version == nil || !strings.HasPrefix(string(filter), "// Made by build.sh from gVisor "+string(version[1])+", ") {
		t.Errorf("the filter is not of gVisor %s: run gvisor/build.sh pin", version[1])
	}
	if digest := fmt.Sprintf("RUNSC_FILTER=%.6x ", sha256.Sum256(filter)); !strings.Contains(string(script), digest) {
		t.Errorf("setup.sh does not have %q", digest)
	}
}

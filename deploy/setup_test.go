// Package deploy holds what is outside the product: setup, images, demo, documents.
package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
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
		"GOBIN=/nonexistent go install gvisor.dev/gvisor/runsc@v0.0.0-",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("said %q, want %q in it", said, want)
		}
	}
}

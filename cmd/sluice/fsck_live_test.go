package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/fsck"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// forked has a witness who saw another history under the log's own key: its second entry first, and nothing else.
func forked(t *testing.T, s *fsck.Source) {
	var second postgres.Leaf
	err := s.DB.InTx(t.Context(), func(tx *postgres.Tx) (err error) {
		second, err = tx.LeafAt(t.Context(), 1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	head, err := otherLog(t, s).Append(t.Context(), 0, [][]byte{second.Leaf})
	if err != nil {
		t.Fatal(err)
	}
	s.Witness = head.Note
}

// otherLog is an empty log under the key of an instance's own.
func otherLog(t *testing.T, s *fsck.Source) *trace.Sequencer {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.Data, "keeper", "keys", string(keyring.Checkpoint)+".key"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := keyring.Parse(raw, keyring.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	private, err := key.Signing()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := trust.Verify(s.Trust, s.Root)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := trace.NewSigner(doc.Origin, private)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := tilestore.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	return trace.NewSequencer(folder, signer)
}

// TestFsckSeesTheLaunchersContainers: a container labelled as the launcher of a running instance labels its own is among
// those that fsck looks at.
func TestFsckSeesTheLaunchersContainers(t *testing.T) {
	data := dataFolder(t)
	s := startUp(t, data)
	defer s.stop(t)
	layout := layoutOf(t, data)
	told, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.pid(t, "launcher")))
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Split(string(told), "\x00")
	home := words[slices.Index(words, "--home")+1]
	engine := "docker -H unix://" + filepath.Join(layout.Run, "docker", "engine.sock")
	const work = "00000000-0000-7000-8000-000000000000"
	labels := "--label sluice.work=" + work + " --label sluice.fence=1 --label sluice.step=1 --label sluice.owner=" + launcher.Owner(filepath.Join(home, "runs"))
	made, err := exec.CommandContext(t.Context(), "sh", "-ec", engine+" create --network none "+labels+" $(tar -cf - -T /dev/null | "+engine+" import -) x").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, made)
	}
	e, err := engineOf(t.Context(), config.Default(), layout)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := containersOf(t.Context(), e)
	own := func(c fsck.Container) bool {
		return c.ID == strings.TrimSpace(string(made)) && c.Work == work && c.Fence == 1 && time.Since(c.Since) < time.Hour
	}
	if err := errors.Join(err, e.Close()); err != nil || !slices.ContainsFunc(seen, own) { // a self-test's may be there too
		t.Errorf("fsck sees %v, and not %s: %v", seen, made, err)
	}
}

// unsigned has a witness whose checkpoint nobody signed.
func unsigned(_ *testing.T, s *fsck.Source) { s.Witness = "sluice\n1\nAAAA\n" }

// strayContainer has the engine hold a container whose work nobody has.
func strayContainer(_ *testing.T, s *fsck.Source) {
	s.Live = &fsck.Live{
		Answers: func(context.Context) bool { return true },
		Containers: func(context.Context) ([]fsck.Container, error) {
			return []fsck.Container{{ID: "0123456789ab", Work: "00000000-0000-7000-8000-000000000000", Fence: 1}}, nil
		},
	}
}

// silentGateway has a gateway that does not answer.
func silentGateway(_ *testing.T, s *fsck.Source) {
	s.Live = &fsck.Live{Answers: func(context.Context) bool { return false }}
}

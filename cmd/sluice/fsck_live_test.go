package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/cmd/sluice/fsck"
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

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/destruction"
)

func ledgerEntry(text string) destruction.Package {
	return destruction.Package{Certificate: json.RawMessage(`"` + text + `"`), Proof: json.RawMessage("{}"), Trust: json.RawMessage("{}")}
}

// The ledger beside the backups only grows: what another backup wrote into it stays, and nothing stands there twice.
func TestLedgerGrows(t *testing.T) {
	path := ledgerBeside(filepath.Join(t.TempDir(), "backup.tar"))
	for _, recorded := range [][]destruction.Package{{}, {ledgerEntry("a")}, {ledgerEntry("b")}, {ledgerEntry("a"), ledgerEntry("c")}} {
		if err := growLedger(path, recorded); err != nil {
			t.Fatal(err)
		}
	}
	all, err := readLedger(path)
	var have []string
	for _, pkg := range all {
		have = append(have, string(pkg.Certificate))
	}
	if got := strings.Join(have, " "); err != nil || got != `"a" "b" "c"` {
		t.Errorf("it holds %s, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := growLedger(path, nil); err == nil {
		t.Error("a ledger that cannot be read was written over")
	}
}

// A restore needs to be told what was destroyed since; that nothing was is for somebody to say.
func TestRestoreNeedsALedger(t *testing.T) {
	backup := filepath.Join(t.TempDir(), "backup")
	if err := os.Mkdir(backup, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := restoreLedger(restoreOptions{from: backup}, backup); err == nil {
		t.Error("restored without a ledger")
	}
	if _, err := restoreLedger(restoreOptions{from: backup, ledger: backup + ".nowhere"}, backup); err == nil {
		t.Error("restored with a ledger that is not there")
	}
	if all, err := restoreLedger(restoreOptions{from: backup, ledger: os.DevNull}, backup); err != nil || len(all) != 0 {
		t.Errorf("an empty ledger: %d, %v", len(all), err)
	}
	if err := growLedger(ledgerBeside(backup), []destruction.Package{ledgerEntry("a")}); err != nil {
		t.Fatal(err)
	}
	if err := growLedger(filepath.Join(backup, ledgerFile), []destruction.Package{ledgerEntry("b")}); err != nil {
		t.Fatal(err)
	}
	if all, err := restoreLedger(restoreOptions{from: backup}, backup); err != nil || len(all) != 2 {
		t.Errorf("the backup's own and the one beside it: %d, %v", len(all), err)
	}
	if _, err := verifiedLedger([]destruction.Package{ledgerEntry("a")}, "sluice/test", make([]byte, 32)); err == nil {
		t.Error("what is no certificate verifies")
	}
}

package flow_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/image"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/catalog/upload"
)

var update = flag.Bool("update", false, "write deploy/docs/states.md anew")

// tables lists the table of every noun; a new one is added here.
func tables() []flow.Table {
	return []flow.Table{
		org.Flow(), org.MemberFlow(), org.KeyFlow(), org.IdentityFlow(), dataset.Flow(), dataset.VersionFlow(), dataset.TwinFlow(), upload.Flow(),
		registration.Flow(), registration.RecordFlow(), agreement.Flow(), grant.Flow(), job.Flow(), job.DebugFlow(), job.CheckFlow(),
		output.Flow(), output.RequestFlow(), release.Flow(), destruction.Flow(), image.Flow(),
	}
}

func TestEveryTableHolds(t *testing.T) {
	nouns := map[string]bool{}
	for _, table := range tables() {
		if err := table.Validate(); err != nil {
			t.Error(err)
		}
		if nouns[table.Noun] {
			t.Errorf("two tables of %s", table.Noun)
		}
		nouns[table.Noun] = true
	}
}

// Every pair of state and act is tried: it moves exactly when a row says so.
func TestOnlyRowsMove(t *testing.T) {
	for _, table := range tables() {
		rows := map[[2]string]flow.State{}
		for _, m := range table.Moves {
			rows[[2]string{string(m.From), m.Act}] = m.To
		}
		for _, from := range append([]flow.State{flow.None, "unknown"}, table.States...) {
			for _, m := range table.Moves {
				want, ok := rows[[2]string{string(from), m.Act}]
				if to, err := table.Check(from, m.Act); (err == nil) != ok || to != want {
					t.Errorf("%s: %s from %q gave %q, %v", table.Noun, m.Act, from, to, err)
				}
			}
		}
	}
}

// deploy/docs/states.md is made from the tables: go test ./catalog/flow -update.
func TestStatesDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString("# States\n\nMade from the transition tables by `go test ./catalog/flow -update`. A move that is not here is refused.\n")
	for _, table := range tables() {
		b.WriteString("\n" + table.Document())
	}
	path := filepath.Join("..", "..", "deploy", "docs", "states.md")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatalf("writing %s: %v", path, err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("reading %s: %v", path, err)
	}
	if diff := cmp.Diff(b.String(), string(have)); diff != "" {
		t.Fatalf("%s differs from the tables; run with -update (-want +got):\n%s", path, diff)
	}
}

package fsck

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/cmd/sluice/backup"
)

// What a run or a worker left is named, unless its work is claimed under that very fence.
func TestLeftovers(t *testing.T) {
	const (
		org    = "00000000-0000-7000-8000-000000000001"
		live   = "00000000-0000-7000-8000-000000000002"
		lapsed = "00000000-0000-7000-8000-000000000003"
		nobody = "00000000-0000-7000-8000-000000000004"
	)
	db := pgtest.New(t)
	pgtest.Exec(t, db.Owner, fmt.Sprintf(`insert into org (id, number, name, created_at) values ('%[1]s', 'ORG-0001', 'org', now());
		insert into work (id, kind, subject, org, letter, state, fence, lease_until, queued_at) values
		('%[2]s', 'check', '%[1]s', '%[1]s', '{}', 'claimed', 2, now() + interval '15 seconds', now()),
		('%[3]s', 'check', '%[1]s', '%[1]s', '{}', 'claimed', 1, now() - interval '2 minutes', now())`, org, live, lapsed))
	data := t.TempDir()
	s := Source{Target: backup.Target{DB: pgtest.Open(t, db.Owner)}, Data: data, Runs: filepath.Join(data, "launcher", "runs")}
	looked := func() Result {
		t.Helper()
		var r Result
		if err := leftovers(t.Context(), s, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := looked(); r.Looked > 0 || r.Findings > 0 {
		t.Errorf("in an instance that never worked: %+v", r)
	}
	left := []string{live + "-1-1", lapsed + "-1-1", nobody + "-1-1", "work-1"}
	for _, folder := range []string{s.Runs, filepath.Join(data, "worker", "collected")} {
		for _, each := range append([]string{live + "-2-1"}, left...) {
			if err := os.MkdirAll(filepath.Join(folder, each, "deeper"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	var want []Finding
	for _, where := range []string{"collected ", "run "} {
		for _, each := range left {
			want = append(want, Finding{where + each, "folder.left"})
		}
	}
	r := looked()
	slices.SortFunc(r.First, func(a, b Finding) int { return strings.Compare(a.Place, b.Place) })
	slices.SortFunc(want, func(a, b Finding) int { return strings.Compare(a.Place, b.Place) })
	if d := cmp.Diff(want, r.First); d != "" || r.Looked != 10 {
		t.Errorf("looked at %d (-want +got):\n%s", r.Looked, d)
	}
}

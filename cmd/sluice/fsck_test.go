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

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/cmd/sluice/fsck"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
)

// harm breaks one invariant of an instance, and mends it again.
type harm struct {
	tables      []string // kept aside meanwhile
	statement   string
	files       func(*testing.T, instance.Layout) (mend func())
	source      func(*testing.T, *fsck.Source)
	check, code string // what alone must find it
}

// TestFsck opens a small deployment with a release in it, breaks every invariant once, and sees that very check
// find it; then the command itself, over the running and the stopped instance.
func TestFsck(t *testing.T) {
	f := readFrozen(t, "../../deploy/frozen/0.1")
	f.thaw(t)
	layout := layoutOf(t, f.at.data)
	for _, r := range looked(t, layout, nil) {
		if r.Findings > 0 {
			t.Fatalf("%s finds %v where nothing is broken", r.Check, r.First)
		}
	}
	for _, h := range harms() {
		t.Run(h.check, func(t *testing.T) { h.isFound(t, layout) })
	}
	t.Run("command", func(t *testing.T) { fsckCommand(t, f.at) })
}

// looked does every check.
func looked(t *testing.T, layout instance.Layout, also func(*testing.T, *fsck.Source)) (results []fsck.Result) {
	t.Helper()
	err := withSource(t.Context(), layout, "", func(s fsck.Source) error {
		if also != nil {
			also(t, &s)
		}
		return fsck.Run(t.Context(), s, func(r fsck.Result) { results = append(results, r) })
	})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func (h harm) isFound(t *testing.T, layout instance.Layout) {
	for _, table := range h.tables {
		psql(t, layout.Data, fmt.Sprintf("create table kept_%s as table %s", table, table))
	}
	if h.statement != "" {
		psql(t, layout.Data, "set session_replication_role = replica; "+h.statement)
	}
	mend := func() {}
	if h.files != nil {
		mend = h.files(t, layout)
	}
	results := looked(t, layout, h.source)
	mend()
	for _, table := range h.tables {
		psql(t, layout.Data, fmt.Sprintf("set session_replication_role = replica; delete from %[1]s; insert into %[1]s table kept_%[1]s; drop table kept_%[1]s", table))
	}
	for _, r := range results {
		has := slices.ContainsFunc(r.First, func(f fsck.Finding) bool { return f.Code == h.code && f.Place != "" })
		if r.Check == h.check != (r.Findings > 0) || r.Check == h.check && !has {
			t.Errorf("%s: %d findings %v, want %s of %s alone", r.Check, r.Findings, r.First, h.code, h.check)
		}
	}
}

const otherDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// harms lists one for every check.
func harms() []harm {
	return []harm{
		{
			check: "release.votes", code: "votes.persons", tables: []string{"vote"},
			statement: "update vote set statement = jsonb_set(statement, '{decision}', '\"reject\"') where seat = 'agency'",
		},
		{check: "release.objects", code: "product.releases", files: strayProduct},
		{
			check: "release.bytes", code: "digest.reviewed", tables: []string{"output"},
			statement: "update output set digest = '" + otherDigest + "' where id in (select output from release)",
		},
		{check: "objects", code: "object.broken", files: alteredObject},
		{
			check: "trace.intents", code: "entry.missing", tables: []string{"decision"},
			statement: "insert into decision select gen_random_uuid(), request, allow, reasons, revision, at from decision limit 1",
		},
		{
			check: "destructions", code: "key.usable", tables: []string{"dataset_version"},
			statement: "update dataset_version set state = 'destroyed'",
		},
		{
			check: "trace.log", code: "log.broken", tables: []string{"trace_leaf"},
			statement: "update trace_leaf set salt = sha256(salt) where index = 1",
		},
		{check: "leftovers", code: "folder.left", files: strayRun},
		{check: "leftovers", code: "folder.left", files: strayRows},
		{
			check: "job.ends", code: "job.lost", tables: []string{"job"},
			statement: "update job set state = 'queued', ended_at = null where id in (select o.job from output o join release r on r.output = o.id)",
		},
		{
			check: "job.ends", code: "job.unclosed", tables: []string{"job"},
			statement: "update job set state = 'output_quarantined', ended_at = null where id in (select o.job from output o join release r on r.output = o.id)",
		},
		{
			check: "job.ends", code: "job.closed_early", tables: []string{"output"},
			statement: "update output set state = 'auto_checked' where id in (select output from release)",
		},
		{
			check: "doubt.denies", code: "release.blocked", tables: []string{"output"},
			statement: "update output set blocked = 1 where id in (select output from release)",
		},
		{
			check: "once", code: "key.twice", tables: []string{"once"},
			statement: "alter table once drop constraint once_pkey; insert into once " +
				"select gen_random_uuid(), repeat('k', 16), sha256('a'), id, null, at from (select id, at from trace_leaf limit 1) l; " +
				"insert into once select * from once where key = repeat('k', 16)",
		},
		{check: "object.claims", code: "claim.unknown", files: forgedClaim},
		{
			check: "orgs.apart", code: "review.foreign", tables: []string{"request"},
			statement: "update request q set operator = (select id from org where id <> q.operator limit 1)",
		},
		{check: "room", code: "disk.full", source: smallDisk},
		{check: "trace.witness", code: "log.forked", source: forked},
		{check: "trace.witness", code: "witness.unsigned", source: unsigned},
		{check: "containers", code: "container.left", source: strayContainer},
		{check: "objects.left", code: "object.left", files: strayResult},
		{check: "api.answers", code: "part.silent", source: silentGateway},
		{
			check: "interruptions", code: "interruption.charged", tables: []string{"job", "work"},
			statement: "update work set outcome = 'interrupted' where kind = 'run'; " +
				"update job set failure = '{}' where id in (select subject from work where kind = 'run')",
		},
	}
}

// strayProduct puts a product into the store that no release stands for.
func strayProduct(t *testing.T, layout instance.Layout) func() {
	from := onePath(t, layout, object.Release)
	stray := filepath.Join(filepath.Dir(filepath.Dir(from)), "00000000-0000-7000-8000-000000000000")
	said, err := exec.Command("cp", "-a", filepath.Dir(from), stray).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return func() {
		if err := os.RemoveAll(stray); err != nil {
			t.Error(err)
		}
	}
}

// strayResult leaves what an attempt put long ago under a job's key, and nobody names.
func strayResult(t *testing.T, layout instance.Layout) func() {
	from := onePath(t, layout, object.Output)
	stray := filepath.Join(filepath.Dir(from), strings.Repeat("0", 64))
	if said, err := exec.Command("cp", "-a", from, stray).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(stray, long, long); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(stray); err != nil {
			t.Error(err)
		}
	}
}

// alteredObject turns one byte of a result around.
func alteredObject(t *testing.T, layout instance.Layout) func() {
	path := onePath(t, layout, object.Output)
	turn := func() {
		body, err := os.ReadFile(path)
		if err != nil || len(body) == 0 {
			t.Fatalf("%d bytes: %v", len(body), err)
		}
		body[len(body)-1] ^= 1
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	turn()
	return turn
}

// forgedClaim has a result say that it was put under a later claim than any that was given: the store keeps what an
// object says of itself as an attribute of its file. A restored object says nothing.
func forgedClaim(t *testing.T, layout instance.Layout) func() {
	const attribute = "user.metadata"
	path := onePath(t, layout, object.Output)
	if _, err := unix.Getxattr(path, attribute, nil); !errors.Is(err, unix.ENODATA) {
		t.Fatalf("it says something: %v", err)
	}
	work := psql(t, layout.Data, "select id from work where kind = 'run' limit 1")
	said := fmt.Sprintf(`{"sluice-work":%q,"sluice-fence":"1000"}`, work)
	if err := unix.Setxattr(path, attribute, []byte(said), 0); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Removexattr(path, attribute); err != nil {
			t.Error(err)
		}
	}
}

// onePath finds the file of an object that the record refers to.
func onePath(t *testing.T, layout instance.Layout, b object.Bucket) string {
	t.Helper()
	found := psql(t, layout.Data, fmt.Sprintf(`select object ->> 'key' || '/' || right(object ->> 'digest', 64) from %s where object is not null limit 1`, b))
	var path string
	err := filepath.WalkDir(filepath.Join(layout.Data, "store"), func(at string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(at, string(b)+"/"+found) {
			path = at
		}
		return err
	})
	if err != nil || path == "" {
		t.Fatalf("no file of %s %s: %v", b, found, err)
	}
	return path
}

// strayRun makes the folder of a run whose work nobody has.
func strayRun(t *testing.T, layout instance.Layout) func() {
	dir := filepath.Join(layout.Data, "launcher", "runs", "00000000-0000-7000-8000-000000000000-1-1")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
			t.Error(err)
		}
	}
}

// strayRows makes a file that a worker collected for work nobody has.
func strayRows(t *testing.T, layout instance.Layout) func() {
	dir := filepath.Join(layout.Data, "worker", "collected", strayRowsName)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "part-0001.parquet"), []byte("rows"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	}
}

const strayRowsName = "00000000-0000-7000-8000-000000000000-1-1"

// smallDisk lets the instance lie on a disk of a mebibyte.
func smallDisk(t *testing.T, s *fsck.Source) {
	s.Data = t.TempDir()
	if err := unix.Mount("fsck", s.Data, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(s.Data, unix.MNT_DETACH) })
}

// fsckCommand runs the command over the running and over the stopped instance, before and after one thing broke.
func fsckCommand(t *testing.T, m *machine) {
	seen := filepath.Join(t.TempDir(), "checkpoint") // what somebody kept of the log as it was then
	if err := os.WriteFile(seen, []byte(psql(t, m.data, "select checkpoint from trace_head")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	play := func(wantCode int, wants ...string) {
		t.Helper()
		cmd := exec.CommandContext(context.Background(), "/proc/self/exe")
		cmd.Args = []string{"sluice", "fsck", "--data", m.data, "--engine", noEngine, "--runner", "/bin/true", "--witness", seen}
		said, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != wantCode {
			t.Errorf("exit code %d, want %d:\n%s", code, wantCode, said)
		}
		for _, want := range wants {
			if !strings.Contains(string(said), want) {
				t.Errorf("it does not say %q:\n%s", want, said)
			}
		}
	}
	play(exitOK, "I1", "I11", "not checked: no engine of this instance answers", "not checked: only tests")
	psql(t, m.data, "update output set blocked = 1 where id in (select output from release)")
	play(exitFailed, "released with a blocked finding", "1 finding(s): the instance is not as it must be")
	m.up.stop(t)
	defer strayRows(t, layoutOf(t, m.data))()
	play(exitFailed, "released with a blocked finding", "collected "+strayRowsName, "2 finding(s)", "not checked: the instance is stopped")
	if err := os.WriteFile(seen, []byte("sluice\n1\nAAAA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	play(exitFailed, "no key of this log signed the witness's checkpoint", "3 finding(s)")
	seen += ".gone"
	play(exitFailed, seen)
}

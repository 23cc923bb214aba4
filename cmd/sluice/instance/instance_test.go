package instance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAsRole(t *testing.T) {
	for _, c := range []struct{ address, secret, want, anonymous string }{
		{"host=/run/x port=5432 dbname=sluice", "s", "host=/run/x port=5432 dbname=sluice user=r password=s", "host=/run/x port=5432 dbname=sluice"},
		{"user=boss password=p host=db", "s", "host=db user=r password=s", "host=db"},
		{"postgres://boss:p@db:5432/sluice?sslmode=require", "s/ä", "postgres://r:s%2F%C3%A4@db:5432/sluice?sslmode=require", "postgres://db:5432/sluice?sslmode=require"},
		{"postgresql://db/sluice", "", "postgresql://r@db/sluice", "postgresql://db/sluice"},
	} {
		got, err := AsRole(c.address, "r", c.secret)
		if err != nil || got != c.want {
			t.Errorf("%s: got %q (%v), want %q", c.address, got, err, c.want)
		}
		got, err = Anonymous(c.address)
		if err != nil || got != c.anonymous {
			t.Errorf("%s: got %q (%v), want %q", c.address, got, err, c.anonymous)
		}
	}
	if _, err := AsRole("postgres://boss:p%zz@db", "r", "s"); err == nil || strings.Contains(err.Error(), "p%zz") {
		t.Errorf("got %v, want an error without the password", err)
	}
}

func TestProgramsOfTheClustersVersionComeFirst(t *testing.T) {
	root := t.TempDir()
	for _, major := range []string{"9.6", "13", "15", "17"} {
		bin := filepath.Join(root, major, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "postgres"), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for wanted, major := range map[int]string{0: "17", 13: "13", 14: "17"} {
		got, err := programs(root, wanted)
		if want := filepath.Join(root, major, "bin"); err != nil || got != want {
			t.Errorf("%d: got %q (%v), want %q", wanted, got, err, want)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := programs(t.TempDir(), 0); err == nil || !strings.Contains(err.Error(), "make setup") {
		t.Errorf("got %v, want a remedy", err)
	}
}

// TestStartupMessage compares with the bytes psql sends (PostgreSQL documentation, 55.7, StartupMessage).
func TestStartupMessage(t *testing.T) {
	want := "\x00\x00\x00\x1c\x00\x03\x00\x00user\x00a\x00database\x00bc\x00\x00"
	if diff := cmp.Diff(want, string(startupMessage("a", "bc"))); diff != "" {
		t.Error(diff)
	}
}

func TestSecretIsMadeOnceAndNeverHalf(t *testing.T) {
	layout, err := NewLayout(filepath.Join(t.TempDir(), "data"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := layout.Claim(); err != nil {
		t.Fatal(err)
	}
	if err := layout.Make(nil); err != nil {
		t.Fatal(err)
	}
	first, err := layout.Secret(nil, "keeper", "database")
	if err != nil || len(first) != 43 {
		t.Fatalf("got %q (%v)", first, err)
	}
	again, err := layout.Secret(nil, "keeper", "database")
	if err != nil || again != first {
		t.Errorf("got another secret (%v)", err)
	}
	path := filepath.Join(layout.Secrets("keeper"), "database")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := layout.Secret(nil, "keeper", "database"); err == nil {
		t.Error("an empty secret was taken or replaced")
	}
}

func TestSocketPathsAreShort(t *testing.T) {
	layout, err := NewLayout("/"+strings.Repeat("long/", 60), RuntimeDir(0, os.Getenv))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{layout.LauncherSocket(), filepath.Join(layout.Socket("pg"), ".s.PGSQL.5432"), filepath.Join(layout.Socket("docker"), "engine.sock"), filepath.Join(layout.Socket("store"), "s3.sock")} {
		if len(path) > 107 {
			t.Errorf("%s has %d bytes", path, len(path))
		}
	}
}

func TestDiscardNeverTouchesTheData(t *testing.T) {
	layout, err := NewLayout(filepath.Join(t.TempDir(), "data"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := layout.Claim(); err != nil {
		t.Fatal(err)
	}
	if err := layout.Make(nil); err != nil {
		t.Fatal(err)
	}
	// As when unmounting failed: the data is seen below the run folder.
	if err := os.MkdirAll(filepath.Join(layout.Run, "data", "precious"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := layout.Discard(); err == nil {
		t.Error("no error, though something is left")
	}
	if _, err := os.Stat(filepath.Join(layout.Run, "data", "precious")); err != nil {
		t.Errorf("the data is gone: %v", err)
	}
}

func TestReachable(t *testing.T) {
	parent, err := os.MkdirTemp("", "reach")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	layout := Layout{Data: filepath.Join(parent, "data")}
	if err := layout.Reachable(); err == nil || !strings.Contains(err.Error(), "chmod o+x "+parent) {
		t.Errorf("got %v, want the closed folder named", err)
	}
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := layout.Reachable(); err != nil {
		t.Error(err)
	}
}

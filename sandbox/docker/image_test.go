package docker_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
)

func TestEqualProgramsAreEqualImages(t *testing.T) {
	engine := dockertest.Open(t)
	dir := dockertest.Dir(t)
	digest := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		id, err := engine.Import(t.Context(), path)
		if err != nil {
			t.Fatalf("importing: %v", err)
		}
		return id
	}
	one := digest("one", "program")
	if again := digest("two", "program"); again != one {
		t.Errorf("the same program under another name and time: got %s, want %s", again, one)
	}
	if other := digest("three", "program."); other == one {
		t.Errorf("another program has the same image %s", other)
	}
}

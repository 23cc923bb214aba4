package console

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/gateway/messages"
)

const rebuild = "run make islands"

// TestIslandsAreOfTheirSources: what browsers load is what the committed sources were bundled into, file by file, so that
// a change which was not bundled is found where there is no Node.
func TestIslandsAreOfTheirSources(t *testing.T) {
	sums, err := os.ReadFile("islands/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		body, err := os.ReadFile(filepath.Join("islands", name))
		if err != nil {
			t.Fatalf("%v: %s", err, rebuild)
		}
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s is not what was bundled: %s", name, rebuild)
		}
		listed[path.Clean("islands/"+name)] = true
	}
	for _, pattern := range []string{"islands/*.*", "islands/*/*.js", "static/editor.js", "static/chart.js", "static/islands-*"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no file %s: %v", pattern, err)
		}
		for _, name := range found {
			if !listed[name] {
				t.Errorf("%s is not listed: %s", name, rebuild)
			}
		}
	}
}

// TestIslandsAreLicensed: the lock file pins every package exactly and names no place to get it from, and the licence of
// each is told beside the bundles.
func TestIslandsAreLicensed(t *testing.T) {
	var manifest struct{ Dependencies map[string]string }
	var lock struct {
		Packages map[string]struct{ Version, Resolved, Integrity, License string }
	}
	for name, into := range map[string]any{"islands/package.json": &manifest, "islands/package-lock.json": &lock} {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(body, into); err != nil {
			t.Fatal(err)
		}
	}
	told, err := os.ReadFile("static/islands-LICENSES.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, version := range manifest.Dependencies {
		if found := lock.Packages["node_modules/"+name].Version; found != version {
			t.Errorf("%s is to be %s and locked at %q", name, version, found)
		}
	}
	free := []string{"MIT", "Apache-2.0", "BSD-3-Clause", "0BSD"}
	for at, p := range lock.Packages {
		name := strings.TrimPrefix(at, "node_modules/")
		if at == "" {
			continue
		}
		if p.Resolved != "" || !strings.HasPrefix(p.Integrity, "sha512-") || !slices.Contains(free, p.License) {
			t.Errorf("%s: from %q, integrity %q, licence %q", name, p.Resolved, p.Integrity, p.License)
		}
		if heading := "\n----\n" + name + " " + p.Version + " (" + p.License + ")\n"; !strings.Contains(string(told), heading) {
			t.Errorf("the licence of %s %s is not told", name, p.Version)
		}
	}
}

// TestIslandsAreLight: each island travels within what pages may ask of a line.
func TestIslandsAreLight(t *testing.T) {
	all, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	for at, most := range Islands() {
		name := path.Base(at)
		if size := len(all[name].gzip); size == 0 || size > most {
			t.Errorf("%s travels as %d bytes, at most %d", name, size, most)
		}
	}
}

// TestEditorHasAllItsPhrases: whatever the editor says by itself has its text in every language.
func TestEditorHasAllItsPhrases(t *testing.T) {
	all, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`\.phrase\("([^"]+)"`).FindAllStringSubmatch(string(all["editor.js"].body), -1)
	if len(said) < 4 {
		t.Fatalf("the editor says %q", said)
	}
	for _, l := range messages.Languages() {
		words, err := readTexts(l)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said {
			if phrases(words)[m[1]] == "" {
				t.Errorf("%q has no text in %s", m[1], l)
			}
		}
	}
}

package console

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// TestVendoredFilesAreTheirs: what others wrote is byte for byte what they released.
func TestVendoredFilesAreTheirs(t *testing.T) {
	sums, err := os.ReadFile("static/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		body, err := os.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s is changed", name)
		}
		listed++
	}
	all, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	for name := range all {
		if strings.HasSuffix(name, ".min.js") && !strings.Contains(string(sums), name) {
			t.Errorf("%s is not listed", name)
		}
	}
	if listed < 3 {
		t.Errorf("%d files are listed", listed)
	}
}

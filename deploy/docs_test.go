package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentsNameTestsThatAreThere: a sentence that names the test that holds it ("— `package: TestOne, TestTwo`") names
// one that is there.
func TestDocumentsNameTestsThatAreThere(t *testing.T) {
	reference := regexp.MustCompile("`([a-z/]+):\\s+((?:Test\\w+(?:,\\s+)?)+)`")
	for _, page := range []string{"../ARCHITECTURE.md", "docs/api.md", "docs/faults.md", "docs/first-hour.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		found := reference.FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s names no test", page)
		}
		for _, row := range found {
			for _, test := range regexp.MustCompile(`,\s+`).Split(row[2], -1) {
				if !hasTest(t, row[1], test) {
					t.Errorf("%s: %s has no %s", page, row[1], test)
				}
			}
		}
	}
}

// hasTest looks for a test in the files of a package.
func hasTest(t *testing.T, folder, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+test+"(") {
			return true
		}
	}
	return false
}

package gateway

import (
	"os"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/gateway/description"
)

// TestWordsAreUsed: the tables of words tell of nothing that is not there any more.
func TestWordsAreUsed(t *testing.T) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := description.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, op := range d.Operations() {
		used[op.ID] = true
	}
	for owner, schema := range d.Components.Schemas {
		for name, member := range schema.Properties {
			for _, key := range []string{name, owner + "." + name} {
				if words(memberWords)[key] == member.Description {
					used[key] = true
				}
			}
		}
	}
	for _, table := range []string{operationWords, memberWords} {
		for key := range words(table) {
			if !used[key] {
				t.Errorf("%s is told of and not there", key)
			}
		}
	}
}

// TestWords reads a table as people write it.
func TestWords(t *testing.T) {
	got := words("# a remark\n\na-b: one\n  and on: still.\nc: two\n")
	if len(got) != 2 || got["a-b"] != "one and on: still." || got["c"] != "two" {
		t.Fatalf("got %v", got)
	}
	if strings.Contains(memberWords, "\t") || strings.Contains(operationWords, "\t") {
		t.Fatal("a table holds a tab")
	}
}

package runner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/policy/screen"
)

// Vectors: the numbers printed in GB 11643 and GB 32100, the card schemes' test numbers, and each with one
// digit, date or boundary changed.
func TestIdentifiers(t *testing.T) {
	for text, want := range map[string]bool{
		"11010519491231002X": true, "440524188001010014": true, "11010519491231002x": true,
		"110105194912310021": false, "110105194913310023": false, "x11010519491231002X": false,
		"id: 110105 19491231 002X.": true, "１１０１０５１９４９１２３１００２Ｘ": true, "110105-19491231-002X": true,
		"91350100M000100Y43": true, "91350100M000100Y44": false, "91110000802100433B": true,
		"13812345678": true, "8613812345678": true, "+86 138-1234-5678": true, "12812345678": false,
		"138123456789": false, "plan13812345678": true, "4111111111111111": true, "4111 1111 1111 1111": true,
		"4111111111111112": false, "6222021234567890123": luhnOf("6222021234567890123"), "0000000000000000": false,
		"free": false, "2024-01-01": false, "": false, "500101": false, "good / fair 1-5": false,
	} {
		if got := hasIdentifier(text); got != want {
			t.Errorf("hasIdentifier(%q) = %v, want %v", text, got, want)
		}
	}
	b := newScreenBox(t, 't', people(1, 20))
	b.raw("all", rawQuery)
	b.output("table", "all", task.Measure{Name: "n", Stat: task.StatUnits})
	b.letter.Output[0].By[0].Values = []string{"free", "shared", "11010519491231002X"}
	if d := cmp.Diff([]screen.ColumnCount{{Column: "plan", Count: 1}}, b.screen()[0].Identifiers); d != "" {
		t.Fatalf("identifiers (-want +got):\n%s", d)
	}
}

// luhnOf is the Luhn check written another way.
func luhnOf(s string) bool {
	doubled := [10]int{0, 2, 4, 6, 8, 1, 3, 5, 7, 9}
	sum := 0
	for i, c := range s {
		d := int(c - '0')
		if (len(s)-i)%2 == 0 {
			d = doubled[d]
		}
		sum += d
	}
	return sum%10 == 0
}

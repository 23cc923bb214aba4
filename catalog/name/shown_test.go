package name_test

import (
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/name"
)

// TestWhatPeopleSee: what turns the writing, has no width or steers a terminal hides, in a text of one line and of
// many; markup, rare characters of names and what only newer fonts know are text.
func TestWhatPeopleSee(t *testing.T) {
	for what, s := range map[string]string{
		"override": "a\u202eb", "isolate": "a\u2066b", "mark": "a\u200fb", "no width": "a\u200bb", "joiner": "a\u200db", "soft hyphen": "a\u00adb",
		"byte order": "\ufeffa", "tag": "a\U000e0041b", "line separator": "a\u2028b", "paragraph separator": "a\u2029b", "null": "a\x00b",
		"escape": "a\x1b[2Jb", "bell": "a\ab", "tab": "a\tb", "carriage return": "a\rb", "next line": "a\u0085b", "not UTF-8": "a\xffb",
		"nothing": "", "a space": " ", "an ideographic space": "\u3000", "too long": strings.Repeat("a", 21),
	} {
		if name.IsLine(s, 20) || name.IsProse(s, 20) {
			t.Errorf("%s is taken", what)
		}
		if v := name.Visible(s); strings.ContainsFunc(v, func(r rune) bool { return r != '\t' && name.Hides(r) }) {
			t.Errorf("%s shows as %q", what, v)
		}
	}
	for _, s := range []string{`<script>alert(1)</script>`, "就诊 & “visits”", "\U00020bb7", "\U0002ebf0", "\ue863", "e\u0301", "葛\U000e0100"} {
		if !name.IsLine(s, 40) || !name.IsProse(s, 40) || name.Visible(s) != s {
			t.Errorf("%q is not taken", s)
		}
	}
	if two := "a\nb"; name.IsLine(two, 20) || !name.IsProse(two, 20) || name.Visible(two) != two {
		t.Error("a line end is of prose, and of nothing else")
	}
	if !name.Shows(" a ", 20) || name.Shows("a\u202e", 20) {
		t.Error("a value has the spaces it has, and no more")
	}
	if name.IsLine(" a", 20) || name.IsLine("a ", 20) || !name.IsProse(" a", 20) {
		t.Error("a line begins and ends with what is seen")
	}
}

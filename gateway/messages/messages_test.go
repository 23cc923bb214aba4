package messages_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/gateway/messages"
)

// source is a place codes are written, and whether a reader needs a remedy for them.
type source struct {
	folder string
	file   string // pattern of the name
	code   string // expression with one group
	remedy bool
	suffix string // what is appended to the group
}

func sources() []source {
	return []source{
		{"../../catalog", "*.go", `fault\.New\(fault\.\w+, "([a-z_.]+)"`, false, ""},
		{"../../catalog", "*.go", `fault\.Bad\("([a-z_.]+)"`, false, ""},
		{"../../catalog", "*.go", `\.Err\("([a-z_.]+)"\)`, false, ""},
		{"../../catalog", "*.go", `Kind: fault\.\w+, Code: "([a-z_.]+)"`, false, ""},
		{"../../catalog", "flow.go", `Noun: +"([a-z]+)"`, false, ".move_not_allowed"},
		{"../../catalog", "*.go", `Code: "([a-z_.]+)", Dimension:`, true, ""},
		{"../../policy/rule/rego", "*.rego", `reason\.(?:plain|named)\("([a-z_.]+)"`, true, ""},
		{"../../policy/rule/rego", "*.rego", `reason\.(?:of|of_named)\([a-z.]+, "([a-z_.]+)"`, true, ""},
		{"../../policy/rule/rego", "person.rego", `: "([a-z]+\.is_[a-z]+)"`, true, ""},
		{"../../policy/rule", "*.go", `Unexplained += "([a-z_.]+)"`, true, ""},
		{"../../policy/bundle", "*.go", `(?:NotPermitted|ActionUnknown) += "([a-z_.]+)"`, true, ""},
		{"../../policy/screen", "judge.go", `Code\w+ += "([a-z_.]+)"`, true, ""},
		{"../../sandbox/runner/grammar", "codes.go", `Code = "([a-z_.]+)"`, true, ""},
		{"..", "*.go", `fault\.New\(fault\.\w+, "([a-z_.]+)"`, false, ""},
		{"..", "*.go", `fault\.Bad\("([a-z_.]+)"`, false, ""},
		{"..", "*.go", `mediaError\{"([a-z_.]+)"`, false, ""},
		{"..", "problem.go", `http\.Status\w+, "([a-z_.]+)"`, false, ""},
		{"..", "validation.go", `validation\.Msg\w+, "([a-z_.]+)"`, false, ""},
		{"../../catalog", "*.go", `\.Add\(.*"([a-z_0-9]+\.[a-z_.]+)"\)`, false, ""},
		{"../../catalog", "*.go", `\.Require\(.*"([a-z_0-9]+\.[a-z_.]+)"\)`, false, ""},
		{"../../catalog/ruleset", "load.go", `\.(?:Require|Add)\(.*"([a-z_0-9]+\.[a-z_.]+)"\)`, true, ""},
		{"../../sandbox/runner", "*.go", `"((?:csv|file|header|row|utf8|value)\.[a-z_]+)"`, false, ""},
	}
}

// codes reads what a source writes.
func codes(t *testing.T, s source) []string {
	t.Helper()
	form := regexp.MustCompile(s.code)
	var found []string
	err := filepath.WalkDir(s.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		ok, err := filepath.Match(s.file, d.Name())
		if err != nil || !ok || strings.Contains(d.Name(), "_test.") {
			return err
		}
		body, err := os.ReadFile(path)
		for _, m := range form.FindAllStringSubmatch(string(body), -1) {
			found = append(found, m[1]+s.suffix)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Errorf("no code in %s/%s matches %s any more", s.folder, s.file, s.code)
	}
	return found
}

// TestEveryCodeHasItsTexts holds the files against every place a code is written.
func TestEveryCodeHasItsTexts(t *testing.T) {
	m, err := messages.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources() {
		for _, code := range codes(t, s) {
			for _, l := range messages.Languages() {
				if m.Title(l, code) == code {
					t.Errorf("%s has no title in %s", code, l)
				}
				if key := "remedy." + code; s.remedy && m.Remedy(l, key) == key {
					t.Errorf("%s has no remedy in %s", code, l)
				}
			}
		}
	}
}

// TestLanguagesAgree: both files have the same codes, and remedies for the same ones.
func TestLanguagesAgree(t *testing.T) {
	m, err := messages.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if en, zh := m.Codes(messages.English), m.Codes(messages.Chinese); !slices.Equal(en, zh) {
		t.Fatalf("en has %d codes, zh %d, or others", len(en), len(zh))
	}
	for _, code := range m.Codes(messages.English) {
		key := "remedy." + code
		if (m.Remedy(messages.English, key) == key) != (m.Remedy(messages.Chinese, key) == key) {
			t.Errorf("%s has a remedy in one language only", code)
		}
	}
}

func TestChoose(t *testing.T) {
	for header, want := range map[string]messages.Language{
		"": messages.English, "zh-CN,zh;q=0.9,en;q=0.8": messages.Chinese, "en": messages.English, "fr, zh;q=0.1": messages.Chinese,
		"en;q=0.2, ZH-hans;q=0.7": messages.Chinese, "zh;q=x": messages.English, "zh;q=0": messages.English, "*": messages.English,
	} {
		if got := messages.Choose(header); got != want {
			t.Errorf("%q: got %s, want %s", header, got, want)
		}
	}
}

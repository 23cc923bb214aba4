package texts_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/messages"
)

func open(t *testing.T, l messages.Language) texts.Texts {
	t.Helper()
	opened, err := texts.In(l)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// Both languages have the same texts, none is empty, and phrases name the same things.
func TestLanguagesAgree(t *testing.T) {
	en, zh := open(t, messages.English).All(), open(t, messages.Chinese).All()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(zh))); diff != "" {
		t.Fatalf("the files have other texts (-en +zh):\n%s", diff)
	}
	for key, text := range en {
		if text == "" || zh[key] == "" {
			t.Errorf("%s is empty", key)
		}
		if len(key) > 6 && key[:6] == "phrase" && !slices.Equal(texts.Places(text), texts.Places(zh[key])) {
			t.Errorf("%s names %v in English and %v in Chinese", key, texts.Places(text), texts.Places(zh[key]))
		}
	}
}

func TestChoose(t *testing.T) {
	for situation, c := range map[string]struct {
		flag string
		env  map[string]string
		want messages.Language
	}{
		"nothing":                  {"", nil, messages.English},
		"flag before all":          {"en", map[string]string{"SLUICE_LANG": "zh", "LANG": "zh_CN.UTF-8"}, messages.English},
		"own variable":             {"", map[string]string{"SLUICE_LANG": "zh", "LC_ALL": "C"}, messages.Chinese},
		"LC_ALL before LANG":       {"", map[string]string{"LC_ALL": "POSIX", "LANG": "zh_CN.UTF-8"}, messages.English},
		"LC_MESSAGES before LANG":  {"", map[string]string{"LC_MESSAGES": "zh_TW", "LANG": "C"}, messages.Chinese},
		"another language":         {"", map[string]string{"LANG": "de_DE.UTF-8"}, messages.English},
		"Chinese in capitals":      {"ZH-hans", nil, messages.Chinese},
		"the C locale with UTF-8 ": {"", map[string]string{"LANG": "C.UTF-8"}, messages.English},
	} {
		if got := texts.Choose(c.flag, func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%s: got %s, want %s", situation, got, c.want)
		}
	}
}

func TestSay(t *testing.T) {
	en := open(t, messages.English)
	if got := en.Say("no.such.key", "a", 1); got != "no.such.key" {
		t.Errorf("an unknown key: got %q", got)
	}
	// What is filled in is never filled in again.
	if got := en.Say("{a} {b}", "a", "{b}", "b", 2); got != "{b} 2" {
		t.Errorf("got %q", got)
	}
	if got := (texts.Texts{}).Say("key"); got != "key" {
		t.Errorf("without texts: got %q", got)
	}
}

func TestWords(t *testing.T) {
	if got := open(t, messages.English).Word("auto_checked"); got != "auto_checked" {
		t.Errorf("English shows what can be typed: got %q", got)
	}
	if got := open(t, messages.Chinese).Word("auto_checked"); got != "自动检查通过" {
		t.Errorf("got %q", got)
	}
}

func TestPlaces(t *testing.T) {
	if diff := cmp.Diff([]string{"a", "b"}, texts.Places("{b} of {a}: {name: x} {b}")); diff != "" {
		t.Error(diff)
	}
}

package main

import (
	"regexp"
	"strings"
	"testing"
)

// notCompleted says why nothing is offered at a place of a use line: an argument's word, or a flag.
func notCompleted() map[string]string {
	files := "any file: the shell completes it by itself"
	return map[string]string{
		"PASSWORD":   "a one-time password",
		"--text":     "words of one's own",
		"--context":  "words of one's own",
		"--name":     "a new name",
		"--login":    "a new profile's own: nobody is asked before there is one",
		"--server":   "an address",
		"--receipt":  "a number of another system",
		"--document": "a number of another system",
		"--digest":   "of an image that is not there yet",
		"--keys":     files, "--out": files, "--sbom": files, "--from": files, "--witness": files,
	}
}

// Every capital word of a use line is completed, or nothing can be, for a reason; and every source is at some place.
func TestEveryPlaceOfAUseLineIsCompleted(t *testing.T) {
	word := regexp.MustCompile(`^\[?[A-Z][A-Z_]*(\|[A-Z.a-z]+)?\]?$`)
	reasons, used := map[string]bool{}, map[string]bool{}
	for path, cmd := range leaves(t) {
		before := ""
		for _, w := range strings.Fields(cmd.Use) {
			place, kind := before, strings.Trim(w, "[]")
			before = strings.Trim(w, "[]")
			if !word.MatchString(w) {
				continue
			}
			if flag, ok := strings.CutPrefix(place, "--"); ok {
				kind = flagKinds()[flag]
			} else {
				place = kind
			}
			_, asked := sources()[kind]
			_, file := fileKinds()[kind]
			switch completed := asked || file || kind == "DIR"; {
			case completed:
				used[kind] = true
			case notCompleted()[place] == "":
				t.Errorf("%s: nothing completes %s of %q", strings.ReplaceAll(path, ".", " "), place, cmd.Use)
			default:
				reasons[place] = true
			}
		}
		for name, kind := range flagKinds() {
			used[kind] = used[kind] || cmd.Flag(name) != nil
		}
	}
	for place := range notCompleted() {
		if !reasons[place] {
			t.Errorf("%s needs no reason", place)
		}
	}
	for kind := range sources() {
		if !used[kind] {
			t.Errorf("%s is at no place", kind)
		}
	}
}

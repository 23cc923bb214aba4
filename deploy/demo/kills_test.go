package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// survives plays the story again while the whole instance is killed at ten moments and started again. It must end as
// the undisturbed one did: nothing lost, nothing twice.
func survives(t *testing.T, calm string) {
	dir := t.TempDir()
	play(t, options{dir: dir, kills: 10, seed: 1})
	checkFigures(t, filepath.Join(dir, "release", "product.csv"), filepath.Join(dir, "input", slug+".csv"))
	checkStill(t, dir, "fsck")
	if diff := cmp.Diff(plot(t, calm), plot(t, dir)); diff != "" {
		t.Fatalf("the stories differ (-undisturbed +killed):\n%s", diff)
	}
}

// play runs the demo's programs as they were built.
func play(t *testing.T, o options) {
	t.Helper()
	bin, err := filepath.Abs("../../build/bin")
	if err != nil {
		t.Fatal(err)
	}
	o.sluice, o.probe = filepath.Join(bin, "sluice"), filepath.Join(bin, "sluice-hostile")
	var told bytes.Buffer
	if err := run(context.Background(), o, &told); err != nil {
		log, readErr := os.ReadFile(filepath.Join(o.dir, "up.log"))
		t.Fatalf("%s\nlog (%v): %s\n%s\n%v", told.String(), readErr, log, troubles(o.dir), err) // the reason last: it survives a cut
	}
}

// troubles are the last lines of the parts' logs that tell of one, those of parts that died among them, and how the steps
// of all work ended.
func troubles(dir string) string {
	logs, err := filepath.Glob(filepath.Join(dir, "data", "log", "*.log*"))
	if err != nil {
		return err.Error()
	}
	told := regexp.MustCompile(`"level":"(WARN|ERROR)"|"msg":"step ended"`)
	var all []string
	for _, path := range logs {
		body, err := os.ReadFile(path)
		if err != nil {
			all = append(all, err.Error())
		}
		for line := range strings.Lines(string(body)) {
			if told.MatchString(line) {
				all = append(all, filepath.Base(path)+" "+line)
			}
		}
	}
	return strings.Join(all[max(0, len(all)-60):], "")
}

// plot is what a story says, without what differs in every telling: digests, times, sizes of the log.
func plot(t *testing.T, dir string) []line {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "story.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	differs := regexp.MustCompile(`sha256:[0-9a-f…]+|[0-9a-f]{12,}…?|[0-9]+(\.[0-9]+)? s\b|[0-9]+ entries|127\.0\.0\.1:[0-9]+|\b[0-9]{4}-[0-9]{2}-[0-9]{2}`)
	var all []line
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		l.Action, l.Detail = differs.ReplaceAllString(l.Action, "~"), differs.ReplaceAllString(l.Detail, "~")
		all = append(all, l)
	}
	return all
}

package bundle_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/bundle"
)

// An archived bundle decides as it did, under the name it had.
func TestLoadArchived(t *testing.T) {
	now := embedded(t)
	archive := fstest.MapFS{}
	for name, body := range now.Files() {
		archive[name] = &fstest.MapFile{Data: body}
	}
	then, err := bundle.Load(archive)
	if err != nil {
		t.Fatalf("loading: %v", err)
	}
	if then.Revision() != now.Revision() {
		t.Fatalf("revision %s became %s", now.Revision(), then.Revision())
	}
	for name := range readBases(t) {
		q := recorded(t, baseRequest(t, name))
		a, b := decideOnce(t, now, q), decideOnce(t, then, q)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("%s decided otherwise:\n%s", name, diff)
		}
	}
}

// recorded is a request as it comes back from the record.
func recorded(t *testing.T, q policy.Request) (out policy.Request) {
	t.Helper()
	text, err := json.Marshal(q)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatalf("recording request: %v", err)
	}
	return out
}

// One changed byte in any file is another revision; tests of rules are no part of it.
func TestRevision(t *testing.T) {
	b := embedded(t)
	if !strings.HasPrefix(b.Revision(), "sha256:") || len(b.Revision()) != len("sha256:")+64 {
		t.Fatalf("revision %q", b.Revision())
	}
	names := slices.Sorted(maps.Keys(b.Files()))
	seen := map[string]string{b.Revision(): "unchanged"}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.rego") {
			t.Fatalf("%s is in the bundle", name)
		}
		files := b.Files()
		files[name] = append(files[name], []byte("\n# changed\n")...)
		other, err := bundle.Of(files)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if before, ok := seen[other.Revision()]; ok {
			t.Fatalf("%s and %s have one revision", name, before)
		}
		seen[other.Revision()] = name
	}
	for _, want := range []string{"access/model.conf", "access/matrix.csv", "rule/values.yaml", "rule/rego/scope.rego"} {
		if !slices.Contains(names, want) {
			t.Fatalf("no %s in %v", want, names)
		}
	}
}

func TestFilesAreCopies(t *testing.T) {
	b := embedded(t)
	b.Files()["access/matrix.csv"][0] = 'X'
	if b.Files()["access/matrix.csv"][0] == 'X' {
		t.Fatalf("a caller changed the bundle")
	}
}

// A bundle that is not whole is none: there is nothing to decide with.
func TestBrokenBundlesDoNotLoad(t *testing.T) {
	for name, spoil := range map[string]func(map[string][]byte){
		"no model":      func(f map[string][]byte) { delete(f, "access/model.conf") },
		"no matrix":     func(f map[string][]byte) { delete(f, "access/matrix.csv") },
		"no values":     func(f map[string][]byte) { delete(f, "rule/values.yaml") },
		"no rules":      func(f map[string][]byte) { clear(f) },
		"half a rule":   func(f map[string][]byte) { f["rule/rego/scope.rego"] = f["rule/rego/scope.rego"][:900] },
		"no actions":    func(f map[string][]byte) { delete(f, "rule/rego/actions.rego") },
		"stranger":      func(f map[string][]byte) { f["rule/rego/extra.txt"] = []byte("x") },
		"outside":       func(f map[string][]byte) { f["rego/x.rego"] = []byte("package sluice\n") },
		"below":         func(f map[string][]byte) { f["rule/rego/deep/x.rego"] = []byte("package sluice\n") },
		"matrix too":    func(f map[string][]byte) { add(f, "access/matrix.csv", "operator, developer, own, job.export\n") },
		"rules too":     func(f map[string][]byte) { replaceIn(f, "rule/rego/actions.rego", `"org.list"`, `"org.export"`) },
		"network":       func(f map[string][]byte) { add(f, "rule/rego/sluice.rego", "x if http.send({})\n") },
		"broken values": func(f map[string][]byte) { f["rule/values.yaml"] = []byte("{") },
	} {
		files := embedded(t).Files()
		spoil(files)
		if _, err := bundle.Of(files); err == nil {
			t.Fatalf("%s: loaded", name)
		}
	}
	if _, err := bundle.Load(os.DirFS(filepath.Join(t.TempDir(), "absent"))); err == nil {
		t.Fatalf("an absent folder loaded")
	}
}

// A bundle that loads and yet says nothing, or fails in deciding, refuses everybody.
func TestSilentBundlesDeny(t *testing.T) {
	q := baseRequest(t, "submit")
	for name, rule := range map[string]string{
		"never allows": "package sluice\n\nallow if input.action == \"\"\n",
		"not a truth":  "package sluice\n\nallow := \"allowed\"\n",
		"fails":        "package sluice\n\nallow if not object.subset(input.action, {\"x\": 1})\n",
	} {
		files := embedded(t).Files()
		files["rule/rego/sluice.rego"] = []byte(rule)
		b, err := bundle.Of(files)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d, err := b.Decide(context.Background(), q)
		if d.Allow || len(d.Reasons) == 0 || d.Reasons[0].Code != "policy.unexplained" {
			t.Fatalf("%s: %+v, %v", name, d, err)
		}
		if (err != nil) != (name == "fails") {
			t.Fatalf("%s: error %v", name, err)
		}
	}
}

// The rules alone allow nothing: an empty matrix line set refuses what rules would pass, and the reverse.
func TestBothMustAllow(t *testing.T) {
	files := embedded(t).Files()
	replaceIn(files, "access/matrix.csv", "operator, developer,          own, job.submit", "operator, approver,          own, job.submit")
	b, err := bundle.Of(files)
	if err != nil {
		t.Fatalf("loading: %v", err)
	}
	q := baseRequest(t, "submit")
	if d := decideOnce(t, b, q); d.Allow || d.Reasons[0].Code != bundle.NotPermitted {
		t.Fatalf("without the matrix: %+v", d)
	}
	q.Facts.Scope.Inputs[0].Grant.State = "revoked"
	if d := decideOnce(t, embedded(t), q); d.Allow || d.Reasons[0].Code != "grant.not_active" {
		t.Fatalf("without the rules: %+v", d)
	}
}

// A cancelled or timed-out question is an error and a denial.
func TestCancelledDenies(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d, err := embedded(t).Decide(ctx, baseRequest(t, "submit"))
	if err == nil || d.Allow {
		t.Fatalf("%+v, %v", d, err)
	}
}

// One bundle, many callers, the same answers.
func TestConcurrentDecisions(t *testing.T) {
	b := embedded(t)
	allowed, refused := baseRequest(t, "submit"), baseRequest(t, "submit")
	refused.Facts.Scope.Inputs[0].Grant.State = "revoked"
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				yes, err := b.Decide(context.Background(), allowed)
				if err != nil || !yes.Allow || len(yes.Reasons) > 0 {
					t.Errorf("%+v, %v", yes, err)
				}
				no, err := b.Decide(context.Background(), refused)
				if err != nil || no.Allow || len(no.Reasons) != 1 {
					t.Errorf("%+v, %v", no, err)
				}
			}
		})
	}
	wg.Wait()
}

func decideOnce(t *testing.T, d policy.Decider, q policy.Request) policy.Decision {
	t.Helper()
	got, err := d.Decide(context.Background(), q)
	if err != nil {
		t.Fatalf("deciding: %v", err)
	}
	return got
}

func add(files map[string][]byte, name, text string) {
	files[name] = append(files[name], []byte(text)...)
}

func replaceIn(files map[string][]byte, name, old, with string) {
	files[name] = []byte(strings.Replace(string(files[name]), old, with, 1))
}

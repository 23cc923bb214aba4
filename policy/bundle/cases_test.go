package bundle_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/bundle"
	"github.com/sluicedata/sluice/policy/rule"
)

// decisionCase is one row of the decision table: a base request, what is different, what must come out.
type decisionCase struct {
	Intent string              `yaml:"intent"`
	Base   string              `yaml:"base"`
	Rules  bool                `yaml:"rules"` // ask the rules alone: the matrix would refuse before them
	Set    map[string]any      `yaml:"set"`   // path: value
	In     map[string]any      `yaml:"in"`    // the same, within the job's first input
	Drop   []string            `yaml:"drop"`  // paths
	Want   []string            `yaml:"want"`  // codes; empty: allowed
	What   map[string][]string `yaml:"what"`  // names that must come with a code
}

// base is a request, or another base with differences.
type base struct {
	Request map[string]any `yaml:"request"`
	Like    string         `yaml:"like"`
	Set     map[string]any `yaml:"set"`
}

const firstInput = "facts.scope.inputs.0."

func TestCases(t *testing.T) {
	b := embedded(t)
	rules := rulesOf(t, b)
	bases := readBases(t)
	seen := map[string]bool{"policy.unexplained": true} // TestUnexplained
	count := 0
	for file, cases := range readCases(t) {
		for _, c := range cases {
			count++
			t.Run(file+"/"+c.Intent, func(t *testing.T) {
				d := c.decide(t, b, rules, c.request(t, bases))
				check(t, c, d)
				for _, r := range d.Reasons {
					seen[r.Code] = true
				}
			})
		}
	}
	if count < 80 {
		t.Fatalf("only %d cases", count)
	}
	if diff := cmp.Diff(b.Codes(), slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Fatalf("codes of the bundle (-) against codes of cases (+):\n%s", diff)
	}
}

func (c decisionCase) decide(t *testing.T, b *bundle.Bundle, rules *rule.Rules, q policy.Request) policy.Decision {
	t.Helper()
	if !c.Rules {
		d, err := b.Decide(context.Background(), q)
		if err != nil {
			t.Fatalf("deciding: %v", err)
		}
		return d
	}
	reasons, err := rules.Decide(context.Background(), q)
	if err != nil {
		t.Fatalf("asking the rules: %v", err)
	}
	return policy.Decision{Allow: len(reasons) == 0, Reasons: reasons}
}

// rulesOf loads the rules half of a bundle by itself.
func rulesOf(t testing.TB, b *bundle.Bundle) *rule.Rules {
	t.Helper()
	modules := map[string][]byte{}
	files := b.Files()
	for name, body := range files {
		if strings.HasSuffix(name, ".rego") {
			modules[name] = body
		}
	}
	rules, err := rule.Load(context.Background(), modules, files["rule/values.yaml"])
	if err != nil {
		t.Fatalf("loading rules: %v", err)
	}
	return rules
}

func check(t *testing.T, c decisionCase, d policy.Decision) {
	t.Helper()
	codes := []string{}
	for _, r := range d.Reasons {
		codes = append(codes, r.Code)
		if r.Remedy != "remedy."+r.Code || !strings.HasPrefix(r.Code, r.Dimension+".") {
			t.Fatalf("malformed reason %+v", r)
		}
		want, asked := c.What[r.Code]
		if asked && !slices.Equal(want, r.What) {
			t.Fatalf("%s names %v, want %v", r.Code, r.What, want)
		}
	}
	slices.Sort(codes)
	if c.Want == nil {
		c.Want = []string{}
	}
	if diff := cmp.Diff(c.Want, codes); diff != "" {
		t.Fatalf("reasons (-want +got):\n%s", diff)
	}
	if d.Allow != (len(c.Want) == 0) {
		t.Fatalf("allow %v with reasons %v", d.Allow, codes)
	}
}

// request makes a case's request.
func (c decisionCase) request(t *testing.T, bases map[string]base) policy.Request {
	t.Helper()
	tree := build(t, bases, c.Base)
	for path, value := range c.In {
		put(t, tree, firstInput+path, value)
	}
	for path, value := range c.Set {
		put(t, tree, path, value)
	}
	for _, path := range c.Drop {
		drop(t, tree, path)
	}
	q, ok := decode(t, tree)
	if !ok {
		t.Fatalf("a request of the wrong shape")
	}
	return q
}

func baseRequest(t testing.TB, name string) policy.Request {
	t.Helper()
	q, ok := decode(t, build(t, readBases(t), name))
	if !ok {
		t.Fatalf("base %s is no request", name)
	}
	return q
}

func build(t testing.TB, bases map[string]base, name string) map[string]any {
	t.Helper()
	b, ok := bases[name]
	if !ok {
		t.Fatalf("no base %q", name)
	}
	if b.Like == "" {
		return copied(b.Request).(map[string]any)
	}
	tree := build(t, bases, b.Like)
	for _, path := range slices.Sorted(maps.Keys(b.Set)) {
		put(t, tree, path, b.Set[path])
	}
	return tree
}

// copied returns a tree that shares nothing with node.
func copied(node any) any {
	switch n := node.(type) {
	case map[string]any:
		out := make(map[string]any, len(n))
		for key, child := range n {
			out[key] = copied(child)
		}
		return out
	case []any:
		out := make([]any, 0, len(n))
		for _, child := range n {
			out = append(out, copied(child))
		}
		return out
	}
	return node
}

// put sets what a dotted path leads to; numbers lead into lists, one past the end appends.
func put(t testing.TB, tree map[string]any, path string, value any) {
	t.Helper()
	if !tryPut(tree, path, value) {
		t.Fatalf("nothing to set at %s", path)
	}
}

func tryPut(tree map[string]any, path string, value any) bool {
	_, err := replace(tree, strings.Split(path, "."), copied(value))
	return err == nil
}

func drop(t *testing.T, tree map[string]any, path string) {
	t.Helper()
	put(t, tree, path, dropped{})
}

// dropped marks what is to be taken out.
type dropped struct{}

func replace(node any, steps []string, value any) (any, error) {
	if len(steps) == 0 {
		return value, nil
	}
	switch n := node.(type) {
	case map[string]any:
		child, err := replace(n[steps[0]], steps[1:], value)
		n[steps[0]] = child
		if _, out := child.(dropped); out {
			delete(n, steps[0])
		}
		return n, err
	case []any:
		i, err := strconv.Atoi(steps[0])
		if err != nil || i > len(n) {
			return n, fmt.Errorf("no place %s", steps[0])
		}
		if i == len(n) {
			n = append(n, nil)
		}
		n[i], err = replace(n[i], steps[1:], value)
		return n, err
	}
	return node, fmt.Errorf("nothing to go into at %s", steps[0])
}

func readBases(t testing.TB) (bases map[string]base) {
	t.Helper()
	readYAML(t, filepath.Join(caseFolder, "bases.yaml"), &bases)
	return bases
}

const caseFolder = "../rule/cases"

func readCases(t *testing.T) map[string][]decisionCase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(caseFolder, "*.yaml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("finding cases: %v", err)
	}
	all := map[string][]decisionCase{}
	for _, file := range files {
		if filepath.Base(file) == "bases.yaml" {
			continue
		}
		var cases []decisionCase
		readYAML(t, file, &cases)
		all[strings.TrimSuffix(filepath.Base(file), ".yaml")] = cases
	}
	return all
}

func readYAML(t testing.TB, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("reading cases: %v", err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
}

func embedded(t testing.TB) *bundle.Bundle {
	t.Helper()
	b, err := bundle.Embedded()
	if err != nil {
		t.Fatalf("loading policy: %v", err)
	}
	return b
}

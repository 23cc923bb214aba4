package bundle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/rule"
)

// The rules say allow and why not apart from each other. Here every member of every base request is bent in
// every way its type has, one at a time: allow must hold exactly when no reason does, and each refusal must
// have a cause.
func TestAllowAndReasonsAgree(t *testing.T) {
	rules := rulesOf(t, embedded(t))
	bases := readBases(t)
	refused, bent := 0, 0
	for _, name := range slices.Sorted(maps.Keys(bases)) {
		for path, value := range leaves("", build(t, bases, name)) {
			for _, other := range bend(value) {
				tree := build(t, bases, name)
				put(t, tree, path, other)
				q, ok := decode(t, tree)
				if !ok {
					continue
				}
				bent++
				if !agree(t, rules, q, name, path, other) {
					refused++
				}
			}
		}
	}
	if bent < 1500 || refused < 500 {
		t.Fatalf("only %d requests, %d refused", bent, refused)
	}
}

func agree(t *testing.T, rules *rule.Rules, q policy.Request, name, path string, value any) bool {
	t.Helper()
	decided, err := rules.Decide(context.Background(), q)
	if err != nil {
		t.Fatalf("%s with %s = %v: %v", name, path, value, err)
	}
	causes, err := rules.Explain(context.Background(), q)
	if err != nil {
		t.Fatalf("%s with %s = %v: %v", name, path, value, err)
	}
	if (len(decided) == 0) != (len(causes) == 0) {
		t.Errorf("%s with %s = %#v: refused %v, causes %v", name, path, value, decided, causes)
	}
	return len(decided) == 0
}

// leaves lists every member of a tree by path, inner nodes too.
func leaves(prefix string, node any) map[string]any {
	out := map[string]any{}
	add := func(key string, child any) {
		path := key
		if prefix != "" {
			path = prefix + "." + key
		}
		out[path] = child
		maps.Copy(out, leaves(path, child))
	}
	switch n := node.(type) {
	case map[string]any:
		for key, child := range n {
			add(key, child)
		}
	case []any:
		for i, child := range n {
			add(strconv.Itoa(i), child)
		}
	}
	return out
}

// bend returns other values of the same kind, and the absence of one.
func bend(value any) []any {
	switch v := value.(type) {
	case bool:
		return []any{!v, dropped{}}
	case int:
		return []any{0, -1, v + 1, v - 1, 1000, 1001, 5000, dropped{}}
	case string:
		return []any{"", "someone-else", "op", "agency", "dev", dropped{}}
	case map[string]any:
		return []any{map[string]any{}, nil, dropped{}}
	}
	return []any{[]any{}, nil, dropped{}}
}

func decode(t testing.TB, tree map[string]any) (q policy.Request, ok bool) {
	t.Helper()
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatalf("encoding request: %v", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return q, d.Decode(&q) == nil
}

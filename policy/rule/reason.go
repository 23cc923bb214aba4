package rule

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/sluicedata/sluice/policy"
)

// NewReason makes a reason of a code dimension.cause, naming things of the record.
func NewReason(code string, what ...string) policy.Reason {
	dimension, _, _ := strings.Cut(code, ".")
	return policy.Reason{Code: code, Dimension: dimension, What: what, Remedy: "remedy." + code}
}

// readReasons turns what the rules answered into reasons, ordered by input and code.
func readReasons(answer any) ([]policy.Reason, error) {
	list, ok := answer.([]any)
	if !ok {
		return nil, errors.New("reading reasons: not a set")
	}
	reasons := make([]policy.Reason, 0, len(list))
	for _, item := range list {
		reason, err := readReason(item)
		if err != nil {
			return nil, fmt.Errorf("reading reasons: %w", err)
		}
		reasons = append(reasons, reason)
	}
	slices.SortFunc(reasons, func(a, b policy.Reason) int {
		return cmp.Or(cmp.Compare(a.Input, b.Input), cmp.Compare(a.Code, b.Code), slices.Compare(a.What, b.What))
	})
	return reasons, nil
}

func readReason(item any) (policy.Reason, error) {
	fields, ok := item.(map[string]any)
	if !ok {
		return policy.Reason{}, errors.New("a cause that is no object")
	}
	code, ok := fields["code"].(string)
	if !ok || !strings.Contains(code, ".") {
		return policy.Reason{}, errors.New("a cause without a code")
	}
	reason := NewReason(code)
	reason.Input, _ = fields["input"].(string)
	what, _ := fields["what"].([]any)
	for _, w := range what {
		name, ok := w.(string)
		if !ok {
			return policy.Reason{}, fmt.Errorf("%s names what is no name", code)
		}
		reason.What = append(reason.What, name)
	}
	return reason, nil
}

// codesOf collects every string of the form dimension.cause the rules hold. Codes are always written out in
// full, so that this list, the cases and the messages can be held against each other.
func codesOf(c *ast.Compiler) []string {
	form := regexp.MustCompile(`^[a-z]+\.[a-z_]+$`)
	found := map[string]bool{}
	for _, module := range c.Modules {
		ast.WalkTerms(module, func(t *ast.Term) bool {
			if s, ok := t.Value.(ast.String); ok && form.MatchString(string(s)) {
				found[string(s)] = true
			}
			return false
		})
	}
	return slices.Sorted(maps.Keys(found))
}

package rule

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// builtins lists all a rule may call: comparing, counting, sets. Whatever could reach a clock, the network,
// the machine or chance is not on it, nor is anything a later version of the engine brings.
func builtins() []string {
	return []string{
		ast.Equality.Name, ast.Assign.Name, ast.Equal.Name, ast.NotEqual.Name, ast.GreaterThan.Name,
		ast.GreaterThanEq.Name, ast.LessThan.Name, ast.LessThanEq.Name, ast.Member.Name, ast.MemberWithKey.Name,
		ast.Minus.Name, ast.And.Name, ast.Or.Name, ast.Count.Name, ast.Max.Name, ast.Sort.Name, ast.ObjectSubset.Name,
	}
}

// capabilities is what rules are compiled with. No host is allowed, though nothing on the list could ask one.
func capabilities() *ast.Capabilities {
	caps := ast.CapabilitiesForThisVersion()
	allowed := builtins()
	caps.Builtins = slices.DeleteFunc(caps.Builtins, func(b *ast.Builtin) bool {
		return !slices.Contains(allowed, b.Name)
	})
	caps.AllowNet = []string{}
	return caps
}

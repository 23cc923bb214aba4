// Package rule says what may be done: agreement, terms, grant, columns, purpose, term, budget, separation of
// duties, votes. The rules are Rego, embedded here and tested beside themselves; this package prepares them
// once and asks two questions, allow for every act and reasons only when it fails. It is the only importer
// of opa.
//
// Rules see their input and the bundle's values, nothing else: no clock, no network, no random numbers, so
// that a decision can be made again.
package rule

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/policy"
)

// Names of the files in a bundle.
const (
	RegoFolder = "rego"
	ValuesFile = "values.yaml"
)

// What the rules are asked.
const (
	allowQuery   = "data.sluice.allow"
	reasonsQuery = "data.sluice.reasons"
	actionsQuery = "data.sluice.actions.table"
)

// Unexplained is the reason of a refusal no rule gave a cause for.
const Unexplained = "policy.unexplained"

//go:embed rego/*.rego values.yaml
var embedded embed.FS

// Embedded returns the files this build carries, the rules' own tests among them.
func Embedded() fs.FS { return embedded }

// Rules are prepared rules. They never change and are safe for concurrent use.
type Rules struct {
	allow   rego.PreparedEvalQuery
	reasons rego.PreparedEvalQuery
	actions []string
	codes   []string
	encoder *encoder
}

// Load prepares rules from modules (by file name, without tests) and the values they read.
func Load(ctx context.Context, modules map[string][]byte, values []byte) (*Rules, error) {
	store, err := storeOf(values)
	if err != nil {
		return nil, err
	}
	compiler, err := compile(modules)
	if err != nil {
		return nil, err
	}
	r := &Rules{encoder: newEncoder(), codes: codesOf(compiler)}
	if r.allow, err = prepare(ctx, compiler, store, allowQuery); err != nil {
		return nil, err
	}
	if r.reasons, err = prepare(ctx, compiler, store, reasonsQuery); err != nil {
		return nil, err
	}
	if r.actions, err = listActions(ctx, compiler, store); err != nil {
		return nil, err
	}
	r.codes = slices.DeleteFunc(r.codes, func(c string) bool { return slices.Contains(r.actions, c) })
	return r, nil
}

// storeOf holds the values as data.values.
func storeOf(text []byte) (storage.Store, error) {
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("reading rule values: %w", err)
	}
	return inmem.NewFromObject(map[string]any{"values": values}), nil
}

// compile parses and compiles modules under the allowed built-ins.
func compile(modules map[string][]byte) (*ast.Compiler, error) {
	caps := capabilities()
	parsed := map[string]*ast.Module{}
	for _, file := range slices.Sorted(maps.Keys(modules)) {
		m, err := ast.ParseModuleWithOpts(file, string(modules[file]), ast.ParserOptions{
			Capabilities: caps, RegoVersion: ast.RegoV1, ProcessAnnotation: true,
		})
		if err != nil {
			return nil, fmt.Errorf("parsing rules: %w", err)
		}
		if m == nil {
			return nil, fmt.Errorf("parsing rules: %s is empty", file)
		}
		parsed[file] = m
	}
	compiler := ast.NewCompiler().WithCapabilities(caps).WithStrict(true).WithDefaultRegoVersion(ast.RegoV1)
	if compiler.Compile(parsed); compiler.Failed() {
		return nil, fmt.Errorf("compiling rules: %w", compiler.Errors)
	}
	return compiler, nil
}

func prepare(ctx context.Context, c *ast.Compiler, store storage.Store, query string) (rego.PreparedEvalQuery, error) {
	prepared, err := rego.New(
		rego.Query(query), rego.Compiler(c), rego.Store(store), rego.Capabilities(capabilities()),
		rego.StrictBuiltinErrors(true),
	).PrepareForEval(ctx)
	if err != nil {
		return rego.PreparedEvalQuery{}, fmt.Errorf("preparing %s: %w", query, err)
	}
	return prepared, nil
}

// listActions reads which acts the rules list. Rules that list none are no rules.
func listActions(ctx context.Context, c *ast.Compiler, store storage.Store) ([]string, error) {
	query, err := prepare(ctx, c, store, actionsQuery)
	if err != nil {
		return nil, err
	}
	found, err := query.Eval(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing actions: %w", err)
	}
	table, ok := only(found).(map[string]any)
	if !ok {
		return nil, errors.New("listing actions: no table of actions")
	}
	return slices.Sorted(maps.Keys(table)), nil
}

// Actions returns every act the rules list, sorted.
func (r *Rules) Actions() []string { return slices.Clone(r.actions) }

// Codes returns every reason code the rules can give, sorted: each needs a message and a remedy.
func (r *Rules) Codes() []string { return slices.Clone(r.codes) }

// Decide asks the rules. No reasons means allowed. An error is a refusal.
func (r *Rules) Decide(ctx context.Context, q policy.Request) ([]policy.Reason, error) {
	input := rego.EvalParsedInput(r.encoder.request(q))
	found, err := eval(ctx, r.allow, input)
	if err != nil {
		return nil, fmt.Errorf("asking whether an act is allowed: %w", err)
	}
	if only(found) != true {
		return r.explain(ctx, input)
	}
	// The engine may end before it notices; an answer that nobody waits for any more is none.
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("asking whether an act is allowed: %w", err)
	}
	return nil, nil
}

// Explain returns every cause of a refusal, whether or not the act is allowed.
func (r *Rules) Explain(ctx context.Context, q policy.Request) ([]policy.Reason, error) {
	return r.causes(ctx, rego.EvalParsedInput(r.encoder.request(q)))
}

func (r *Rules) explain(ctx context.Context, input rego.EvalOption) ([]policy.Reason, error) {
	reasons, err := r.causes(ctx, input)
	if err != nil {
		return nil, err
	}
	if len(reasons) == 0 {
		return []policy.Reason{NewReason(Unexplained)}, nil
	}
	return reasons, nil
}

func (r *Rules) causes(ctx context.Context, input rego.EvalOption) ([]policy.Reason, error) {
	found, err := eval(ctx, r.reasons, input)
	if err != nil {
		return nil, fmt.Errorf("asking why an act is refused: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return readReasons(only(found))
}

// eval asks a query until its context ends. The engine's own watch over that starts a goroutine for each question.
func eval(ctx context.Context, q rego.PreparedEvalQuery, input rego.EvalOption) (rego.ResultSet, error) {
	ended := topdown.NewCancel()
	defer context.AfterFunc(ctx, ended.Cancel)()
	return q.Eval(ctx, input, rego.EvalExternalCancel(ended))
}

// only returns the value of a query that has exactly one, else nil.
func only(found rego.ResultSet) any {
	if len(found) != 1 || len(found[0].Expressions) != 1 {
		return nil
	}
	return found[0].Expressions[0].Value
}

package rule

import (
	"context"
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/sluicedata/sluice/policy"
)

// The rules' own tests, written beside them in Rego. Tests may call any built-in; the rules may not.
func TestRego(t *testing.T) {
	modules := map[string]*ast.Module{}
	for name, body := range regoFiles(t) {
		modules[name] = ast.MustParseModuleWithOpts(string(body), ast.ParserOptions{RegoVersion: ast.RegoV1})
	}
	store, err := storeOf(valuesFile(t))
	if err != nil {
		t.Fatalf("making store: %v", err)
	}
	ctx := context.Background()
	txn, err := store.NewTransaction(ctx, storage.WriteParams)
	if err != nil {
		t.Fatalf("beginning: %v", err)
	}
	defer store.Abort(ctx, txn)
	runner := tester.NewRunner().SetCompiler(ast.NewCompiler()).SetStore(store).SetModules(modules).RaiseBuiltinErrors(true)
	results, err := runner.RunTests(ctx, txn)
	if err != nil {
		t.Fatalf("running rego tests: %v", err)
	}
	count := 0
	for r := range results {
		count++
		if !r.Pass() {
			t.Errorf("%s.%s: failed (%v)", r.Package, r.Name, r.Error)
		}
	}
	if count < 20 {
		t.Fatalf("only %d rego tests ran", count)
	}
}

// What could make a decision depend on anything but its input is refused when the rules are loaded.
func TestRulesReachNothing(t *testing.T) {
	for _, call := range []string{
		`http.send({"method": "get", "url": "http://localhost"})`, `opa.runtime()`, `net.lookup_ip_addr("localhost")`,
		`time.now_ns()`, `rand.intn("x", 2)`, `uuid.rfc4122("x")`, `crypto.x509.parse_certificates("x")`, `trace("x")`,
	} {
		modules := map[string][]byte{"x.rego": []byte("package sluice\n\nallow if {\n\tx := " + call + "\n\tx\n}\n")}
		if _, err := Load(context.Background(), modules, nil); err == nil || !strings.Contains(err.Error(), "undefined function") {
			t.Fatalf("%s: %v", call, err)
		}
	}
}

func TestBrokenRulesDoNotLoad(t *testing.T) {
	table := "package sluice.actions\n\ntable := {\"job.submit\": \"plain\"}\n"
	for name, modules := range map[string]map[string][]byte{
		"none":        {},
		"empty":       {"a.rego": nil},
		"no syntax":   {"a.rego": []byte("package sluice\nallow {")},
		"unsafe":      {"a.rego": []byte(table), "b.rego": []byte("package sluice\n\nallow if x == 1\n")},
		"no table":    {"a.rego": []byte("package sluice\n\nallow := true\n")},
		"old dialect": {"a.rego": []byte(table), "b.rego": []byte("package sluice\n\nallow { true }\n")},
		"unused":      {"a.rego": []byte(table), "b.rego": []byte("package sluice\n\nimport data.x\n\nallow := true\n")},
	} {
		if _, err := Load(context.Background(), modules, nil); err == nil {
			t.Fatalf("%s: loaded", name)
		}
	}
	whole := map[string][]byte{"a.rego": []byte(table)}
	if _, err := Load(context.Background(), whole, []byte("preview: [")); err == nil {
		t.Fatalf("broken values loaded")
	}
}

// Rules that say nothing, or not true, refuse.
func TestSilenceRefuses(t *testing.T) {
	table := "package sluice.actions\n\ntable := {\"job.submit\": \"plain\"}\n"
	for _, body := range []string{
		"package sluice\n\nallow if false\n\nreasons contains \"x\" if false\n",
		"package sluice\n\nallow := \"yes\"\n\nreasons := set()\n",
		"package sluice\n\nallow := {\"result\": true}\n",
		"package sluice\n\nother := true\n",
	} {
		modules := map[string][]byte{"a.rego": []byte(table), "b.rego": []byte(body)}
		r, err := Load(context.Background(), modules, nil)
		if err != nil {
			t.Fatalf("loading: %v", err)
		}
		reasons, err := r.Decide(context.Background(), policy.Request{Action: "job.submit"})
		if err == nil && (len(reasons) != 1 || reasons[0].Code != Unexplained) {
			t.Fatalf("%q: %v", body, reasons)
		}
	}
}

// An error in a rule is an error, not an answer.
func TestErrorsRefuse(t *testing.T) {
	table := "package sluice.actions\n\ntable := {\"job.submit\": \"plain\"}\n"
	body := "package sluice\n\nallow if {\n\tnot object.subset(input.action, {\"x\": 1})\n}\n"
	r, err := Load(context.Background(), map[string][]byte{"a.rego": []byte(table), "b.rego": []byte(body)}, nil)
	if err != nil {
		t.Fatalf("loading: %v", err)
	}
	if _, err := r.Decide(context.Background(), policy.Request{Action: "job.submit"}); err == nil {
		t.Fatalf("a failing built-in allowed")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	whole := embeddedRules(t)
	if _, err := whole.Decide(ctx, policy.Request{Subject: policy.Subject{Strength: policy.Strong}, Action: "org.show"}); err == nil {
		t.Fatalf("a cancelled question was answered")
	}
}

// What the engine gets is what the recorded JSON says.
func TestEncodeEqualsJSON(t *testing.T) {
	e := newEncoder()
	for name, q := range map[string]policy.Request{"full": fullRequest(), "bare": bareRequest()} {
		text, err := json.Marshal(q)
		if err != nil {
			t.Fatalf("encoding: %v", err)
		}
		want, err := ast.ValueFromReader(strings.NewReader(string(text)))
		if err != nil {
			t.Fatalf("reading: %v", err)
		}
		if got := e.request(q); got.Compare(want) != 0 {
			t.Fatalf("%s: %s", name, cmp.Diff(want.String(), got.String()))
		}
	}
}

func regoFiles(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := fs.Glob(Embedded(), RegoFolder+"/*.rego")
	if err != nil {
		t.Fatalf("listing rules: %v", err)
	}
	out := map[string][]byte{}
	for _, name := range files {
		body, err := fs.ReadFile(Embedded(), name)
		if err != nil {
			t.Fatalf("reading rules: %v", err)
		}
		out[path.Base(name)] = body
	}
	return out
}

func valuesFile(t testing.TB) []byte {
	t.Helper()
	body, err := fs.ReadFile(Embedded(), ValuesFile)
	if err != nil {
		t.Fatalf("reading values: %v", err)
	}
	return body
}

func embeddedRules(t testing.TB) *Rules {
	t.Helper()
	modules := regoFiles(t)
	for name := range modules {
		if strings.HasSuffix(name, "_test.rego") {
			delete(modules, name)
		}
	}
	r, err := Load(context.Background(), modules, valuesFile(t))
	if err != nil {
		t.Fatalf("loading rules: %v", err)
	}
	if !slices.IsSorted(r.Actions()) || len(r.Codes()) < 50 {
		t.Fatalf("%d actions, %d codes", len(r.Actions()), len(r.Codes()))
	}
	return r
}

func set(names ...string) policy.Set {
	s := policy.Set{}
	for _, n := range names {
		s[n] = true
	}
	return s
}

// fullRequest has every member set.
func fullRequest() policy.Request {
	dataset := &policy.DatasetFacts{
		Org: "d", State: "authorizable", VersionState: "available", Protected: true, Class: "general",
		Columns: map[string]policy.ColumnFacts{"a": {Level: 1}, "b": {Level: 9, Personal: true, Dropped: true}},
	}
	agreement := &policy.AgreementFacts{State: "effective", Operator: "o", From: 1, To: 1 << 40, Covered: true}
	terms := &policy.TermsFacts{
		Purposes: set("p"), Columns: set("a", "c"), Outputs: set("table"), Operations: set("sql"), MinUnits: 10, To: -1,
	}
	grant := policy.GrantFacts{
		State: "active", Operator: "o", Purposes: set("p"), Columns: set("a", "b"), Operations: set(), Outputs: set("x"),
		RowsScoped: true, LevelCap: 3, VersionFrom: 1, VersionTo: 2, From: 3, To: 4, RunsLeft: 5, RowsLeft: 6, FailedLeft: 8,
		LawfulBasis: true, MinUnits: 7,
	}
	return policy.Request{
		Subject: policy.Subject{
			Member: "m", Org: "o", Capacities: []string{"operator"}, Roles: []string{"developer", "\"quoted\""}, Process: "keeper", Strength: "key",
			Method: "oidc+totp", ProvenAt: 1_799_999_000,
		},
		Action: "job.submit", Object: policy.Object{Kind: "job", ID: "i", Org: "o"},
		Facts: policy.Facts{
			Now: 1_800_000_000,
			Scope: &policy.ScopeFacts{
				Operation: "sql", Purpose: "p", Outputs: set("table", "file"), Synthetic: true, Datasets: 2, JoinDecided: true,
				Budgets: []policy.BudgetFacts{{Scope: "org", Runs: 1, Rows: 2, Failed: 3, RunsLeft: 4, RowsLeft: 5, FailedLeft: 6}},
				Inputs: []policy.InputFacts{
					{
						Input: "a", Version: 1, Columns: set("a", "z"), Rows: 12345678901, Agreement: agreement,
						Registration: &policy.RegistrationFacts{State: "valid", To: 9}, Dataset: dataset, Terms: terms, Grant: &grant,
					},
					{Input: "b", Columns: set()},
				},
			},
			Grant: &policy.GrantBounds{Grant: grant, Terms: terms, Agreement: agreement, Dataset: dataset},
			Review: &policy.ReviewFacts{
				State: "in_review", Blocked: 1, Author: "m", Operator: "o", Agency: "g", Seat: "operator", SeatTaken: true,
				DigestOK: true, FreshVote: true, Values: true, Released: true,
				Votes: []policy.VoteFacts{{Seat: "operator", Voter: "v", Org: "o", Approve: true, Verified: true}, {}},
			},
			Person: &policy.PersonFacts{First: "f"},
		},
	}
}

// bareRequest leaves out whatever JSON leaves out.
func bareRequest() policy.Request {
	return policy.Request{
		Subject: policy.Subject{Capacities: []string{}, Roles: []string{}},
		Facts: policy.Facts{
			Scope: &policy.ScopeFacts{Outputs: set(), Inputs: []policy.InputFacts{}}, Review: &policy.ReviewFacts{},
			Person: &policy.PersonFacts{},
			Grant: &policy.GrantBounds{Grant: policy.GrantFacts{
				Purposes: set(), Columns: set(), Operations: set(), Outputs: set(),
			}},
		},
	}
}

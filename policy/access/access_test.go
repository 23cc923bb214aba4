package access_test

import (
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/access"
)

func TestRelations(t *testing.T) {
	m := load(t)
	officer := person("op", "operator", "security_officer")
	agent := person("agency", "implementing_agency", "approver")
	for _, c := range []struct {
		intent  string
		subject policy.Subject
		action  policy.Action
		org     string
		want    bool
	}{
		{"one's own job", officer, "job.approve", "op", true},
		{"another operator's job", officer, "job.approve", "op2", false},
		{"nobody's job", officer, "job.approve", "", false},
		{"the agency over an operator's job", agent, "job.approve", "op", true},
		{"the agency over its own job", agent, "job.approve", "agency", false},
		{"any relation, no owner", person("home", "platform", "security_admin"), "policy.show", "", true},
		{"a capacity of another line", person("op", "registrar", "security_officer"), "job.approve", "op", false},
		{"a role of another line", person("op", "operator", "finance_officer"), "job.approve", "op", false},
		{"unknown words", person("op", "emperor", "anything"), "job.approve", "op", false},
		{"an unknown act", officer, "job.destroy", "op", false},
	} {
		t.Run(c.intent, func(t *testing.T) { ask(t, m, c.subject, c.action, c.org, c.want) })
	}
}

// Several capacities and roles: one pair that may is enough, and pairs are only made within one person.
func TestPairs(t *testing.T) {
	m := load(t)
	both := policy.Subject{
		Member: "m", Org: "op", Capacities: []string{"registrant", "operator"}, Roles: []string{"auditor", "developer"},
	}
	ask(t, m, both, "job.submit", "op", true)
	ask(t, m, both, "trace.query", "op", true)
	ask(t, m, both, "registration.apply", "op", false)
}

func TestProcesses(t *testing.T) {
	m := load(t)
	keeper := policy.Subject{Process: "keeper"}
	for _, a := range []policy.Action{"job.claim", "release.make", "work.settle", "trace.checkpoint", "grant.expire"} {
		ask(t, m, keeper, a, "op", true)
		ask(t, m, policy.Subject{Process: "worker"}, a, "op", false)
		ask(t, m, policy.Subject{Process: "keeper", Member: "m", Org: "op"}, a, "op", false)
		ask(t, m, person("op", "process", "keeper"), a, "op", false)
		ask(t, m, person("op", "*", "*"), a, "op", false)
	}
	for _, a := range m.Actions() {
		if !strings.HasPrefix(a, "job.claim") {
			ask(t, m, policy.Subject{Process: "system_admin"}, policy.Action(a), "op", false)
		}
	}
	ask(t, m, keeper, "org.show", "", false)
	ask(t, m, keeper, "org.list", "", false)
}

// A wildcard line is for people: even one that says any gives a process nothing.
func TestWildcardIsForPeople(t *testing.T) {
	model := file(t, access.ModelFile)
	m, err := access.Load(model, []byte("*, *, any, org.show\nprocess, keeper, any, job.claim\n"))
	if err != nil {
		t.Fatalf("loading: %v", err)
	}
	ask(t, m, policy.Subject{Process: "keeper"}, "org.show", "op", false)
	ask(t, m, policy.Subject{Process: "keeper"}, "job.claim", "op", true)
	ask(t, m, policy.Subject{Member: "m", Org: "o"}, "org.show", "op", true)
	ask(t, m, policy.Subject{Member: "m"}, "org.show", "op", false)
	ask(t, m, policy.Subject{Org: "o"}, "org.show", "op", false)
	ask(t, m, policy.Subject{}, "org.show", "", false)
}

func TestBrokenMatrixDoesNotLoad(t *testing.T) {
	model := file(t, access.ModelFile)
	for name, text := range map[string]string{
		"empty":             "# nothing\n",
		"three cells":       "operator, developer, own\n",
		"five cells":        "operator, developer, own, job.submit, job.show\n",
		"unknown relation":  "operator, developer, mine, job.submit\n",
		"no action":         "operator, developer, own, \n",
		"no role":           "operator, , own, job.submit\n",
		"no verb":           "operator, developer, own, job\n",
		"pattern action":    "operator, developer, own, job.*\n",
		"two capacities":    "operator registrar, developer, own, job.submit\n",
		"strange role":      "operator, Developer, own, job.submit\n",
		"process for all":   "process, *, any, job.claim\n",
		"line of 100 KB":    "operator, developer, own, " + strings.Repeat("job.submit ", 10000) + "\n",
		"unfinished action": "operator, developer, own, job.\n",
	} {
		if _, err := access.Load(model, []byte(text)); err == nil {
			t.Fatalf("%s: loaded", name)
		}
	}
	for _, broken := range []string{"", "[request_definition]\nr = a\n"} {
		if _, err := access.Load([]byte(broken), file(t, access.MatrixFile)); err == nil {
			t.Fatalf("a broken model loaded")
		}
	}
}

func TestConcurrentQuestions(t *testing.T) {
	m := load(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, a := range m.Actions() {
				for _, r := range m.Roles() {
					if _, err := m.Allow(person("op", "operator", r), policy.Action(a), policy.Object{Org: "op"}); err != nil {
						t.Errorf("%s %s: %v", r, a, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func ask(t *testing.T, m *access.Matrix, s policy.Subject, a policy.Action, org string, want bool) {
	t.Helper()
	got, err := m.Allow(s, a, policy.Object{Org: org})
	if err != nil {
		t.Fatalf("asking: %v", err)
	}
	if got != want {
		t.Fatalf("%v does %s to %q: %v, want %v", s, a, org, got, want)
	}
}

func person(org, capacity, role string) policy.Subject {
	return policy.Subject{Member: "m", Org: org, Capacities: []string{capacity}, Roles: []string{role}}
}

func load(t *testing.T) *access.Matrix {
	t.Helper()
	m, err := access.Load(file(t, access.ModelFile), file(t, access.MatrixFile))
	if err != nil {
		t.Fatalf("loading matrix: %v", err)
	}
	return m
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	body, err := fs.ReadFile(access.Embedded(), name)
	if err != nil {
		t.Fatalf("reading %s: %v", name, err)
	}
	return body
}

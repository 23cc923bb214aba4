package access_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/access"
)

var update = flag.Bool("update", false, "write the grid as it is now")

// The whole grid, every capacity × role × action × relation, as text a reviewer reads: a change of the matrix
// shows all it changes. o: own object, x: another organization's, n: nobody's. Rows without a mark are left out.
func TestGrid(t *testing.T) {
	got := grid(t, load(t))
	golden := filepath.Join("testdata", "grid.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatalf("writing grid: %v", err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("reading grid: %v", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Fatalf("the grid changed (-kept +now); run with -update when it is meant to:\n%s", diff)
	}
}

func grid(t *testing.T, m *access.Matrix) string {
	t.Helper()
	var out strings.Builder
	for _, capacity := range append(m.Capacities(), "no_capacity") {
		roles := append(m.Roles(), "no_role")
		fmt.Fprintf(&out, "== %s\n", capacity)
		for _, action := range m.Actions() {
			row, marked := gridRow(t, m, capacity, roles, policy.Action(action))
			if marked {
				fmt.Fprintf(&out, "%-20s %s\n", action, row)
			}
		}
	}
	return out.String()
}

func gridRow(t *testing.T, m *access.Matrix, capacity string, roles []string, action policy.Action) (string, bool) {
	t.Helper()
	var cells []string
	for _, role := range roles {
		mark := ""
		for _, relation := range []struct{ org, letter string }{{"home", "o"}, {"away", "x"}, {"", "n"}} {
			ok, err := m.Allow(whoIs(capacity, role), action, policy.Object{Org: relation.org})
			if err != nil {
				t.Fatalf("asking: %v", err)
			}
			if ok {
				mark += relation.letter
			}
		}
		if mark != "" {
			cells = append(cells, role+":"+mark)
		}
	}
	if len(cells) == len(roles) {
		return "every role:" + strings.TrimPrefix(cells[0], roles[0]+":"), true
	}
	return strings.Join(cells, " "), len(cells) > 0
}

func whoIs(capacity, role string) policy.Subject {
	if capacity == "process" {
		return policy.Subject{Process: role}
	}
	return person("home", capacity, role)
}

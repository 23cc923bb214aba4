package grammar

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name, code string
		want       []task.Statement
		codes      []string // code:line
	}{
		{
			name: "two relations",
			code: "-- two of them\n\n-- relation: a\nSELECT 1\n\n--relation:b\n\n  SELECT\n  2 -- two\n",
			want: []task.Statement{{Relation: "a", Line: 4, SQL: "SELECT 1"}, {Relation: "b", Line: 8, SQL: "SELECT\n  2 -- two"}},
		},
		{
			name: "carriage returns", code: "-- relation: a\r\nSELECT 1\r\n",
			want: []task.Statement{{Relation: "a", Line: 2, SQL: "SELECT 1"}},
		},
		{
			name: "a marker inside a string ends the statement", code: "-- relation: a\nSELECT '\n-- relation: b\n'",
			want: []task.Statement{{Relation: "a", Line: 2, SQL: "SELECT '"}, {Relation: "b", Line: 4, SQL: "'"}},
		},
		{name: "text before the first marker", code: "SELECT 0;\nSELECT 0;\n-- relation: a\nSELECT 1", codes: []string{"code.before_marker:1"},
			want: []task.Statement{{Relation: "a", Line: 4, SQL: "SELECT 1"}}},
		{name: "one name twice", code: "-- relation: a\nSELECT 1\n-- relation: a\nSELECT 2", codes: []string{"code.twice:3"},
			want: []task.Statement{{Relation: "a", Line: 2, SQL: "SELECT 1"}}},
		{name: "names that are none", code: "-- relation: A\nx\n-- relation: ../x\nx\n-- relation:\nx\n-- relation: _a\nx",
			codes: []string{"code.name:1", "code.name:3", "code.name:5", "code.name:7"}},
		{name: "a name of 64 letters", code: "-- relation: " + strings.Repeat("a", 64) + "\nx", codes: []string{"code.name:1"}},
		{name: "nothing below a marker", code: "-- relation: a\n -- c\n\n-- relation: b\nSELECT 1", codes: []string{"code.empty:1"},
			want: []task.Statement{{Relation: "b", Line: 5, SQL: "SELECT 1"}}},
		{name: "no marker", code: "-- nothing\n", codes: []string{"code.empty:1"}},
		{name: "not UTF-8", code: "-- relation: a\nSELECT '\xff'", codes: []string{"code.encoding:1"}},
		{name: "a zero byte", code: "-- relation: a\nSELECT 1\x00; DROP", codes: []string{"code.encoding:1"}},
		{name: "too long", code: strings.Repeat("-", maxCode+1), codes: []string{"code.too_long:1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stmts, findings := Split(c.code)
			if diff := cmp.Diff(c.want, stmts); diff != "" {
				t.Errorf("statements (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.codes, codesAt(findings)); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
		})
	}
}

package console

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/policy/screen"
)

func declared() job.Table {
	return job.Table{
		Name: "t", By: []job.Dimension{{Column: "plan", Values: []string{"free", "shared"}}, {Column: "health", Values: []string{"good", "poor"}}},
		Measures: []job.Measure{{Name: "people", Stat: job.StatUnits}, {Name: "rate", Stat: job.StatRatio, Of: "visits", Per: "years"}},
	}
}

// TestSheet: a sheet is laid out as declared, takes exactly the declared table, and marks what is said of its cells.
func TestSheet(t *testing.T) {
	s := newSheet(declared())
	if len(s.Rows) != 4 || s.Rows[2].Cells[0].Text != "shared" || s.Rows[2].Cells[1].Text != "good" || s.Rows[2].Cells[2].Text != "" {
		t.Fatalf("laid out: %+v", s.Rows)
	}
	for what, body := range map[string]string{
		"nothing": "", "another column": "plan,health,people,ratio\nfree,good,1,2\n", "a column more": "plan,health,people,rate,x\nfree,good,1,2,3\n",
		"a short row": "plan,health,people,rate\nfree,good,1\n", "a torn quote": "plan,health,people,rate\n\"free,good,1,2\n",
	} {
		if err := newSheet(declared()).fill([]byte(body)); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	if err := s.fill([]byte("plan,health,people,rate\nfree,good,3005,3.12\nfree,poor,105,\nshared,good,20,10.5\nshared,poor,15,9\n")); err != nil {
		t.Fatal(err)
	}
	if c := s.Columns[3]; c.Least != "3.12" || c.Most != "10.5" || c.None != 1 || c.Of != "visits / years" {
		t.Errorf("in sum: %+v", c)
	}
	s.flag([]screen.Finding{{Code: screen.CodeBelow, Cells: [][]string{{"shared", "poor"}, {"shared", "nothing"}}}, {Code: screen.CodeForged}})
	s.remark([]output.CommentView{{Row: 1, Column: 3}, {Row: 1, Column: 3}, {Row: 2}, {}, {Row: 9, Column: 1}, {Row: 1, Column: 9}})
	for i, want := range []int{0, 0, 0, 1} {
		if len(s.Rows[i].Flags) != want {
			t.Errorf("row %d has the flags %v", i+1, s.Rows[i].Flags)
		}
	}
	if s.Rows[0].Cells[2].Remarks != 2 || s.Rows[0].Remarks != 1 || s.Rows[1].Remarks != 1 {
		t.Errorf("remarks: %+v", s.Rows[:2])
	}
	all := rulesOf([]screen.Finding{{Code: screen.CodeBelow, Cells: [][]string{{"shared", "poor"}}}}, 4)
	if len(all) != len(screen.Codes()) || !all[4].Found || all[4].Cells != 1 || all[0].Found {
		t.Errorf("rules: %+v", all)
	}
}

// TestDifference: what is new and what is gone is marked, and the rest stands.
func TestDifference(t *testing.T) {
	long := strings.Repeat("x\n", maxCompared+1)
	for _, tt := range []struct{ before, after, want string }{
		{"a\nb\nc\n", "a\nb\nc", " a| b| c"}, {"a\nb\nc", "a\nx\nc", " a|-b|+x| c"}, {"a\nb", "a\nb\nc", " a| b|+c"}, {"a\nb", "b", "-a| b"},
		{"", "a\nb", " a| b"}, {"a", "b", "-a|+b"}, {"x\na\ny\nb", "a\nb\nz", "-x| a|-y| b|+z"},
		{"a\n" + long, "a\n" + strings.Replace(long, "x\n", "y\n", 1), " a|-x|+y" + strings.Repeat("| x", maxCompared)},
		{long + "q", "q\nb", strings.Repeat("-x|", maxCompared+1) + "-q|+q|+b"},
	} {
		var got []string
		for _, l := range difference(tt.before, tt.after) {
			mark := l.Mark
			if mark == "" {
				mark = " "
			}
			got = append(got, mark+l.Text)
		}
		if !slices.Equal(got, strings.Split(tt.want, "|")) {
			t.Errorf("%q to %q: %q", tt.before[:min(len(tt.before), 9)], tt.after, got)
		}
	}
}

package flow_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
)

func door() flow.Table {
	return flow.Table{
		Noun: "door", Title: "Door", Source: "A house.",
		States: []flow.State{"open", "shut", "gone"},
		Ends:   []flow.State{"gone"},
		Moves: []flow.Move{
			{From: flow.None, Act: "build", To: "open", Who: "builder"},
			{From: "open", Act: "shut", To: "shut", Who: "anyone"},
			{From: "shut", Act: "open", To: "open", Who: "anyone", Rule: "with the key"},
			{From: "shut", Act: "remove", To: "gone", Who: "builder"},
			{From: "open", Act: "change", To: "shut", Who: "draught"},
			{From: "shut", Act: "change", To: "open", Who: "draught"},
			{From: "open", Act: "remove", To: "gone", Who: "builder"},
		},
	}
}

func TestCheck(t *testing.T) {
	to, err := door().Check("open", "shut")
	if err != nil || to != "shut" {
		t.Fatalf("got %q, %v", to, err)
	}
	if to, err := door().Check(flow.None, "build"); err != nil || to != "open" {
		t.Fatalf("got %q, %v", to, err)
	}
}

func TestCheckRefuses(t *testing.T) {
	tests := []struct {
		from    flow.State
		act     string
		to      string
		allowed []string
	}{
		{"open", "open", "open", []string{"gone", "shut"}},
		{"gone", "open", "open", nil},
		{"shut", "paint", "", []string{"gone", "open"}},
		{"nowhere", "shut", "shut", nil},
		{flow.None, "shut", "shut", []string{"open"}},
		{"gone", "change", "", nil}, // leads to two states elsewhere
	}
	for _, tt := range tests {
		_, err := door().Check(tt.from, tt.act)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Conflict {
			t.Fatalf("%s from %s: got %v", tt.act, tt.from, err)
		}
		if f.From != string(tt.from) || f.To != tt.to || f.Code != "door.move_not_allowed" {
			t.Fatalf("%s from %s: got %+v", tt.act, tt.from, f)
		}
		if diff := cmp.Diff(tt.allowed, f.Allowed); diff != "" {
			t.Fatalf("%s from %s: allowed (-want +got):\n%s", tt.act, tt.from, diff)
		}
	}
}

func TestValidate(t *testing.T) {
	if err := door().Validate(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		spoil func(*flow.Table)
		want  string
	}{
		{"no noun", func(t *flow.Table) { t.Noun = "" }, "no noun"},
		{"state twice", func(t *flow.Table) { t.States = append(t.States, "shut") }, "listed twice"},
		{"unknown state", func(t *flow.Table) { t.Moves[1].To = "ajar" }, "unknown state"},
		{"unknown end", func(t *flow.Table) { t.Ends = []flow.State{"ajar"} }, "is no state"},
		{"two starts", func(t *flow.Table) { t.Moves[0].To = "shut" }, "not at the start"},
		{"act twice", func(t *flow.Table) { t.Moves = append(t.Moves, t.Moves[1]) }, "two states"},
		{"nobody", func(t *flow.Table) { t.Moves[1].Who = "" }, "nobody"},
		{"end is left", func(t *flow.Table) { t.Ends = append(t.Ends, "shut") }, "an end that is left"},
		{"dead end", func(t *flow.Table) { t.Ends = nil }, "left by nothing"},
		{"island", func(t *flow.Table) {
			t.States = append(t.States, "myth")
			t.Moves = append(t.Moves, flow.Move{From: "myth", Act: "shut", To: "shut", Who: "nobody"})
		}, "out of reach"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table := door()
			tt.spoil(&table)
			if err := table.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestDraw(t *testing.T) {
	for _, want := range []string{"[*] --> open: build", "shut --> gone: remove", "gone --> [*]"} {
		if !strings.Contains(door().Mermaid(), want) {
			t.Fatalf("diagram lacks %q:\n%s", want, door().Mermaid())
		}
	}
	if want := "| `shut` | `open` | `open` | anyone | with the key |\n"; !strings.Contains(door().Markdown(), want) {
		t.Fatalf("rows lack %q:\n%s", want, door().Markdown())
	}
}

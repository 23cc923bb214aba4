package output_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
)

func TestCommentValidate(t *testing.T) {
	table := output.Extent{Rows: 8, Columns: 4}
	tests := []struct {
		name  string
		voice output.Voice
		spec  output.CommentSpec
		want  string // location and code of the only place at fault
	}{
		{"of all of it", output.OperatorVoice, output.CommentSpec{Text: "fine"}, ""},
		{"at the last cell", output.AgencyVoice, output.CommentSpec{Text: "请合并这一格\n和下一格", Row: 8, Column: 4}, ""},
		{"the author counts", output.AuthorVoice, output.CommentSpec{Text: "10 of 12 are merged"}, ""},
		{"the officer sees no values", output.OperatorVoice, output.CommentSpec{Text: "2 measures"}, ""},
		{"as long as may be", output.AgencyVoice, output.CommentSpec{Text: strings.Repeat("字", output.MaxText)}, ""},
		{"longer", output.AgencyVoice, output.CommentSpec{Text: strings.Repeat("字", output.MaxText+1)}, "text text.too_long"},
		{"nothing", output.AgencyVoice, output.CommentSpec{Text: " \n"}, "text text.missing"},
		{"a figure", output.AgencyVoice, output.CommentSpec{Text: "105 people"}, "text text.figures"},
		{"a full-width figure", output.AgencyVoice, output.CommentSpec{Text: "１０５人"}, "text text.figures"},
		{"a figure in a ring", output.AgencyVoice, output.CommentSpec{Text: "④"}, "text text.figures"},
		{"a direction mark", output.AuthorVoice, output.CommentSpec{Text: "a\u202eb"}, "text text.unprintable"},
		{"no width", output.AuthorVoice, output.CommentSpec{Text: "a\u200bb"}, "text text.unprintable"},
		{"a control", output.AuthorVoice, output.CommentSpec{Text: "a\x1bb"}, "text text.unprintable"},
		{"below", output.AuthorVoice, output.CommentSpec{Text: "x", Row: 9}, "row row.outside_table"},
		{"above", output.AuthorVoice, output.CommentSpec{Text: "x", Row: -1}, "row row.outside_table"},
		{"beside", output.AuthorVoice, output.CommentSpec{Text: "x", Column: 5}, "column column.outside_table"},
	}
	for _, tt := range tests {
		if got := onlyPlace(tt.spec.Validate(tt.voice, table)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// onlyPlace is the location and code of the only place an error names.
func onlyPlace(err error) string {
	var f *fault.Error
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &f) || len(f.Places) != 1:
		return err.Error()
	}
	return f.Places[0].Location + " " + f.Places[0].Code
}

func TestReturnValidate(t *testing.T) {
	tests := []struct {
		name  string
		voice output.Voice
		spec  output.ReturnSpec
		want  string
	}{
		{"every reason", output.AgencyVoice, output.ReturnSpec{Reasons: output.Reasons()}, ""},
		{"with words", output.OperatorVoice, output.ReturnSpec{Reasons: []output.Reason{output.UnclearCode}, Text: "line 3"}, ""},
		{"no reason", output.OperatorVoice, output.ReturnSpec{Text: "no"}, "reasons reason.missing"},
		{"another reason", output.OperatorVoice, output.ReturnSpec{Reasons: []output.Reason{"mood"}}, "reasons reason.not_listed"},
		{"twice", output.OperatorVoice, output.ReturnSpec{Reasons: []output.Reason{output.Disclosure, output.Disclosure}}, "reasons reason.twice"},
		{"a figure", output.AgencyVoice, output.ReturnSpec{Reasons: []output.Reason{output.Disclosure}, Text: "4"}, "text text.figures"},
	}
	for _, tt := range tests {
		if got := onlyPlace(tt.spec.Validate(tt.voice)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A seat's words reach others when nothing is left to be influenced, or when it sends the request back itself.
func TestSealShows(t *testing.T) {
	tests := []struct {
		name   string
		seal   output.Seal
		writer name.ID
		voice  output.Voice
		want   bool
	}{
		{"one's own", output.Seal{}, voter, output.AgencyVoice, true},
		{"the author's", output.Seal{}, other, output.AuthorVoice, true},
		{"a seat's", output.Seal{}, other, output.AgencyVoice, false},
		{"after both votes", output.Seal{BothVoted: true}, other, output.AgencyVoice, true},
		{"the returning seat's", output.Seal{ReturnedBy: output.AgencySeat}, other, output.AgencyVoice, true},
		{"the other seat's", output.Seal{ReturnedBy: output.AgencySeat}, other, output.OperatorVoice, false},
	}
	for _, tt := range tests {
		if got := tt.seal.Shows(voter, tt.writer, tt.voice); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

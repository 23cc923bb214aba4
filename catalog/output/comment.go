package output

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// Voice is whom somebody speaks for in a review: one of its seats, or the author of what is under review.
type Voice string

// The closed list of voices.
const (
	AuthorVoice   Voice = "author" // never votes, so has nothing to keep sealed
	OperatorVoice       = Voice(OperatorSeat)
	AgencyVoice         = Voice(AgencySeat)
)

// Voices lists every voice.
func Voices() []Voice { return []Voice{AuthorVoice, OperatorVoice, AgencyVoice} }

// Bounds of what is said in one review.
const (
	MaxText     = 500 // characters of one text
	MaxComments = 50  // comments of one voice on one request
)

// CommentSpec is something to be said about an output under review. Row and Column name a cell, a whole row or a
// whole column by its place in the declared table, from 1; 0 names none. A value is never named.
type CommentSpec struct {
	Text   string `json:"text"`
	Row    int64  `json:"row,omitempty"`
	Column int    `json:"column,omitempty"`
}

// Extent is how large the output is that a comment is about.
type Extent struct {
	Rows    int64
	Columns int
}

// Validate checks a comment of a voice about an output of an extent.
func (s CommentSpec) Validate(voice Voice, e Extent) error {
	var p fault.Places
	checkText(&p, s.Text, voice)
	p.Require(s.Row >= 0 && s.Row <= e.Rows, "row", "row.outside_table")
	p.Require(s.Column >= 0 && s.Column <= e.Columns, "column", "column.outside_table")
	return p.Err("comment.invalid")
}

// checkText bounds a text of a review. Only the agency's people see values, and what they write is read by the
// operator's side: a figure in it could be one of the table's, so that a cell is named by its place instead.
func checkText(p *fault.Places, text string, voice Voice) {
	switch {
	case strings.TrimSpace(text) == "":
		p.Add("text", "text.missing")
	case utf8.RuneCountInString(text) > MaxText:
		p.Add("text", "text.too_long")
	case !name.IsProse(text, utf8.UTFMax*MaxText):
		p.Add("text", "text.unprintable")
	case voice == AgencyVoice && strings.ContainsFunc(text, unicode.IsNumber):
		p.Add("text", "text.figures")
	}
}

// CommentView is a comment as shown. It names no person.
type CommentView struct {
	Voice     Voice     `json:"voice"`
	Row       int64     `json:"row,omitempty"`
	Column    int       `json:"column,omitempty"`
	Text      string    `json:"text"`
	WrittenAt time.Time `json:"written_at"`
}

// Seal keeps what a seat says from the other one, as it keeps its vote: a remark tells as much. The operator's seat
// and the author are of one organization, so what is kept from the one is kept from both.
type Seal struct {
	BothVoted  bool // nothing is left to be influenced
	ReturnedBy Seat // the seat that sent the request back and says why; "" when none did
}

// Shows reports whether a reader sees what somebody wrote: their own, the author's, all once both seats have voted,
// and the returning seat's. What the other seat wrote on a request that ended before its vote stays sealed, since
// it may vote on the same bytes in the next round.
func (s Seal) Shows(reader, writer name.ID, voice Voice) bool {
	return reader == writer || voice == AuthorVoice || s.BothVoted ||
		s.ReturnedBy != "" && voice == Voice(s.ReturnedBy)
}

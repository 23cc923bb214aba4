package output

import (
	"encoding/json"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// View is an output as everybody with a right to know of it sees it: never a value.
type View struct {
	Job      string          `json:"job"`
	Name     string          `json:"name"`
	State    string          `json:"state"`
	Digest   string          `json:"digest"`
	Evidence string          `json:"evidence_digest"`
	Rows     int64           `json:"rows"`
	Schema   json.RawMessage `json:"schema"`   // the declared table (job.Table)
	Findings json.RawMessage `json:"findings"` // []screen.Finding
	Request  string          `json:"request,omitempty"`
}

// RequestSpec asks for a review of one output.
type RequestSpec struct {
	Job     string `json:"job"`
	Output  string `json:"output"`
	Context string `json:"context"` // why it is safe and what it is for, in the author's words
}

// Validate checks what was asked for.
func (s RequestSpec) Validate() error {
	var p fault.Places
	checkContext(&p, s.Context)
	return p.Err("review.invalid")
}

// maxContext bounds a context, in bytes.
const maxContext = 2000

func checkContext(p *fault.Places, context string) {
	p.Require(len(context) <= maxContext, "context", "context.too_long")
	p.Require(context == "" || len(context) > maxContext || name.IsProse(context, maxContext), "context", "text.unprintable")
}

// RequestView is a review request as its seats see it. Votes are sealed from each other until both are in.
type RequestView struct {
	Number   string     `json:"number"`
	State    string     `json:"state"`
	Output   View       `json:"output"`
	Code     string     `json:"code"` // the author's code, for both seats
	Context  string     `json:"context"`
	Kind     Kind       `json:"kind"`
	Revision string     `json:"revision"` // policy revision a vote must name
	Expiry   time.Time  `json:"expiry"`   // the longest a vote cast now may last
	Voted    []Seat     `json:"voted"`
	Votes    []VoteView `json:"votes"` // the caller's own; both once both are in
	Release  string     `json:"release,omitempty"`
	OpenedAt time.Time  `json:"opened_at"`
	EndedAt  *time.Time `json:"ended_at,omitempty"`
	// Due is the end of the days the rules give both seats (review.days); nil when they give none.
	Due *time.Time `json:"due,omitempty"`
	// Follows is the ended request this one hands in anew, FollowedBy the one that hands this one in anew.
	Follows    string      `json:"follows,omitempty"`
	FollowedBy string      `json:"followed_by,omitempty"`
	Returned   *ReturnView `json:"returned,omitempty"` // when one seat sent it back
	// Comments are those the caller may see now, oldest first. Lists leave them out.
	Comments []CommentView `json:"comments,omitempty"`
	// Desk is what a voter looks at beside the output. Lists leave it out.
	Desk *DeskView `json:"desk,omitempty"`
}

// Steady returns the view without what the clock and others' acts move: nobody decides on that.
func (v RequestView) Steady() any {
	v.Expiry, v.Desk = time.Time{}, nil
	return v
}

// DeskView is what surrounds a request: who asks, under which grants, what else the job made, and what was released
// before. It holds no value of any output, and nothing the reader's organization is no party to.
type DeskView struct {
	Operator     string        `json:"operator"` // number
	OperatorName string        `json:"operator_name"`
	JobName      string        `json:"job_name"`
	Purpose      string        `json:"purpose"`
	Inputs       []InputView   `json:"inputs"`
	Round        int           `json:"round"` // 1 for a request that follows none
	Files        []View        `json:"files"` // every output of the job
	LastCode     *CodeView     `json:"last_code,omitempty"`
	Earlier      []EarlierView `json:"earlier"` // released from the same data, newest first, at most MaxEarlier
}

// MaxEarlier bounds how many earlier releases a request shows.
const MaxEarlier = 20

// InputView is what an output was made from.
type InputView struct {
	Dataset string   `json:"dataset"`
	Version int      `json:"version"`
	Grant   string   `json:"grant"`
	Columns []string `json:"columns"`
}

// CodeView is the code of the job of this name that was released last.
type CodeView struct {
	Release string `json:"release"`
	Code    string `json:"code"`
}

// EarlierView is an earlier release on one of the datasets.
type EarlierView struct {
	Release    string    `json:"release"`
	Request    string    `json:"request"`
	Job        string    `json:"job"`
	Output     string    `json:"output"`
	State      string    `json:"state"`
	ReleasedAt time.Time `json:"released_at"`
}

// VoteView is one vote as shown.
type VoteView struct {
	Seat     Seat      `json:"seat"`
	Decision Choice    `json:"decision"`
	CastAt   time.Time `json:"cast_at"`
}

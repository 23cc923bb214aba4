package output

import (
	"encoding/json"
	"time"
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
	// Follows is the ended request this one hands in anew, FollowedBy the one that hands this one in anew.
	Follows    string      `json:"follows,omitempty"`
	FollowedBy string      `json:"followed_by,omitempty"`
	Returned   *ReturnView `json:"returned,omitempty"` // when one seat sent it back
	// Comments are those the caller may see now, oldest first. Lists leave them out.
	Comments []CommentView `json:"comments,omitempty"`
}

// Steady returns the view without what the clock moves: nobody decides on that.
func (v RequestView) Steady() any {
	v.Expiry = time.Time{}
	return v
}

// VoteView is one vote as shown.
type VoteView struct {
	Seat     Seat      `json:"seat"`
	Decision Choice    `json:"decision"`
	CastAt   time.Time `json:"cast_at"`
}

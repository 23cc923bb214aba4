package trace

import (
	"encoding/json"
	"time"
)

// View is an entry as shown to who may read it, with what is needed to check it: SHA-256(salt ‖ body) is in
// the leaf, and the leaf is in the log. Salt and body are absent once erased.
type View struct {
	Index int64           `json:"index"`
	ID    string          `json:"id"`
	At    time.Time       `json:"at"`
	Leaf  []byte          `json:"leaf"`
	Salt  []byte          `json:"salt,omitempty"`
	Body  json.RawMessage `json:"body,omitempty"`
}

// Filter selects entries. Empty members do not filter, and together they narrow.
type Filter struct {
	Act      string
	Decision string
	Object   string // number or name
	Who      string // login, ORG-0001/login, or the hash that stands for the person in an entry
	Org      string // number of the organization whose people acted
	Since    string // first day, or the moment it begins: YYYY-MM-DD in Asia/Shanghai, or RFC 3339
	Until    string // last day, all of it, or the moment before which it ends
	Before   int64  // only entries with a smaller index; 0: newest
	Limit    int    // 1 … 200; 0: 50
}

// Chain is the lineage of one job: everything from the bytes it read to the product that left.
type Chain struct {
	Job     string        `json:"job"`
	Code    string        `json:"code"` // digest
	State   string        `json:"state"`
	Inputs  []ChainInput  `json:"inputs"`
	Outputs []ChainOutput `json:"outputs"`
}

// ChainInput is one input of a job and what it rested on.
type ChainInput struct {
	Name         string   `json:"name"`
	Dataset      string   `json:"dataset"`
	Version      int      `json:"version"`
	Manifest     string   `json:"manifest"` // digest
	Parts        []string `json:"parts"`    // digests
	Columns      []string `json:"columns"`
	Grant        string   `json:"grant"`
	Agreement    string   `json:"agreement"`
	Registration string   `json:"registration,omitempty"`
}

// ChainOutput is one output of a job and how it left, if it did.
type ChainOutput struct {
	Name     string      `json:"name"`
	Digest   string      `json:"digest"`
	Evidence string      `json:"evidence"`
	State    string      `json:"state"`
	Request  string      `json:"request,omitempty"`
	Votes    []ChainVote `json:"votes"`
	Release  string      `json:"release,omitempty"`
	Leaf     string      `json:"leaf,omitempty"` // id of the trace entry of the intent to release
}

// ChainVote is one seat's vote, once both are in.
type ChainVote struct {
	Seat     string `json:"seat"`
	Decision string `json:"decision"`
	Digest   string `json:"digest"` // of the signed envelope
}

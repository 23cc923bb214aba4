package output

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

// VoteType is the signature domain of votes.
const VoteType envelope.Type = "application/vnd.sluice.vote.v1+json"

// Seat is one of the two places a review has.
type Seat string

// The closed list of seats.
const (
	OperatorSeat Seat = "operator" // its security officer; sees no values
	AgencySeat   Seat = "agency"   // its output reviewer; sees values, each view traced
)

// Choice is what a voter decides.
type Choice string

// The closed list of choices, better first.
const (
	Approve Choice = "approve"
	Return  Choice = "return" // to be handed in anew
	Reject  Choice = "reject"
)

// Kind is what is voted about.
type Kind string

// The closed list of kinds.
const (
	OutputVote   Kind = "output"
	ProtocolVote Kind = "protocol"
	ServiceVote  Kind = "service"
)

// Vote is the statement a voter signs with a key of their own. It is over digests: one changed byte of the
// output or of the evidence voids it.
type Vote struct {
	Request  name.Number `json:"request"`
	Seat     Seat        `json:"seat"`
	Voter    name.ID     `json:"voter"` // member
	Decision Choice      `json:"decision"`
	Kind     Kind        `json:"kind"`
	Digest   name.Digest `json:"digest"`          // of what is voted about
	Evidence name.Digest `json:"evidence_digest"` // of the evidence beside it
	Revision string      `json:"revision"`        // of the policy bundle that judged the evidence
	Expiry   time.Time   `json:"expiry"`          // UTC, whole seconds
	Nonce    string      `json:"nonce"`           // 16 random bytes in hexadecimal, made by the voter's client
}

// Ballot is a vote as it is cast: the signed statement, and what its voter says of it, which is sealed as the vote is.
type Ballot struct {
	envelope.Envelope
	Text string `json:"text,omitempty"` // a comment of the seat on the whole output; a vote to reject needs one
}

// Reasoned holds who rejects to saying why: whose work it was learns nothing else of it. The statement has no place for
// words, so that this is asked of what comes with it, once, when the vote is cast.
func Reasoned(choice Choice, text string) error {
	var p fault.Places
	p.Require(choice != Reject || strings.TrimSpace(text) != "", "text", "text.missing")
	return p.Err("opinion.invalid")
}

// nonceBytes makes a nonce nobody meets twice.
const nonceBytes = 16

// Sign validates v and seals it with the voter's key.
func (v Vote) Sign(keyID name.ID, key ed25519.PrivateKey) (envelope.Envelope, error) {
	v.Expiry = v.Expiry.UTC().Truncate(time.Second)
	if err := v.Validate(); err != nil {
		return envelope.Envelope{}, err
	}
	e, err := envelope.Sign(VoteType, string(keyID), key, v)
	if err != nil {
		return envelope.Envelope{}, fmt.Errorf("signing vote: %w", err)
	}
	return e, nil
}

// OpenVote verifies an envelope under the voter's public key and returns its statement. Whether the vote is
// fresh, about the right bytes and by the right person is asked with Fits and by policy.
func OpenVote(e envelope.Envelope, key envelope.Verifier) (Vote, error) {
	var v Vote
	if err := e.OpenWith(VoteType, key, &v); err != nil {
		return Vote{}, fmt.Errorf("opening vote: %w", err)
	}
	return v, v.Validate()
}

// Validate checks a vote's form.
func (v Vote) Validate() error {
	var p fault.Places
	_, err := name.ParseNumberOf(name.Request, string(v.Request))
	p.Require(err == nil, "request", "number.invalid")
	_, err = name.ParseID(string(v.Voter))
	p.Require(err == nil, "voter", "id.invalid")
	p.Require(v.Seat == OperatorSeat || v.Seat == AgencySeat, "seat", "seat.unknown")
	p.Require(slices.Contains(choices(), v.Decision), "decision", "decision.unknown")
	p.Require(slices.Contains([]Kind{OutputVote, ProtocolVote, ServiceVote}, v.Kind), "kind", "kind.unknown")
	p.Require(v.Digest.Valid(), "digest", "digest.invalid")
	p.Require(v.Evidence.Valid(), "evidence_digest", "digest.invalid")
	p.Require(v.Revision != "", "revision", "revision.missing")
	p.Require(!v.Expiry.IsZero() && v.Expiry.Equal(v.Expiry.Truncate(time.Second)), "expiry", "time.invalid")
	nonce, err := hex.DecodeString(v.Nonce)
	p.Require(err == nil && len(nonce) == nonceBytes && hex.EncodeToString(nonce) == v.Nonce, "nonce", "nonce.invalid")
	return p.Err("vote.invalid")
}

// Subject is what a vote must be about to count.
type Subject struct {
	Request  name.Number
	Kind     Kind
	Digest   name.Digest
	Evidence name.Digest
	Revision string
}

// Fits reports whether v is about exactly s and has not expired at now. Nonces are checked where they are
// stored.
func (v Vote) Fits(s Subject, now time.Time) bool {
	same := Subject{v.Request, v.Kind, v.Digest, v.Evidence, v.Revision} == s
	return same && now.Before(v.Expiry)
}

func choices() []Choice { return []Choice{Approve, Return, Reject} }

// Result returns what two votes decide, false until both seats have voted: the worse vote wins. Votes of one
// seat twice, of one voter twice, or of an unknown choice never approve.
func Result(votes []Vote) (Choice, bool) {
	if len(votes) != 2 {
		return "", false
	}
	a, b := votes[0], votes[1]
	if a.Seat == b.Seat || a.Voter == b.Voter {
		return Reject, true
	}
	i, j := slices.Index(choices(), a.Decision), slices.Index(choices(), b.Decision)
	if i < 0 || j < 0 {
		return Reject, true
	}
	return choices()[max(i, j)], true
}

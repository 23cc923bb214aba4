package output_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
)

const (
	voter = name.ID("01890a5d-ac96-774b-bcce-b302099a8057")
	other = name.ID("01890a5d-ac96-774b-bcce-b302099a8058")
	keyID = name.ID("01890a5d-ac96-774b-bcce-b302099a8059")
)

func key(b byte) ed25519.PrivateKey          { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, 32)) }
func pub(b byte) ed25519.PublicKey           { return ed25519.PublicKey(key(b)[32:]) }
func expiry() time.Time                      { return time.Date(2026, 3, 11, 8, 0, 0, 0, time.UTC) }
func spoil(f func(*output.Vote)) output.Vote { v := vote(); f(&v); return v }

func vote() output.Vote {
	return output.Vote{
		Request: "Q-2026-0001", Seat: output.AgencySeat, Voter: voter, Decision: output.Approve, Kind: output.OutputVote,
		Digest: name.DigestOf([]byte("product")), Evidence: name.DigestOf([]byte("evidence")), Revision: "rev1",
		Expiry: expiry(), Nonce: strings.Repeat("0a", 16),
	}
}

func TestVote(t *testing.T) {
	e, err := vote().Sign(keyID, key(1))
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	// The form must last: clients in other languages sign these bytes.
	want := `{"decision":"approve","digest":"` + string(name.DigestOf([]byte("product"))) + `","evidence_digest":"` +
		string(name.DigestOf([]byte("evidence"))) + `","expiry":"2026-03-11T08:00:00Z","kind":"output","nonce":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",` +
		`"request":"Q-2026-0001","revision":"rev1","seat":"agency","voter":"01890a5d-ac96-774b-bcce-b302099a8057"}`
	if diff := cmp.Diff(want, string(e.Payload)); diff != "" {
		t.Fatalf("payload (-want +got):\n%s", diff)
	}
	got, err := output.OpenVote(e, envelope.Ed25519Key(pub(1)))
	if err != nil {
		t.Fatalf("OpenVote: %v", err)
	}
	if diff := cmp.Diff(vote(), got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if _, err := output.OpenVote(e, envelope.Ed25519Key(pub(2))); !errors.Is(err, envelope.ErrSignature) {
		t.Fatalf("another's key: %v", err)
	}
	e.Payload = bytes.Replace(e.Payload, []byte("approve"), []byte("reject!"), 1)
	if _, err := output.OpenVote(e, envelope.Ed25519Key(pub(1))); !errors.Is(err, envelope.ErrSignature) {
		t.Fatalf("changed vote: %v", err)
	}
}

// A signature over the same bytes for another purpose is no vote.
func TestVoteDomain(t *testing.T) {
	e, err := envelope.Sign("application/vnd.sluice.certificate.v1+json", string(keyID), key(1), vote())
	if err != nil {
		t.Fatal(err)
	}
	e.Type = output.VoteType
	if _, err := output.OpenVote(e, envelope.Ed25519Key(pub(1))); !errors.Is(err, envelope.ErrSignature) {
		t.Fatalf("got %v", err)
	}
}

func TestVoteValidate(t *testing.T) {
	tests := map[string]output.Vote{
		"request":         spoil(func(v *output.Vote) { v.Request = "J-2026-0001" }),
		"seat":            spoil(func(v *output.Vote) { v.Seat = "third" }),
		"voter":           spoil(func(v *output.Vote) { v.Voter = "me" }),
		"decision":        spoil(func(v *output.Vote) { v.Decision = "maybe" }),
		"kind":            spoil(func(v *output.Vote) { v.Kind = "" }),
		"digest":          spoil(func(v *output.Vote) { v.Digest = "" }),
		"evidence_digest": spoil(func(v *output.Vote) { v.Evidence = "" }),
		"revision":        spoil(func(v *output.Vote) { v.Revision = "" }),
		"expiry":          spoil(func(v *output.Vote) { v.Expiry = time.Time{} }),
		"nonce":           spoil(func(v *output.Vote) { v.Nonce = strings.Repeat("0A", 16) }),
	}
	for place, v := range tests {
		_, err := v.Sign(keyID, key(1))
		var f *fault.Error
		if !errors.As(err, &f) || len(f.Places) != 1 || f.Places[0].Location != place {
			t.Errorf("%s: got %v", place, err)
		}
	}
}

func TestFits(t *testing.T) {
	v := vote()
	s := output.Subject{Request: v.Request, Kind: v.Kind, Digest: v.Digest, Evidence: v.Evidence, Revision: v.Revision}
	before := expiry().Add(-time.Second)
	if !v.Fits(s, before) {
		t.Fatal("refused")
	}
	if v.Fits(s, expiry()) {
		t.Error("counted after its expiry")
	}
	for what, change := range map[string]func(*output.Subject){
		"request":  func(s *output.Subject) { s.Request = "Q-2026-0002" },
		"kind":     func(s *output.Subject) { s.Kind = output.ServiceVote },
		"digest":   func(s *output.Subject) { s.Digest = name.DigestOf([]byte("producu")) },
		"evidence": func(s *output.Subject) { s.Evidence = name.DigestOf(nil) },
		"revision": func(s *output.Subject) { s.Revision = "rev2" },
	} {
		o := s
		change(&o)
		if v.Fits(o, before) {
			t.Errorf("counted for another %s", what)
		}
	}
}

func TestResult(t *testing.T) {
	at := func(seat output.Seat, who name.ID, d output.Choice) output.Vote {
		return output.Vote{Seat: seat, Voter: who, Decision: d}
	}
	op, ag := output.OperatorSeat, output.AgencySeat
	tests := []struct {
		name  string
		votes []output.Vote
		want  output.Choice
		done  bool
	}{
		{"none", nil, "", false},
		{"one", []output.Vote{at(op, voter, output.Reject)}, "", false},
		{"both approve", []output.Vote{at(op, voter, output.Approve), at(ag, other, output.Approve)}, output.Approve, true},
		{"one rejects", []output.Vote{at(op, voter, output.Approve), at(ag, other, output.Reject)}, output.Reject, true},
		{"one returns", []output.Vote{at(op, voter, output.Return), at(ag, other, output.Approve)}, output.Return, true},
		{"return and reject", []output.Vote{at(op, voter, output.Return), at(ag, other, output.Reject)}, output.Reject, true},
		{"one seat twice", []output.Vote{at(op, voter, output.Approve), at(op, other, output.Approve)}, output.Reject, true},
		{"one voter twice", []output.Vote{at(op, voter, output.Approve), at(ag, voter, output.Approve)}, output.Reject, true},
		{"unknown choice", []output.Vote{at(op, voter, output.Approve), at(ag, other, "")}, output.Reject, true},
		{"three", []output.Vote{at(op, voter, output.Approve), at(ag, other, output.Approve), at(ag, other, output.Approve)}, "", false},
	}
	for _, tt := range tests {
		if got, done := output.Result(tt.votes); got != tt.want || done != tt.done {
			t.Errorf("%s: got %q, %v", tt.name, got, done)
		}
	}
}

// A blocked finding cannot be approved over: nothing leads from blocked to anywhere but destruction.
func TestBlockedIsOnlyDestroyed(t *testing.T) {
	moves := output.Flow().From(output.Blocked)
	if len(moves) != 1 || moves[0].To != output.Destroyed {
		t.Fatalf("got %+v", moves)
	}
	for _, act := range []string{"approve", "open", "release", "deliver"} {
		if _, err := output.Flow().Check(output.Blocked, act); fault.Of(err) != fault.Conflict {
			t.Errorf("%s: %v", act, err)
		}
	}
	if _, err := output.Flow().Check(flow.None, "deliver"); err == nil {
		t.Error("delivered what is not there")
	}
}

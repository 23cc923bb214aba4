package client_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/gateway/client"
)

// vault holds the keys a release is signed with, and when they counted.
type vault struct {
	root, certificate, checkpoint ed25519.PrivateKey
	issued                        time.Time
	document                      trust.Document
}

func newVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{issued: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	for _, key := range []*ed25519.PrivateKey{&v.root, &v.certificate, &v.checkpoint} {
		_, made, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		*key = made
	}
	v.document = trust.Document{Format: trust.Format, Origin: "test/trace", Serial: 1, Issued: v.issued, Keys: []trust.Key{
		v.key(trust.Certificate, v.certificate), v.key(trust.Checkpoint, v.checkpoint),
	}}
	return v
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func (v *vault) key(p trust.Purpose, k ed25519.PrivateKey) trust.Key {
	return trust.Key{
		ID: trust.KeyID(p, public(k)), Purpose: p, Alg: trust.Ed25519, Public: public(k),
		NotBefore: v.issued.Add(-time.Hour), NotAfter: v.issued.AddDate(1, 0, 0),
	}
}

// release makes a whole package: a log whose second leaf is the intent, the certificate over its proof.
func (v *vault) release(t *testing.T, product string) release.Package {
	t.Helper()
	return v.releaseOf(t, product, v.votes(t, product))
}

// releaseOf is release with votes of choice.
func (v *vault) releaseOf(t *testing.T, product string, votes []voted) release.Package {
	t.Helper()
	ctx := context.Background()
	dir, err := tilestore.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	signer, err := trace.NewSigner(v.document.Origin, v.checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	var leaves [][]byte
	for range 3 {
		entry := trace.Entry{ID: name.NewID().String(), Time: v.issued, Salt: make([]byte, trace.SaltSize), Body: []byte(`{}`)}
		leaf, err := entry.Leaf()
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leaf)
	}
	head, err := trace.NewSequencer(dir, signer).Append(ctx, 0, leaves)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := trace.Prove(ctx, dir, head, 1)
	if err != nil {
		t.Fatal(err)
	}
	c := release.Certificate{
		Format: release.CertificateFormat, Release: "D-2026-0001", Output: "counts", Product: name.DigestOf([]byte(product)),
		Size: int64(len(product)), Job: "J-2026-0001", Code: name.DigestOf([]byte("code")), Policy: "revision", RuleSet: "rules",
		Inputs: []release.Input{{Dataset: "visits", Version: 1, Manifest: name.DigestOf([]byte("manifest")), Grant: "G-2026-0001"}},
		Trace: release.Entry{
			Origin: head.Origin, Index: 1, Leaf: trace.LeafHash(proof.Leaf), Size: head.Size, Root: name.Digest("sha256:" + hex.EncodeToString(head.Root[:])),
		},
		Issued: v.issued,
	}
	for _, vote := range votes {
		c.Votes = append(c.Votes, vote.digest(t))
	}
	sealed, err := c.Sign(trust.KeyID(trust.Certificate, public(v.certificate)), v.certificate)
	if err != nil {
		t.Fatal(err)
	}
	document, err := v.document.Sign(v.root)
	if err != nil {
		t.Fatal(err)
	}
	return release.Package{Product: []byte(product), Certificate: encode(t, sealed), Proof: encode(t, proof), Trust: document, Votes: encode(t, votes)}
}

// voted is a vote as a package has it.
type voted struct{ release.SignedVote }

func (s voted) digest(t *testing.T) name.Digest {
	t.Helper()
	d, err := s.Envelope.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// votes approves a product from both seats.
func (v *vault) votes(t *testing.T, product string) []voted {
	t.Helper()
	return []voted{v.vote(t, product, output.OperatorSeat, nil), v.vote(t, product, output.AgencySeat, nil)}
}

// vote signs for a seat with a key of its own.
func (v *vault) vote(t *testing.T, product string, seat output.Seat, change func(*output.Vote)) voted {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return v.voteBy(t, key, product, seat, change)
}

// approval is a vote for a product by somebody new.
func (v *vault) approval(product string, seat output.Seat) output.Vote {
	return output.Vote{
		Request: "Q-2026-0001", Seat: seat, Voter: name.NewID(), Decision: output.Approve, Kind: output.OutputVote,
		Digest: name.DigestOf([]byte(product)), Evidence: name.DigestOf([]byte("evidence")), Revision: "revision",
		Expiry: v.issued.AddDate(0, 0, 1), Nonce: strings.Repeat("0f", 16),
	}
}

func (v *vault) voteBy(t *testing.T, key ed25519.PrivateKey, product string, seat output.Seat, change func(*output.Vote)) voted {
	t.Helper()
	cast := v.approval(product, seat)
	if change != nil {
		change(&cast)
	}
	e, err := cast.Sign(name.NewID(), key)
	if err != nil {
		t.Fatal(err)
	}
	return voted{release.SignedVote{Envelope: e, PublicKey: public(key)}}
}

// TestVotesTravelAlong: the votes of a package are those of its certificate, for its product, by two people; a package of
// before has none.
func TestVotesTravelAlong(t *testing.T) {
	v, browser := newVault(t), newPage(t)
	const product = "plan,people\nfree,100\n"
	first, second := v.vote(t, product, output.OperatorSeat, nil), v.vote(t, product, output.AgencySeat, nil)
	same := func(cast *output.Vote) { cast.Voter = voterOf(t, first) }
	oneKey := []voted{v.voteBy(t, v.root, product, output.OperatorSeat, nil), v.voteBy(t, v.root, product, output.AgencySeat, nil)}
	forged := second
	forged.PublicKey = first.PublicKey
	other := v.vote(t, product, output.AgencySeat, nil)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err == nil {
		other.Envelope, err = envelope.Sign("application/vnd.sluice.note.v1+json", other.Envelope.Key, key, v.approval(product, output.AgencySeat))
	}
	if other.PublicKey = public(key); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		votes []voted // those of the certificate too
		ok    bool
	}{
		"two":                   {[]voted{first, second}, true},
		"the other way round":   {[]voted{second, first}, false},
		"one":                   {[]voted{first}, false},
		"one twice":             {[]voted{first, first}, false},
		"another's key":         {[]voted{first, forged}, false},
		"of another product":    {[]voted{first, v.vote(t, "else", output.AgencySeat, nil)}, false},
		"under one key":         {oneKey, false},
		"of one person":         {[]voted{first, v.vote(t, product, output.AgencySeat, same)}, false},
		"of another request":    {[]voted{first, v.vote(t, product, output.AgencySeat, func(c *output.Vote) { c.Request = "Q-2026-0002" })}, false},
		"one against":           {[]voted{first, v.vote(t, product, output.AgencySeat, func(c *output.Vote) { c.Decision = output.Reject })}, false},
		"of another type":       {[]voted{first, other}, false},
		"two of the operator's": {[]voted{first, v.vote(t, product, output.OperatorSeat, nil)}, false},
	} {
		certificate := release.Certificate{Product: name.DigestOf([]byte(product))}
		for _, vote := range c.votes {
			certificate.Votes = append(certificate.Votes, vote.digest(t))
		}
		told, err := client.OpenVotes(encode(t, c.votes), certificate)
		if (err == nil) != c.ok || c.ok && len(told) != 2 {
			t.Errorf("%s: %d votes, %v", what, len(told), err)
		}
		if len(c.votes) == 2 && what != "one twice" && (browser.agrees(t, what, v.releaseOf(t, product, c.votes), public(v.root)) == nil) != c.ok {
			t.Errorf("%s: the whole package says otherwise", what)
		}
		if _, err := client.OpenVotes(encode(t, v.votes(t, product)), certificate); err == nil {
			t.Errorf("%s: others took their place", what)
		}
		if told, err := client.OpenVotes(nil, certificate); err != nil || told != nil {
			t.Errorf("%s: without votes: %v, %v", what, told, err)
		}
	}
}

func voterOf(t *testing.T, s voted) name.ID {
	t.Helper()
	var cast output.Vote
	if err := json.Unmarshal(s.Envelope.Payload, &cast); err != nil {
		t.Fatal(err)
	}
	return cast.Voter
}

func encode(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVerifyRelease: a package holds under its root key, and with anything of it changed it does not; by the command
// line and in the console's page.
func TestVerifyRelease(t *testing.T) {
	v, other, browser := newVault(t), newVault(t), newPage(t)
	good := v.release(t, "plan,people\nfree,100\n")
	if err := browser.agrees(t, "a good release", good, public(v.root)); err != nil {
		t.Fatalf("a good release: %v", err)
	}
	foreign := other.release(t, "plan,people\nfree,100\n")
	second := v.release(t, "plan,people\nfree,100\n") // of another log under the same keys
	for what, change := range map[string]func(*release.Package){
		"one byte of the product":     func(p *release.Package) { p.Product[3] ^= 1 },
		"a longer product":            func(p *release.Package) { p.Product = append(p.Product, '\n') },
		"another root's trust":        func(p *release.Package) { p.Trust = foreign.Trust },
		"another vault's certificate": func(p *release.Package) { p.Certificate = foreign.Certificate },
		"another vault's proof":       func(p *release.Package) { p.Proof = foreign.Proof },
		"another entry's proof":       func(p *release.Package) { p.Proof = second.Proof },
		"another vault's votes":       func(p *release.Package) { p.Votes = foreign.Votes },
		"no certificate":              func(p *release.Package) { p.Certificate = nil },
		"no proof":                    func(p *release.Package) { p.Proof = json.RawMessage(`{}`) },
		"no trust":                    func(p *release.Package) { p.Trust = nil },
	} {
		t.Run(what, func(t *testing.T) {
			p := good
			p.Product = append([]byte(nil), good.Product...)
			change(&p)
			if browser.agrees(t, what, p, public(v.root)) == nil {
				t.Fatal("it held")
			}
		})
	}
	if browser.agrees(t, "another root", good, public(other.root)) == nil {
		t.Fatal("it held under another root")
	}
}

// TestVerifyReleaseAsksTrust: keys that are revoked, over or for another purpose vouch for nothing.
func TestVerifyReleaseAsksTrust(t *testing.T) {
	browser := newPage(t)
	for what, change := range map[string]func(*vault){
		"certificate key revoked before": func(v *vault) { before := v.issued; v.document.Keys[0].RevokedAt = &before },
		"certificate key over":           func(v *vault) { v.document.Keys[0].NotAfter = v.issued },
		"checkpoint key revoked before":  func(v *vault) { before := v.issued; v.document.Keys[1].RevokedAt = &before },
		"no checkpoint key":              func(v *vault) { v.document.Keys = v.document.Keys[:1] },
		"keys swapped": func(v *vault) {
			v.document.Keys = []trust.Key{v.key(trust.Certificate, v.checkpoint), v.key(trust.Checkpoint, v.certificate)}
		},
	} {
		t.Run(what, func(t *testing.T) {
			v := newVault(t)
			change(v)
			if browser.agrees(t, what, v.release(t, "x"), public(v.root)) == nil {
				t.Fatal("it held")
			}
		})
	}
	for i, what := range []string{"certificate key revoked afterwards", "checkpoint key revoked afterwards"} {
		later := newVault(t)
		after := later.issued.Add(time.Hour)
		later.document.Keys[i].RevokedAt = &after
		if err := browser.agrees(t, what, later.release(t, "x"), public(later.root)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

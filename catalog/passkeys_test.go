package catalog_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/passkey"
	"github.com/sluicedata/sluice/catalog/passkey/passkeytest"
)

// cityOrigin is where the city's passkeys count.
const cityOrigin = "https://sluice.city.example"

func (c *city) site() passkey.Site {
	site, err := passkey.NewSite(cityOrigin)
	c.must(err)
	return site
}

// device gives a person a passkey that their administrator admitted.
func (c *city) device(p person) *passkeytest.Authenticator {
	c.t.Helper()
	ask, ceremony, err := c.serve.Passkeys.Prepare(c.ctx, p.Subject)
	c.must(err)
	d := passkeytest.New(c.t, cityOrigin, "sluice.city.example")
	made, err := c.serve.Passkeys.Enrol(c.ctx, p.Subject, ceremony, org.PasskeySpec{Title: "a device", Answer: d.Create(c.t, ask)})
	c.must(err)
	_, err = c.serve.Keys.Admit(c.ctx, c.administered(p), made.Fingerprint)
	c.must(err)
	return d
}

// passkeyVote casts one seat's vote with a device. forge changes what the device says, spoil the envelope it made.
func (c *city) passkeyVote(p person, d *passkeytest.Authenticator, r output.RequestView, forge func(*passkeytest.Authenticator), spoil func(*envelope.Envelope)) error {
	c.t.Helper()
	nonce := make([]byte, 16)
	_, err := rand.Read(nonce)
	c.must(err)
	seat := output.OperatorSeat
	if p.Org == c.reviewer.Org {
		seat = output.AgencySeat
	}
	asked, err := c.serve.Passkeys.Ask(c.ctx, p.Subject, output.VoteType, output.Vote{
		Request: name.Number(r.Number), Seat: seat, Voter: name.ID(p.Member), Decision: output.Approve, Kind: r.Kind,
		Digest: name.Digest(r.Output.Digest), Evidence: name.Digest(r.Output.Evidence), Revision: r.Revision, Expiry: r.Expiry,
		Nonce: hex.EncodeToString(nonce),
	})
	c.must(err)
	with := *d
	if forge != nil {
		forge(&with)
	}
	signed, err := c.serve.Passkeys.Sealed(c.ctx, p.Subject, output.VoteType, asked.Payload, with.Get(c.t, asked.Ask))
	c.must(err)
	if spoil != nil {
		spoil(&signed)
	}
	_, err = c.serve.Requests.Vote(c.ctx, p.Subject, r.Number, output.Ballot{Envelope: signed})
	d.Count = with.Count
	return err
}

// TestPasskeyVotesRelease: two votes, by a passkey and by a key, release; the certificate names both envelopes.
func TestPasskeyVotesRelease(t *testing.T) {
	c := newCity(t, plenty())
	d := c.device(c.officer)
	r := c.opened()
	c.must(c.passkeyVote(c.officer, d, r, nil, nil))
	c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve))
	c.turns()
	r, err := c.serve.Requests.Show(c.ctx, c.reviewer.Subject, r.Number)
	c.must(err)
	if r.State != "released" || r.Release == "" {
		t.Fatalf("the request is %s", r.State)
	}
}

// TestForgedPasskeyVotes: a vote that was not signed here, by its voter, verified, over exactly this statement, takes no
// seat; the next true one does.
func TestForgedPasskeyVotes(t *testing.T) {
	c := newCity(t, plenty())
	d, theirs := c.device(c.officer), c.device(c.reviewer)
	r := c.opened()
	d.Count = 10
	c.must(c.passkeyProof(c.officer, d))
	for what, tt := range map[string]struct {
		forge func(*passkeytest.Authenticator)
		spoil func(*envelope.Envelope)
		want  string
	}{
		"another origin":  {forge: func(d *passkeytest.Authenticator) { d.Origin = "https://evil.example" }},
		"another site":    {forge: func(d *passkeytest.Authenticator) { d.Host = "evil.example" }},
		"not verified":    {forge: func(d *passkeytest.Authenticator) { d.Flags = passkeytest.Present }},
		"an enrolment":    {forge: func(d *passkeytest.Authenticator) { d.Type = "webauthn.create" }},
		"a counter again": {forge: func(d *passkeytest.Authenticator) { d.Stuck = true }},
		"a counter back":  {forge: func(d *passkeytest.Authenticator) { d.Count = 3 }},
		"another key": {forge: func(with *passkeytest.Authenticator) {
			id := with.ID
			*with = *passkeytest.New(t, cityOrigin, d.Host)
			with.ID = id
		}},
		"another statement": {spoil: func(e *envelope.Envelope) { e.Payload = c.otherVote(e.Payload) }},
		"ed25519 it says":   {spoil: func(e *envelope.Envelope) { e.Scheme = envelope.Ed25519 }},
		"another's key":     {spoil: func(e *envelope.Envelope) { e.Key = passkey.Fingerprint(theirs.Public()) }, want: "signature.key_unknown"},
	} {
		if tt.want == "" {
			tt.want = "signature.invalid"
		}
		before := d.Count
		if got := code(c.passkeyVote(c.officer, d, r, tt.forge, tt.spoil)); got != tt.want {
			t.Errorf("%s: got %q", what, got)
		}
		d.Count = before
	}
	c.must(c.passkeyVote(c.officer, d, r, nil, nil))
}

// passkeyProof proves a person anew by their device.
func (c *city) passkeyProof(p person, d *passkeytest.Authenticator) error {
	ask, ceremony, err := c.serve.Passkeys.SignIn()
	c.must(err)
	_, err = c.serve.Passkeys.Open(c.ctx, ceremony, d.Get(c.t, ask))
	return err
}

// otherVote is the same vote, to reject.
func (c *city) otherVote(payload []byte) []byte {
	c.t.Helper()
	var v output.Vote
	c.must(json.Unmarshal(payload, &v))
	v.Decision = output.Reject
	signed, err := v.Sign("any", ed25519.NewKeyFromSeed(make([]byte, 32)))
	c.must(err)
	return signed.Payload
}

// TestKeeperVerifiesPasskeyVotes: what the gateway let in, the keeper verifies itself: under the key as it is admitted,
// at the address it was enrolled at, over the bytes that were signed.
func TestKeeperVerifiesPasskeyVotes(t *testing.T) {
	c := newCity(t, plenty())
	d := c.device(c.officer)
	other := passkeytest.New(t, cityOrigin, d.Host)
	print := passkey.Fingerprint(d.Public())
	where := " where fingerprint = '" + print + "'"
	for what, statement := range map[string]string{
		"its key ended":     "update member_key set state = 'revoked'" + where,
		"another address":   "update member_key set origin = 'https://evil.example'" + where,
		"another key":       "update member_key set public_key = '\\x" + hex.EncodeToString(other.Public()) + "'" + where,
		"another statement": `update vote set envelope = jsonb_set(envelope::jsonb, '{payload}', to_jsonb(replace(encode(convert_to(replace(convert_from(decode(envelope->>'payload', 'base64'), 'UTF8'), '"approve"', '"reject"'), 'UTF8'), 'base64'), E'\n', '')))`,
		"no user verified":  `update vote set envelope = jsonb_set(envelope::jsonb, '{authenticator_data}', to_jsonb(encode(set_byte(decode(envelope->>'authenticator_data', 'base64'), 32, 1), 'base64'))) where envelope->>'authenticator_data' is not null`,
	} {
		t.Run(what, func(t *testing.T) {
			r := c.opened()
			c.must(c.passkeyVote(c.officer, d, r, nil, nil))
			c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve))
			c.sql(statement)
			c.turns()
			seen, err := c.serve.Requests.Show(c.ctx, c.reviewer.Subject, r.Number)
			c.must(err)
			if seen.Release != "" || seen.State == "released" {
				t.Fatalf("it was released: %+v", seen)
			}
			c.sql("update member_key set state = 'admitted', origin = '" + cityOrigin + "', public_key = '\\x" + hex.EncodeToString(d.Public()) + "'" + where)
		})
	}
	r := c.opened()
	c.must(c.passkeyVote(c.officer, d, r, nil, nil))
	c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve))
	c.turns()
	seen, err := c.serve.Requests.Show(c.ctx, c.reviewer.Subject, r.Number)
	c.must(err)
	if seen.State != "released" {
		t.Fatalf("untouched it is %s", seen.State)
	}
}

// TestPasskeysAreNotRotated: a passkey has no successor by signature, signs no assertion for a token, and cannot be
// offered twice.
func TestPasskeysAreNotRotated(t *testing.T) {
	c := newCity(t, plenty())
	d := c.device(c.officer)
	_, rotation := c.successor(c.officer)
	print := passkey.Fingerprint(d.Public())
	if _, err := c.serve.Keys.Rotate(c.ctx, c.officer.Subject, print, rotation); code(err) != "key.passkey" {
		t.Errorf("rotating: %v", err)
	}
	if _, err := c.serve.Sessions.PublicKey(c.ctx, print); code(err) != "key.unknown" {
		t.Errorf("as a key for assertions: %v", err)
	}
	ask, ceremony, err := c.serve.Passkeys.Prepare(c.ctx, c.officer.Subject)
	c.must(err)
	again := org.PasskeySpec{Title: "again", Answer: d.Create(t, ask)}
	if _, err := c.serve.Passkeys.Enrol(c.ctx, c.officer.Subject, ceremony, again); code(err) != "key.taken" {
		t.Errorf("enrolling it again: %v", err)
	}
	mine, err := c.serve.Keys.Mine(c.ctx, c.officer.Subject)
	c.must(err)
	if last := mine[len(mine)-1]; last.Scheme != "webauthn" || last.Title != "a device" {
		t.Errorf("it is listed as %+v", last)
	}
}

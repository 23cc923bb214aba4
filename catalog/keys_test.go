package catalog_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"testing"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// successor is a rotation from a person's key to a new one, signed by both.
func (c *city) successor(p person) (ed25519.PrivateKey, org.KeyRotation) {
	c.t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	c.must(err)
	said := org.RotationStatement{From: p.print, To: org.Fingerprint(public)}
	byOld, err := envelope.Sign(org.RotationType, said.From, p.key, said)
	c.must(err)
	byNew, err := envelope.Sign(org.RotationType, said.To, private, said)
	c.must(err)
	return private, org.KeyRotation{PublicKey: public, ByOld: byOld, ByNew: byNew}
}

// administered is a person of the same organization who administers it.
func (c *city) administered(p person) policy.Subject {
	admin := p.Subject
	admin.Member, admin.Roles = c.director.Member, []string{string(org.OrgAdmin)}
	return admin
}

// TestEndedKeysDoNotRelease: what a key voted for counts no more once it is revoked or rotated, and its seat is
// free for a key that stands. Nothing leaves on a vote whose key ended before the release.
func TestEndedKeysDoNotRelease(t *testing.T) {
	c := newCity(t, plenty())
	ends := map[string]func(p *person){
		"revoked": func(p *person) {
			_, err := c.serve.Keys.Revoke(c.ctx, c.administered(*p), p.print)
			c.must(err)
		},
		"rotated": func(p *person) {
			private, rotation := c.successor(*p)
			_, err := c.serve.Keys.Rotate(c.ctx, p.Subject, p.print, rotation)
			c.must(err)
			p.key, p.print = private, org.Fingerprint(rotation.PublicKey)
		},
	}
	for _, how := range []string{"rotated", "revoked"} {
		t.Run(how, func(t *testing.T) {
			j := c.ran(c.grant.Number)
			r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health", Context: "x"})
			c.must(err)
			c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve))
			c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve))
			was := c.officer
			ends[how](&c.officer)
			c.turns()
			seen, err := c.serve.Requests.Show(c.ctx, c.reviewer.Subject, r.Number)
			c.must(err)
			if seen.Release != "" || seen.State != "in_review" || len(seen.Voted) != 1 {
				t.Fatalf("a vote of a key that ended counted: %+v", seen)
			}
			if got := code(c.vote(was, r.Number, output.OperatorSeat, output.Approve)); got != "signature.key_unknown" {
				t.Fatalf("the ended key votes again: %q", got)
			}
			if how == "revoked" {
				return
			}
			c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve))
			c.turns()
			seen, err = c.serve.Requests.Show(c.ctx, c.reviewer.Subject, r.Number)
			c.must(err)
			if seen.State != "released" {
				t.Fatalf("the new key's vote does not count: %s", seen.State)
			}
		})
	}
}

// TestKeeperLooksAtKeysItself: a vote that no revocation voided still does not count under a key that ended.
func TestKeeperLooksAtKeysItself(t *testing.T) {
	for how, statement := range map[string]string{
		"revoked": "update member_key set state = 'revoked' where fingerprint = ",
		"expired": "update member_key set expires_at = admitted_at where fingerprint = ",
	} {
		t.Run(how, func(t *testing.T) {
			c := newCity(t, plenty())
			j := c.ran(c.grant.Number)
			r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health", Context: "x"})
			c.must(err)
			c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve))
			c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve))
			c.sql(statement + "'" + c.officer.print + "'")
			c.turns()
			seen, err := c.serve.Requests.Show(c.ctx, c.reviewer.Subject, r.Number)
			c.must(err)
			if seen.Release != "" || seen.State != "rejected" {
				t.Fatalf("got %s, release %q", seen.State, seen.Release)
			}
		})
	}
}

// TestLeftSeatsDoNotRelease: what a person voted counts no more once they left their organization or lost the role
// of the seat, nor does it when no act voided it. A role that has nothing to do with the seat changes nothing.
func TestLeftSeatsDoNotRelease(t *testing.T) {
	for how, tt := range map[string]struct {
		roles []org.Role // none: removed
		bare  bool       // past every verb
		state string
		voted int
	}{
		"removed":             {state: "in_review", voted: 1},
		"role taken":          {roles: []org.Role{org.FinanceOfficer}, state: "in_review", voted: 1},
		"role kept":           {roles: []org.Role{org.FinanceOfficer, org.SecurityOfficer}, state: "released", voted: 2},
		"role taken unvoided": {roles: []org.Role{org.FinanceOfficer}, bare: true, state: "rejected", voted: 2},
	} {
		t.Run(how, func(t *testing.T) {
			c := newCity(t, plenty())
			number := c.votedFor()
			c.move(c.officer, tt.roles, tt.bare)
			c.turns()
			seen, err := c.serve.Requests.Show(c.ctx, c.reviewer.Subject, number)
			c.must(err)
			if seen.State != tt.state || len(seen.Voted) != tt.voted || (seen.Release != "") != (tt.state == "released") {
				t.Fatalf("got %s, %d votes, release %q", seen.State, len(seen.Voted), seen.Release)
			}
		})
	}
}

// votedFor is a request both of whose seats approved, before the keeper sees it.
func (c *city) votedFor() string {
	c.t.Helper()
	j := c.ran(c.grant.Number)
	r, err := c.serve.Requests.Open(c.ctx, c.developer.Subject, output.RequestSpec{Job: j.Number, Output: "by_health", Context: "x"})
	c.must(err)
	c.must(c.vote(c.officer, r.Number, output.OperatorSeat, output.Approve))
	c.must(c.vote(c.reviewer, r.Number, output.AgencySeat, output.Approve))
	return r.Number
}

// move gives a person other roles, or removes them when there are none.
func (c *city) move(p person, roles []org.Role, bare bool) {
	c.t.Helper()
	var row postgres.Member
	c.tx(func(tx *postgres.Tx) (err error) {
		if row, err = tx.Member(c.ctx, p.Member); err != nil || !bare {
			return err
		}
		return tx.SetMember(c.ctx, row.ID, org.RoleNames(roles), row.State)
	})
	if bare {
		return
	}
	var err error
	if len(roles) == 0 {
		_, err = c.serve.Members.Remove(c.ctx, c.administered(p), p.home, row.Login)
	} else {
		_, err = c.serve.Members.SetRoles(c.ctx, c.administered(p), p.home, row.Login, roles)
	}
	c.must(err)
}

// TestForgedRotations tries every way to a key in somebody's name that is not theirs to give.
func TestForgedRotations(t *testing.T) {
	c := newCity(t, plenty())
	_, good := c.successor(c.officer)
	stranger, strangers := c.successor(c.developer)
	sign := func(key ed25519.PrivateKey, kind envelope.Type, said any) envelope.Envelope {
		e, err := envelope.Sign(kind, "k", key, said)
		c.must(err)
		return e
	}
	said := org.RotationStatement{From: c.officer.print, To: org.Fingerprint(strangers.PublicKey)}
	bound := said
	bound.Certificate = "sha256:" + c.officer.print[7:]
	for name, tt := range map[string]struct {
		by       policy.Subject
		rotation org.KeyRotation
		want     string
	}{
		"another person's key":       {c.developer.Subject, good, "unknown"},
		"of another organization":    {c.chief.Subject, good, "unknown"},
		"not signed by the old key":  {c.officer.Subject, org.KeyRotation{PublicKey: strangers.PublicKey, ByOld: sign(stranger, org.RotationType, said), ByNew: sign(stranger, org.RotationType, said)}, "key.invalid"},
		"not signed by the new key":  {c.officer.Subject, org.KeyRotation{PublicKey: strangers.PublicKey, ByOld: sign(c.officer.key, org.RotationType, said), ByNew: sign(c.officer.key, org.RotationType, said)}, "key.invalid"},
		"two statements":             {c.officer.Subject, org.KeyRotation{PublicKey: strangers.PublicKey, ByOld: sign(c.officer.key, org.RotationType, said), ByNew: sign(stranger, org.RotationType, bound)}, "key.invalid"},
		"about other keys":           {c.officer.Subject, org.KeyRotation{PublicKey: strangers.PublicKey, ByOld: good.ByOld, ByNew: good.ByNew}, "key.invalid"},
		"a signature of another use": {c.officer.Subject, org.KeyRotation{PublicKey: strangers.PublicKey, ByOld: sign(c.officer.key, org.OfferType, said), ByNew: sign(stranger, org.RotationType, said)}, "key.invalid"},
		"a certificate out of place": {c.officer.Subject, org.KeyRotation{PublicKey: strangers.PublicKey, ByOld: sign(c.officer.key, org.RotationType, bound), ByNew: sign(stranger, org.RotationType, bound)}, "key.invalid"},
		"no key":                     {c.officer.Subject, org.KeyRotation{}, "key.invalid"},
		"of a weak session":          {weak(c.officer.Subject, "password"), good, "session.strength"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.serve.Keys.Rotate(c.ctx, tt.by, c.officer.print, tt.rotation); code(err) != tt.want {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := c.serve.Keys.Rotate(c.ctx, c.officer.Subject, c.officer.print, good); err != nil {
		t.Fatal(err)
	}
	if _, err := c.serve.Keys.Rotate(c.ctx, c.officer.Subject, c.officer.print, good); code(err) != "key.move_not_allowed" {
		t.Errorf("a rotation counted twice: %v", err)
	}
}

// weak is a subject that proved itself otherwise.
func weak(s policy.Subject, strength string) policy.Subject {
	s.Strength = strength
	return s
}

// TestDecidingNeedsStrongSessions takes real verbs through the door with the weaker proofs.
func TestDecidingNeedsStrongSessions(t *testing.T) {
	c := newCity(t, plenty())
	for strength, want := range map[string]string{policy.Basic: "session.strength", policy.Machine: "session.machine", "": "session.strength"} {
		for name, try := range map[string]func() error{
			"freeze": func() error {
				_, err := c.serve.Datasets.Freeze(c.ctx, weak(c.steward.Subject, strength), slug)
				return err
			},
			"terms": func() error {
				_, err := c.serve.Datasets.Declare(c.ctx, weak(c.steward.Subject, strength), c.spec())
				return err
			},
			"revoke": func() error {
				_, err := c.serve.Keys.Revoke(c.ctx, weak(c.administered(c.officer), strength), c.officer.print)
				return err
			},
		} {
			if err := try(); code(err) != want {
				t.Errorf("%s by %q: got %v", name, strength, err)
			}
		}
	}
	if _, err := c.serve.Datasets.Show(c.ctx, weak(c.steward.Subject, policy.Machine), slug); err != nil {
		t.Errorf("a machine reads its organization's dataset: %v", err)
	}
	if _, err := c.serve.Jobs.Submit(c.ctx, weak(c.developer.Subject, policy.Machine), c.pack(c.grant.Number)); code(err) != "session.machine" {
		t.Errorf("a machine submits: %v", err)
	}
}

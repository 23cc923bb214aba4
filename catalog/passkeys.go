package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/passkey"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Passkeys are people's keys that live in their devices and sign in a browser. Once enrolled they are keys like
// others: Keys admits, lists and revokes them.
type Passkeys struct{ c *core }

// Known reports whether passkeys count at this instance's address.
func (s *Passkeys) Known() bool { return s.c.Passkeys.Known() }

// Prepare begins an enrolment: what the caller's browser is asked for, and what the edge keeps until it answers.
// Who: everyone, in a strong session.
func (s *Passkeys) Prepare(ctx context.Context, caller policy.Subject) (ask json.RawMessage, c passkey.Ceremony, err error) {
	err = s.c.act(ctx, caller, "key.prepare", func(d *deed) error {
		who, err := d.ownPasskeys()
		if err != nil {
			return err
		}
		ask, c, err = d.c.Passkeys.Enrol(who, d.now)
		return outwardly(err)
	})
	return ask, c, err
}

// Enrol offers the passkey that the caller's browser made: an administrator compares its fingerprint and admits it, as
// any key. Who: everyone, in a strong session.
func (s *Passkeys) Enrol(ctx context.Context, caller policy.Subject, c passkey.Ceremony, spec org.PasskeySpec) (view org.KeyView, err error) {
	if err := spec.Check(); err != nil {
		return view, err
	}
	err = s.c.change(ctx, caller, "key.enrol", &view, func(d *deed) error {
		who, err := d.ownPasskeys()
		if err != nil {
			return err
		}
		made, err := d.c.Passkeys.Enrolled(who, c, spec.Answer, d.now)
		if err != nil {
			return outwardly(err)
		}
		view, err = d.offerPasskey(made, spec.Title)
		return err
	})
	return view, err
}

// ownPasskeys decides an act on the caller's own keys and reads the passkeys among them that have not ended.
func (d *deed) ownPasskeys() (who passkey.Person, err error) {
	if err := d.decide(policy.Object{Kind: "key", Org: d.caller.Org}, "", policy.Facts{}); err != nil {
		return who, err
	}
	person, err := d.tx.Member(d.ctx, d.caller.Member)
	if err != nil {
		return who, err
	}
	keys, err := d.tx.KeysOf(d.ctx, person.ID)
	if err != nil {
		return who, fmt.Errorf("reading keys: %w", err)
	}
	who = holder(person)
	for _, k := range keys {
		if isPasskey(k) && k.State != string(org.Revoked) {
			who.Held = append(who.Held, credential(k))
		}
	}
	return who, nil
}

// offerPasskey puts a passkey before the administrators.
func (d *deed) offerPasskey(made passkey.Credential, title string) (view org.KeyView, err error) {
	person, err := d.tx.Member(d.ctx, d.caller.Member)
	if err != nil {
		return view, err
	}
	key := postgres.MemberKey{
		ID: name.NewID().String(), Fingerprint: passkey.Fingerprint(made.Public), Member: person.ID, PublicKey: made.Public,
		State: string(org.Offered), OfferedAt: d.now, Scheme: string(envelope.WebAuthn), Title: title, Credential: made.ID,
		SignCount: int64(made.Count), Synced: made.Synced, Origin: d.c.Passkeys.Origin(),
	}
	return keyView(key, person), d.offerKey(key)
}

// Ask prepares a statement for a passkey of the caller's own to sign; with none that counts there is nothing to ask
// for. Who: everyone.
func (s *Passkeys) Ask(ctx context.Context, caller policy.Subject, t envelope.Type, statement any) (asked passkey.Statement, err error) {
	err = s.c.act(ctx, caller, "key.mine", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "key", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		keys, err := d.tx.KeysOf(ctx, caller.Member)
		if err != nil {
			return fmt.Errorf("reading keys: %w", err)
		}
		var held []passkey.Credential
		for _, k := range keys {
			if isPasskey(k) && keyCounts(k, d.now) {
				held = append(held, credential(k))
			}
		}
		if len(held) == 0 {
			return fault.New(fault.Conflict, "passkey.none")
		}
		asked, err = d.c.Passkeys.Ask(t, statement, held)
		return outwardly(err)
	})
	return asked, err
}

// Sealed puts what a browser answered into the envelope of a statement, naming the caller's key that signed. It permits
// nothing and verifies nothing: the act that takes the envelope does.
func (s *Passkeys) Sealed(ctx context.Context, caller policy.Subject, t envelope.Type, payload, answer []byte) (envelope.Envelope, error) {
	sealed, id, err := passkey.Sealed(t, payload, answer)
	if err != nil {
		return sealed, fault.New(fault.Invalid, "signature.invalid")
	}
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		key, err := tx.LockPasskey(ctx, id)
		if err != nil && !absent(err) {
			return fmt.Errorf("finding passkey: %w", err)
		}
		if err != nil || key.Member != caller.Member {
			return fault.New(fault.Invalid, "signature.key_unknown")
		}
		sealed.Key = key.Fingerprint
		return nil
	})
	return sealed, err
}

// SignIn begins a sign-in. Nobody is known yet: what is asked for is the same for everybody.
func (s *Passkeys) SignIn() (ask json.RawMessage, c passkey.Ceremony, err error) {
	ask, c, err = s.c.Passkeys.SignIn(s.c.Now())
	return ask, c, outwardly(err)
}

// Open ends a sign-in: it returns a token whose session is strong for as long as the rules say
// (sessions.strong_minutes).
func (s *Passkeys) Open(ctx context.Context, c passkey.Ceremony, answer []byte) (token string, err error) {
	sessions := Sessions(*s)
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		key, err := s.proven(ctx, tx, c, answer, "")
		if err != nil {
			return err
		}
		if token, _, err = sessions.issue(ctx, tx, postgres.Token{Member: key.Member, MemberKey: &key.ID}); err != nil {
			return err
		}
		return tx.StrengthenToken(ctx, tokenHash(token), s.strongUntil())
	})
	return token, err
}

// Prove makes the caller's present session strong again, by a passkey of their own. h names that session. Who:
// everyone with a passkey.
func (s *Passkeys) Prove(ctx context.Context, caller policy.Subject, h Handle, c passkey.Ceremony, answer []byte) error {
	return s.c.act(ctx, caller, "factor.prove", func(d *deed) error {
		if err := d.ownFactor(); err != nil {
			return err
		}
		key, err := s.proven(ctx, d.tx, c, answer, caller.Member)
		if err != nil {
			return err
		}
		d.refs["key"] = key.Fingerprint
		return d.tx.StrengthenToken(ctx, h.hash(), s.strongUntil())
	})
}

func (s *Passkeys) strongUntil() time.Time {
	return s.c.Now().Add(time.Duration(s.c.Rules.Sessions.StrongMinutes) * time.Minute)
}

// proven spends a browser's answer and notes the use of the passkey behind it: admitted, of somebody active, and of
// member unless that is "".
func (s *Passkeys) proven(ctx context.Context, tx *postgres.Tx, c passkey.Ceremony, answer []byte, member string) (key postgres.MemberKey, err error) {
	now := s.c.Now()
	used, err := s.c.Passkeys.SignedIn(c, answer, now, func(id []byte) (passkey.Person, error) {
		if key, err = tx.LockPasskey(ctx, id); err != nil {
			return passkey.Person{}, err
		}
		who, err := tx.Member(ctx, key.Member)
		if err != nil {
			return passkey.Person{}, err
		}
		if !keyCounts(key, now) || who.State != string(org.Active) || member != "" && who.ID != member {
			return passkey.Person{}, passkey.ErrRefused
		}
		person := holder(who)
		person.Held = []passkey.Credential{credential(key)}
		return person, nil
	})
	if err != nil {
		return key, outwardly(err)
	}
	if err := tx.CountPasskey(ctx, key.ID, int64(used.Count)); err != nil {
		return key, fmt.Errorf("counting passkey: %w", err)
	}
	return key, tx.UseKey(ctx, key.ID, now)
}

// opened reads a statement that the caller signed with a key of their own that counts, whatever it signs by.
func (d *deed) opened(signed envelope.Envelope, t envelope.Type, into any) (postgres.MemberKey, error) {
	key, err := d.tx.LockKey(d.ctx, signed.Key)
	if err != nil || key.Member != d.caller.Member || !keyCounts(key, d.now) {
		return key, fault.New(fault.Invalid, "signature.key_unknown")
	}
	if err := signed.OpenWith(t, verifier(key), into); err != nil {
		return key, fault.New(fault.Invalid, "signature.invalid")
	}
	return key, d.countSignature(key, signed)
}

// countSignature notes what a passkey signed in its counter, under the key's lock. Other keys have none.
func (d *deed) countSignature(key postgres.MemberKey, signed envelope.Envelope) error {
	if !isPasskey(key) {
		return nil
	}
	counted, err := credential(key).Counted(signed)
	if err != nil {
		return fault.New(fault.Invalid, "signature.invalid")
	}
	return d.tx.CountPasskey(d.ctx, key.ID, int64(counted.Count))
}

// outwardly names what is wrong with a passkey to whoever brings it.
func outwardly(err error) error {
	switch {
	case errors.Is(err, passkey.ErrRefused):
		return fault.New(fault.Unauthenticated, "passkey.refused")
	case errors.Is(err, passkey.ErrSite):
		return fault.New(fault.Conflict, "passkey.no_site")
	}
	return err
}

// isPasskey reports whether a key is a passkey.
func isPasskey(k postgres.MemberKey) bool { return k.Scheme == string(envelope.WebAuthn) }

// holder is a person as their authenticator knows them.
func holder(m postgres.Member) passkey.Person {
	return passkey.Person{Handle: m.ID, Login: m.Login, Name: m.Name}
}

func credential(k postgres.MemberKey) passkey.Credential {
	return passkey.Credential{ID: k.Credential, Public: k.PublicKey, Count: uint32(k.SignCount), Synced: k.Synced}
}

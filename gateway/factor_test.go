package gateway_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/gateway/providertest"
	"github.com/sluicedata/sluice/gateway/wire"
)

// factored is a person with a basic session and, once enrolled, an authenticator.
type factored struct {
	*loginWorld
	person
	secret string
	codes  []string
}

func newFactored(t *testing.T) *factored {
	t.Helper()
	w := newLoginWorld(t)
	w.invite(t, "zhang", org.OrgAdmin)
	w.admitted(t, "zhang")
	f := &factored{loginWorld: w}
	f.login(t)
	return f
}

// login opens a new basic session.
func (f *factored) login(t *testing.T) { f.person.token = f.loginWorld.token(t, "zhang") }

// ask posts a body and returns status and code of a problem.
func (f *factored) ask(t *testing.T, path string, body any, into any) (int, string) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	got := f.post(t, f.Instance, path, string(text))
	if got.status >= 300 {
		return got.status, got.problem(t).Code
	}
	if into != nil {
		if err := json.Unmarshal(got.body, into); err != nil {
			t.Fatal(err)
		}
	}
	return got.status, ""
}

// want asks and compares the code.
func (f *factored) want(t *testing.T, name, path string, body any, code string) {
	t.Helper()
	if _, got := f.ask(t, path, body, nil); got != code {
		t.Errorf("%s: got %q, want %q", name, got, code)
	}
}

// now is the authenticator's present password, in a step of its own.
func (f *factored) now(t *testing.T) org.ProofSpec {
	t.Helper()
	f.Pass(90 * time.Second) // past every step that counted
	return org.ProofSpec{TOTP: providertest.OneTime(t, f.secret, f.Now())}
}

// enrol takes the person through enrolment.
func (f *factored) enrol(t *testing.T) {
	t.Helper()
	code, err := f.boss.Factors.Code(context.Background(), f.home, "zhang")
	if err != nil {
		t.Fatal(err)
	}
	var made wire.FactorSecret
	if status, got := f.ask(t, "/me/factor", org.EnrolSpec{Code: strings.ToLower(code.Code)}, &made); status != 201 {
		t.Fatalf("enrolling: %d %s", status, got)
	}
	if f.secret = made.Secret; !strings.HasPrefix(made.URI, "otpauth://totp/Sluice:zhang@") {
		t.Fatalf("uri %s", made.URI)
	}
	var all wire.Recovery
	if status, got := f.ask(t, "/me/factor/confirm", f.now(t), &all); status != 200 || len(all.Codes) != 10 {
		t.Fatalf("confirming: %d %s", status, got)
	}
	f.codes = all.Codes
	f.want(t, "the enrolment code again", "/me/factor", org.EnrolSpec{Code: code.Code}, "factor.code_needed")
}

// decide tries an act that needs a strong session.
func (f *factored) decide(t *testing.T, login string) string {
	t.Helper()
	_, code := f.ask(t, "/orgs/"+f.home+"/members", org.MemberSpec{Login: login, Name: login, Roles: []org.Role{org.Developer}}, nil)
	return code
}

// TestSecondFactor: a basic session becomes strong by a password of the person's authenticator, for a quarter of an
// hour, and each password counts once.
func TestSecondFactor(t *testing.T) {
	f := newFactored(t)
	f.want(t, "no factor", "/me/strength", org.ProofSpec{TOTP: "000000"}, "factor.none")
	f.want(t, "no code", "/me/factor", org.EnrolSpec{}, "factor.code_needed")
	f.want(t, "a code nobody made", "/me/factor", org.EnrolSpec{Code: "AAAA-AAAA-AAAA-AAAA"}, "factor.code_needed")
	f.enrol(t)
	if got := f.decide(t, "one"); got != "session.strength" {
		t.Fatalf("before: %q", got)
	}
	once := f.now(t)
	var me wire.Me
	if status, code := f.ask(t, "/me/strength", once, &me); status != 200 || me.Strength != "strong" || me.Method != "oidc+totp" {
		t.Fatalf("proving: %d %s %+v", status, code, me)
	}
	if got := f.decide(t, "one"); got != "" {
		t.Fatalf("strong: %q", got)
	}
	f.want(t, "the same password again", "/me/strength", once, "factor.refused")
	f.want(t, "an earlier step", "/me/strength", org.ProofSpec{TOTP: providertest.OneTime(t, f.secret, f.Now().Add(-30*time.Second))}, "factor.refused")
	f.want(t, "both ways at once", "/me/strength", org.ProofSpec{TOTP: "1", Recovery: "2"}, "factor.invalid")
	if status, code := f.ask(t, "/me/factor", org.EnrolSpec{}, nil); status != 201 {
		t.Fatalf("another authenticator: %d %s", status, code)
	}
	f.want(t, "the old one's password for the new one", "/me/factor/confirm", f.now(t), "factor.refused")
	f.Pass(14 * time.Minute)
	f.login(t)
	if got := f.decide(t, "two"); got != "session.strength" {
		t.Fatalf("another session of the same person: %q", got)
	}
	if status, code := f.ask(t, "/me/strength", f.now(t), nil); status != 200 {
		t.Fatalf("proving: %d %s", status, code)
	}
	sql(t, f.Instance, "update token set expires_at = expires_at + interval '1 hour'")
	f.Pass(15 * time.Minute)
	if got := f.decide(t, "two"); got != "session.strength" {
		t.Fatalf("after a quarter of an hour: %q", got)
	}
}

// TestFactorLocks: five failures lock the factor, for a right password too; the count is the record's, and a
// refusal leaves no trace of what was typed.
func TestFactorLocks(t *testing.T) {
	f := newFactored(t)
	f.enrol(t)
	for range 4 {
		f.want(t, "a guess", "/me/strength", org.ProofSpec{TOTP: "abcdef"}, "factor.refused")
	}
	f.want(t, "a recovery guess counts alike", "/me/strength", org.ProofSpec{Recovery: "AAAA-AAAA-AAAA-AAAA"}, "factor.refused")
	f.want(t, "the right password, locked", "/me/strength", f.now(t), "factor.locked")
	f.want(t, "a recovery code, locked", "/me/strength", org.ProofSpec{Recovery: f.codes[0]}, "factor.locked")
	got := f.post(t, f.Instance, "/me/strength", `{"totp":"000000"}`)
	if after, err := strconv.Atoi(got.header.Get("Retry-After")); got.status != 429 || err != nil || after < 600 || after > 900 {
		t.Fatalf("locked: %d, come back after %q seconds", got.status, got.header.Get("Retry-After"))
	}
	f.Pass(14 * time.Minute)
	f.login(t)
	if status, code := f.ask(t, "/me/strength", f.now(t), nil); status != 200 {
		t.Fatalf("after the lock: %d %s", status, code)
	}
}

// TestRecoveryAndReset: a recovery code counts once; a reset takes factor, codes and strength, and nobody resets
// their own.
func TestRecoveryAndReset(t *testing.T) {
	f := newFactored(t)
	f.enrol(t)
	lost := org.ProofSpec{Recovery: strings.ToLower(strings.ReplaceAll(f.codes[3], "-", ""))}
	if status, code := f.ask(t, "/me/strength", lost, nil); status != 200 {
		t.Fatalf("recovering: %d %s", status, code)
	}
	f.want(t, "the same code again", "/me/strength", lost, "factor.refused")
	f.want(t, "one's own reset", "/orgs/"+f.home+"/members/zhang/factor/reset", nil, "request.invalid")
	if got := f.post(t, f.Instance, "/orgs/"+f.home+"/members/zhang/factor/reset", ""); got.status != 403 || !contains(got.body, "person.is_self") {
		t.Fatalf("one's own reset: %d %s", got.status, got.body)
	}
	if got := f.decide(t, "one"); got != "" {
		t.Fatalf("strong: %q", got)
	}
	if _, err := f.boss.Factors.Reset(context.Background(), f.home, "zhang"); err != nil {
		t.Fatal(err)
	}
	if got := f.decide(t, "two"); got != "session.strength" {
		t.Fatalf("after the reset: %q", got)
	}
	f.want(t, "a code of before", "/me/strength", org.ProofSpec{Recovery: f.codes[5]}, "factor.none")
	f.enrol(t)
}

// TestFactorSecretsAreSealed: the record holds no secret, and a sealed one moved to another member does not open.
func TestFactorSecretsAreSealed(t *testing.T) {
	f := newFactored(t)
	f.enrol(t)
	f.invite(t, "li", org.OrgAdmin)
	link := f.admitted(t, "li")
	var sealed postgres.Factor
	err := f.Owner.InTx(context.Background(), func(tx *postgres.Tx) error {
		row, err := tx.IdentityByID(context.Background(), link.ID)
		if err != nil {
			return err
		}
		zhang, err := tx.MemberByLogin(context.Background(), f.orgID(t, tx), "zhang")
		if err != nil {
			return err
		}
		if sealed, err = tx.LockFactor(context.Background(), zhang.ID); err != nil {
			return err
		}
		return tx.OfferFactor(context.Background(), row.Member, sealed.Secret, f.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sealed.Secret), f.secret) {
		t.Fatal("the secret lies in the record")
	}
	f.person.token = f.loginWorld.token(t, "li")
	if status, code := f.ask(t, "/me/factor/confirm", f.now(t), nil); status != 500 || code != "internal" {
		t.Fatalf("a moved secret: %d %s", status, code)
	}
}

func (f *factored) orgID(t *testing.T, tx *postgres.Tx) string {
	t.Helper()
	home, err := tx.OrgByNumber(context.Background(), f.home)
	if err != nil {
		t.Fatal(err)
	}
	return home.ID
}

package console_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/gateway/providertest"
)

const thePassword = "a river of ink runs"

// beginner is somebody who came by an enrolment link, and what they sign in by.
type beginner struct {
	*browser
	home, login string
	secret      string
	codes       []string
}

// invited adds a person to the operator and makes their link.
func (w *town) invited(t *testing.T, login string, roles ...org.Role) (address string) {
	t.Helper()
	home := w.homes[string(org.Operator)]
	if _, err := w.keys["developer"].Members.Invite(t.Context(), home, org.MemberSpec{Login: login, Name: "新人", Roles: roles}); err != nil {
		t.Fatal(err)
	}
	link, err := w.keys["developer"].Members.Link(t.Context(), home, login)
	if err != nil {
		t.Fatal(err)
	}
	return "/enrol?link=" + link.Link
}

// begun takes somebody through their link.
func (w *town) begun(t *testing.T, login string, roles ...org.Role) *beginner {
	t.Helper()
	address := w.invited(t, login, roles...)
	p := &beginner{browser: w.browser(t), home: w.homes[string(org.Operator)], login: login}
	p.follow(t, address)
	p.takes(t)
	return p
}

// follow opens a link and reads the secret it shows.
func (p *beginner) follow(t *testing.T, address string) {
	t.Helper()
	got := p.get(t, address)
	if at := got.header.Get("Location"); got.status != http.StatusSeeOther || at != "/console/enrol" {
		t.Fatalf("the link stays in the address: %d %s", got.status, at)
	}
	page := p.get(t, "/enrol")
	page.shows(t, "the enrolment", p.login, "<svg ", "开通")
	p.secret = regexp.MustCompile(`<code>([A-Z2-7]{32})</code>`).FindStringSubmatch(page.body)[1]
}

// takes ends an enrolment.
func (p *beginner) takes(t *testing.T) {
	t.Helper()
	got := p.post(t, "/enrol", "same-origin", p.proof(t, "password", thePassword, "again", thePassword))
	p.codes = regexp.MustCompile(`[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}`).FindAllString(got.body, -1)
	if got.status != http.StatusOK || len(p.codes) != 10 {
		t.Fatalf("enrolling: %d %s", got.status, got.body)
	}
}

// proof is a form with the authenticator's present password, of a step that did not count yet.
func (p *beginner) proof(t *testing.T, pairs ...string) url.Values {
	t.Helper()
	p.Pass(90 * time.Second)
	return with(url.Values{"totp": {providertest.OneTime(t, p.secret, p.Now())}}, pairs...)
}

// knocks tries to sign in from a browser of its own; more replaces what the form holds.
func (p *beginner) knocks(t *testing.T, more ...string) (*browser, reply) {
	t.Helper()
	b := p.town.browser(t)
	form := p.proof(t, "org", p.home, "login", p.login, "password", thePassword, "next", "/console/jobs")
	return b, b.post(t, "/login/password", "same-origin", with(form, more...))
}

// TestEnrolmentByLink: a link leads one person, once and for a day, to a password and a second factor that works, and
// makes a strong session; until then nothing counts.
func TestEnrolmentByLink(t *testing.T) {
	w := newTown(t)
	address := w.invited(t, "newhand", org.Developer)
	p := &beginner{browser: w.browser(t), login: "newhand", home: w.homes[string(org.Operator)]}
	p.follow(t, address)
	again := p.get(t, "/enrol")
	again.shows(t, "the same secret", p.secret)
	for what, form := range map[string]url.Values{
		"password.short":   p.proof(t, "password", "short", "again", "short"),
		"password.differs": p.proof(t, "password", thePassword, "again", thePassword+"!"),
		"password.named":   p.proof(t, "password", "newhand for ever", "again", "newhand for ever"),
		"factor.refused":   with(p.proof(t, "password", thePassword, "again", thePassword), "totp", "abcdef"),
		"proof.one":        with(p.proof(t, "password", thePassword, "again", thePassword), "totp", ""),
	} {
		if got := p.post(t, "/enrol", "same-origin", form); got.status < 400 || got.status >= 500 || !strings.Contains(got.body, what) {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	if _, got := p.knocks(t); got.status != http.StatusUnauthorized {
		t.Errorf("signed in before the end: %d", got.status)
	}
	p.takes(t)
	p.get(t, "").shows(t, "the first page", "强会话", "密码及第二验证因素")
	if got := p.post(t, "/enrol", "same-origin", p.proof(t, "password", thePassword, "again", thePassword)); got.status != http.StatusNotFound {
		t.Errorf("the link counts again: %d", got.status)
	}
	thief := w.browser(t)
	thief.get(t, address)
	if got := thief.get(t, "/enrol"); got.status != http.StatusNotFound || !strings.Contains(got.body, "link.unknown") {
		t.Errorf("a spent link: %d", got.status)
	}
	late := w.invited(t, "latecomer", org.Developer)
	w.Pass(25 * time.Hour)
	thief.get(t, late)
	if got := thief.get(t, "/enrol"); got.status != http.StatusNotFound {
		t.Errorf("a link of yesterday: %d", got.status)
	}
}

// TestPasswordSignIn: both prove, neither alone does, each code counts once, and no answer tells what was wrong or who
// exists.
func TestPasswordSignIn(t *testing.T) {
	w := newTown(t)
	p := w.begun(t, "newhand", org.Developer)
	b, got := p.knocks(t)
	if got.status != http.StatusSeeOther || got.header.Get("Location") != "/console/jobs" {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	b.get(t, "").shows(t, "the first page", "新人", "强会话")
	plain := ""
	typed := regexp.MustCompile(`newhand|nobody|officer|developer|ORG-[0-9]{4}`)
	for what, more := range map[string][]string{
		"a password alone":  {"totp", "000000"},
		"a code alone":      {"password", "another river runs"},
		"nobody's name":     {"login", "nobody"},
		"nobody's home":     {"org", "ORG-0999"},
		"without one":       {"login", "officer"},
		"a code of another": {"login", "developer"},
	} {
		_, got := p.knocks(t, more...)
		if got.status != http.StatusUnauthorized || !strings.Contains(got.body, "signin.refused") || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", what, got.status, got.header)
		}
		if body := typed.ReplaceAllString(got.body, ""); plain != "" && body != plain {
			t.Errorf("%s has another answer", what)
		} else {
			plain = body
		}
		if _, got := p.knocks(t); got.status != http.StatusSeeOther { // and sets its own count back
			t.Fatalf("after %s: %d", what, got.status)
		}
	}
	used := p.proof(t, "org", p.home, "login", p.login, "password", thePassword)
	if got := w.browser(t).post(t, "/login/password", "same-origin", used); got.status != http.StatusSeeOther {
		t.Fatalf("a code: %d", got.status)
	}
	if got := w.browser(t).post(t, "/login/password", "same-origin", used); got.status != http.StatusUnauthorized {
		t.Errorf("a code that counted: %d", got.status)
	}
	recovery := []string{"totp", "", "recovery", strings.ToLower(p.codes[0])}
	if _, got := p.knocks(t, recovery...); got.status != http.StatusSeeOther {
		t.Errorf("a recovery code: %d", got.status)
	}
	if _, got := p.knocks(t, recovery...); got.status != http.StatusUnauthorized {
		t.Errorf("a recovery code again: %d", got.status)
	}
	w.Pass(16 * time.Minute)
	b.get(t, "/login").shows(t, "the door, once the desk is locked", "密码登录")
}

// TestTriesWait: failures of one name wait longer and longer, whoever bears it, also for the right password, also for a
// gateway that starts anew; an address waits for all its names; the trace has one entry, not one a try.
func TestTriesWait(t *testing.T) {
	w := newTown(t)
	p := w.begun(t, "newhand", org.Developer)
	w.Pass(2 * time.Hour)
	for _, login := range []string{"newhand", "nobody"} {
		for i := range 5 {
			if _, got := p.knocks(t, "login", login, "password", "another river runs"); got.status != http.StatusUnauthorized {
				t.Fatalf("%s, try %d: %d", login, i, got.status)
			}
		}
		for range 3 {
			w.Pass(-90 * time.Second) // what each try lets pass: all of them come at the moment of the last failure
			if _, got := p.knocks(t, "login", login); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "signin.wait") {
				t.Fatalf("%s, too early: %d", login, got.status)
			}
		}
	}
	if _, got := p.knocks(t, "password", "another river runs"); got.status != http.StatusUnauthorized { // the sixth
		t.Fatalf("after the wait: %d", got.status)
	}
	w.Pass(-45 * time.Second) // the next wait is a minute
	if _, got := p.knocks(t); got.status != http.StatusTooManyRequests {
		t.Fatalf("the right one too early: %d", got.status)
	}
	w.Pass(2 * time.Minute)
	if _, got := p.knocks(t); got.status != http.StatusSeeOther {
		t.Fatalf("the right one after its wait: %d", got.status)
	}
	for text, want := range map[string]int{"signin.refused": 3, "signin.wait": 0, `"untold":"7"`: 1, "newhand": 0, thePassword: 0, `"person":"`: 2} {
		if got := w.told(t, "deny", text); got != want {
			t.Errorf("%d refusals on the trace tell %s, want %d", got, text, want)
		}
	}
	if w.told(t, "allow", "") != 1 {
		t.Errorf("%d sign-ins are on the trace", w.told(t, "allow", ""))
	}
}

// TestAddressesWait: whoever tries many names from one place waits for all of them.
func TestAddressesWait(t *testing.T) {
	w := newTown(t)
	try := func(login, from string) error {
		_, err := w.Catalog.Passwords.SignIn(t.Context(), org.SignIn{Org: "ORG-0002", Login: login, Password: "x", ProofSpec: org.ProofSpec{TOTP: "1"}, From: from})
		return err
	}
	names := "abcdefghijklmnopqrstuvwxyzABCD"
	for i := range names {
		if err := try("name-"+names[:i+1], "192.0.2.1"); fault.Code(err) != "signin.refused" {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if err := try("another", "192.0.2.1"); fault.Code(err) != "signin.wait" {
		t.Errorf("the next name: %v", err)
	}
	if err := try("another", "192.0.2.2"); fault.Code(err) != "signin.refused" {
		t.Errorf("another address: %v", err)
	}
}

// told counts the trace's entries of sign-ins that hold a text.
func (w *town) told(t *testing.T, decision, text string) int {
	t.Helper()
	return pgtest.Count(t, w.DB.Owner, `select count(*) from (select body from trace_pending union all select body from trace_leaf) e
		where convert_from(body, 'utf8') like '%"act":"session.open"%"decision":"`+decision+`"%' and convert_from(body, 'utf8') like '%`+text+`%'`)
}

// TestRecovery: a recovery ends all somebody signs in by and every session of theirs at once, and its link begins anew.
// Nobody starts their own in a browser.
func TestRecovery(t *testing.T) {
	w := newTown(t)
	p := w.begun(t, "newhand", org.Developer)
	b, _ := p.knocks(t)
	admin := w.signedIn(t, "developer").strong(t, "developer")
	page := admin.get(t, "/people/newhand")
	page.shows(t, "the person", "发起恢复", "生成开通链接")
	admin.post(t, "/people/newhand/link", "same-origin", url.Values{}).refused(t, "a link for who has a password", 409, "password.set")
	admin.post(t, "/people/newhand/recover", "same-origin", url.Values{"typed": {"newhan"}}).refused(t, "without the login", 422, "typed.differs")
	admin.post(t, "/people/developer/recover", "same-origin", url.Values{"typed": {"developer"}}).refused(t, "one's own", 403, "person.is_self")
	admin.post(t, "/people/developer/link", "same-origin", url.Values{}).refused(t, "one's own link", 403, "person.is_self")
	b.post(t, "/people/officer/recover", "same-origin", url.Values{"typed": {"officer"}}).refused(t, "by a developer", 403, "access.not_permitted")
	got := admin.post(t, "/people/newhand/recover", "same-origin", url.Values{"typed": {"newhand"}})
	got.shows(t, "the link", "/console/enrol?link=", "只显示这一次")
	for _, open := range []*browser{b, p.browser} {
		if got := open.get(t, "/jobs"); got.status != http.StatusSeeOther {
			t.Errorf("a session goes on: %d", got.status)
		}
	}
	if _, got := p.knocks(t); got.status != http.StatusUnauthorized {
		t.Errorf("the old password: %d", got.status)
	}
	before := p.secret
	p.browser = w.browser(t)
	p.follow(t, regexp.MustCompile(`/enrol\?link=[A-Za-z0-9_-]{43}`).FindString(got.body))
	if p.secret == before {
		t.Error("the old authenticator goes on")
	}
	p.takes(t)
	if _, got := p.knocks(t); got.status != http.StatusSeeOther {
		t.Errorf("the new way in: %d", got.status)
	}
}

// TestOwnAccount: a person changes password, authenticator and recovery codes in a strong session, and ends their other
// sessions; the old ones do not count afterwards.
func TestOwnAccount(t *testing.T) {
	w := newTown(t)
	p := w.begun(t, "newhand", org.Developer)
	other, _ := p.knocks(t)
	const next = "quite another river"
	change := url.Values{"old": {thePassword}, "password": {next}, "again": {next}}
	p.post(t, "/profile/password", "same-origin", url.Values{"old": {"wrong river runs"}, "password": {next}, "again": {next}}).refused(t, "a wrong old one", 403, "password.refused")
	p.post(t, "/profile/password", "same-origin", url.Values{"old": {thePassword}, "password": {"short"}, "again": {"short"}}).refused(t, "a short one", 422, "password.short")
	p.get(t, "/profile").shows(t, "the profile", "我的会话", "本会话", "密码及第二验证因素")
	if got := p.post(t, "/profile/password", "same-origin", change); got.status != http.StatusSeeOther {
		t.Fatalf("changing: %d %s", got.status, got.body)
	}
	p.get(t, "/profile").shows(t, "what was done", "修改密码")
	if got := other.get(t, "/jobs"); got.status != http.StatusSeeOther {
		t.Errorf("another session goes on: %d", got.status)
	}
	if _, got := p.knocks(t); got.status != http.StatusUnauthorized {
		t.Errorf("the old password: %d", got.status)
	}
	other, got := p.knocks(t, "password", next)
	if got.status != http.StatusSeeOther {
		t.Fatalf("the new password: %d", got.status)
	}
	if got := p.post(t, "/profile/sessions/end", "same-origin", url.Values{}); got.status != http.StatusSeeOther {
		t.Fatalf("ending others: %d", got.status)
	}
	if got := other.get(t, "/jobs"); got.status != http.StatusSeeOther {
		t.Errorf("an ended session goes on: %d", got.status)
	}
	p.get(t, "/jobs").shows(t, "this session", "新人")

	old := p.codes
	codes := regexp.MustCompile(`[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}`)
	if fresh := codes.FindAllString(p.post(t, "/profile/codes", "same-origin", url.Values{}).body, -1); len(fresh) != 10 || fresh[0] == old[0] {
		t.Errorf("new codes: %v", fresh)
	}
	if _, got := p.knocks(t, "password", next, "totp", "", "recovery", old[1]); got.status != http.StatusUnauthorized {
		t.Errorf("an old code: %d", got.status)
	}
	shown := p.post(t, "/profile/factor", "same-origin", url.Values{})
	shown.shows(t, "a new authenticator", "<svg ", "原验证器仍然有效")
	if _, got := p.knocks(t, "password", next); got.status != http.StatusSeeOther {
		t.Errorf("the old authenticator until then: %d", got.status)
	}
	p.post(t, "/profile/factor/confirm", "same-origin", p.proof(t)).refused(t, "the old one's code", 403, "factor.refused")
	p.secret = regexp.MustCompile(`<code>([A-Z2-7]{32})</code>`).FindStringSubmatch(shown.body)[1]
	if got := p.post(t, "/profile/factor/confirm", "same-origin", p.proof(t)); len(codes.FindAllString(got.body, -1)) != 10 {
		t.Errorf("confirming: %d %s", got.status, got.body)
	}
	if _, got := p.knocks(t, "password", next); got.status != http.StatusSeeOther {
		t.Errorf("the new authenticator: %d", got.status)
	}
	w.Pass(16 * time.Minute)
	weak, _ := p.knocks(t, "password", next)
	w.Pass(14 * time.Minute)
	weak.get(t, "")
	w.Pass(2 * time.Minute)
	weak.get(t, "").shows(t, "the session, later", "基本会话")
	weak.post(t, "/profile/codes", "same-origin", url.Values{}).refused(t, "a weak session", 403, "session.strength")
}

// TestPasswordsAreKeptHashed: neither password nor link lies in the record, and a hash that cost otherwise is made anew
// when its owner comes in.
func TestPasswordsAreKeptHashed(t *testing.T) {
	w := newTown(t)
	p := w.begun(t, "newhand", org.Developer)
	kept := func(like string) int {
		return pgtest.Count(t, w.DB.Owner, "select count(*) from member_password where hash like '"+like+"'")
	}
	if kept("$argon2id$v=19$m=19456,t=2,p=1$%") != 1 || kept("%"+thePassword+"%") != 0 {
		t.Fatal("the password is not kept as it should be")
	}
	// The reference's hash of "password" over "somesalt", at a lower cost than ours.
	pgtest.Exec(t, w.DB.Owner, "update member_password set hash = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'")
	if _, got := p.knocks(t, "password", "password"); got.status != http.StatusSeeOther {
		t.Fatalf("got %d", got.status)
	}
	if kept("$argon2id$v=19$m=19456,%") != 1 {
		t.Error("the hash was not made anew")
	}
	if strings.Contains(w.Log.String(), thePassword) || strings.Contains(w.Log.String(), p.secret) {
		t.Error("the log holds a secret")
	}
	if _, err := w.Catalog.Passwords.Linked(context.Background(), catalog.Handle("no hash at all")); fault.Code(err) != "link.unknown" {
		t.Errorf("no link: %v", err)
	}
	if got := w.browser(t).post(t, "/login/password", "cross-site", url.Values{}); got.status != http.StatusForbidden {
		t.Errorf("a form of another site: %d", got.status)
	}
}

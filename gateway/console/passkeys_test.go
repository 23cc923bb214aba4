package console_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/passkey"
	"github.com/sluicedata/sluice/catalog/passkey/passkeytest"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// device is an authenticator in a browser that shows this instance.
func device(t *testing.T) *passkeytest.Authenticator {
	t.Helper()
	return passkeytest.New(t, gatewaytest.PasskeyOrigin, "localhost")
}

// ask takes the first half of a ceremony, as the console's script does.
func (b *browser) ask(t *testing.T, path string, form url.Values) (ask json.RawMessage, payload string) {
	t.Helper()
	got := b.post(t, path, "same-origin", form)
	var told struct {
		Ask     json.RawMessage `json:"ask"`
		Payload string          `json:"payload"`
	}
	if err := json.Unmarshal([]byte(got.body), &told); err != nil || got.status != http.StatusOK {
		t.Fatalf("asking at %s: %d %s", path, got.status, got.body)
	}
	return told.Ask, told.Payload
}

// madeStrong is strong without a factor: the record says that one was proven, as a second factor would.
func (b *browser) madeStrong(t *testing.T, login string) {
	t.Helper()
	pgtest.Exec(t, b.DB.Owner, "update token set strong_until = now() + interval '1 hour' from member m where m.id = token.member and m.login = '"+login+"'")
}

// enrolled returns a device with an admitted passkey of somebody, and the passkey's fingerprint.
func (w *town) enrolled(t *testing.T, login, admin string) (*passkeytest.Authenticator, string) {
	t.Helper()
	b := w.signedIn(t, login)
	b.madeStrong(t, login)
	d := device(t)
	ask, _ := b.ask(t, "/profile/passkeys/ask", nil)
	got := b.post(t, "/profile/passkeys", "same-origin", url.Values{"title": {"办公电脑"}, "answer": {string(d.Create(t, ask))}})
	if got.status != http.StatusSeeOther {
		t.Fatalf("enrolling: %d %s", got.status, got.body)
	}
	fingerprint := passkey.Fingerprint(d.Public())
	b.get(t, "/profile").shows(t, "the profile", "办公电脑", fingerprint, "请将完整指纹告知管理员")
	by := w.keys[admin]
	if admin == "platform" {
		by = w.Admin
	}
	if by != nil {
		if _, err := by.Keys.Admit(t.Context(), fingerprint); err != nil {
			t.Fatal(err)
		}
	}
	return d, fingerprint
}

// signInWith tries a passkey at the door and returns where it led.
func (b *browser) signInWith(t *testing.T, d *passkeytest.Authenticator, change func([]byte) []byte) string {
	t.Helper()
	ask, _ := b.ask(t, "/login/passkey/ask", nil)
	answer := d.Get(t, ask)
	if change != nil {
		answer = change(answer)
	}
	got := b.post(t, "/login/passkey", "same-origin", url.Values{"answer": {string(answer)}, "next": {"/console/profile"}})
	if got.status != http.StatusSeeOther {
		t.Fatalf("signing in: %d %s", got.status, got.body)
	}
	return got.header.Get("Location")
}

// TestPasskeySignIn: a passkey counts once an administrator admitted it, opens a strong session, and none once it ended.
func TestPasskeySignIn(t *testing.T) {
	w := newTown(t)
	d, fingerprint := w.enrolled(t, "officer", "")
	b := w.browser(t)
	b.get(t, "/login").shows(t, "the door", "用通行密钥登录", `data-ask="/console/login/passkey/ask"`)
	if to := b.signInWith(t, d, nil); to != "/console/login?refused=passkey" {
		t.Fatalf("before it was admitted it leads to %s", to)
	}
	b.get(t, "/login?refused=passkey").shows(t, "the door", "通行密钥未被接受")
	if _, err := w.keys["developer"].Keys.Admit(t.Context(), fingerprint); err != nil {
		t.Fatal(err)
	}
	before := b.cookie(t)
	if to := b.signInWith(t, d, nil); to != "/console/profile" {
		t.Fatalf("it leads to %s", to)
	}
	if b.cookie(t) == before {
		t.Error("the cookie of before the login goes on")
	}
	b.get(t, "/profile").shows(t, "the profile", "办公电脑", "强会话", `title="通行密钥"`)
	w.Pass(14 * time.Minute)
	b.get(t, "")
	w.Pass(2 * time.Minute)
	b.get(t, "").shows(t, "a quarter of an hour later", "基本会话")
	ask, _ := b.ask(t, "/strength/passkey/ask", nil)
	prove := url.Values{"answer": {string(d.Get(t, ask))}, "next": {"/console/grants"}}
	if got := b.post(t, "/strength/passkey", "same-origin", prove); got.status != http.StatusSeeOther || got.header.Get("Location") != "/console/grants" {
		t.Fatalf("proving again: %d %s", got.status, got.body)
	}
	b.get(t, "").shows(t, "the first page", "强会话")
	if got := b.post(t, "/strength/passkey", "same-origin", prove); got.status != http.StatusForbidden || !strings.Contains(got.body, "passkey.refused") {
		t.Errorf("the same answer again: %d", got.status)
	}
	if got := b.post(t, "/profile/keys/"+fingerprint+"/end", "same-origin", nil); got.status != http.StatusSeeOther {
		t.Fatalf("ending it: %d %s", got.status, got.body)
	}
	if got := b.get(t, "/profile"); got.status != http.StatusSeeOther {
		t.Errorf("its session goes on after its end: %d", got.status)
	}
	if to := w.browser(t).signInWith(t, d, nil); to != "/console/login?refused=passkey" {
		t.Errorf("after its end it leads to %s", to)
	}
}

// TestPasskeysThatDoNotCount: what is forged, stale, another browser's or a copy's opens nothing, and leaves an entry.
func TestPasskeysThatDoNotCount(t *testing.T) {
	w := newTown(t)
	d, _ := w.enrolled(t, "officer", "developer")
	for what, forge := range map[string]func(*passkeytest.Authenticator){
		"another origin": func(d *passkeytest.Authenticator) { d.Origin = "http://localhost:8444" },
		"another site":   func(d *passkeytest.Authenticator) { d.Host = "evil.example" },
		"not verified":   func(d *passkeytest.Authenticator) { d.Flags = passkeytest.Present },
		"another person": func(d *passkeytest.Authenticator) { d.Handle = "somebody else" },
		"an unknown key": func(with *passkeytest.Authenticator) { *with = *device(t) },
	} {
		with := *d
		forge(&with)
		if to := w.browser(t).signInWith(t, &with, nil); to != "/console/login?refused=passkey" {
			t.Errorf("%s leads to %s", what, to)
		}
	}
	if to := w.browser(t).signInWith(t, d, func([]byte) []byte { return []byte(`{}`) }); to != "/console/login?refused=passkey" {
		t.Errorf("no answer leads to %s", to)
	}
	one, other := w.browser(t), w.browser(t)
	ask, _ := one.ask(t, "/login/passkey/ask", nil)
	other.ask(t, "/login/passkey/ask", nil)
	form := url.Values{"answer": {string(d.Get(t, ask))}}
	if got := other.post(t, "/login/passkey", "same-origin", form); got.header.Get("Location") != "/console/login?refused=passkey" {
		t.Errorf("another browser's answer leads to %s", got.header.Get("Location"))
	}
	if got := one.post(t, "/login/passkey", "same-origin", form); got.header.Get("Location") != "/console" {
		t.Errorf("its own answer leads to %s", got.header.Get("Location"))
	}
	copied := *d
	copied.Count -= 2
	if to := w.browser(t).signInWith(t, &copied, nil); to != "/console/login?refused=passkey" {
		t.Errorf("a copy leads to %s", to)
	}
	if got := w.browser(t).post(t, "/login/passkey/ask", "cross-site", nil); got.status != http.StatusForbidden {
		t.Errorf("another site asks: %d", got.status)
	}
}

// TestEnrolmentNeedsProof: nobody makes a passkey in a weak session or without one, and nobody ends another's key.
func TestEnrolmentNeedsProof(t *testing.T) {
	w := newTown(t)
	if got := w.browser(t).post(t, "/profile/passkeys/ask", "same-origin", nil); got.status != http.StatusUnauthorized {
		t.Errorf("nobody asks: %d", got.status)
	}
	weak := w.signedIn(t, "officer")
	if got := weak.post(t, "/profile/passkeys/ask", "same-origin", nil); got.status != http.StatusForbidden || !strings.Contains(got.body, "text") {
		t.Errorf("a weak session asks: %d %s", got.status, got.body)
	}
	weak.get(t, "/profile").shows(t, "the profile of a weak session", "创建前须为强会话", "disabled")
	_, fingerprint := w.enrolled(t, "officer", "developer")
	colleague := w.signedIn(t, "developer")
	colleague.madeStrong(t, "developer")
	if got := colleague.post(t, "/profile/keys/"+fingerprint+"/end", "same-origin", nil); got.status != http.StatusNotFound {
		t.Errorf("a colleague ends it: %d", got.status)
	}
	stranger := w.signedIn(t, "chief")
	stranger.madeStrong(t, "chief")
	if got := stranger.post(t, "/profile/keys/"+fingerprint+"/end", "same-origin", nil); got.status != http.StatusNotFound {
		t.Errorf("a stranger ends it: %d", got.status)
	}
	for what, title := range map[string]string{"without a name": "", "with a control character": "a\u202eb"} {
		b := w.signedIn(t, "officer")
		b.madeStrong(t, "officer")
		ask, _ := b.ask(t, "/profile/passkeys/ask", nil)
		got := b.post(t, "/profile/passkeys", "same-origin", url.Values{"title": {title}, "answer": {string(device(t).Create(t, ask))}})
		if got.status != http.StatusUnprocessableEntity && got.status != http.StatusBadRequest || !strings.Contains(got.body, "title") {
			t.Errorf("%s: %d", what, got.status)
		}
	}
}

package console_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestPeople: an administrator adds, changes and removes their own people, and lets their keys in; nobody else does, and
// nobody acts on themselves.
func TestPeople(t *testing.T) {
	w := newTown(t)
	officer := w.signedIn(t, "officer")
	officer.get(t, "/people").refused(t, "an officer's look", 403, "access.not_permitted")
	officer.get(t, "/people/developer").refused(t, "an officer's look at one", 403, "access.not_permitted")
	officer.get(t, "/profile").shows(t, "who one is", "officer", "安全负责人", "每个登录身份只属于一个单位", "sha256:", "已准入")

	admin := w.signedIn(t, "developer")
	admin.get(t, "/people").shows(t, "the people", "officer", "增加人员", "需先通过第二因素")
	admin.act(t, "/people/invite", once("login", "wang", "name", "王", "role.auditor", "on")).refused(t, "a weak session", 403, "session.strength", `value="wang"`)
	admin.strong(t, "developer")
	admin.act(t, "/people/invite", once("login", "wang", "name", "王\u202e", "role.auditor", "on")).refused(t, "a name that turns", 422, "name.invalid")
	admin.act(t, "/people/invite", once("login", "wang", "name", "王 <b>", "role.auditor", "on", "once", "123456789abcdef0")).leads(t, "the invitation", "/people/wang")
	admin.act(t, "/people/invite", once("login", "wang", "name", "王", "role.auditor", "on", "once", "23456789abcdef01")).refused(t, "a second one", 409, "member.login_taken")
	admin.get(t, "/people/wang").shows(t, "the person", "王 &lt;b&gt;", "已邀请", `name="role.auditor" checked`)

	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil || public == nil {
		t.Fatal(err)
	}
	fingerprint, err := w.Client(private).Keys.Offer(t.Context(), w.homes["operator"], "wang")
	if err != nil {
		t.Fatal(err)
	}
	admit := "/keys/" + fingerprint + "/admit?tab=keys"
	page := admin.get(t, "/people?tab=keys")
	page.shows(t, "the keys", fingerprint, "核对指纹")
	admin.act(t, admit, page.form(t, admit)).leads(t, "the admission", "/people?tab=keys")
	admin.act(t, admit, once("once", "3456789abcdef012")).refused(t, "a second admission", 409, "key.move_not_allowed", fingerprint)
	revoke := "/people/wang/keys/" + fingerprint + "/revoke"
	admin.get(t, strings.Replace(revoke, "wang", "officer", 1)).refused(t, "a key under another's name", 404)
	admin.act(t, strings.Replace(revoke, "wang", "officer", 1), once("typed", "officer", "once", "89abcdef01234567")).refused(t, "its end under another's name", 404)
	admin.get(t, revoke).shows(t, "the question", fingerprint)
	admin.act(t, revoke, with(admin.get(t, revoke).form(t, revoke), "typed", "wang")).leads(t, "the revocation", "/people?tab=keys")

	admin.act(t, "/people/wang/roles", url.Values{"once": {"56789abcdef01234"}, "role.finance_officer": {"on"}}).leads(t, "other roles", "/people/wang")
	admin.get(t, "/people/wang").shows(t, "the person", `name="role.finance_officer" checked`)
	admin.act(t, "/people/developer/roles", url.Values{"once": {"6789abcdef012345"}, "role.auditor": {"on"}}).refused(t, "one's own roles", 403, "person.")
	remove := "/people/wang/remove"
	if strings.Contains(admin.get(t, remove).body, "没有作业会因此停止") {
		t.Error("a page says that nothing stops without having looked")
	}
	admin.act(t, remove, with(admin.get(t, remove).form(t, remove), "typed", "wang")).leads(t, "the removal", "/people/wang")
	admin.get(t, "/people/wang").shows(t, "the person", "已移除")
	link := w.identity(t, "officer")
	end := "/people/officer/identities/" + link.ID + "/revoke"
	list := admin.get(t, "/people?tab=identities")
	list.shows(t, "the identities", "officer", "已准入", `href="/console`+end+`"`)
	if strings.Contains(list.body, `action="/console`+end) {
		t.Error("an identity ends by one click")
	}
	admin.get(t, end).shows(t, "the question", "请键入 officer 以确认", "不能恢复", link.Subject, link.Issuer, "sluice identity revoke "+link.ID)
	another := strings.Replace(end, "officer", "developer", 1)
	admin.get(t, another).refused(t, "an identity under another's name", 404)
	admin.act(t, another, once("typed", "developer")).refused(t, "its end under another's name", 404)
	admin.act(t, end, once("typed", "developer", "once", "789abcdef0123456")).refused(t, "another login", 422, "typed.differs")
	if officer.get(t, "/profile").status != http.StatusOK {
		t.Error("an identity ended that nobody ended")
	}
	admin.act(t, end, with(admin.get(t, end).form(t, end), "typed", "officer")).leads(t, "the end of an identity", "/people?tab=identities")
	admin.get(t, "/people?tab=identities").shows(t, "the identities", "已撤销")
	if officer.get(t, "/profile").status == http.StatusOK {
		t.Error("whose identity ended goes on")
	}
}

package console_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/console"
	"github.com/sluicedata/sluice/gateway/providertest"
)

// TestSigningInAndOut: who is not known is led to the door and back to what they asked for; the cookie is new
// afterwards, and worth nothing once they leave.
func TestSigningInAndOut(t *testing.T) {
	w := newTown(t)
	b := w.browser(t)
	if got := b.get(t, "/jobs?state=checked"); got.status != http.StatusSeeOther || got.header.Get("Location") != "/console/login?next=%2Fconsole%2Fjobs%3Fstate%3Dchecked" {
		t.Fatalf("got %d %s", got.status, got.header.Get("Location"))
	}
	b.get(t, "/login?next=%2Fconsole%2Fjobs").shows(t, "the door", "统一身份认证登录", `href="/console/login/begin?login=&amp;next=%2Fconsole%2Fjobs&amp;org="`)
	began := b.get(t, "/login/begin")
	set := began.header.Get("Set-Cookie")
	if began.status != http.StatusSeeOther || !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Lax") || strings.Contains(set, "Max-Age") {
		t.Fatalf("got %d %q", began.status, set)
	}
	before := b.cookie(t)
	stop := b.signIn(t, "developer", "next=%2Fconsole%2Fjobs")
	if stop.Status != http.StatusOK || stop.Address.Path != "/console/jobs" {
		t.Fatalf("ended at %s: %d", stop.Address, stop.Status)
	}
	kept := b.cookie(t)
	if kept == before {
		t.Error("the cookie of before the login goes on")
	}
	b.get(t, "").shows(t, "the first page", "developer", "基本会话")
	if got := b.post(t, "/logout", "same-origin", nil); got.status != http.StatusSeeOther {
		t.Fatalf("got %d", got.status)
	}
	at, _ := url.Parse(w.URL)
	b.cookies.SetCookies(at, []*http.Cookie{{Name: "sluice", Value: kept}})
	if got := b.get(t, ""); got.status != http.StatusSeeOther {
		t.Errorf("a copied cookie opens %d after its session ended", got.status)
	}
}

// TestIdleLock: a browser nobody touches is locked after a quarter of an hour, one that is used is not, and none is
// open longer than a working day.
func TestIdleLock(t *testing.T) {
	w := newTown(t)
	b := w.signedIn(t, "developer")
	for range 3 {
		w.Pass(14 * time.Minute)
		if got := b.get(t, "/jobs"); got.status != http.StatusOK {
			t.Fatalf("in use: %d", got.status)
		}
	}
	w.Pass(16 * time.Minute)
	if got := b.get(t, "/jobs"); got.status != http.StatusSeeOther {
		t.Fatalf("idle: %d", got.status)
	}
	b = w.signedIn(t, "developer")
	for range 51 {
		w.Pass(14 * time.Minute)
		b.get(t, "/grants")
	}
	w.Pass(14 * time.Minute)
	if got := b.get(t, "/jobs"); got.status != http.StatusSeeOther {
		t.Errorf("after twelve hours: %d", got.status)
	}
}

// TestLoginsThatDoNotCount: a name nobody admitted, a login another browser began, a code of nobody's.
func TestLoginsThatDoNotCount(t *testing.T) {
	w := newTown(t)
	refused := func(name string, address *url.URL) {
		if address.Path != "/console/login" || address.RawQuery != "refused" {
			t.Errorf("%s ended at %s", name, address)
		}
	}
	b := w.browser(t)
	home := w.homes[string(org.Operator)]
	if _, err := w.keys["developer"].Members.Invite(t.Context(), home, org.MemberSpec{Login: "newcomer", Name: "New", Roles: []org.Role{org.Developer}}); err != nil {
		t.Fatal(err)
	}
	refused("a newcomer", b.signIn(t, "newcomer", url.Values{"org": {home}, "login": {"newcomer"}}.Encode()).Address)
	b.get(t, "/login?refused").shows(t, "the door", "登录未被接受")
	offered, err := w.keys["developer"].Identities.List(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range offered {
		if link.State == "offered" {
			if _, err := w.keys["developer"].Identities.Admit(t.Context(), link.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.signedIn(t, "newcomer")
	// A victim is sent to the end of a login that an attacker began.
	for _, query := range []string{"?code=x&state=y", "?code=x", "", "?state="} {
		got := w.browser(t).get(t, "/login/done"+query)
		at, _ := url.Parse(got.header.Get("Location"))
		refused(query, at)
	}
	other, _ := cookiejar.New(nil)
	stop := w.provider.Browse(t, w.URL+console.Prefix+"/login/begin", "developer", w.URL+console.Prefix+"/login/done", nil)
	victim := &browser{w, other, &http.Client{Jar: other, CheckRedirect: b.client.CheckRedirect}}
	got := victim.get(t, strings.TrimPrefix(stop.Address.RequestURI(), console.Prefix))
	at, _ := url.Parse(got.header.Get("Location"))
	refused("another browser's login", at)
}

// TestWhoSeesWhat walks every page, tab and fragment as everybody. What is not theirs is not there.
func TestWhoSeesWhat(t *testing.T) {
	w := newTown(t)
	const ok, no, none = 200, 403, 404
	paths := []string{"", "/datasets", "/datasets/" + theDataset, "/grants", "/grants/" + theGrant, "/jobs", "/jobs/" + theJob, "/jobs/" + theFailure + "/events"}
	for login, want := range map[string][]int{
		"steward":   {ok, ok, ok, ok, ok, no, none, none},
		"chief":     {ok, ok, ok, ok, ok, ok, ok, ok},
		"developer": {ok, ok, ok, ok, ok, ok, ok, ok},
		"officer":   {ok, ok, ok, ok, ok, ok, ok, ok},
		"registrar": {ok, ok, ok, no, none, no, none, none},
		"rival":     {ok, no, none, no, none, no, none, none},
	} {
		b := w.signedIn(t, login)
		for i, path := range paths {
			got := b.get(t, path)
			if got.status != want[i] {
				t.Errorf("%s opens %q: got %d, want %d", login, path, got.status, want[i])
			}
			if menu := `href="/console` + path + `"`; want[i] == no && strings.Contains(b.get(t, "").body, menu) {
				t.Errorf("%s is offered %s", login, path)
			}
		}
		for _, path := range []string{"/nothing", "/datasets/nothing", "/jobs/J-2026-9999", "/grants/G-2026-0901?tab=nothing"} {
			if got := b.get(t, path); got.status != none {
				t.Errorf("%s opens %q: %d", login, path, got.status)
			}
		}
	}
}

// TestForeignIsUnknown: another organization's object and one that never was have the same page.
func TestForeignIsUnknown(t *testing.T) {
	w := newTown(t)
	b := w.signedIn(t, "rival")
	request := regexp.MustCompile(`[0-9a-f]{32}|-2026-[0-9]{4}|health-visits|no-such-set`)
	for foreign, absent := range map[string]string{
		"/grants/" + theGrant: "/grants/G-2026-9999", "/jobs/" + theJob: "/jobs/J-2026-9999", "/datasets/health-visits": "/datasets/no-such-set",
	} {
		one, other := b.get(t, foreign), b.get(t, absent)
		if one.status != other.status || request.ReplaceAllString(one.body, "") != request.ReplaceAllString(other.body, "") {
			t.Errorf("%s and %s differ: %s", foreign, absent, one.body)
		}
	}
}

// TestPagesHoldNothingForeign: every page, in both languages, keeps its policy, has no script or style of its own, and
// shows stored markup as text.
func TestPagesHoldNothingForeign(t *testing.T) {
	w := newTown(t)
	b := w.signedIn(t, "steward")
	inline := regexp.MustCompile(`(?i)<script(?:>| [^>]*>[^<])|<style|\sstyle=|\son[a-z]+=|javascript:|https?://`)
	for _, language := range []string{"zh", "en"} {
		if got := b.post(t, "/look", "same-origin", url.Values{"language": {language}, "back": {"/console/datasets"}}); got.header.Get("Location") != "/console/datasets" {
			t.Fatalf("led to %s", got.header.Get("Location"))
		}
		for _, path := range []string{"", "/datasets", "/datasets?q=" + url.QueryEscape(`"><script>`), "/datasets/" + theDataset,
			"/datasets/" + theDataset + "?tab=versions", "/datasets/" + theDataset + "?tab=terms", "/datasets/" + theDataset + "?tab=log",
			"/datasets/" + theDataset + "?tab=profile", "/grants", "/grants/" + theGrant, "/grants/" + theGrant + "?tab=scope", "/grants/" + theGrant + "?tab=log",
			"/registrations/new", "/agreements/new", "/strength", "/nothing"} {
			got := b.get(t, path)
			policy := got.header.Get("Content-Security-Policy")
			if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self';") || strings.Contains(policy, "unsafe") {
				t.Errorf("%q has the policy %q", path, policy)
			}
			if found := inline.FindString(got.body); found != "" || strings.Contains(got.body, "<b>就诊") {
				t.Errorf("%q holds %q", path, found)
			}
			if got.header.Get("Content-Language") != language || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%q: %v", path, got.header)
			}
		}
	}
}

// TestForeignSitesCannotAct: a form of another site does nothing, whatever cookies go with it.
func TestForeignSitesCannotAct(t *testing.T) {
	w := newTown(t)
	b := w.signedIn(t, "developer")
	for _, path := range []string{"/logout", "/strength", "/look"} {
		if got := b.post(t, path, "cross-site", url.Values{"totp": {"000000"}}); got.status != http.StatusForbidden {
			t.Errorf("%s: got %d", path, got.status)
		}
	}
	if got := b.get(t, ""); got.status != http.StatusOK {
		t.Errorf("signed out by another site: %d", got.status)
	}
}

// TestPagesTell: what each page is for is on it.
func TestPagesTell(t *testing.T) {
	w := newTown(t)
	w.signedIn(t, "registrar").get(t, "").shows(t, "the registrar's first page", theRegistration, "登记办理", "个工作日")
	chief := w.signedIn(t, "chief")
	chief.get(t, "").shows(t, "the agency's first page", theProposal, "批准授权", "即将到期的授权")
	chief.get(t, "/grants/"+theProposal).shows(t, "a grant", "有 2 个维度超出上限", "resident_id", "sluice grant compare "+theProposal)
	chief.get(t, "/grants?state=active").shows(t, "the grants", theGrant)
	if got := chief.get(t, "/grants?state=active"); strings.Contains(got.body, theProposal) {
		t.Error("the filter keeps what it should not")
	}
	officer := w.signedIn(t, "officer")
	officer.get(t, "").shows(t, "the officer's first page", theJob, "同意运行")
	officer.get(t, "/jobs/"+theJob).shows(t, "a job", "策略校验", `aria-current="step"`, "待运营机构席同意", "hx-sse:connect")
	officer.get(t, "/datasets/"+theDataset).shows(t, "a dataset", "4级 L4", "就诊次数", "sluice dataset show "+theDataset)
	for search, found := range map[string]bool{"就诊": true, "VISITS": true, "%": false, "病案": false} {
		got := officer.get(t, "/datasets?q="+url.QueryEscape(search))
		if strings.Contains(got.body, `href="/console/datasets/`+theDataset) != found {
			t.Errorf("searching %q: %s", search, got.body)
		}
	}
	provider := url.QueryEscape(w.homes[string(org.DataProvider)])
	for query, found := range map[string]bool{"level=4": true, "level=1": false, "provider=" + provider: true, "provider=" + provider + "&level=3": false, "q=VISITS&level=4": true} {
		got := officer.get(t, "/datasets?"+query)
		if strings.Contains(got.body, `href="/console/datasets/`+theDataset) != found || !strings.Contains(got.body, " selected>") {
			t.Errorf("narrowed by %q: %s", query, got.body)
		}
	}
	for query, code := range map[string]string{"level=5": "level.out_of_range", "level=x": "level.out_of_range", "level=0": "level.out_of_range", "provider=ORG-9999": "provider.unknown"} {
		officer.get(t, "/datasets?"+query).refused(t, query, http.StatusUnprocessableEntity, code)
	}
	officer.get(t, "/datasets?q=%01").shows(t, "a search nobody can type", "检索文字不合法", "query.match")
	officer.get(t, "/jobs?state=a&state=b").shows(t, "a field twice", "request.invalid")
	w.signedIn(t, "steward").get(t, "/datasets/"+theDataset+"?tab=log").shows(t, "the log", "dataset.declare", "允许")
	// Only strength is missing: the page says so and how to get it.
	w.signedIn(t, "steward").get(t, "/datasets/"+theDataset+"?tab=profile").shows(t, "a weak session", "session.strength", `href="/console/strength?next=%2fconsole%2fdatasets%2fhealth-visits%3ftab%3dprofile"`)
}

// TestLiveJob: a job's page moves with the job; watching it does not keep the desk open, and ends with the session.
func TestLiveJob(t *testing.T) {
	w := newTown(t)
	b := w.signedIn(t, "developer")
	lines := b.follow(t)
	if got := event(lines); !strings.Contains(got, "已核对") || !strings.Contains(got, `class="steps"`) {
		t.Fatalf("got %s", got)
	}
	w.moveJob(t, "running")
	if got := event(lines); !strings.Contains(got, "运行中") || strings.Contains(got, "<html") {
		t.Fatalf("got %s", got)
	}
	w.Pass(16 * time.Minute)
	w.moveJob(t, "succeeded")
	if got := event(lines); got != "" {
		t.Errorf("told to a locked browser: %s", got)
	}
}

// follow opens the live part of the job's page.
func (b *browser) follow(t *testing.T) *bufio.Scanner {
	t.Helper()
	ctx, cut := context.WithTimeout(t.Context(), time.Minute)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.URL+console.Prefix+"/jobs/"+theJob+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cut(); answer.Body.Close() })
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("got %d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	return bufio.NewScanner(answer.Body)
}

// event reads the next event's data; "" when the stream has ended.
func event(lines *bufio.Scanner) string {
	var data strings.Builder
	for lines.Scan() {
		if text, found := strings.CutPrefix(lines.Text(), "data: "); found {
			data.WriteString(text + "\n")
		}
		if lines.Text() == "" && data.Len() > 0 {
			return data.String()
		}
	}
	return ""
}

// TestSecondFactor: a session is made strong on its own page, by a password that counts once, and then sees what it
// could not; its cookie is a new one.
func TestSecondFactor(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	made, err := w.keys["chief"].Factors.Enrol(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.keys["chief"].Factors.Confirm(ctx, providertest.OneTime(t, made.Secret, w.Now())); err != nil {
		t.Fatal(err)
	}
	b := w.signedIn(t, "chief")
	prove := func(totp string) reply {
		return b.post(t, "/strength", "same-origin", url.Values{"totp": {totp}, "next": {"/console/grants"}})
	}
	if got := prove("000000"); got.status != http.StatusForbidden || !strings.Contains(got.body, "factor.refused") {
		t.Fatalf("a guess: %d %s", got.status, got.body)
	}
	w.Pass(time.Minute)
	before, once := b.cookie(t), providertest.OneTime(t, made.Secret, w.Now())
	if got := prove(once); got.status != http.StatusSeeOther || got.header.Get("Location") != "/console/grants" {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if b.cookie(t) == before {
		t.Error("a cookie of the weak session goes on")
	}
	b.get(t, "").shows(t, "the first page", "强会话", "身份提供方及第二验证因素")
	if got := prove(once); got.status != http.StatusForbidden {
		t.Errorf("the same password again: %d", got.status)
	}
	w.Pass(14 * time.Minute)
	b.get(t, "")
	w.Pass(2 * time.Minute)
	b.get(t, "").shows(t, "the first page, later", "基本会话")
}

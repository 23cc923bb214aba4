package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/gateway/providertest"
	"github.com/sluicedata/sluice/gateway/wire"
)

// Where the program of these tests would listen, and what it keeps to itself.
const (
	listening = "http://127.0.0.1:9/done"
	secret    = "a-verifier-of-the-program-that-asked-0123456789"
)

// loginWorld is an instance beside a provider, with an organization.
type loginWorld struct {
	*gatewaytest.Instance
	provider *providertest.Provider
	home     string
	boss     *client.Client
}

func newLoginWorld(t *testing.T) *loginWorld {
	t.Helper()
	p := providertest.New(t, "zhang", "li")
	conf := p.Config()
	conf.StrongAMR = []string{"hwk"}
	w := &loginWorld{Instance: gatewaytest.StartWith(t, conf), provider: p}
	p.Serve(w.URL + gateway.CallbackPath)
	w.home = w.Org(t, "An operator", org.Operator)
	w.boss = w.Person(t, w.Admin, w.home, "boss", org.OrgAdmin)
	return w
}

func (w *loginWorld) invite(t *testing.T, login string, roles ...org.Role) {
	t.Helper()
	if _, err := w.boss.Members.Invite(context.Background(), w.home, org.MemberSpec{Login: login, Name: login, Roles: roles}); err != nil {
		t.Fatal(err)
	}
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// begin is the address a program opens in the browser.
func (w *loginWorld) begin(change func(url.Values)) string {
	v := url.Values{"redirect": {listening}, "challenge": {challenge(secret)}, "state": {"relay"}}
	if change != nil {
		change(v)
	}
	return w.URL + gateway.LoginPath + "?" + v.Encode()
}

func asked(home, login string) func(url.Values) {
	return func(v url.Values) { v.Set("org", home); v.Set("login", login) }
}

// arrive logs in at the provider and returns the code the program gets.
func (w *loginWorld) arrive(t *testing.T, login string, change func(url.Values), turn func(*url.URL)) string {
	t.Helper()
	stop := w.provider.Browse(t, w.begin(change), login, listening, turn)
	if stop.Status != 0 || stop.Address.Query().Get("state") != "relay" || len(stop.Address.Query().Get("code")) != 43 {
		t.Fatalf("the program got %v: %d %s", stop.Address, stop.Status, stop.Body)
	}
	return stop.Address.Query().Get("code")
}

// redeem exchanges a code as the program that asked, after change had its way.
func (w *loginWorld) redeem(t *testing.T, code string, change func(url.Values)) reply {
	t.Helper()
	v := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {secret}, "redirect_uri": {listening}}
	if change != nil {
		change(v)
	}
	return form(t, w.Instance, v)
}

// token logs in and returns the token.
func (w *loginWorld) token(t *testing.T, login string) string {
	t.Helper()
	got := w.redeem(t, w.arrive(t, login, nil, nil), nil)
	var token wire.Token
	if err := json.Unmarshal(got.body, &token); err != nil || got.status != 200 {
		t.Fatalf("no token: %d %s", got.status, got.body)
	}
	return token.AccessToken
}

// admitted offers and admits a person's identity.
func (w *loginWorld) admitted(t *testing.T, login string) wire.Identity {
	t.Helper()
	w.arrive(t, login, asked(w.home, login), nil)
	all, err := w.boss.Identities.List(context.Background(), w.home)
	if err != nil || len(all) == 0 {
		t.Fatalf("nothing was offered: %v", err)
	}
	last := all[len(all)-1]
	if last.Login != login || last.Subject != "id-"+login || last.State != "offered" {
		t.Fatalf("offered %+v", last)
	}
	if last, err = w.boss.Identities.Admit(context.Background(), last.ID); err != nil {
		t.Fatal(err)
	}
	return last
}

// notAccepted is the one answer to every login that does not count.
func notAccepted(t *testing.T, name string, got reply) {
	t.Helper()
	want := `{"error":"invalid_grant","error_description":"the login is not accepted"}` + "\n"
	if got.status != 401 || string(got.body) != want {
		t.Errorf("%s: got %d %s", name, got.status, got.body)
	}
}

// TestLoginThroughProvider: a name at the provider is offered, admitted, and then opens basic sessions, until it or
// its member ends.
func TestLoginThroughProvider(t *testing.T) {
	w := newLoginWorld(t)
	w.invite(t, "zhang", org.Developer, org.OrgAdmin)
	link := w.admitted(t, "zhang")
	who := &person{token: w.token(t, "zhang")}
	if got := who.get(t, w.Instance, "/me"); got.status != 200 || !contains(got.body, `"strength":"basic","method":"oidc"`) || !contains(got.body, `"login":"zhang"`) {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if got := who.get(t, w.Instance, "/orgs/"+w.home+"/members"); got.status != 200 {
		t.Fatalf("a basic session reads: %d %s", got.status, got.body)
	}
	if got := who.post(t, w.Instance, "/orgs/"+w.home+"/members", `{"login":"lee","name":"Lee","roles":["developer"]}`); got.status != 403 || !contains(got.body, "session.strength") {
		t.Fatalf("a basic session decides: %d %s", got.status, got.body)
	}
	if _, err := w.boss.Identities.Revoke(context.Background(), link.ID); err != nil {
		t.Fatal(err)
	}
	if got := who.get(t, w.Instance, "/me"); got.status != 401 {
		t.Fatalf("the token of a revoked identity: %d", got.status)
	}
	notAccepted(t, "a revoked identity", w.redeem(t, w.arrive(t, "zhang", nil, nil), nil))
}

// TestProvidersStrongWord: what the provider says it saw counts as far as the site says so.
func TestProvidersStrongWord(t *testing.T) {
	p := providertest.New(t, "zhang")
	conf := p.Config()
	conf.StrongAMR = []string{"pwd"} // all this provider ever says
	w := &loginWorld{Instance: gatewaytest.StartWith(t, conf), provider: p}
	p.Serve(w.URL + gateway.CallbackPath)
	w.home = w.Org(t, "An operator", org.Operator)
	w.boss = w.Person(t, w.Admin, w.home, "boss", org.OrgAdmin)
	w.invite(t, "zhang", org.OrgAdmin)
	w.admitted(t, "zhang")
	who := &person{token: w.token(t, "zhang")}
	if got := who.post(t, w.Instance, "/orgs/"+w.home+"/members", `{"login":"lee","name":"Lee","roles":["developer"]}`); got.status != 201 {
		t.Fatalf("a strong session decides: %d %s", got.status, got.body)
	}
}

// TestLoginsThatDoNotCount tries every way to a token that is not one's own login. Each gets the same answer and
// leaves an entry.
func TestLoginsThatDoNotCount(t *testing.T) {
	w := newLoginWorld(t)
	w.invite(t, "zhang", org.Developer)
	w.invite(t, "li", org.Developer)
	w.admitted(t, "zhang")
	atProvider := func(change func(url.Values)) func(*url.URL) {
		return func(u *url.URL) {
			if u.Path == "/auth" {
				v := u.Query()
				change(v)
				u.RawQuery = v.Encode()
			}
		}
	}
	spent := w.arrive(t, "zhang", nil, nil)
	if got := w.redeem(t, spent, nil); got.status != 200 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	failed := w.arrive(t, "zhang", nil, nil)
	for _, tt := range []struct {
		name string
		try  func() reply
	}{
		{"a name nobody knows", func() reply { return w.redeem(t, w.arrive(t, "li", nil, nil), nil) }},
		{"a name nobody knows, of a login nobody has", func() reply { return w.redeem(t, w.arrive(t, "li", asked(w.home, "nobody"), nil), nil) }},
		{"a name that is offered only", func() reply { return w.redeem(t, w.arrive(t, "li", asked(w.home, "li"), nil), nil) }},
		{"another nonce", func() reply {
			return w.redeem(t, w.arrive(t, "zhang", nil, atProvider(func(v url.Values) { v.Set("nonce", "mine") })), nil)
		}},
		{"no nonce", func() reply {
			return w.redeem(t, w.arrive(t, "zhang", nil, atProvider(func(v url.Values) { v.Del("nonce") })), nil)
		}},
		{"another audience", func() reply {
			return w.redeem(t, w.arrive(t, "zhang", nil, atProvider(func(v url.Values) { v.Set("client_id", providertest.Other) })), nil)
		}},
		{"the provider's code of another challenge", func() reply {
			return w.redeem(t, w.arrive(t, "zhang", nil, atProvider(func(v url.Values) { v.Set("code_challenge", challenge("mine")) })), nil)
		}},
		{"a code used twice", func() reply { return w.redeem(t, spent, nil) }},
		{"a code nobody gave", func() reply { return w.redeem(t, strings.Repeat("A", 43), nil) }},
		{"another program's verifier", func() reply { return w.redeem(t, failed, func(v url.Values) { v.Set("code_verifier", "another") }) }},
		{"a code that failed once", func() reply { return w.redeem(t, failed, nil) }},
		{"no verifier", func() reply {
			return w.redeem(t, w.arrive(t, "zhang", nil, nil), func(v url.Values) { v.Del("code_verifier") })
		}},
		{"the challenge as verifier", func() reply {
			return w.redeem(t, w.arrive(t, "zhang", nil, nil), func(v url.Values) { v.Set("code_verifier", challenge(secret)) })
		}},
		{"another address", func() reply {
			return w.redeem(t, w.arrive(t, "zhang", nil, nil), func(v url.Values) { v.Set("redirect_uri", listening+"2") })
		}},
		{"a code too old", func() reply {
			code := w.arrive(t, "zhang", nil, nil)
			w.Pass(2 * time.Minute)
			return w.redeem(t, code, nil)
		}},
	} {
		had := len(knocks(t, w.Instance))
		notAccepted(t, tt.name, tt.try())
		if len(knocks(t, w.Instance)) <= had {
			t.Errorf("%s: not traced", tt.name)
		}
	}
	if all, err := w.boss.Identities.List(context.Background(), w.home); err != nil || len(all) != 2 {
		t.Errorf("offered %v %v", all, err)
	}
}

// TestStateCountsOnce: a browser that comes back a second time, late, or with a state nobody gave gets nowhere.
func TestStateCountsOnce(t *testing.T) {
	w := newLoginWorld(t)
	var back string
	keep := func(u *url.URL) {
		if u.Path == gateway.CallbackPath {
			back = u.String()
		}
	}
	w.arrive(t, "zhang", nil, keep)
	notAccepted(t, "replayed", call(t, "GET", back, nil))
	notAccepted(t, "nobody's", call(t, "GET", w.URL+gateway.CallbackPath+"?code=x&state="+strings.Repeat("A", 43), nil))
	notAccepted(t, "none", call(t, "GET", w.URL+gateway.CallbackPath+"?code=x", nil))
	late := func(u *url.URL) {
		if u.Path == gateway.CallbackPath {
			w.Pass(11 * time.Minute)
		}
	}
	stop := w.provider.Browse(t, w.begin(nil), "zhang", listening, late)
	notAccepted(t, "late", reply{status: stop.Status, body: stop.Body})
}

// TestOnlyLoopbackPrograms: a code goes to the person's own machine and nowhere else (RFC 8252 7.3).
func TestOnlyLoopbackPrograms(t *testing.T) {
	w := newLoginWorld(t)
	for _, redirect := range []string{
		"", "http://example.org:80/", "https://127.0.0.1:9/", "http://127.0.0.1/", "http://localhost:9/", "http://127.0.0.1:9@example.org:9/",
		"http://127.0.0.1.example.org:9/", "http://127.0.0.1:9/#x", "http://127.0.0.1:9/?x=1", "http://127.0.0.2:9/", "http://127.1:9/",
		"http://[::1%25x]:9/", "http://127.0.0.1:0/", "http://127.0.0.1:99999/", "//127.0.0.1:9/", "javascript:alert(1)", "http://127.0.0.1:9/\r\nX: y",
	} {
		got := call(t, "GET", w.begin(func(v url.Values) { v.Set("redirect", redirect) }), nil)
		if got.status != 422 || got.header.Get("Location") != "" {
			t.Errorf("%q: got %d %s", redirect, got.status, got.header.Get("Location"))
		}
	}
	for name, change := range map[string]func(url.Values){
		"no challenge":    func(v url.Values) { v.Del("challenge") },
		"plain challenge": func(v url.Values) { v.Set("challenge", "short") },
		"twice":           func(v url.Values) { v.Add("redirect", "http://127.0.0.1:10/") },
		"long state":      func(v url.Values) { v.Set("state", strings.Repeat("x", 129)) },
	} {
		if got := call(t, "GET", w.begin(change), nil); got.status != 422 {
			t.Errorf("%s: got %d", name, got.status)
		}
	}
	if got := call(t, "GET", w.begin(func(v url.Values) { v.Set("redirect", "http://[::1]:9/") }), nil); got.status != 303 {
		t.Errorf("IPv6 loopback: got %d", got.status)
	}
}

// TestLoginsOnTheirWayAreBounded: when as many as are kept are on their way, the next one is told when to come back,
// and one address does not begin them all.
func TestLoginsOnTheirWayAreBounded(t *testing.T) {
	w := newLoginWorld(t)
	sql(t, w.Instance, `insert into login_attempt (state, nonce, verifier, redirect, challenge, relay, org, login, expires_at)
		select sha256(n::text::bytea), '', '', '', '', '', '', '', '`+w.Now().Add(5*time.Minute).Format(time.RFC3339)+`' from generate_series(1, 2000) n`)
	got := call(t, "GET", w.begin(nil), nil)
	if after, err := strconv.Atoi(got.header.Get("Retry-After")); got.status != 429 || got.problem(t).Code != "login.busy" || err != nil || after < 200 || after > 300 {
		t.Fatalf("got %d, come back after %q seconds", got.status, got.header.Get("Retry-After"))
	}
	w.Pass(6 * time.Minute)
	if got := call(t, "GET", w.begin(nil), nil); got.status != 303 {
		t.Fatalf("once they are forgotten: %d %s", got.status, got.body)
	}
	for range gateway.DefaultLimits().Login.AtOnce {
		got = call(t, "GET", w.begin(nil), nil)
	}
	if got.status != 429 || got.problem(t).Code != "rate.login" || got.header.Get("Retry-After") == "" {
		t.Fatalf("the share of one address: %d %s", got.status, got.body)
	}
}

// TestWithoutProvider: where none is configured there is no such door.
func TestWithoutProvider(t *testing.T) {
	i := gatewaytest.Start(t)
	w := &loginWorld{Instance: i}
	for _, address := range []string{w.begin(nil), i.URL + gateway.CallbackPath + "?code=x&state=y"} {
		if got := call(t, "GET", address, nil); got.status != 404 {
			t.Errorf("got %d %s", got.status, got.body)
		}
	}
	if got := w.redeem(t, "x", nil); got.status != 400 || !contains(got.body, "unsupported_grant_type") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

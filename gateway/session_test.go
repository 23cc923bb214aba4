package gateway_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/gateway/wire"
)

// TestAssertionForgeries tries every way to a token that is not the one (S35). Each gets the same answer.
func TestAssertionForgeries(t *testing.T) {
	i := gatewaytest.Start(t)
	home := i.Org(t, "An operator", org.Operator)
	p := newPerson(t, i, home, "holder", org.OrgAdmin)
	other := newPerson(t, i, home, "other", org.OrgAdmin)
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	public := p.key.Public().(ed25519.PublicKey)
	set := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) { c[name] = value }
	}
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	forgeries := map[string]string{
		"alg none":                  unsigned(t, p, i),
		"HS256 with the public key": sign(t, jose.HS256, []byte(public), p.print, p.claims(i)),
		"another key's signature":   sign(t, jose.EdDSA, stranger, p.print, p.claims(i)),
		"a key nobody admitted":     sign(t, jose.EdDSA, stranger, org.Fingerprint(stranger.Public().(ed25519.PublicKey)), p.claims(i)),
		"another person's name":     sign(t, jose.EdDSA, p.key, p.print, other.claims(i)),
		"no kid":                    sign(t, jose.EdDSA, p.key, "", p.claims(i)),
		"another audience":          p.assertion(t, i, set("aud", "https://elsewhere/api/v1/token")),
		"audience with a slash":     p.assertion(t, i, set("aud", i.URL+"/api/v1/token/")),
		"two audiences":             p.assertion(t, i, set("aud", []string{i.URL + "/api/v1/token", "https://elsewhere"})),
		"no audience":               p.assertion(t, i, set("aud", nil)),
		"expired":                   p.assertion(t, i, set("exp", in(-time.Second))),
		"too long ahead":            p.assertion(t, i, set("exp", in(6*time.Minute))),
		"no expiry":                 p.assertion(t, i, set("exp", nil)),
		"issued in the future":      p.assertion(t, i, set("iat", in(2*time.Minute))),
		"issued long ago":           p.assertion(t, i, set("iat", in(-time.Hour))),
		"not valid yet":             p.assertion(t, i, set("nbf", in(2*time.Minute))),
		"short jti":                 p.assertion(t, i, set("jti", "123456789012345")),
		"long jti":                  p.assertion(t, i, set("jti", strings.Repeat("x", 129))),
		"no jti":                    p.assertion(t, i, set("jti", nil)),
		"issuer differs":            p.assertion(t, i, set("iss", other.print)),
		"one bit changed":           flip(p.assertion(t, i, nil)),
		"garbage":                   "a.b.c",
		"empty":                     "",
		"long":                      strings.Repeat("a", 8<<10),
	}
	for name, assertion := range forgeries {
		t.Run(name, func(t *testing.T) {
			got := exchange(t, i, assertion)
			want := `{"error":"invalid_client","error_description":"the assertion is not accepted"}` + "\n"
			if got.status != 401 || string(got.body) != want || got.header.Get("WWW-Authenticate") == "" {
				t.Fatalf("got %d %s", got.status, got.body)
			}
		})
	}
	good := p.assertion(t, i, set("aud", []string{i.URL + "/api/v1/token"}))
	if got := exchange(t, i, good); got.status != 200 {
		t.Fatalf("a good assertion: %d %s", got.status, got.body)
	}
	if got := exchange(t, i, good); got.status != 401 {
		t.Fatalf("an assertion counted twice: %d", got.status)
	}
}

// unsigned is an assertion of algorithm none.
func unsigned(t *testing.T, p *person, i *gatewaytest.Instance) string {
	t.Helper()
	payload, err := json.Marshal(p.claims(i))
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return b64([]byte(`{"alg":"none","kid":"`+p.print+`"}`)) + "." + b64(payload) + "."
}

// flip changes one bit of the signature.
func flip(assertion string) string {
	head, tail, _ := strings.Cut(assertion[strings.LastIndexByte(assertion, '.'):], ".")
	raw, _ := base64.RawURLEncoding.DecodeString(tail)
	raw[10] ^= 1
	return assertion[:strings.LastIndexByte(assertion, '.')] + head + "." + base64.RawURLEncoding.EncodeToString(raw)
}

// TestTokenForm refuses requests for a token that are not the one form (RFC 6749 5.2).
func TestTokenForm(t *testing.T) {
	i := gatewaytest.Start(t)
	p := newPerson(t, i, i.Org(t, "An operator", org.Operator), "holder", org.OrgAdmin)
	values := func(change func(url.Values)) url.Values {
		v := url.Values{
			"grant_type": {"client_credentials"}, "client_assertion": {p.assertion(t, i, nil)},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		}
		change(v)
		return v
	}
	for name, tt := range map[string]struct {
		change func(url.Values)
		status int
		code   string
	}{
		"another grant type":      {func(v url.Values) { v.Set("grant_type", "password") }, 400, "unsupported_grant_type"},
		"another assertion type":  {func(v url.Values) { v.Set("client_assertion_type", "saml") }, 400, "invalid_request"},
		"a field twice":           {func(v url.Values) { v.Add("grant_type", "client_credentials") }, 400, "invalid_request"},
		"another client's id":     {func(v url.Values) { v.Set("client_id", "sha256:00") }, 401, "invalid_client"},
		"a form of 20,000 letter": {func(v url.Values) { v.Set("x", strings.Repeat("x", 20000)) }, 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			got := form(t, i, values(tt.change))
			var e wire.OAuthError
			if err := json.Unmarshal(got.body, &e); err != nil || got.status != tt.status || e.Error != tt.code {
				t.Fatalf("got %d %s", got.status, got.body)
			}
		})
	}
	if got := form(t, i, values(func(v url.Values) { v.Set("client_id", p.print) })); got.status != 200 {
		t.Fatalf("its own client id: %d %s", got.status, got.body)
	}
}

// TestTokenCountsWhileItsHolderDoes: a token ends with its time, and only a bearer header carries it.
func TestTokenCountsWhileItsHolderDoes(t *testing.T) {
	i := gatewaytest.Start(t)
	p := newPerson(t, i, i.Org(t, "An operator", org.Operator), "holder", org.OrgAdmin)
	if got := p.get(t, i, "/me"); got.status != 200 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	for name, headers := range map[string][]string{
		"nothing":        {},
		"basic":          {"Authorization", "Basic " + p.token},
		"twice":          {"Authorization", "Bearer " + p.token, "Authorization", "Bearer " + p.token},
		"cookie":         {"Cookie", "token=" + p.token},
		"spoofed header": {"X-Forwarded-User", "holder", "X-Remote-User", "holder"},
		"another token":  {"Authorization", "Bearer " + strings.Repeat("A", 43)},
		"a long token":   {"Authorization", "Bearer " + strings.Repeat("A", 4096)},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, "GET", i.URL+"/api/v1/me", nil, headers...)
			if got.status != 401 || got.header.Get("WWW-Authenticate") == "" || got.header.Get("Content-Type") != wire.ProblemType {
				t.Fatalf("got %d %v %s", got.status, got.header, got.body)
			}
		})
	}
	if got := call(t, "GET", i.URL+"/api/v1/me?access_token="+p.token, nil); got.status != 401 {
		t.Fatalf("a token in the address counted: %d", got.status)
	}
	i.Pass(24 * time.Hour)
	if got := p.get(t, i, "/me"); got.status != 401 {
		t.Fatalf("a token of yesterday counted: %d", got.status)
	}
}

package gateway_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/gateway/wire"
)

// reply is an HTTP answer, read.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) problem(t *testing.T) wire.Problem {
	t.Helper()
	var p wire.Problem
	if err := json.Unmarshal(r.body, &p); err != nil {
		t.Fatalf("not a problem: %s", r.body)
	}
	return p
}

// call sends one request, a change under a key of its own. headers are pairs of name and value.
func call(t *testing.T, method, address string, body io.Reader, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	if _, given := r.Header["Idempotency-Key"]; method == http.MethodPost && !given {
		r.Header.Set("Idempotency-Key", name.NewID().String())
	}
	return send(t, r)
}

func send(t *testing.T, r *http.Request) reply {
	t.Helper()
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, body}
}

// person is somebody with a key, seen from HTTP.
type person struct {
	key   ed25519.PrivateKey
	print string
	token string
}

// newPerson is admitted by the platform's administrator, who may admit administrators only.
func newPerson(t *testing.T, i *gatewaytest.Instance, home, login string, roles ...org.Role) *person {
	t.Helper()
	return admitted(t, i, i.Admin, home, login, roles...)
}

// admitted invites and admits somebody and gets them a token.
func admitted(t *testing.T, i *gatewaytest.Instance, by *client.Client, home, login string, roles ...org.Role) *person {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := i.Holder(t, by, home, login, key, roles...)
	p := &person{key: key, print: c.Fingerprint()}
	got := exchange(t, i, p.assertion(t, i, nil))
	var token wire.Token
	if err := json.Unmarshal(got.body, &token); err != nil || got.status != 200 {
		t.Fatalf("no token: %d %s", got.status, got.body)
	}
	p.token = token.AccessToken
	return p
}

// claims are those of a good assertion.
func (p *person) claims(i *gatewaytest.Instance) map[string]any {
	id := make([]byte, 16)
	copy(id, name.NewID().String()[20:])
	return map[string]any{
		"iss": p.print, "sub": p.print, "aud": i.URL + "/api/v1/token", "jti": hex.EncodeToString(id),
		"exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix(),
	}
}

// assertion signs a good assertion after change had its way with the claims.
func (p *person) assertion(t *testing.T, i *gatewaytest.Instance, change func(map[string]any)) string {
	t.Helper()
	c := p.claims(i)
	if change != nil {
		change(c)
	}
	return sign(t, jose.EdDSA, p.key, p.print, c)
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// exchange sends an assertion to the token endpoint.
func exchange(t *testing.T, i *gatewaytest.Instance, assertion string) reply {
	t.Helper()
	return form(t, i, url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	})
}

func form(t *testing.T, i *gatewaytest.Instance, values url.Values) reply {
	t.Helper()
	return call(t, "POST", i.URL+"/api/v1/token", strings.NewReader(values.Encode()), "Content-Type", "application/x-www-form-urlencoded")
}

// post sends JSON as a person; nothing when body is "".
func (p *person) post(t *testing.T, i *gatewaytest.Instance, path, body string, headers ...string) reply {
	t.Helper()
	headers = append([]string{"Authorization", "Bearer " + p.token, "Content-Type", "application/json"}, headers...)
	return call(t, "POST", i.URL+"/api/v1"+path, strings.NewReader(body), headers...)
}

// put sends bytes with their digest as a person.
func (p *person) put(t *testing.T, i *gatewaytest.Instance, path, body string, headers ...string) reply {
	t.Helper()
	headers = append([]string{
		"Authorization", "Bearer " + p.token, "Content-Type", "application/octet-stream", "Content-Digest", contentDigest(body),
	}, headers...)
	return call(t, "PUT", i.URL+"/api/v1"+path, strings.NewReader(body), headers...)
}

// contentDigest is the field of RFC 9530.
func contentDigest(body string) string {
	sum := sha256.Sum256([]byte(body))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

func (p *person) get(t *testing.T, i *gatewaytest.Instance, path string, headers ...string) reply {
	t.Helper()
	headers = append([]string{"Authorization", "Bearer " + p.token}, headers...)
	return call(t, "GET", i.URL+"/api/v1"+path, nil, headers...)
}

// contains reports whether a body repeats a text.
func contains(body []byte, text string) bool { return bytes.Contains(body, []byte(text)) }

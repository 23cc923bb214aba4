// Package providertest runs an OpenID provider for tests: a certified implementation over memory, on loopback, with
// the browser that goes through its login page. Nothing shipped imports it.
package providertest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/gateway/session"
)

// What the provider knows a gateway by.
const (
	clientID     = "sluice"
	clientSecret = "a secret between the two"
)

// Password is that of all the provider's users.
const Password = "a password of the provider's"

// Other is a second client of the provider: what is said to it is not said to the gateway.
const Other = "another-client"

// Provider is a running provider.
type Provider struct {
	Issuer string
	server *httptest.Server
	names  users
}

// users are the provider's people by login; their subject is the login with "id-" before it.
type users map[string]*storage.User

// New reserves an address. The provider serves once it knows where to send browsers back.
func New(t testing.TB, logins ...string) *Provider {
	t.Helper()
	p := &Provider{server: httptest.NewUnstartedServer(nil), names: users{}}
	p.Issuer = "http://" + p.server.Listener.Addr().String()
	for _, login := range logins {
		p.names[login] = &storage.User{ID: "id-" + login, Username: login, Password: Password, Email: login + "@example.org"}
	}
	t.Cleanup(p.server.Close)
	return p
}

// Serve starts the provider for gateways that take browsers back at these addresses.
func (p *Provider) Serve(callbacks ...string) {
	clients := map[string]*storage.Client{
		clientID: storage.WebClient(clientID, clientSecret, callbacks...), Other: storage.WebClient(Other, clientSecret, callbacks...),
	}
	p.server.Config.Handler = exampleop.SetupServer(p.Issuer, storage.NewStorageWithClients(p.names, clients), nil, false)
	p.server.Start()
}

// Config is how a gateway finds the provider.
func (p *Provider) Config() *session.ProviderConfig {
	return &session.ProviderConfig{Issuer: p.Issuer, ClientID: clientID, ClientSecret: clientSecret}
}

// Stop is where a browser ended: at the address a program listens on, or at an answer that leads nowhere.
type Stop struct {
	Address *url.URL
	Status  int // 0: a program's address, which was not called
	Body    []byte
}

// Browse opens an address as a person with a login at the provider would, and follows it to the program at
// program ("http://127.0.0.1:9/cb"). turn may bend each address on the way; nil leaves them.
func (p *Provider) Browse(t testing.TB, address, login, program string, turn func(*url.URL)) Stop {
	t.Helper()
	return p.browse(t, &http.Client{}, address, login, program, turn)
}

// SignIn opens an address in a browser that keeps its cookies, as Browse does, and follows it to its end.
func (p *Provider) SignIn(t testing.TB, cookies http.CookieJar, address, login string) Stop {
	t.Helper()
	return p.browse(t, &http.Client{Jar: cookies}, address, login, "\x00", nil)
}

func (p *Provider) browse(t testing.TB, browser *http.Client, address, login, program string, turn func(*url.URL)) Stop {
	t.Helper()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for range 20 {
		at, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if turn != nil {
			turn(at)
		}
		if strings.HasPrefix(at.String(), program) {
			return Stop{Address: at}
		}
		answer, err := p.step(browser, at, login)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		next, err := answer.Location()
		if err != nil {
			return Stop{Address: at, Status: answer.StatusCode, Body: body}
		}
		address = next.String()
	}
	t.Fatal("the browser goes in circles")
	return Stop{}
}

// step opens one page; the login page is filled in.
func (p *Provider) step(browser *http.Client, at *url.URL, login string) (*http.Response, error) {
	if at.Path != "/login/username" {
		return browser.Get(at.String())
	}
	return browser.PostForm(at.String(), url.Values{
		"id": {at.Query().Get("authRequestID")}, "username": {login}, "password": {Password},
	})
}

// GetUserByID implements storage.UserStore.
func (u users) GetUserByID(id string) *storage.User { return u[strings.TrimPrefix(id, "id-")] }

// GetUserByUsername implements storage.UserStore.
func (u users) GetUserByUsername(login string) *storage.User { return u[login] }

// ExampleClientID implements storage.UserStore; nobody asks for it here.
func (u users) ExampleClientID() string { return "service" }

// Admit puts a name of the provider's on the record as a member's, admitted: who may do that is tested elsewhere.
func (p *Provider) Admit(ctx context.Context, tx *postgres.Tx, home, login, as string, at time.Time) error {
	o, err := tx.OrgByNumber(ctx, home)
	if err != nil {
		return err
	}
	m, err := tx.MemberByLogin(ctx, o.ID, login)
	if err != nil {
		return err
	}
	return tx.OfferIdentity(ctx, postgres.Identity{
		ID: name.NewID().String(), Issuer: p.Issuer, Subject: "id-" + as, Label: login, Member: m.ID, State: "admitted", OfferedAt: at,
	})
}

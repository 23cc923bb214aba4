package main

import (
	"flag"
	"fmt"
	"io"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/browsertest"
	"github.com/sluicedata/sluice/gateway/providertest"
)

var screens = flag.String("screens", "", "folder for pictures of the demo's pages, as they are when it has been played")

// TestClicks plays the demo by clicking, in Chinese and in English: from a department's file to a product whose printed
// certificate leads a phone to its check. Everybody sits before a browser of their own and finds things by what can be
// read there. The city itself, its people and what proves who they are is made beforehand, as its administrator does.
func TestClicks(t *testing.T) {
	o := onStage(t)
	for _, language := range []string{"zh", "en"} {
		t.Run(language, func(t *testing.T) {
			pass := o.pass(t, language)
			for _, chapter := range []struct {
				name string
				play func()
			}{
				{"publish", pass.publish}, {"register", pass.register}, {"agree", pass.agree}, {"grant", pass.grant},
				{"passkeys", pass.passkeys}, {"run", pass.run}, {"review", pass.review}, {"receive", pass.receive}, {"pictures", pass.pictures},
			} {
				began := time.Now()
				chapter.play()
				for login, tab := range o.seats {
					pass.quiet(tab, chapter.name+" before "+login)
				}
				t.Logf("%-9s %4.1f s", chapter.name, time.Since(began).Seconds())
			}
		})
	}
}

// onstage is a running instance beside a provider, with the city's people before browsers.
type onstage struct {
	*demo
	t        *testing.T
	base     string // address with a name: passkeys need one
	provider *providertest.Provider
	chromium *browsertest.Browser
	secrets  map[string]string // of people's authenticators
	seats    map[string]*browsertest.Tab
	input    string // file of the department's table
	letOut   string // number of the release of the pass before, then of this one; "" before there is one
}

func onStage(t *testing.T) *onstage {
	t.Helper()
	dir := t.TempDir()
	bin, err := filepath.Abs("../../build/bin")
	must(t, err)
	s := &onstage{t: t, secrets: map[string]string{}, seats: map[string]*browsertest.Tab{}, input: filepath.Join(dir, slug+".csv")}
	o := options{sluice: filepath.Join(bin, "sluice"), dir: dir, data: filepath.Join(dir, "data")}
	o.listen, err = freePort(t.Context())
	must(t, err)
	s.base = "http://localhost" + o.listen[strings.LastIndex(o.listen, ":"):]
	cast := newCast()
	s.provider = providertest.New(t, logins(cast)...)
	o.more = []string{"--base-url", s.base, "--oidc-file", s.providerFile(dir)}
	told, err := openStory(dir, io.Discard)
	must(t, err)
	s.demo = &demo{options: o, story: told, cast: cast, server: s.base}
	s.chromium = browsertest.Start(t)
	up, err := start(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { must(t, up.stop()); must(t, told.close()) })
	s.provider.Serve(s.base + gateway.CallbackPath)
	must(t, s.found(t.Context()))
	for _, i := range cast.institutions() {
		for _, p := range i.people {
			s.introduce(p, i.people[0])
		}
	}
	s.rows, err = table()
	must(t, err)
	f, err := os.Create(s.input)
	must(t, err)
	must(t, writeTable(f, s.rows))
	must(t, f.Close())
	return s
}

func logins(c *cast) (all []string) {
	for _, i := range c.institutions() {
		for _, p := range i.people {
			all = append(all, p.login)
		}
	}
	return all
}

// providerFile writes how the instance finds the provider.
func (s *onstage) providerFile(dir string) string {
	c, path := s.provider.Config(), filepath.Join(dir, "oidc.yaml")
	must(s.t, os.WriteFile(path, fmt.Appendf(nil, "issuer: %q\nclient_id: %q\nclient_secret: %q\n", c.Issuer, c.ClientID, c.ClientSecret), 0o600))
	return path
}

// introduce makes somebody known: their first sign-in at the provider, admitted by an administrator, and an
// authenticator that is theirs.
func (s *onstage) introduce(p, by *persona) {
	s.t.Helper()
	ctx := s.t.Context()
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	s.provider.SignIn(s.t, jar, s.base+"/console/login/begin?"+url.Values{"org": {p.home}, "login": {p.login}}.Encode(), p.login)
	offered, err := by.Identities.List(ctx, p.home)
	must(s.t, err)
	if p == by { // nobody admits themselves: an organization's first is the platform's to admit
		by = s.admin
	}
	for _, identity := range offered {
		if identity.State == "offered" {
			_, err := by.Identities.Admit(ctx, identity.ID)
			must(s.t, err)
		}
	}
	made, err := p.Factors.Enrol(ctx, "")
	must(s.t, err)
	_, err = p.Factors.Confirm(ctx, providertest.OneTime(s.t, made.Secret, time.Now().Add(-30*time.Second)))
	must(s.t, err)
	s.secrets[p.login] = made.Secret
}

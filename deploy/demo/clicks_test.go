package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
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

// TestClicks plays the whole demo by clicking, in Chinese and in English: from a department's file, past every refusal and
// forgery, to a product whose printed certificate leads a phone to its check, and to the end of the rights it rested on.
// Everybody sits before a browser of their own and finds things by what can be read there. The city itself, its people and
// what proves who they are is made beforehand, as its administrator does. Left to programs is what no page lets anybody do:
// to send a file under another's digest, a vote over other bytes, or a program of one's own in the place of a job's.
func TestClicks(t *testing.T) {
	o := onStage(t)
	for _, language := range []string{"zh", "en"} {
		t.Run(language, func(t *testing.T) {
			pass := o.pass(t, language)
			for _, chapter := range []struct {
				name string
				play func()
			}{
				{"publish", pass.publish}, {"profile", pass.profile}, {"register", pass.register}, {"agree", pass.agree}, {"grant", pass.grant},
				{"preview", pass.preview}, {"passkeys", pass.passkeys}, {"debug", pass.debug}, {"refused", pass.refusals}, {"run", pass.run},
				{"judged", pass.judged}, {"review", pass.review}, {"receive", pass.receive}, {"lineage", pass.lineage}, {"pictures", pass.pictures},
				{"revoke", pass.revoke}, {"freeze", pass.freezes},
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

// city is a running instance beside a provider, whose people can sign in.
type city struct {
	*demo
	t        testing.TB
	base     string // address with a name: passkeys need one
	provider *providertest.Provider
	secrets  map[string]string // of people's authenticators
}

// onstage is a city with its people before browsers.
type onstage struct {
	*city
	t        *testing.T
	chromium *browsertest.Browser
	seats    map[string]*browsertest.Tab
	input    string // file of the department's table
	wrong    string // the same with one wrong word
	letOut   string // number of the release of the pass before, then of this one; "" before there is one
}

func onStage(t *testing.T) *onstage {
	t.Helper()
	dir := t.TempDir()
	s := &onstage{
		city: newCity(t, dir), t: t, chromium: browsertest.Start(t), seats: map[string]*browsertest.Tab{},
		input: filepath.Join(dir, slug+".csv"), wrong: filepath.Join(dir, "wrong.csv"),
	}
	must(t, s.found(t.Context()))
	s.introduced()
	var err error
	s.rows, err = table()
	must(t, err)
	var file bytes.Buffer
	must(t, writeTable(&file, s.rows))
	must(t, os.WriteFile(s.input, file.Bytes(), 0o600))
	must(t, os.WriteFile(s.wrong, misspelt(file.Bytes()), 0o600))
	known := false
	if s.victim, known = findVictim(s.rows); !known {
		t.Fatal("no resident is alone with what an attacker knows")
	}
	return s
}

// newCity starts an instance beside a provider in a folder. Nobody is known to it yet.
func newCity(t testing.TB, dir string) *city {
	t.Helper()
	bin, err := filepath.Abs("../../build/bin")
	must(t, err)
	s := &city{t: t, secrets: map[string]string{}}
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
	up, err := start(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { must(t, up.stop()); must(t, told.close()) })
	s.provider.Serve(s.base + gateway.CallbackPath)
	return s
}

// introduced makes everybody known whom the city has.
func (s *city) introduced() {
	s.t.Helper()
	for _, i := range s.institutions() {
		for _, p := range i.people {
			s.introduce(p, i.people[0])
		}
	}
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
func (s *city) providerFile(dir string) string {
	c, path := s.provider.Config(), filepath.Join(dir, "oidc.yaml")
	must(s.t, os.WriteFile(path, fmt.Appendf(nil, "issuer: %q\nclient_id: %q\nclient_secret: %q\n", c.Issuer, c.ClientID, c.ClientSecret), 0o600))
	return path
}

// introduce makes somebody known: their first sign-in at the provider, admitted by an administrator, and an
// authenticator that is theirs.
func (s *city) introduce(p, by *persona) {
	s.t.Helper()
	ctx := s.t.Context()
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	s.signsIn(jar, p)
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

// signsIn goes in by the provider; the session is in the cookies, once somebody is known.
func (s *city) signsIn(cookies http.CookieJar, p *persona) {
	s.t.Helper()
	s.provider.SignIn(s.t, cookies, s.base+"/console/login/begin?"+url.Values{"org": {p.home}, "login": {p.login}}.Encode(), p.login)
}

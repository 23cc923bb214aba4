package console

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/messages"
	"github.com/sluicedata/sluice/policy"
)

// step is a route that is no page of the table: the way in and out, and what a person sets for themselves.
type step struct {
	method, path string
	do           func(http.ResponseWriter, *http.Request) error
}

func (c *Console) steps() []step {
	return []step{
		{"GET", "/login", c.showLogin},
		{"GET", "/login/begin", c.beginLogin},
		{"GET", "/login/done", c.endLogin},
		{"POST", "/logout", c.logout},
		{"GET", "/strength", c.showStrength},
		{"POST", "/strength", c.prove},
		{"POST", "/look", c.setLook},
	}
}

// donePath is where the gateway sends a browser that comes back from the provider.
const donePath = Prefix + "/login/done"

// open runs a step that needs nobody to be known.
func (c *Console) open(do func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := c.Shares.Stranger(w, r)
		if err == nil {
			err = do(w, r)
		}
		if err != nil {
			c.refuse(w, r, err)
		}
	})
}

// door is what the sign-in page shows.
type door struct {
	Provider   bool
	Passkeys   bool   // they count at this address
	Refused    bool   // the last try was not accepted
	Passkey    bool   // it was one with a passkey
	Failed     string // code of why a try with a password did not count
	Next       string // the page that was asked for
	Begin      string // where the button leads
	Org, Login string // of somebody who signs in for the first time
}

func (c *Console) showLogin(w http.ResponseWriter, r *http.Request) error {
	if _, err := c.holder(r.Context()); err == nil {
		http.Redirect(w, r, Prefix, http.StatusSeeOther)
		return nil
	}
	q := r.URL.Query()
	d := c.door(q)
	d.Refused, d.Passkey = q.Has("refused"), q.Get("refused") == "passkey"
	return c.show(w, r, http.StatusOK, "login", frame{Title: "login.title", Body: d})
}

// door is the sign-in page for who said this much of themselves.
func (c *Console) door(said url.Values) door {
	d := door{
		Provider: c.Gate.Provider != nil, Passkeys: c.Catalog.Passkeys.Known(),
		Next: inside(said.Get("next")), Org: said.Get("org"), Login: said.Get("login"),
	}
	d.Begin = Prefix + "/login/begin?" + url.Values{"next": {d.Next}, "org": {d.Org}, "login": {d.Login}}.Encode()
	return d
}

// beginLogin sends the browser to the provider. What proves that it comes back to the browser that left is remembered.
func (c *Console) beginLogin(w http.ResponseWriter, r *http.Request) error {
	if err := c.Shares.Login(w, r); err != nil {
		return err
	}
	q := r.URL.Query()
	if len(q.Get("org")) > maxName || len(q.Get("login")) > maxName {
		return fault.Bad("login.invalid", fault.Place{Location: "query.login", Code: "login.invalid"})
	}
	state, verifier := rand.Text(), rand.Text()+rand.Text()
	c.sessions.Put(r.Context(), keyState, state)
	c.sessions.Put(r.Context(), keyVerifier, verifier)
	c.sessions.Put(r.Context(), keyNext, inside(q.Get("next")))
	return c.Gate.Send(w, r, org.Attempt{
		Redirect: c.BaseURL + donePath, Challenge: challenge(verifier), Relay: state, Org: q.Get("org"), Login: q.Get("login"),
	})
}

// maxName bounds what a person says of themselves before they are known, in bytes.
const maxName = 64

// endLogin takes the browser back.
func (c *Console) endLogin(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	state, verifier := c.sessions.PopString(ctx, keyState), c.sessions.PopString(ctx, keyVerifier)
	if state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(q.Get("state"))) != 1 {
		http.Redirect(w, r, Prefix+"/login?refused", http.StatusSeeOther)
		return nil
	}
	token, err := c.Gate.Enter(ctx, org.Redemption{Code: q.Get("code"), Verifier: verifier, Redirect: c.BaseURL + donePath})
	if fault.Of(err) == fault.Unauthenticated {
		http.Redirect(w, r, Prefix+"/login?refused", http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	return c.letIn(w, r, token, c.sessions.PopString(ctx, keyNext))
}

// logout ends the session in the record too: a copied cookie is worth nothing from here on.
func (c *Console) logout(w http.ResponseWriter, r *http.Request) error {
	if handle := c.sessions.GetString(r.Context(), keyHandle); handle != "" {
		if err := c.Catalog.Sessions.Close(r.Context(), catalog.Handle(handle)); err != nil {
			return err
		}
	}
	if err := c.sessions.Destroy(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, Prefix+"/login", http.StatusSeeOther)
	return nil
}

// strength is what the page of the second factor shows.
type strength struct {
	Strong   bool
	Failed   string // code of why the last try did not count
	Back     string
	Passkeys bool // they count at this address
}

func (c *Console) showStrength(w http.ResponseWriter, r *http.Request) error {
	who, err := c.holder(r.Context())
	if err != nil {
		return err
	}
	return c.showFactor(w, r, http.StatusOK, strength{
		Strong: who.Strength == policy.Strong, Back: inside(r.URL.Query().Get("next")), Passkeys: c.Catalog.Passkeys.Known(),
	})
}

func (c *Console) showFactor(w http.ResponseWriter, r *http.Request, status int, s strength) error {
	return c.show(w, r, status, "strength", frame{Title: "strength.title", Command: "sluice factor prove", Body: s})
}

// prove makes the session strong by a one-time password or a recovery code. A try that does not count is told on the
// page itself.
func (c *Console) prove(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	who, err := c.holder(ctx)
	if err != nil {
		return err
	}
	form, err := readForm(w, r, 0)
	if err != nil {
		return err
	}
	back := inside(form.Get("next"))
	err = c.Catalog.Factors.Prove(ctx, who, c.present(r), proofOf(form))
	if status, code := c.Status(err); err != nil && status < http.StatusInternalServerError {
		return c.showFactor(w, r, status, strength{Failed: code, Back: back, Passkeys: c.Catalog.Passkeys.Known()})
	}
	if err != nil {
		return err
	}
	if err := c.sessions.RenewToken(ctx); err != nil {
		return err
	}
	http.Redirect(w, r, back, http.StatusSeeOther) //nolint:gosec // inside lets nobody out of the console
	return nil
}

// lookCookie remembers language and theme, which are no secret and outlast a session.
const (
	lookCookie = "sluice_look"
	lookLife   = 365 * 24 * time.Hour
)

// setLook keeps a person's language and theme and goes back to where they were.
func (c *Console) setLook(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(w, r, 0)
	if err != nil {
		return err
	}
	lang, theme := lookOf(r)
	if form.Has("language") {
		lang = known(form.Get("language"), lang)
	}
	if form.Has("theme") {
		theme = knownTheme(form.Get("theme"))
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure goes with TLS; the value is a language and a theme
		Name: lookCookie, Value: string(lang) + "." + theme, Path: Prefix, MaxAge: int(lookLife.Seconds()), HttpOnly: true,
		Secure: c.secure(), SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, inside(form.Get("back")), http.StatusSeeOther) //nolint:gosec // inside lets nobody out of the console
	return nil
}

// lookOf returns the language and theme of a request: what was set, else what the browser asks for, Chinese first.
func lookOf(r *http.Request) (messages.Language, string) {
	asked := messages.Chinese
	if tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language")); err == nil && len(tags) > 0 {
		base, _ := tags[0].Base()
		asked = known(base.String(), messages.Chinese)
	}
	cookie, err := r.Cookie(lookCookie)
	if err != nil {
		return asked, ""
	}
	lang, theme, _ := strings.Cut(cookie.Value, ".")
	return known(lang, asked), knownTheme(theme)
}

func known(lang string, otherwise messages.Language) messages.Language {
	for _, l := range messages.Languages() {
		if string(l) == lang {
			return l
		}
	}
	return otherwise
}

// knownTheme returns light or dark, "" for what the system says.
func knownTheme(theme string) string {
	if theme == "light" || theme == "dark" {
		return theme
	}
	return ""
}

package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/browsertest"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/console"
	"github.com/sluicedata/sluice/gateway/providertest"
	"github.com/sluicedata/sluice/gateway/wire"
)

var screens = flag.String("screens", "", "folder for a picture of every page the browser walks through")

// walkers are the people of the frozen city who walk through the console. Between them they see every page there is.
func walkers() []string {
	return []string{"kaifa", "weisheng", "anquan", "shishi", "chuyu", "shouli", "shenqing", theAdmin}
}

// theAdmin is the first administrator of every instance, and the number of their organization.
const (
	theAdmin    = "admin"
	thePlatform = "ORG-0001"
)

// TestBrowser walks through the console as its people, in a real browser before a real instance: `sluice up` with the
// city of the oldest frozen deployment in it. Every page of the table must be come to by somebody, by links alone, and
// be what every page promises: nothing for axe to find in both languages and both themes, no error in the console and
// none of the policy, everything within the keyboard's reach, no scrolling sideways, black on white when it is printed,
// and its bytes within bounds. Whoever and whatever has a name has one of 60 characters.
func TestBrowser(t *testing.T) {
	f := readFrozen(t, "../../deploy/frozen/0.1")
	provider := providertest.New(t, walkers()...)
	f.opens(t, provider)
	base := "http://" + f.at.addr
	chromium := browsertest.Start(t)
	f.uploaded(t)
	f.longNames(t)
	preview := f.previewed(t)
	w := browsertest.NewWalker(browsertest.Site{Base: base, Patterns: slices.Concat(console.Pages(), console.Public(), []string{console.Prefix + "/strength", console.Prefix + "/login", console.Prefix + "/enrol"}),
		Out: []string{console.Prefix + "/login/begin"}, Islands: console.Islands(), Looks: looks(), Screens: pictures(t)})
	t.Run("walk", func(t *testing.T) { // people walk beside each other
		t.Run("anybody", func(t *testing.T) {
			t.Parallel()
			tab := chromium.Tab(t)
			w.Walk("anybody", tab, console.Prefix+"/public", console.Prefix+"/login")
			refused(w, "anybody", tab)
		})
		t.Run("a newcomer", func(t *testing.T) {
			t.Parallel()
			f.newcomer(t, w, chromium.Tab(t))
		})
		for _, login := range walkers() {
			t.Run(login, func(t *testing.T) {
				t.Parallel()
				f.admit(t, provider, login)
				tab := chromium.Tab(t)
				signIn(tab, base, login)
				if login == "weisheng" {
					f.strengthen(t, tab, base, login)
				}
				begin := append(unled()[login], console.Prefix)
				if login == "weisheng" {
					begin = append(begin, preview)
				}
				w.Walk(login, tab, begin...)
				refused(w, login, tab)
				if login == "weisheng" {
					answers(w, login, "link", tab, "/people/shenqing", `form[action$="/link"] button`)
				}
			})
		}
	})
	f.crowd(t, w, chromium.Tab(t))
	for _, fault := range w.Faults {
		t.Error(fault)
	}
	for _, page := range w.Unseen() {
		t.Errorf("nobody comes to %s", page)
	}
	t.Logf("%d pages opened, %d looked at by axe", w.Pages, w.Audits)
	if w.Audits < len(console.Pages())*4 {
		t.Errorf("axe looked %d times at %d pages in four looks", w.Audits, len(console.Pages()))
	}
}

// unled are pages to which a link leads only from a state that nothing of the frozen city is in.
func unled() map[string][]string {
	return map[string][]string{"kaifa": {
		console.Prefix + "/jobs/J-2026-0001/refuse", console.Prefix + "/jobs/J-2026-0001/cancel", console.Prefix + "/grants/G-2026-0001/refuse",
		console.Prefix + "/grants/G-2026-0001/allow", console.Prefix + "/jobs/J-2026-0004/outputs/visits_by_cover/review",
		console.Prefix + "/reviews/Q-2026-0001/resubmit",
	}, "shenqing": {console.Prefix + "/registrations/new?dataset=health-visits"}}
}

// looks are both languages and both themes. A page is opened in each language in a theme, and turned to the other theme
// for its colours: they are all that a theme changes. Pictures are taken of every pair, opened as it is.
func looks() (all []browsertest.Look) {
	for _, l := range [][3]string{{"zh", "light", "dark"}, {"en", "dark", "light"}, {"zh", "dark"}, {"en", "light"}} {
		all = append(all, browsertest.Look{Name: l[0] + "-" + l[1], Cookie: "sluice_look", Value: l[0] + "." + l[1], Turned: l[2]})
	}
	if *screens == "" {
		return all[:2]
	}
	return all
}

// pictures makes the folder for pictures, when there is to be one.
func pictures(t *testing.T) string {
	t.Helper()
	if *screens == "" {
		return ""
	}
	if err := os.MkdirAll(*screens, 0o755); err != nil {
		t.Fatal(err)
	}
	return *screens
}

// opens starts the frozen deployment with a provider beside it.
func (f *frozen) opens(t *testing.T, p *providertest.Provider) {
	t.Helper()
	f.thaw(t, "--oidc-file", oidcFile(t, p))
	p.Serve("http://" + f.at.addr + gateway.CallbackPath)
}

// oidcFile writes how an instance finds the provider.
func oidcFile(t *testing.T, p *providertest.Provider) string {
	t.Helper()
	c := p.Config()
	path := filepath.Join(t.TempDir(), "oidc.yaml")
	body := fmt.Sprintf("issuer: %q\nclient_id: %q\nclient_secret: %q\n", c.Issuer, c.ClientID, c.ClientSecret)
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// admit puts somebody's name at the provider on the record.
func (f *frozen) admit(t *testing.T, p *providertest.Provider, login string) {
	t.Helper()
	home := thePlatform
	if login != theAdmin {
		home = f.profile(t, login).Org
	}
	f.tx(t, func(ctx context.Context, tx *postgres.Tx) error {
		return p.Admit(ctx, tx, home, login, login, time.Now())
	})
}

// strengthen enrols a second factor of somebody's with their key, and proves it in the browser with the keyboard alone:
// some pages open to nobody else.
func (f *frozen) strengthen(t *testing.T, tab *browsertest.Tab, base, login string) {
	t.Helper()
	me := f.person(t, login)
	made, err := me.Factors.Enrol(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := me.Factors.Confirm(t.Context(), providertest.OneTime(t, made.Secret, time.Now().Add(-30*time.Second))); err != nil {
		t.Fatal(err)
	}
	tab.Open(base + console.Prefix + "/strength")
	tab.Type("[name=totp]", providertest.OneTime(t, made.Secret, time.Now()))
	tab.Press("main button")
}

// uploaded has the department send a file of which no version was made yet.
func (f *frozen) uploaded(t *testing.T) {
	t.Helper()
	steward, body := f.person(t, "weisheng"), []byte("a\n1\n")
	up, err := steward.Uploads.Start(t.Context(), wire.UploadSpec{Size: int64(len(body)), Digest: name.DigestOf(body)})
	if err == nil {
		_, err = steward.Uploads.SendChunk(t.Context(), up.ID, 1, body)
	}
	if err == nil {
		_, err = steward.Uploads.Complete(t.Context(), up.ID, wire.Sum{Size: int64(len(body)), Digest: name.DigestOf(body)})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// previewed asks for what the grant shows, and returns the address of the page that waits for it: no link leads there, and
// nothing cuts it here. TestClicks of deploy/demo sees it cut.
func (f *frozen) previewed(t *testing.T) string {
	t.Helper()
	const slug, version, number = "health-visits", 2, "G-2026-0001"
	id, err := f.person(t, "weisheng").Datasets.Preview(t.Context(), slug, version, number)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s/datasets/%s/versions/%d/previews/%s", console.Prefix, slug, version, id)
}

// newcomer comes in by a link of their administrator's, with the keyboard alone, and sees what is shown once: recovery
// codes, and the next secret of an authenticator. A password that is not typed twice alike is refused.
func (f *frozen) newcomer(t *testing.T, w *browsertest.Walker, tab *browsertest.Tab) {
	t.Helper()
	const who, secret, password = "a newcomer", "document.querySelector('main svg + p code').textContent", "a long walk along the river"
	chief, home := f.person(t, "fuze"), f.profile(t, "fuze").Org
	if _, err := chief.Members.Invite(t.Context(), home, org.MemberSpec{Login: "xinren", Name: "新人 Xin", Roles: []org.Role{org.Developer}}); err != nil {
		t.Fatal(err)
	}
	link, err := chief.Members.Link(t.Context(), home, "xinren")
	if err != nil {
		t.Fatal(err)
	}
	enrol := w.Base + console.Prefix + "/enrol"
	tab.Open(enrol + "?link=" + link.Link)
	w.Walk(who, tab, console.Prefix+"/enrol")
	tab.Open(enrol)
	tab.Type("[name=totp]", providertest.OneTime(t, tab.Tell(secret), time.Now()))
	tab.Type("[name=password]", password)
	tab.Type("[name=again]", password)
	tab.Press("main form button")
	tab.Wait("the codes", `document.querySelectorAll('.codes li').length > 5`)
	answers(w, who, "recovery", tab, "/profile", `form[action$="/profile/codes"] button`)
	answers(w, who, "factor", tab, "/profile", `form[action$="/profile/factor"] button`)
	w.Answers(who, "two passwords", http.StatusUnprocessableEntity, tab, func() {
		tab.Open(w.Base + console.Prefix + "/profile")
		tab.Type("[name=old]", password)
		tab.Type("[name=password]", password+" and on")
		tab.Type("[name=again]", password+" and back")
		tab.Press(`form[action$="/profile/password"] button`)
	})
}

// answers holds what a button of a page answers to what every page promises.
func answers(w *browsertest.Walker, who, name string, tab *browsertest.Tab, page, button string) {
	w.Answers(who, name, http.StatusOK, tab, func() {
		tab.Open(w.Base + console.Prefix + page)
		tab.Press(button)
	})
}

// profile reads somebody's profile of then.
func (f *frozen) profile(t *testing.T, login string) client.Profile {
	t.Helper()
	kept := filepath.Join(t.TempDir(), login+".json") // a checkout's files are open to others
	if err := os.WriteFile(kept, f.read(t, "people/"+login+".json"), 0o600); err != nil {
		t.Fatal(err)
	}
	profile, err := client.LoadProfile(kept)
	if err != nil {
		t.Fatal(err)
	}
	return profile
}

// signIn goes through the door with the keyboard alone: the console's, and the provider's behind it.
func signIn(tab *browsertest.Tab, base, login string) {
	tab.Open(base + console.Prefix)
	tab.Press(`a.button[href^="/console/login/begin"]`)
	tab.Type("#username, [name=username]", login)
	tab.Type("#password, [name=password]", providertest.Password)
	tab.Press("button[type=submit], input[type=submit]")
}

package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/messages"
	"github.com/sluicedata/sluice/policy"
)

// page is one line of the table of pages.
type page struct {
	path    string // below Prefix
	name    string // of its template; name + ".title" is the text of its title
	section string // of the menu
	command string // what does the same on the command line; {name} stands for a parameter of the path
	load    func(call) (answer, error)
}

// call is one request on its way to the verbs of a page.
type call struct {
	ctx context.Context
	cat *catalog.Catalog
	who policy.Subject
	r   *http.Request
	now time.Time
	may offers

	base  string // address people use
	words texts  // of the reader, for what is no page
	look  look   // of the reader, for a file that is made of a page
	size  int    // rows of a part of a list; 0: as the address asks

	handle catalog.Handle // of the reader's session

	path string     // of the page, whatever the request was sent to
	form url.Values // what was filled in, when the page is shown again; else nothing
}

// left reads the papers of the path's release, which must have left.
func (k call) left() (release.Papers, error) {
	papers, err := k.cat.Releases.Papers(k.ctx, k.who, k.arg("number"))
	if err == nil && papers.Certificate == nil {
		return papers, fault.New(fault.Conflict, "release.not_released")
	}
	return papers, err
}

// arg returns a parameter of the page's path.
func (k call) arg(name string) string { return k.r.PathValue(name) }

// answer is what the verbs of a page told.
type answer struct {
	Object string // name of the one object the page is about; "" for a list
	State  string // of that object
	Body   any    // for the page's template
	Waits  bool   // the page asks again by itself until there is more to show
}

// frame is what the template around every page shows.
type frame struct {
	Title   string // a text
	Object  string
	State   string
	Section string
	Command string
	Body    any
	Trouble *trouble // why what was asked on this page was not done
	Told    string   // a text: what was done

	Me    *org.Me // nil: nobody is signed in
	Menu  []item
	Lang  messages.Language
	Theme string
	Back  string // where a change of language or theme goes back to

	Public bool // the page is everybody's

	who *policy.Subject // who reads it; nil: it is found out
	may offers          // what they are offered; nil: it is asked
}

// item is one entry of the menu.
type item struct {
	Name    string
	Path    string
	Current bool
}

// signedIn serves a page to people with a session.
func (c *Console) signedIn(p page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.servePage(w, r, p); err != nil {
			c.refuse(w, r, err)
		}
	})
}

func (c *Console) servePage(w http.ResponseWriter, r *http.Request, p page) error {
	who, err := c.caller(w, r)
	if err != nil {
		return err
	}
	if err := once(r.URL.Query(), "query"); err != nil {
		return err
	}
	may, err := c.offered(r.Context(), who)
	if err != nil {
		return err
	}
	a, err := p.load(call{ctx: r.Context(), cat: c.Catalog, who: who, r: r, now: c.Now(), may: may, handle: c.present(r), path: r.URL.Path})
	if err != nil {
		return err
	}
	if a.Waits && r.Header.Get("HX-Request") != "" { // nothing moves under a hand, and nobody is told the same again
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return c.show(w, r, http.StatusOK, p.name, frame{
		Title: p.name + ".title", Object: a.Object, State: a.State, Section: p.section, Command: spelt(p.command, r), Body: a.Body,
		Told: c.sessions.PopString(r.Context(), keyTold), who: &who, may: may,
	})
}

// caller finds who sent a request, and lets nobody ask for more than their share.
func (c *Console) caller(w http.ResponseWriter, r *http.Request) (policy.Subject, error) {
	who, err := c.holder(r.Context())
	if err == nil {
		return who, c.Shares.Member(w, who)
	}
	if full := c.Shares.Stranger(w, r); full != nil {
		return who, full
	}
	return who, err
}

// spelt fills a command's parameters in from the path. Names in paths are of letters that no shell reads.
func spelt(command string, r *http.Request) string {
	for _, name := range parameters(command) {
		command = strings.ReplaceAll(command, "{"+name+"}", r.PathValue(name))
	}
	return command
}

// parameters returns the names in braces.
func parameters(text string) (names []string) {
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "{")
		if !found {
			return names
		}
		name, left, _ := strings.Cut(after, "}")
		names, rest = append(names, name), left
	}
}

// show writes a page with everything around it. It is whole before its first byte is written.
func (c *Console) show(w http.ResponseWriter, r *http.Request, status int, name string, f frame) error {
	f.Lang, f.Theme = lookOf(r)
	if f.Back == "" {
		f.Back = r.URL.RequestURI()
	}
	if f.who == nil {
		if who, err := c.holder(r.Context()); err == nil {
			f.who = &who
		}
	}
	if f.who != nil {
		if err := c.around(r.Context(), *f.who, &f); err != nil {
			return err
		}
	}
	body, err := c.looks[f.Lang].render(name, "", f)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(f.Lang))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the status is out: who hung up gets no more
	return nil
}

// around fills in who is signed in, and the menu of what they may list.
func (c *Console) around(ctx context.Context, who policy.Subject, f *frame) error {
	me, err := c.Catalog.Sessions.Whoami(ctx, who)
	if err != nil {
		return err
	}
	if f.may == nil {
		if f.may, err = c.offered(ctx, who); err != nil {
			return err
		}
	}
	f.Me = &me
	for _, s := range sections() {
		if s.act == "" || f.may[s.act] {
			f.Menu = append(f.Menu, item{Name: s.name, Path: Prefix + s.path, Current: s.name == f.Section})
		}
	}
	return nil
}

// offers are the acts a page may offer its reader.
type offers map[policy.Action]bool

// offered asks about every act that pages offer. One that lacks nothing but a second factor is offered: its refusal
// says how to prove one.
func (c *Console) offered(ctx context.Context, who policy.Subject) (offers, error) {
	decisions, err := c.Catalog.Sessions.May(ctx, who, menuActs()...)
	may := offers{}
	for act, d := range decisions {
		lacks := slices.ContainsFunc(d.Reasons, func(why policy.Reason) bool { return why.Code != weakSession })
		may[act] = d.Allow || len(d.Reasons) > 0 && !lacks
	}
	return may, err
}

// weakSession is the reason that a second factor takes away.
const weakSession = "session.strength"

// faultOf returns the error people may see in an error, nil for none.
func faultOf(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// trouble is what an error page tells: never what was sent, never another organization's object.
type trouble struct {
	Status  int
	Code    string
	Reasons []policy.Reason
	Places  []fault.Place
	Weak    bool // nothing but a second factor is missing
	Request string
	Back    string // page that the second factor leads back to; "" for the first one
}

// troubleOf says what people may know of an error.
func (c *Console) troubleOf(r *http.Request, err error) trouble {
	status, code := c.Status(err)
	t := trouble{Status: status, Code: code, Request: c.RequestID(r)}
	if f := faultOf(err); f != nil && status < http.StatusInternalServerError {
		t.Reasons, t.Places = f.Reasons, f.Places
	}
	t.Weak = len(t.Reasons) > 0 && !slices.ContainsFunc(t.Reasons, func(why policy.Reason) bool { return why.Code != weakSession })
	return t
}

// refuse answers with the page of an error. Who is not signed in is asked to.
func (c *Console) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if fault.Of(err) == fault.Unauthenticated && r.Method == http.MethodGet {
		http.Redirect(w, r, Prefix+"/login?"+url.Values{"next": {inside(r.URL.RequestURI())}}.Encode(), http.StatusSeeOther)
		return
	}
	t := c.troubleOf(r, err)
	if t.Status >= http.StatusInternalServerError {
		c.Log.ErrorContext(r.Context(), "a page failed", "request_id", t.Request, "route", r.Pattern, "code", t.Code, "err", err)
	}
	f := frame{Title: "error.title", Trouble: &t}
	if r.Method == http.MethodGet {
		t.Back = r.URL.RequestURI()
	} else {
		f.Back = Prefix
	}
	if err := c.show(w, r, t.Status, "error", f); err != nil {
		c.Log.ErrorContext(r.Context(), "an error page failed", "request_id", t.Request, "err", err)
		http.Error(w, t.Code, t.Status)
	}
}

package console

import (
	"cmp"
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/policy"
)

// act is one line of the table of acts: a form, and the verb behind it. Its text is "act." and the verb.
type act struct {
	path  string        // below Prefix; a form is sent there
	page  string        // path of the page the form is on: a refusal is told there
	verb  policy.Action // what is decided
	told  string        // text of what was done; "": that of the verb
	typed string        // parameter of the path that must be typed to confirm; "" for none
	most  int64         // bound of the form, in bytes; 0: maxForm
	// do acts, and returns the address to go on at.
	do func(call) (string, error)
}

// acts is everything that can be done on pages.
func acts() []act {
	var all []act
	for _, noun := range [][]act{
		jobActs(), grantActs(), datasetActs(), publishActs(), peopleActs(), keyActs(), registrationActs(), agreementActs(), outputActs(), releaseActs(),
	} {
		all = append(all, noun...)
	}
	return all
}

// oneVerb is a verb of a service on one object.
type oneVerb[S, V any] func(S, context.Context, policy.Subject, string) (V, error)

// perform serves a form: one act, then the page that shows what it did. A refusal is told on the form's own page, with
// what was filled in.
func (c *Console) perform(a act) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := c.caller(w, r)
		if err != nil {
			c.refuse(w, r, err)
			return
		}
		k := call{ctx: r.Context(), cat: c.Catalog, who: who, r: r, now: c.Now(), path: Prefix + spelt(a.page, r)}
		to, err := c.carry(w, a, &k)
		if err != nil {
			c.tell(w, r, a, k, err)
			return
		}
		c.sessions.Put(r.Context(), keyTold, cmp.Or(a.told, "act."+string(a.verb)))
		http.Redirect(w, r, inside(to), http.StatusSeeOther)
	})
}

// carry reads a form and does what it asks, once, on the object that was seen.
func (c *Console) carry(w http.ResponseWriter, a act, k *call) (to string, err error) {
	if k.may, err = c.offered(k.ctx, k.who); err != nil {
		return "", err
	}
	if k.form, err = readForm(w, k.r, a.most); err != nil {
		return "", err
	}
	if a.typed != "" && k.form.Get("typed") != k.arg(a.typed) {
		return "", fault.Bad("request.invalid", fault.Place{Location: "form.typed", Code: "typed.differs"})
	}
	if k.ctx, err = k.once(string(a.verb)); err != nil {
		return "", err
	}
	return a.do(*k)
}

// Bounds of the field that makes a form count once, in characters.
const (
	minOnce = 16
	maxOnce = 64
)

// once returns the context of one change that a form asks for. Sending the form again repeats its answer and changes
// nothing more; step tells several changes of one form apart.
func (k call) once(step string) (context.Context, error) { return counted(k.r, k.form, step) }

// counted is once for a form that is no line of the table of acts.
func counted(r *http.Request, form url.Values, step string) (context.Context, error) {
	key := form.Get("once")
	if len(key) < minOnce || len(key) > maxOnce || !visible(key) {
		return nil, fault.Bad("request.invalid", fault.Place{Location: "form.once", Code: "idempotency.invalid"})
	}
	asked := sha256.Sum256([]byte(r.URL.Path + "\x00" + form.Encode()))
	return catalog.Under(r.Context(), catalog.Condition{Key: key + "." + step, Asked: asked, Seen: form.Get("seen")}), nil
}

func visible(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(b byte) bool { return b <= ' ' || b > '~' })
}

// tell shows the page of a form with why its act was refused. A page that is not the reader's tells nothing of itself.
func (c *Console) tell(w http.ResponseWriter, r *http.Request, a act, k call, refusal error) {
	p, found := pageOf(a.page)
	status, _ := c.Status(refusal)
	if !found || status >= http.StatusInternalServerError || fault.Of(refusal) == fault.Unknown {
		c.refuse(w, r, refusal)
		return
	}
	k.ctx = r.Context()
	shown, err := p.load(k)
	if err == nil {
		t := c.troubleOf(r, refusal)
		t.Back = k.path
		err = c.show(w, r, status, p.name, frame{
			Title: p.name + ".title", Object: shown.Object, State: shown.State, Section: p.section, Command: spelt(p.command, r),
			Body: shown.Body, Trouble: &t, Back: k.path, who: &k.who, may: k.may,
		})
	}
	if err != nil {
		c.refuse(w, r, refusal)
	}
}

func pageOf(path string) (page, bool) {
	all := pages()
	i := slices.IndexFunc(all, func(p page) bool { return p.path == path })
	if i < 0 {
		return page{}, false
	}
	return all[i], true
}

// button is one act as a page offers it. Why, a text, says why it cannot be done now.
type button struct {
	Verb  string
	Label string // a text; "": "act." and the verb
	Path  string
	Seen  string // tag of the object it is decided on
	Ask   bool   // it leads to a page that asks first
	Main  bool   // the page's one filled button
	Why   string
	Weak  bool // a second factor has to be proven first

	Danger bool // it stops work or cannot be taken back
}

// whose begins the text that says for whom an act is.
const whose = "why."

// offer says of each button whether its act is the reader's. foreign: the object is another organization's.
func (k call) offer(foreign bool, all ...button) ([]button, error) {
	ask := k.cat.Sessions.May
	if foreign {
		ask = k.cat.Sessions.MayForeign
	}
	for i := range all {
		b := &all[i]
		decisions, err := ask(k.ctx, k.who, policy.Action(b.Verb))
		if err != nil {
			return nil, err
		}
		for _, why := range decisions[policy.Action(b.Verb)].Reasons {
			if why.Dimension == "access" && b.Why == "" {
				b.Why = whose + b.Verb
			}
			b.Weak = b.Weak || why.Code == weakSession
		}
	}
	return all, nil
}

package console

import (
	"net/http"
	"strings"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/policy"
)

// accountActs are what a person does with what they sign in by. They are no lines of acts.go: what they answer is shown
// once and kept nowhere.
func (c *Console) accountActs() []own {
	return []own{
		{"/profile/password", c.changePassword},
		{"/profile/factor", c.enrolFactor},
		{"/profile/factor/confirm", c.confirmFactor},
		{"/profile/codes", c.renewCodes},
		{"/profile/sessions/end", c.endOtherSessions},
		{"/people/{login}/link", c.linkMember},
		{"/people/{login}/recover", c.recoverMember},
	}
}

const profile = "/profile"

// told goes back to a page of the reader's that says what was done, or why it was not.
func (c *Console) told(w http.ResponseWriter, r *http.Request, who policy.Subject, page, verb string, err error) error {
	if err != nil {
		return c.refusedOn(w, r, who, page, err)
	}
	c.sessions.Put(r.Context(), keyTold, "act."+verb)
	http.Redirect(w, r, Prefix+page, http.StatusSeeOther)
	return nil
}

// refusedOn tells a refusal on the page its form is on.
func (c *Console) refusedOn(w http.ResponseWriter, r *http.Request, who policy.Subject, page string, refusal error) error {
	retryAfter(w, refusal)
	may, err := c.offered(r.Context(), who)
	if err != nil {
		return err
	}
	k := call{ctx: r.Context(), cat: c.Catalog, who: who, r: r, now: c.Now(), may: may, handle: c.present(r), path: Prefix + spelt(page, r)}
	c.tell(w, r, act{page: page}, k, refusal)
	return nil
}

func (c *Console) present(r *http.Request) catalog.Handle {
	return catalog.Handle(c.sessions.GetString(r.Context(), keyHandle))
}

func (c *Console) changePassword(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	form, err := readForm(w, r, 0)
	if err != nil {
		return err
	}
	if form.Get("password") != form.Get("again") {
		err = fault.Bad("password.invalid", fault.Place{Location: "form.again", Code: "password.differs"})
	} else {
		err = c.Catalog.Passwords.Change(r.Context(), who, c.present(r), org.PasswordChange{Old: form.Get("old"), New: form.Get("password")})
	}
	return c.told(w, r, who, profile, "password.change", err)
}

// enrolFactor shows a new authenticator's secret, once. The one before counts until the new one has shown that it works.
func (c *Console) enrolFactor(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	if _, err := readForm(w, r, 0); err != nil {
		return err
	}
	secret, err := c.Catalog.Factors.Enrol(r.Context(), who, org.EnrolSpec{})
	if err != nil {
		return c.refusedOn(w, r, who, profile, err)
	}
	drawn, err := codeOf(secret)
	if err != nil {
		return err
	}
	return c.show(w, r, http.StatusOK, "factor", frame{Title: "factor.title", Body: drawn, Back: Prefix + profile})
}

func (c *Console) confirmFactor(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	form, err := readForm(w, r, 0)
	if err != nil {
		return err
	}
	codes, err := c.Catalog.Factors.Confirm(r.Context(), who, org.ProofSpec{TOTP: strings.TrimSpace(form.Get("totp"))})
	if err != nil {
		return c.refusedOn(w, r, who, profile, err)
	}
	return c.showCodes(w, r, codes)
}

func (c *Console) renewCodes(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	if _, err := readForm(w, r, 0); err != nil {
		return err
	}
	codes, err := c.Catalog.Factors.Renew(r.Context(), who)
	if err != nil {
		return c.refusedOn(w, r, who, profile, err)
	}
	return c.showCodes(w, r, codes)
}

func (c *Console) endOtherSessions(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	if _, err := readForm(w, r, 0); err != nil {
		return err
	}
	return c.told(w, r, who, profile, "session.end", c.Catalog.Sessions.EndOthers(r.Context(), who, c.present(r)))
}

// linkPage shows an enrolment link, once.
type linkPage struct {
	org.EnrolmentLink
	Address string
}

func (c *Console) showLink(w http.ResponseWriter, r *http.Request, link org.EnrolmentLink) error {
	p := linkPage{link, c.BaseURL + Prefix + "/enrol?link=" + link.Link}
	return c.show(w, r, http.StatusOK, "link", frame{Title: "link.title", Object: link.Login, Section: "people", Body: p, Back: peoplePath + "/" + link.Login})
}

func (c *Console) linkMember(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	if _, err := readForm(w, r, 0); err != nil {
		return err
	}
	k := call{ctx: r.Context(), cat: c.Catalog, who: who}
	home, err := k.home()
	if err != nil {
		return err
	}
	link, err := c.Catalog.Members.Link(r.Context(), who, home, r.PathValue("login"))
	if err != nil {
		return c.refusedOn(w, r, who, "/people/{login}", err)
	}
	return c.showLink(w, r, link)
}

// recoverMember ends what a person signs in by, once their login was typed.
func (c *Console) recoverMember(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	const page = "/people/{login}/recover"
	form, err := readForm(w, r, 0)
	if err != nil {
		return err
	}
	if form.Get("typed") != r.PathValue("login") {
		return c.refusedOn(w, r, who, page, fault.Bad("request.invalid", fault.Place{Location: "form.typed", Code: "typed.differs"}))
	}
	k := call{ctx: r.Context(), cat: c.Catalog, who: who}
	home, err := k.home()
	if err != nil {
		return err
	}
	link, err := c.Catalog.Members.Recover(r.Context(), who, home, r.PathValue("login"))
	if err != nil {
		return c.refusedOn(w, r, who, page, err)
	}
	return c.showLink(w, r, link)
}

func confirmRecover(k call) (answer, error) {
	m, err := k.member()
	if err != nil {
		return answer{}, err
	}
	return confirm(k, nil, m.State, false, confirmPage{Verb: "member.recover", Life: org.MemberFlow(), Typed: m.Login, Until: peoplePath + "/" + m.Login})
}

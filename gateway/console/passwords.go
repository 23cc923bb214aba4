package console

import (
	"context"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/console/paper"
)

// keyLink is the handle of the enrolment link a browser came with: the link itself stays in no address and no record.
const keyLink = "link"

// passwordSteps are the ways in by password, and to one.
func (c *Console) passwordSteps() []step {
	return []step{
		{"POST", "/login/password", c.passwordLogin},
		{"GET", "/enrol", c.showEnrolment},
		{"POST", "/enrol", c.endEnrolment},
	}
}

// passwordLogin lets in who has both a password and a second factor. A try that did not count has one answer.
func (c *Console) passwordLogin(w http.ResponseWriter, r *http.Request) error {
	if err := c.Shares.Login(w, r); err != nil {
		return err
	}
	form, err := readForm(w, r, 0)
	if err != nil {
		return err
	}
	token, err := c.Catalog.Passwords.SignIn(r.Context(), org.SignIn{
		Org: form.Get("org"), Login: form.Get("login"), Password: form.Get("password"), ProofSpec: proofOf(form), From: countedAddress(r),
	})
	if status, code := c.Status(err); err != nil && status < http.StatusInternalServerError {
		retryAfter(w, err)
		d := c.door(form)
		d.Failed = code
		return c.show(w, r, status, "login", frame{Title: "login.title", Body: d, Back: Prefix + "/login"})
	}
	if err != nil {
		return err
	}
	return c.letIn(w, r, token, form.Get("next"))
}

// proofOf reads what a form proves a second factor with.
func proofOf(form url.Values) org.ProofSpec {
	return org.ProofSpec{TOTP: strings.TrimSpace(form.Get("totp")), Recovery: strings.TrimSpace(form.Get("recovery"))}
}

// retryAfter says when to come back from a refusal that time alone takes away.
func retryAfter(w http.ResponseWriter, err error) {
	if f := faultOf(err); f != nil && f.Kind == fault.Limited {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.After.Seconds()))))
	}
}

// countedAddress is the address a try is counted under: of IPv6 the network, since a household has all of one. What
// comes from this machine is a proxy that everybody comes through, and counts under none.
func countedAddress(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || at.Addr().IsLoopback() {
		return ""
	}
	addr := at.Addr().Unmap()
	if addr.Is4() {
		return addr.String()
	}
	network, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return ""
	}
	return network.String()
}

// code is a secret as a picture and as text.
type code struct {
	Secret string
	Path   string // of an SVG
	Size   int    // of its square
}

func codeOf(s org.FactorSecret) (code, error) {
	path, size, err := paper.Outline(s.URI)
	return code{Secret: s.Secret, Path: path, Size: size}, err
}

// enrolmentPage is what a link leads to.
type enrolmentPage struct {
	org.Enrolment
	Code *code // nil: the authenticator they have counts
}

// showEnrolment takes a link out of the address and shows what it is for.
func (c *Console) showEnrolment(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if link := r.URL.Query().Get("link"); link != "" {
		c.sessions.Put(ctx, keyLink, string(catalog.HandleOf(link)))
		http.Redirect(w, r, Prefix+"/enrol", http.StatusSeeOther)
		return nil
	}
	return c.showLinked(w, r, http.StatusOK, nil)
}

func (c *Console) showLinked(w http.ResponseWriter, r *http.Request, status int, t *trouble) error {
	e, err := c.Catalog.Passwords.Linked(r.Context(), c.link(r.Context()))
	if fault.Of(err) == fault.Unauthenticated {
		return c.show(w, r, http.StatusNotFound, "error", frame{Title: "enrol.title", Trouble: &trouble{Code: fault.Code(err), Request: c.RequestID(r)}, Back: Prefix})
	}
	if err != nil {
		return err
	}
	p := enrolmentPage{Enrolment: e}
	if e.Secret != nil {
		drawn, err := codeOf(*e.Secret)
		if err != nil {
			return err
		}
		p.Code = &drawn
	}
	return c.show(w, r, status, "enrol", frame{Title: "enrol.title", Body: p, Trouble: t, Back: Prefix + "/enrol"})
}

func (c *Console) link(ctx context.Context) catalog.Handle {
	return catalog.Handle(c.sessions.GetString(ctx, keyLink))
}

// endEnrolment spends a link. Recovery codes are shown in the answer and nowhere again.
func (c *Console) endEnrolment(w http.ResponseWriter, r *http.Request) error {
	if err := c.Shares.Login(w, r); err != nil {
		return err
	}
	form, err := readForm(w, r, 0)
	if err != nil {
		return err
	}
	ctx := r.Context()
	if form.Get("password") != form.Get("again") {
		err = fault.Bad("password.invalid", fault.Place{Location: "form.again", Code: "password.differs"})
	}
	var token string
	var codes org.RecoveryCodes
	if err == nil {
		token, codes, err = c.Catalog.Passwords.Enrol(ctx, c.link(ctx), org.EnrolmentProof{
			Password: form.Get("password"), TOTP: strings.TrimSpace(form.Get("totp")),
		})
	}
	if status, _ := c.Status(err); err != nil && status < http.StatusInternalServerError {
		retryAfter(w, err)
		t := c.troubleOf(r, err)
		return c.showLinked(w, r, status, &t)
	}
	if err != nil {
		return err
	}
	c.sessions.Remove(ctx, keyLink)
	if len(codes.Codes) == 0 {
		return c.letIn(w, r, token, Prefix)
	}
	if err := c.admit(ctx, token); err != nil {
		return err
	}
	return c.showCodes(w, r, codes)
}

// showCodes shows recovery codes, once.
func (c *Console) showCodes(w http.ResponseWriter, r *http.Request, codes org.RecoveryCodes) error {
	return c.show(w, r, http.StatusOK, "recovery", frame{Title: "recovery.title", Body: codes, Back: Prefix})
}

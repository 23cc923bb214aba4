package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/passkey"
	"github.com/sluicedata/sluice/policy"
)

// keyCeremony is what is remembered of a browser between asking it for a passkey and its answer. It counts once.
const keyCeremony = "ceremony"

// passkeySteps are the two halves of each ceremony: what a script asks for, and the form that brings the answer.
func (c *Console) passkeySteps() []step {
	return []step{
		{"POST", "/login/passkey/ask", c.asked(c.askSignIn)},
		{"POST", "/login/passkey", c.endPasskeyLogin},
		{"POST", "/strength/passkey/ask", c.asked(c.askSignIn)},
	}
}

// passkeyActs are what a person does with passkeys once they are signed in.
func (c *Console) passkeyActs() []own {
	return []own{
		{"/strength/passkey", c.provePasskey},
		{"/profile/passkeys/ask", c.askedBy(c.askEnrolment)},
		{"/profile/passkeys", c.enrol},
		{"/profile/keys/{fingerprint}/end", c.endKey},
	}
}

// own is a form of somebody who is signed in.
type own struct {
	path string // below Prefix
	do   func(http.ResponseWriter, *http.Request, policy.Subject) error
}

// owned serves a form to people with a session.
func (c *Console) owned(do func(http.ResponseWriter, *http.Request, policy.Subject) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := c.caller(w, r)
		if err == nil {
			err = do(w, r, who)
		}
		if err != nil {
			c.refuse(w, r, err)
		}
	})
}

// askedBy is asked for who is signed in.
func (c *Console) askedBy(find func(http.ResponseWriter, *http.Request, policy.Subject) (any, error)) func(http.ResponseWriter, *http.Request, policy.Subject) error {
	return func(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
		return c.asked(func(w http.ResponseWriter, r *http.Request) (any, error) { return find(w, r, who) })(w, r)
	}
}

// asked is a step that a script takes: it gets what to ask the browser for, or a text that says what is wrong.
func (c *Console) asked(find func(http.ResponseWriter, *http.Request) (any, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		told, err := find(w, r)
		status := http.StatusOK
		if err != nil {
			var code string
			if status, code = c.Status(err); status >= http.StatusInternalServerError {
				c.Log.ErrorContext(r.Context(), "asking for a passkey failed", "request_id", c.RequestID(r), "code", code, "err", err)
			}
			told = map[string]string{"text": c.wrong(r, err, code)}
		}
		body, err := json.Marshal(told)
		if err != nil {
			return fmt.Errorf("encoding what is asked for: %w", err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(body) // who hung up gets no more
		return nil
	}
}

// wrong says in the reader's language what an error is and what helps.
func (c *Console) wrong(r *http.Request, err error, code string) string {
	lang, _ := lookOf(r)
	text := c.Codes.Title(lang, code)
	if f := faultOf(err); f != nil {
		for _, why := range f.Reasons {
			text += " · " + c.Codes.Title(lang, why.Code)
		}
	}
	if help := c.Codes.Remedy(lang, code); help != code {
		text += " · " + help
	}
	return text
}

// options is what a script hands to navigator.credentials.
type options struct {
	Ask json.RawMessage `json:"ask"`
}

// askSignIn begins a sign-in, or the proof that somebody still sits there.
func (c *Console) askSignIn(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := c.Shares.Login(w, r); err != nil {
		return nil, err
	}
	ask, ceremony, err := c.Catalog.Passkeys.SignIn()
	if err != nil {
		return nil, err
	}
	return options{ask}, c.remember(r, ceremony)
}

func (c *Console) askEnrolment(_ http.ResponseWriter, r *http.Request, who policy.Subject) (any, error) {
	ask, ceremony, err := c.Catalog.Passkeys.Prepare(r.Context(), who)
	if err != nil {
		return nil, err
	}
	return options{ask}, c.remember(r, ceremony)
}

func (c *Console) remember(r *http.Request, ceremony passkey.Ceremony) error {
	kept, err := json.Marshal(ceremony)
	if err != nil {
		return fmt.Errorf("keeping a ceremony: %w", err)
	}
	c.sessions.Put(r.Context(), keyCeremony, string(kept))
	return nil
}

// answered reads a form that brings a passkey's answer, and forgets the ceremony it belongs to.
func (c *Console) answered(w http.ResponseWriter, r *http.Request) (form url.Values, ceremony passkey.Ceremony, err error) {
	if form, err = readForm(w, r, 0); err != nil {
		return nil, ceremony, err
	}
	kept := c.sessions.PopString(r.Context(), keyCeremony)
	if kept == "" || json.Unmarshal([]byte(kept), &ceremony) != nil {
		return nil, ceremony, fault.New(fault.Unauthenticated, "passkey.refused")
	}
	return form, ceremony, nil
}

// endPasskeyLogin lets in who holds a passkey. A refusal is traced, and says no more than that it is one.
func (c *Console) endPasskeyLogin(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	form, ceremony, err := c.answered(w, r)
	token := ""
	if err == nil {
		token, err = c.Catalog.Passkeys.Open(ctx, ceremony, []byte(form.Get("answer")))
	}
	if fault.Of(err) == fault.Unauthenticated {
		if err := c.Catalog.Sessions.Refused(ctx, fault.Code(err)); err != nil {
			return err
		}
		http.Redirect(w, r, Prefix+"/login?refused=passkey", http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	return c.letIn(w, r, token, form.Get("next"))
}

// letIn puts a session behind the browser's cookie and goes on. The cookie it had before knows nothing afterwards.
func (c *Console) letIn(w http.ResponseWriter, r *http.Request, token, next string) error {
	if err := c.admit(r.Context(), token); err != nil {
		return err
	}
	http.Redirect(w, r, inside(next), http.StatusSeeOther) //nolint:gosec // inside lets nobody out of the console
	return nil
}

func (c *Console) admit(ctx context.Context, token string) error {
	handle := catalog.HandleOf(token)
	if err := c.Catalog.Sessions.Prolong(ctx, handle, workingDay); err != nil {
		return err
	}
	if err := c.sessions.RenewToken(ctx); err != nil {
		return err
	}
	c.sessions.Put(ctx, keyHandle, string(handle))
	return nil
}

// provePasskey makes the session strong again.
func (c *Console) provePasskey(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	ctx := r.Context()
	form, ceremony, err := c.answered(w, r)
	if err == nil {
		err = c.Catalog.Passkeys.Prove(ctx, who, catalog.Handle(c.sessions.GetString(ctx, keyHandle)), ceremony, []byte(form.Get("answer")))
	}
	if fault.Of(err) == fault.Unauthenticated {
		if err := c.Catalog.Sessions.Refused(ctx, fault.Code(err)); err != nil {
			return err
		}
		return c.showFactor(w, r, http.StatusForbidden, strength{Failed: fault.Code(err), Back: inside(form.Get("next")), Passkeys: c.Catalog.Passkeys.Known()})
	}
	if err != nil {
		return err
	}
	if err := c.sessions.RenewToken(ctx); err != nil {
		return err
	}
	http.Redirect(w, r, inside(form.Get("next")), http.StatusSeeOther) //nolint:gosec // inside lets nobody out of the console
	return nil
}

// profilePage is what a person sees of themselves.
type profilePage struct {
	Me       org.Me
	Home     org.View
	Keys     []org.KeyView
	Sessions []org.SessionView
	Passkeys bool // they count at this address
	Strong   bool
}

func showProfile(c call) (answer, error) {
	me, err := c.cat.Sessions.Whoami(c.ctx, c.who)
	if err != nil {
		return answer{}, err
	}
	p := profilePage{Me: me, Passkeys: c.cat.Passkeys.Known(), Strong: c.who.Strength == policy.Strong}
	if p.Home, err = c.cat.Orgs.Show(c.ctx, c.who, me.Org); err != nil {
		return answer{}, err
	}
	if p.Keys, err = c.cat.Keys.Mine(c.ctx, c.who); err != nil {
		return answer{}, err
	}
	p.Sessions, err = c.cat.Sessions.Mine(c.ctx, c.who, c.handle)
	return answer{Object: me.Name, Body: p}, err
}

// enrol offers a passkey to the administrators of the person's organization.
func (c *Console) enrol(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	form, ceremony, err := c.answered(w, r)
	if err != nil {
		return err
	}
	spec := org.PasskeySpec{Title: form.Get("title"), Answer: []byte(form.Get("answer"))}
	if _, err := c.Catalog.Passkeys.Enrol(r.Context(), who, ceremony, spec); err != nil {
		return err
	}
	http.Redirect(w, r, Prefix+"/profile", http.StatusSeeOther)
	return nil
}

// endKey ends a key of the person's own.
func (c *Console) endKey(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	if _, err := readForm(w, r, 0); err != nil {
		return err
	}
	if _, err := c.Catalog.Keys.End(r.Context(), who, r.PathValue("fingerprint")); err != nil {
		return err
	}
	http.Redirect(w, r, Prefix+"/profile", http.StatusSeeOther)
	return nil
}

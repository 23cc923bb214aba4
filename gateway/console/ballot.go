package console

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/policy"
)

// deskActs are what can be done at the desk.
func (c *Console) deskActs() []own {
	return []own{
		{"/reviews/{number}/vote/ask", c.askedBy(c.askVote)},
		{"/reviews/{number}/vote", c.castVote},
		{"/reviews/{number}/comments", c.comment},
		{"/reviews/{number}/return", c.sendBack},
	}
}

// askVote writes the voter's statement about the output as it stands now, and what their passkey is asked to sign it.
func (c *Console) askVote(w http.ResponseWriter, r *http.Request, who policy.Subject) (any, error) {
	form, err := readForm(w, r, 0)
	if err != nil {
		return nil, err
	}
	choice := output.Choice(form.Get("decision"))
	if !slices.Contains([]output.Choice{output.Approve, output.Reject}, choice) {
		return nil, fault.Bad("request.invalid", fault.Place{Location: "form.decision", Code: "decision.unknown"})
	}
	if err := output.Reasoned(choice, form.Get("text")); err != nil { // before a device is asked to sign
		return nil, err
	}
	view, err := c.Catalog.Requests.Show(r.Context(), who, r.PathValue("number"))
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("drawing nonce: %w", err)
	}
	return c.Catalog.Passkeys.Ask(r.Context(), who, output.VoteType, output.Vote{
		Request: name.Number(view.Number), Seat: seatOf(who), Voter: name.ID(who.Member), Decision: choice, Kind: view.Kind,
		Digest: name.Digest(view.Output.Digest), Evidence: name.Digest(view.Output.Evidence), Revision: view.Revision,
		Expiry: view.Expiry, Nonce: hex.EncodeToString(nonce),
	})
}

// castVote casts what the voter's passkey signed, with their opinion beside it.
func (c *Console) castVote(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	form, ctx, err := onceForm(w, r)
	if err != nil {
		return err
	}
	signed, err := call{ctx: r.Context(), cat: c.Catalog, who: who}.sealed(output.VoteType, form)
	if err != nil {
		return err
	}
	given := output.Ballot{Envelope: signed, Text: form.Get("text")}
	if _, err := c.Catalog.Requests.Vote(ctx, who, r.PathValue("number"), given); err != nil {
		return err
	}
	return back(w, r)
}

// comment says something about the output, of all of it or at a cell.
func (c *Console) comment(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	form, ctx, err := onceForm(w, r)
	if err != nil {
		return err
	}
	said := output.CommentSpec{Text: form.Get("text")}
	var at [2]int
	for i, field := range []string{"row", "column"} {
		if at[i], err = strconv.Atoi(form.Get(field)); err != nil && form.Get(field) != "" {
			return fault.Bad("comment.invalid", fault.Place{Location: field, Code: field + ".outside_table"})
		}
	}
	said.Row, said.Column = int64(at[0]), at[1]
	if _, err := c.Catalog.Requests.Comment(ctx, who, r.PathValue("number"), said); err != nil {
		return err
	}
	return back(w, r)
}

// sendBack sends the request back to its author, with reasons.
func (c *Console) sendBack(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	form, ctx, err := onceForm(w, r)
	if err != nil {
		return err
	}
	spec := output.ReturnSpec{Text: form.Get("text")}
	for _, why := range output.Reasons() {
		if form.Has("reason." + string(why)) {
			spec.Reasons = append(spec.Reasons, why)
		}
	}
	if _, err := c.Catalog.Requests.Return(ctx, who, r.PathValue("number"), spec); err != nil {
		return err
	}
	return back(w, r)
}

// onceForm reads a form whose act counts once: sent again, it repeats its answer and changes nothing more.
func onceForm(w http.ResponseWriter, r *http.Request) (url.Values, context.Context, error) {
	form, err := readForm(w, r, 0)
	if err != nil {
		return nil, nil, err
	}
	ctx, err := counted(r, form, "desk")
	return form, ctx, err
}

// back leads to the desk again.
func back(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, Prefix+"/reviews/"+url.PathEscape(r.PathValue("number")), http.StatusSeeOther)
	return nil
}

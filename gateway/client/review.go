package client

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/wire"
)

// Requests is output review.
type Requests struct{ c *Client }

// Open asks for the review of an output.
func (r Requests) Open(ctx context.Context, spec wire.RequestSpec) (wire.Request, error) {
	return send[wire.Request](ctx, r.c, spec, "requests")
}

// Show returns a request.
func (r Requests) Show(ctx context.Context, number string) (wire.Request, error) {
	return get[wire.Request](ctx, r.c, "requests", number)
}

// List returns the requests the caller's organization has a seat in.
func (r Requests) List(ctx context.Context, by ...Narrow) ([]wire.Request, error) {
	return narrowed[wire.Request](ctx, r.c, by, "requests")
}

// Vote signs a vote over the output and evidence as the request shows them now, and casts it. A vote to reject needs
// words: VoteSaying.
func (r Requests) Vote(ctx context.Context, number string, seat output.Seat, choice output.Choice) (wire.Request, error) {
	return r.VoteSaying(ctx, number, seat, choice, "")
}

// VoteSaying is Vote with what the voter says of it, which is sealed as the vote is.
func (r Requests) VoteSaying(ctx context.Context, number string, seat output.Seat, choice output.Choice, text string) (wire.Request, error) {
	statement, err := r.Statement(ctx, number, seat, choice)
	if err != nil {
		return wire.Request{}, err
	}
	return r.Cast(ctx, number, statement, text)
}

// Statement prepares the vote of a seat for the voter to look at before it is signed.
func (r Requests) Statement(ctx context.Context, number string, seat output.Seat, choice output.Choice) (output.Vote, error) {
	shown, err := r.Show(ctx, number)
	if err != nil {
		return output.Vote{}, err
	}
	me, err := r.c.Whoami(ctx)
	if err != nil {
		return output.Vote{}, err
	}
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return output.Vote{}, fmt.Errorf("drawing nonce: %w", err)
	}
	return output.Vote{
		Request: name.Number(number), Seat: seat, Voter: name.ID(me.Member), Decision: choice, Kind: shown.Kind,
		Digest: name.Digest(shown.Output.Digest), Evidence: name.Digest(shown.Output.Evidence),
		Revision: shown.Revision, Expiry: shown.Expiry, Nonce: hex.EncodeToString(nonce),
	}, nil
}

// Cast signs a statement with the voter's own key and casts it, with what the voter says of it; "" says nothing.
func (r Requests) Cast(ctx context.Context, number string, statement output.Vote, text string) (wire.Request, error) {
	path := []string{"requests", number, "votes"}
	if r.c.rehearsing {
		return wire.Request{}, r.c.unsigned(ctx, struct {
			output.Vote
			Text string `json:"text,omitempty"`
		}{statement, text}, path...)
	}
	signed, err := statement.Sign(name.ID(r.c.fingerprint), r.c.key)
	if err != nil {
		return wire.Request{}, fmt.Errorf("signing vote: %w", err)
	}
	return send[wire.Request](ctx, r.c, wire.Ballot{Envelope: signed, Text: text}, path...)
}

// Comment says something about an output under review; what a seat says is sealed as its vote is.
func (r Requests) Comment(ctx context.Context, number string, said wire.CommentSpec) (wire.Request, error) {
	return send[wire.Request](ctx, r.c, said, "requests", number, "comments")
}

// Return sends a request back to its author for the caller's seat.
func (r Requests) Return(ctx context.Context, number string, why wire.ReturnSpec) (wire.Request, error) {
	return send[wire.Request](ctx, r.c, why, "requests", number, "return")
}

// Withdraw takes a request back before both seats have voted.
func (r Requests) Withdraw(ctx context.Context, number string) (wire.Request, error) {
	return act[wire.Request](ctx, r.c, "requests", number, "withdraw")
}

// Resubmit hands in anew what was sent back or taken back, and returns the request that follows it.
func (r Requests) Resubmit(ctx context.Context, number string, spec wire.ResubmitSpec) (wire.Request, error) {
	return send[wire.Request](ctx, r.c, spec, "requests", number, "resubmit")
}

// Releases is products that left.
type Releases struct{ c *Client }

// Show returns a release.
func (r Releases) Show(ctx context.Context, number string) (wire.Release, error) {
	return get[wire.Release](ctx, r.c, "releases", number)
}

// List returns the releases the caller's organization is a party to.
func (r Releases) List(ctx context.Context, by ...Narrow) ([]wire.Release, error) {
	return narrowed[wire.Release](ctx, r.c, by, "releases")
}

// Get returns a product with all that proves it: VerifyRelease.
func (r Releases) Get(ctx context.Context, number string) (wire.ReleasePackage, error) {
	return get[wire.ReleasePackage](ctx, r.c, "releases", number, "package")
}

// Product returns a product as a file in a form. Only the bytes of release.CSV are those of the certificate.
func (r Releases) Product(ctx context.Context, number string, form release.Form) ([]byte, error) {
	return r.c.do(ctx, message{
		method: http.MethodGet, path: []string{"releases", number, "product"}, query: url.Values{"form": {string(form)}},
	})
}

// Recall takes a product back.
func (r Releases) Recall(ctx context.Context, number string, why release.Reason) (wire.Release, error) {
	return send[wire.Release](ctx, r.c, wire.RecallSpec{Reason: why}, "releases", number, "recall")
}

// Recalls returns the signed statements of every product that was taken back. VerifyRecalls checks them.
func (r Releases) Recalls(ctx context.Context) ([]wire.Envelope, error) {
	return list[wire.Envelope](ctx, r.c, "recalls")
}

// Trust returns trust.json as the instance has it now. Whoever uses it verifies it under the root key.
func (r Releases) Trust(ctx context.Context) ([]byte, error) {
	return r.c.do(ctx, message{method: http.MethodGet, path: []string{"trust"}})
}

// ErrNotReleased says that a request ended without a release.
var ErrNotReleased = errors.New("the request ended without a release")

// Wait waits until a release is released or stopped.
func (r Releases) Wait(ctx context.Context, number string) (wire.Release, error) {
	return await(ctx, func() (wire.Release, bool, error) {
		v, err := r.Show(ctx, number)
		return v, v.State != string(output.Releasing), err
	})
}

// WaitFor waits for the release a request leads to; ErrNotReleased when it was returned or rejected.
func (r Releases) WaitFor(ctx context.Context, request string) (wire.Release, error) {
	decided, err := await(ctx, func() (wire.Request, bool, error) {
		v, err := r.c.Requests.Show(ctx, request)
		return v, v.Release != "" || v.EndedAt != nil, err
	})
	if err != nil {
		return wire.Release{}, err
	}
	if decided.Release == "" {
		return wire.Release{}, ErrNotReleased
	}
	return r.Wait(ctx, decided.Release)
}

// seats lists the seats of a review.
func seats() []output.Seat { return []output.Seat{output.OperatorSeat, output.AgencySeat} }

// KnownSeat reports whether a text names a seat.
func KnownSeat(s string) bool { return slices.Contains(seats(), output.Seat(s)) }

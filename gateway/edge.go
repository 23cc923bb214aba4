package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/gateway/session"
	"github.com/sluicedata/sluice/gateway/wire"
	"github.com/sluicedata/sluice/policy"
)

// edge is what all routes share: one way in, one way out.
type edge struct {
	api        huma.API
	gate       *session.Gate
	problems   problems
	limits     *limits
	chunkBytes int64
	bodyBytes  int64

	bodyPatience, chunkPatience time.Duration
}

// register puts one route on the edge: it knows the types of its verb.
type register func(e *edge, op huma.Operation)

// call is one request on its way to a verb.
type call struct {
	ctx context.Context
	who policy.Subject // the zero subject on the one route that needs none
	r   *http.Request
}

// arg returns the nth parameter of the route's path.
func (c call) arg(n int) string {
	names := parameters(c.r.Pattern)
	return c.r.PathValue(names[n])
}

// number returns the second parameter as a positive number; what is none names nothing.
func (c call) number() (int, error) {
	text := c.arg(1)
	i, err := strconv.Atoi(text)
	if err != nil || i < 1 || strconv.Itoa(i) != text {
		return 0, fault.NotFound()
	}
	return i, nil
}

// parameters returns the names of a path's parameters, in order.
func parameters(path string) []string {
	var names []string
	for rest := path; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			return names
		}
		name, left, _ := strings.Cut(after, "}")
		names, rest = append(names, strings.TrimSuffix(name, "...")), left
	}
}

// place catches the request for a handler that huma gives only its typed input.
type place struct{ r *http.Request }

// Resolve implements huma.Resolver.
func (p *place) Resolve(ctx huma.Context) []error {
	p.r, _ = humago.Unwrap(ctx)
	return nil
}

// empty is the input of a route without a body, full that of one with.
type (
	empty struct{ place }

	full[B any] struct {
		place
		Body B
	}

	answer[V any] struct {
		ETag string `header:"ETag"` // of what was read: for If-Match
		Body V
	}
)

// handle registers a route without a body.
func handle[V any](e *edge, op huma.Operation, do func(call) (V, error)) {
	e.guard(&op, e.supposed, noBody)
	huma.Register(e.api, op, func(ctx context.Context, in *empty) (*answer[V], error) {
		return reply(ctx, e, in.place, do)
	})
}

// handleBody registers a route with a JSON body.
func handleBody[B, V any](e *edge, op huma.Operation, do func(call, B) (V, error)) {
	op.MaxBodyBytes = 2 * e.bodyBytes
	e.guard(&op, e.caller, jsonBody(e.bodyBytes, e.bodyPatience))
	huma.Register(e.api, op, func(ctx context.Context, in *full[B]) (*answer[V], error) {
		return reply(ctx, e, in.place, func(c call) (V, error) { return do(c, in.Body) })
	})
}

// reply runs a verb and writes what it answers. Who is calling leaves the context here and is a value from
// here on.
func reply[V any](ctx context.Context, e *edge, p place, do func(call) (V, error)) (*answer[V], error) {
	c := newCall(ctx, p)
	v, err := do(c)
	if certain, unseen := catalog.Supposed(ctx); unseen { // somebody else, or nobody: look who it is
		c.ctx, c.r = certain, p.r.WithContext(certain)
		if c.who, err = e.gate.Subject(c.r); err == nil {
			v, err = do(c)
		}
	}
	if err != nil {
		return nil, e.problems.of(p.r, err)
	}
	out := answer[V]{Body: v}
	if p.r.Method == http.MethodGet {
		tag, err := catalog.Tag(v)
		if err != nil {
			return nil, e.problems.of(p.r, err)
		}
		out.ETag = `"` + tag + `"`
	}
	fillLists(&out.Body)
	return &out, nil
}

func newCall(ctx context.Context, p place) call {
	who, _ := ctx.Value(subjectKey{}).(policy.Subject)
	return call{ctx: ctx, who: who, r: p.r}
}

// subjectKey is where a request's subject waits between the guard and its verb.
type subjectKey struct{}

// guard puts what every request passes before its verb: who is calling, and a strict reading of what they sent.
func (e *edge) guard(op *huma.Operation, who identify, read bodyReader) {
	public := len(op.Security) == 0
	changes := !public && op.Method == http.MethodPost
	if changes {
		tagged(op)
	}
	known := op.Parameters
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		inner, err := who(w, r, public)
		if err != nil {
			e.problems.write(w, r, err)
			return
		}
		err = checkQuery(r, known)
		var body []byte
		if err == nil {
			body, err = read(w, r)
		}
		if err == nil && changes {
			var c catalog.Condition
			c, err = condition(r, body)
			inner = catalog.Under(inner, c)
		}
		if err != nil {
			e.problems.write(w, r, err)
			return
		}
		next(huma.WithContext(ctx, inner))
	})
}

// identify finds who sent a request, for its context, and lets nobody ask for more than their share.
type identify func(w http.ResponseWriter, r *http.Request, public bool) (context.Context, error)

func (e *edge) caller(w http.ResponseWriter, r *http.Request, public bool) (context.Context, error) {
	if public {
		return r.Context(), e.limits.stranger(w, r)
	}
	who, err := e.gate.Subject(r)
	if err != nil {
		return nil, errors.Join(err, e.limits.stranger(w, r))
	}
	return context.WithValue(r.Context(), subjectKey{}, who), e.limits.member(w, who)
}

// supposed takes who only reads for whom they were: reply looks again when that was wrong. One trip to the record less
// is much of what reading costs. Nothing must answer before reply does: neither what else they sent, nor their share.
func (e *edge) supposed(w http.ResponseWriter, r *http.Request, public bool) (context.Context, error) {
	plain := !public && r.Method == http.MethodGet && r.URL.RawQuery == "" && r.ContentLength == 0
	if on, who, ok := e.gate.Suppose(r); ok && plain && e.limits.member(w, who) == nil {
		return context.WithValue(on, subjectKey{}, who), nil
	}
	return e.caller(w, r, public)
}

// checkQuery refuses fields the route does not have, and fields that come twice: which one would count?
func checkQuery(r *http.Request, known []*huma.Param) error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	refused := err != nil
	for name, v := range values {
		has := slices.ContainsFunc(known, func(p *huma.Param) bool { return p.In == "query" && p.Name == name })
		refused = refused || !has || len(v) != 1
	}
	if refused {
		return fault.Bad("request.invalid", fault.Place{Location: "query", Code: "query.invalid"})
	}
	return nil
}

// token answers the token endpoint, whose errors have a form of their own (RFC 6749 5.2).
func (e *edge) token(w http.ResponseWriter, r *http.Request) {
	if err := e.limits.stranger(w, r); err != nil {
		e.problems.write(w, r, err)
		return
	}
	token, err := e.gate.Token(w, r)
	if err == nil {
		writeJSON(w, http.StatusOK, "application/json", token)
		return
	}
	e.problems.writeOAuth(w, r, err)
}

// browser runs a step of a login, which answers by sending the browser on. share is what it takes of its address.
func (e *edge) browser(share, step func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := share(w, r)
		if err == nil {
			err = step(w, r)
		}
		var refused *session.Refusal
		switch {
		case errors.As(err, &refused):
			e.problems.writeOAuth(w, r, refused)
		case err != nil:
			e.problems.write(w, r, err)
		}
	}
}

func (e *edge) unknown(w http.ResponseWriter, r *http.Request) {
	e.problems.write(w, r, fault.NotFound())
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, "application/json", wire.Health{Status: "ok"})
}

// Package gateway is the edge: it turns HTTP into one verb of the catalog per route, and what the catalog
// answers into JSON or a problem. It decides nothing and keeps nothing; it holds no key and no engine socket.
//
// What every request passes, in order: a request id made here, security headers, the refusal of foreign
// browsers and odd paths (front.go); who is calling, and a strict reading of the body (edge.go, body.go); the
// verb of its route. routes.go is the site's contents page: start there.
package gateway

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/gateway/console"
	"github.com/sluicedata/sluice/gateway/messages"
	"github.com/sluicedata/sluice/gateway/session"
)

// Prefix is where the API lies.
const Prefix = "/api/v1"

// TokenPath is where tokens are given out, below a gateway's address.
const TokenPath = Prefix + "/token"

// LoginPath begins a login through a provider, CallbackPath ends it; both below a gateway's address.
const (
	LoginPath    = "/login/oidc"
	CallbackPath = LoginPath + "/callback"
)

// Config is what a gateway is made of. All members are required unless they say so.
type Config struct {
	Catalog *catalog.Catalog
	// BaseURL is the address people use, without a slash at its end: assertions must name it.
	BaseURL string
	Log     *slog.Logger
	Now     func() time.Time
	Limits  Limits
	// Provider is an OpenID provider people may prove themselves at; nil: only keys count.
	Provider *session.ProviderConfig
	// Observe, when set, is told of every answered request, at the same time as others.
	Observe func(Seen)
	// BodyBytes bounds a JSON body; 0 means 1 MiB.
	BodyBytes int64
	// BodyPatience is how long a JSON body may take, ChunkPatience how long the sender of a file's chunk may be silent;
	// 0 means 15 and 60 seconds.
	BodyPatience, ChunkPatience time.Duration
}

// New returns the API. The handler is safe for concurrent use.
func New(c Config) http.Handler {
	texts, err := messages.Embedded()
	if err != nil {
		c.Log.Error("messages cannot be read; codes stand in for them", "err", err)
	}
	e := &edge{
		gate:     c.gate(),
		problems: problems{texts: texts, log: c.Log}, chunkBytes: c.Catalog.Uploads.ChunkBytes(),
		bodyBytes: cmp.Or(c.BodyBytes, maxJSON), limits: newLimits(c.Limits, c.Now),
		bodyPatience: cmp.Or(c.BodyPatience, jsonPatience), chunkPatience: cmp.Or(c.ChunkPatience, chunkPatience),
	}
	mux := http.NewServeMux()
	e.describe(mux, c)
	mux.HandleFunc("POST "+TokenPath, e.token)
	mux.HandleFunc("GET "+LoginPath, e.browser(e.limits.login, e.gate.Begin))
	mux.HandleFunc("GET "+CallbackPath, e.browser(e.limits.stranger, e.gate.Callback))
	mux.HandleFunc("GET "+Prefix+"/openapi.json", serveSpec(e.api))
	mux.HandleFunc("GET /healthz", healthy)
	e.console(mux, c)
	mux.HandleFunc("/", e.unknown)
	return e.front(mux, e.observed(c))
}

// console puts the pages beside the API.
func (e *edge) console(mux *http.ServeMux, c Config) {
	pages, err := console.New(console.Config{
		Catalog: c.Catalog, Gate: e.gate, BaseURL: c.BaseURL, Log: c.Log, Now: c.Now, Codes: e.problems.texts, Shares: shares{e.limits},
		Status: classify, RequestID: func(r *http.Request) string { return requestID(r.Context()) },
	})
	if err != nil {
		c.Log.Error("the console cannot be read; there is only the API", "err", err)
		return
	}
	pages.Register(mux)
}

// gate is the way in.
func (c Config) gate() *session.Gate {
	conf := session.Config{Sessions: c.Catalog.Sessions, TokenURL: c.BaseURL + TokenPath, Now: c.Now}
	if c.Provider != nil {
		conf.Provider = session.NewProvider(*c.Provider, c.BaseURL+CallbackPath, c.Now)
	}
	return session.New(conf)
}

// describe registers every route, and with it its description.
func (e *edge) describe(mux *http.ServeMux, c Config) {
	e.api = humago.NewWithPrefix(mux, Prefix, e.apiConfig(c.BaseURL))
	for _, r := range routes(c.Catalog) {
		r.register(e, r.operation())
	}
	finish(e.api.OpenAPI())
}

// Description is one route as its description has it.
type Description struct {
	Method string
	Path   string // below Prefix
	ID     string
}

// Describe lists the routes of the API: the contents page, for programs.
func Describe(c Config) []Description {
	var all []Description
	for _, r := range routes(c.Catalog) {
		all = append(all, Description{r.method, r.path, r.id})
	}
	return all
}

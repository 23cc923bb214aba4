// Package console is the part of the gateway that people see: pages made on the server, for a browser. It knows no
// rights of its own and keeps nothing but who sits before which browser: every page is verbs of the catalog, called
// with the session's subject as the API calls them, so a page shows exactly what its reader may know.
//
// Start at routes.go for the table of pages and page.go for how one is made; signin.go is the way in. Templates are
// in pages, every word of them in texts, what a browser loads in static. Pages work without scripts; htmx makes them
// quicker, and two islands (editor.go) take over where code is typed and draw what tables of figures say.
package console

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/gateway/messages"
	"github.com/sluicedata/sluice/gateway/session"
	"github.com/sluicedata/sluice/policy"
)

// Prefix is where the console lies, below a gateway's address.
const Prefix = "/console"

// Config is what a console is made of. All members are required.
type Config struct {
	Catalog *catalog.Catalog
	Gate    *session.Gate
	// BaseURL is the address people use, without a slash at its end. Under https the cookie is bound to the host.
	BaseURL string
	Log     *slog.Logger
	Now     func() time.Time
	Codes   messages.Messages
	// Shares keep one caller from taking more than theirs.
	Shares Shares
	// Status is the HTTP status and the stable code of an error, as the API answers it.
	Status func(error) (status int, code string)
	// RequestID names a request in the log.
	RequestID func(*http.Request) string
}

// Shares counts requests. Each method answers an error of kind Limited when there were too many.
type Shares interface {
	Stranger(http.ResponseWriter, *http.Request) error
	Login(http.ResponseWriter, *http.Request) error
	Member(http.ResponseWriter, policy.Subject) error
}

// Console serves pages. It is safe for concurrent use.
type Console struct {
	Config
	sessions *scs.SessionManager
	looks    map[messages.Language]look
	assets   assets
}

// New returns a console. It fails when its own templates, texts or files cannot be read.
func New(conf Config) (*Console, error) {
	c := &Console{Config: conf}
	var err error
	if c.assets, err = readAssets(); err != nil {
		return nil, err
	}
	if c.looks, err = readLooks(conf, c.assets); err != nil {
		return nil, err
	}
	c.sessions = c.newSessions()
	return c, nil
}

// Register puts the console's routes on a mux. Whatever lies below Prefix and is no page is one that does not exist.
func (c *Console) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, Prefix, http.StatusSeeOther) })
	for _, s := range slices.Concat(c.steps(), c.passkeySteps(), c.passwordSteps()) {
		mux.Handle(s.method+" "+Prefix+s.path, framed(c.sessions.LoadAndSave(c.open(s.do))))
	}
	for _, o := range slices.Concat(c.passkeyActs(), c.accountActs(), c.deskActs(), c.signatureAsks()) {
		mux.Handle("POST "+Prefix+o.path, framed(c.sessions.LoadAndSave(c.owned(o.do))))
	}
	for _, p := range pages() {
		mux.Handle("GET "+Prefix+p.path, framed(c.sessions.LoadAndSave(c.signedIn(p))))
	}
	for _, f := range files() {
		mux.Handle("GET "+Prefix+f.path, framed(c.sessions.LoadAndSave(c.serveFile(f))))
	}
	for _, p := range publicPages() {
		mux.Handle("GET "+Prefix+p.path, framed(c.sessions.LoadAndSave(c.open(c.toAnybody(p)))))
	}
	mux.Handle("GET "+Prefix+publicPapers, framed(c.sessions.LoadAndSave(c.open(c.sendPapers))))
	for _, a := range acts() {
		mux.Handle("POST "+Prefix+a.path, framed(c.sessions.LoadAndSave(c.perform(a))))
	}
	mux.Handle("POST "+Prefix+"/uploads", framed(c.sessions.LoadAndSave(http.HandlerFunc(c.receive))))
	mux.Handle("GET "+Prefix+"/jobs/{number}/events", framed(http.HandlerFunc(c.followJob)))
	mux.Handle("GET "+Prefix+"/static/{file}", http.HandlerFunc(c.serveAsset))
	mux.Handle(Prefix+"/", framed(c.sessions.LoadAndSave(c.signedIn(page{load: nowhere}))))
}

// nowhere is the page of every address that has none.
func nowhere(call) (answer, error) { return answer{}, fault.NotFound() }

// policyOfPages is what a browser may load for a page: the console's own files, and nothing written into the page.
const policyOfPages = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// framed sets what a page needs beyond the headers of every answer.
func framed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policyOfPages)
		w.Header().Add("Vary", "Cookie, Accept-Language")
		next.ServeHTTP(w, r)
	})
}

// secure tells whether people reach the console over TLS.
func (c *Console) secure() bool { return strings.HasPrefix(c.BaseURL, "https://") }

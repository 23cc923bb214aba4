package console

import (
	"net/http"
	"strings"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/catalog/release"
)

// publicPages are what everybody may open, signed in or not: made for a phone first.
func publicPages() []page {
	return []page{
		{path: "/public", name: "public", command: "sluice release verify", load: showPublic},
		{path: "/public/products/{number}", name: "product", command: "sluice release verify", load: showProduct},
		{path: "/public/codes", name: "codes", command: "sluice registration show", load: showCode},
	}
}

// publicPapers is the file that the public check reads.
const publicPapers = "/public/products/{number}/proofs.json"

// toAnybody serves a page of the public. Each caller's share is counted before.
func (c *Console) toAnybody(p page) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := once(r.URL.Query(), "query"); err != nil {
			return err
		}
		a, err := p.load(call{ctx: r.Context(), cat: c.Catalog, r: r, now: c.Now()})
		if err != nil {
			return err
		}
		return c.show(w, r, http.StatusOK, p.name, frame{
			Title: p.name + ".title", Object: a.Object, State: a.State, Command: spelt(p.command, r), Body: a.Body, Public: true,
		})
	}
}

// publicPage is the front page of the public.
type publicPage struct {
	Products []release.Notice
	Notices  []registration.Notice
}

func showPublic(c call) (answer, error) {
	products, err := c.cat.Public.Products(c.ctx)
	if err != nil {
		return answer{}, err
	}
	notices, err := c.cat.Public.Notices(c.ctx)
	return answer{Body: publicPage{products, notices}}, err
}

// productPage is one product, and its certificate to be checked in the visitor's browser.
type productPage struct {
	release.Notice
	Certificate *release.Certificate
	Digest      string
}

func showProduct(c call) (answer, error) {
	notice, papers, err := c.cat.Public.Product(c.ctx, c.arg("number"))
	if err != nil {
		return answer{}, err
	}
	p := productPage{Notice: notice}
	p.Certificate, p.Digest, err = certificateOf(papers)
	return answer{Object: notice.Number, State: notice.State, Body: p}, err
}

// sendPapers sends what the public check reads.
func (c *Console) sendPapers(w http.ResponseWriter, r *http.Request) error {
	_, papers, err := c.Catalog.Public.Product(r.Context(), r.PathValue("number"))
	if err != nil {
		return err
	}
	recalls, err := c.Catalog.Releases.Recalls(r.Context())
	if err != nil {
		return err
	}
	f, err := jsonFile("", proofsOf(papers, recalls))
	if err == nil {
		f.send(w)
	}
	return err
}

// codePage is the answer to a query code.
type codePage struct {
	Code  string
	Asked bool
	Found *registration.Notice
}

// maxCode bounds what is looked up, in bytes.
const maxCode = 64

func showCode(c call) (answer, error) {
	p := codePage{Code: strings.TrimSpace(c.r.URL.Query().Get("code"))}
	if p.Code == "" {
		return answer{Body: p}, nil
	}
	if len(p.Code) > maxCode {
		return answer{}, fault.Bad("request.invalid", fault.Place{Location: "query.code", Code: "query.invalid"})
	}
	p.Asked = true
	found, err := c.cat.Public.Code(c.ctx, p.Code)
	if fault.Of(err) == fault.Unknown {
		return answer{Body: p}, nil
	}
	p.Found = &found
	return answer{Body: p}, err
}

package console

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/console/paper"
	"github.com/sluicedata/sluice/gateway/render"
)

func releases(c call, p catalog.Page) (catalog.Listed[release.View], error) {
	return c.cat.Releases.List(c.ctx, c.who, p)
}

// releasePage is what the page of a release shows.
type releasePage struct {
	release.View
	tabbed
	Certificate *release.Certificate // nil: it has not left
	Digest      string               // of the certificate with its signature: what the paper's code holds
	Fetches     int64
	Table       *sheet // the product itself, in its tab
	Forms       []release.Form
	Follow      bool // digests lead to their lineage
	Buttons     []button
}

func releaseActs() []act {
	const recall = "/releases/{number}/recall"
	return []act{{path: recall, page: recall, verb: "release.recall", typed: "number", do: recallRelease}}
}

func releasePath(number string) string { return Prefix + "/releases/" + number }

func showRelease(c call) (answer, error) {
	papers, err := c.cat.Releases.Papers(c.ctx, c.who, c.arg("number"))
	if err != nil {
		return answer{}, err
	}
	p := releasePage{View: papers.Release, Fetches: papers.Fetches, Follow: c.may[readLineage]}
	verify, product := tab{Name: "verify"}, tab{Name: "product"}
	if papers.Certificate == nil {
		verify.Why, product.Why = "release.not_left", "release.not_left"
	}
	if p.tabbed, err = openTabs(c, p.Number, tab{Name: "manifest"}, product, verify); err != nil {
		return answer{}, err
	}
	if papers.Certificate != nil {
		if p.Certificate, p.Digest, err = certificateOf(papers); err != nil {
			return answer{}, err
		}
	}
	if c.sits(org.ImplementingAgency) && allows(release.Flow(), p.State, "recall") {
		if p.Buttons, err = c.offer(true, button{Verb: "release.recall", Path: releasePath(p.Number) + "/recall", Ask: true}); err != nil {
			return answer{}, err
		}
	}
	if p.Tab == "product" {
		err = p.read(c)
	}
	return answer{Object: p.Number, State: p.State, Body: p}, err
}

func confirmRecall(k call) (answer, error) {
	papers, err := k.cat.Releases.Papers(k.ctx, k.who, k.arg("number"))
	if err != nil {
		return answer{}, err
	}
	view := papers.Release
	return confirm(k, view, view.State, true, confirmPage{
		Verb: "release.recall", Typed: view.Number, Until: releasePath(view.Number), Life: release.Flow(), Reasons: release.Reasons(),
	})
}

func recallRelease(k call) (string, error) {
	view, err := k.cat.Releases.Recall(k.ctx, k.who, k.arg("number"), release.RecallSpec{Reason: release.Reason(k.form.Get("reason"))})
	return releasePath(view.Number), err
}

// read fetches the product to show it. Each time is an entry of the trace, and counts as a fetch.
func (p *releasePage) read(c call) error {
	got, err := c.cat.Releases.Product(c.ctx, c.who, p.Number, release.CSV)
	if err != nil {
		return err
	}
	s := newSheet(got.Table)
	if err := s.fill(got.Bytes); err != nil {
		return err
	}
	p.Table, p.Forms = s.part(c), release.Forms()
	p.Fetches++
	return nil
}

// productFile is the product in a form of choice.
func productFile(c call) (file, error) {
	form := release.Form(c.arg("form"))
	got, err := c.cat.Releases.Product(c.ctx, c.who, c.arg("number"), form)
	if err != nil {
		return file{}, err
	}
	body, err := render.Table(form, got.Bytes, got.Table)
	if errors.Is(err, render.ErrUnfit) {
		return file{}, fault.Bad("form.invalid", fault.Place{Location: "form", Code: "form.unfit"})
	}
	return file{kind: form.MediaType(), name: form.FileName(got.Release.Number + "-" + got.Release.Output), body: body}, err
}

// certificateOf reads what a certificate says, and its digest with its signature.
func certificateOf(papers release.Papers) (*release.Certificate, string, error) {
	said, err := papers.Statement()
	if err != nil {
		return nil, "", err
	}
	digest, err := papers.Certificate.Digest()
	return &said, digest.Hex(), err
}

// proofs are what a browser checks a release with. Nothing of them is secret.
type proofs struct {
	Certificate envelope.Envelope    `json:"certificate"`
	Proof       json.RawMessage      `json:"proof"`
	Trust       json.RawMessage      `json:"trust"`
	Recalls     []envelope.Envelope  `json:"recalls"`
	Votes       []release.SignedVote `json:"votes,omitempty"` // not for the public
}

func proofsOf(p release.Papers, recalls []envelope.Envelope) proofs {
	return proofs{*p.Certificate, p.Proof, p.Trust, recalls, p.Votes}
}

// releaseProofs is the file the page's own check reads.
func releaseProofs(c call) (file, error) {
	papers, err := c.left()
	if err != nil {
		return file{}, err
	}
	recalls, err := c.cat.Releases.Recalls(c.ctx)
	if err != nil {
		return file{}, err
	}
	return jsonFile("", proofsOf(papers, recalls))
}

// certificateJSON is the certificate as `sluice release verify` reads it.
func certificateJSON(c call) (file, error) {
	papers, err := c.left()
	if err != nil {
		return file{}, err
	}
	return jsonFile(papers.Release.Number+"-certificate.json", papers.Certificate)
}

// certificatePDF is the certificate on paper, with a code that leads to its public check.
func certificatePDF(c call) (file, error) {
	papers, err := c.left()
	if err != nil {
		return file{}, err
	}
	said, digest, err := certificateOf(papers)
	if err != nil {
		return file{}, err
	}
	address := c.base + Prefix + "/public/products/" + papers.Release.Number + "#" + digest
	body, err := paper.Certificate(paper.Content{
		Title: c.words.say("certificate.title"), Lines: certificateLines(c.words, *said), Check: c.words.say("certificate.check"), Address: address,
	})
	return file{kind: "application/pdf", name: papers.Release.Number + "-certificate.pdf", body: body}, err
}

// certificateLines are what the paper says, in the words of the page.
func certificateLines(words texts, c release.Certificate) []paper.Line {
	lines := []paper.Line{
		{Name: words.say("release"), Text: string(c.Release)}, {Name: words.say("release.output"), Text: c.Output},
		{Name: words.say("release.digest"), Text: string(c.Product)}, {Name: words.say("certificate.size"), Text: number(c.Size)},
		{Name: words.say("job"), Text: string(c.Job)}, {Name: words.say("job.code"), Text: string(c.Code)},
	}
	for _, in := range c.Inputs {
		lines = append(lines, paper.Line{Name: words.say("certificate.input"), Text: fmt.Sprintf("%s@%d %s %s", in.Dataset, in.Version, in.Grant, in.Manifest)})
	}
	for _, vote := range c.Votes {
		lines = append(lines, paper.Line{Name: words.say("certificate.vote"), Text: string(vote)})
	}
	return append(lines, paper.Line{Name: words.say("log.revision"), Text: c.Policy}, paper.Line{Name: words.say("certificate.rules"), Text: c.RuleSet},
		paper.Line{Name: words.say("certificate.entry"), Text: words.say("certificate.entry_of", number(c.Trace.Index), number(c.Trace.Size)) + " " + c.Trace.Origin},
		paper.Line{Name: words.say("certificate.issued"), Text: c.Issued.In(calendar.Zone()).Format("2006-01-02 15:04:05 -07:00")},
		paper.Line{Name: words.say("certificate.key"), Text: c.Key})
}

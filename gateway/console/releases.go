package console

import (
	"encoding/json"
	"fmt"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/console/paper"
)

func releases(c call, p catalog.Page) (catalog.Listed[release.View], error) {
	return c.cat.Releases.List(c.ctx, c.who, p)
}

// releasePage is what the page of a release shows.
type releasePage struct {
	release.View
	Tabs        []tab
	Tab         string
	Certificate *release.Certificate // nil: it has not left
	Digest      string               // of the certificate with its signature: what the paper's code holds
	Fetches     int64
	Log         []entry
}

func showRelease(c call) (answer, error) {
	papers, err := c.cat.Releases.Papers(c.ctx, c.who, c.arg("number"))
	if err != nil {
		return answer{}, err
	}
	p := releasePage{View: papers.Release, Fetches: papers.Fetches}
	verify := tab{Name: "verify"}
	if papers.Certificate == nil {
		verify.Why = "release.not_left"
	}
	if p.Tabs, p.Tab, err = tabs(c, tab{Name: "manifest"}, verify, logTab(c)); err != nil {
		return answer{}, err
	}
	if papers.Certificate != nil {
		if p.Certificate, p.Digest, err = certificateOf(papers); err != nil {
			return answer{}, err
		}
	}
	if p.Tab == "log" {
		p.Log, err = logOf(c, p.Number)
	}
	return answer{Object: p.Number, State: p.State, Body: p}, err
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
	Certificate envelope.Envelope   `json:"certificate"`
	Proof       json.RawMessage     `json:"proof"`
	Trust       json.RawMessage     `json:"trust"`
	Recalls     []envelope.Envelope `json:"recalls"`
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
	return jsonFile("", proofs{*papers.Certificate, papers.Proof, papers.Trust, recalls})
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

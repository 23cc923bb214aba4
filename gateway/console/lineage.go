package console

import (
	"cmp"
	"slices"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/policy"
)

// lineagePath is where a digest is followed.
const lineagePath = "/trace/lineage"

// lineagePage follows a digest both ways: to what it was made from, and to what was made from it.
type lineagePage struct {
	Digest string // "": none is asked for yet
	Chains []trace.Chain
	Opens  map[string]bool // kinds of objects whose pages are the reader's
}

// opener is what opens the page of a kind of object in a chain. To whom it does not, the object's name is text.
type opener struct {
	kind, act  string
	capacities []org.Capacity // of the organizations that are a party to it
}

func openers() []opener {
	work := []org.Capacity{org.Operator, org.ImplementingAgency}
	all := append([]org.Capacity{org.DataProvider}, work...)
	return []opener{
		{"job", "job.show", work}, {"release", "release.verify", work}, {"review", "review.show", work}, {"agreement", "agreement.show", work},
		{"grant", "grant.show", all}, {"dataset", "dataset.show", all}, {"registration", "registration.show", []org.Capacity{org.DataProvider}},
	}
}

func traceLineage(c call) (answer, error) {
	p := lineagePage{Digest: c.r.URL.Query().Get("digest"), Opens: map[string]bool{}}
	if p.Digest != "" {
		var err error
		if p.Chains, err = c.cat.Trace.Lineage(c.ctx, c.who, p.Digest); err != nil {
			return answer{}, err
		}
	}
	c.r.SetPathValue("digest", cmp.Or(p.Digest, "DIGEST")) // for the page's command
	return answer{Body: p}, p.open(c)
}

// open finds which pages are the reader's.
func (p *lineagePage) open(c call) error {
	var acts []policy.Action
	for _, o := range openers() {
		acts = append(acts, policy.Action(o.act))
	}
	may, err := c.cat.Sessions.May(c.ctx, c.who, acts...)
	for _, o := range openers() {
		p.Opens[o.kind] = may[policy.Action(o.act)].Allow && slices.ContainsFunc(o.capacities, c.sits)
	}
	return err
}

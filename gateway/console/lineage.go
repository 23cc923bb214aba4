package console

import (
	"slices"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/trace"
)

// lineagePath is where a digest is followed.
const lineagePath = "/trace/lineage"

// lineagePage follows a digest both ways: to what it was made from, and to what was made from it.
type lineagePage struct {
	Digest string // "": none is asked for yet
	Chains []trace.Chain
	Opens  map[string]bool // kinds of objects whose pages are the reader's
}

// openers are the capacities that open the page of a kind of object in a chain. To others its name is text.
func openers() map[string][]org.Capacity {
	work := []org.Capacity{org.Operator, org.ImplementingAgency}
	all := append([]org.Capacity{org.DataProvider}, work...)
	return map[string][]org.Capacity{
		"job": work, "release": work, "review": work, "agreement": work, "grant": all, "dataset": all, "registration": {org.DataProvider},
	}
}

func traceLineage(c call) (answer, error) {
	p := lineagePage{Digest: c.r.URL.Query().Get("digest"), Opens: map[string]bool{}}
	if p.Digest == "" {
		return answer{Body: p}, nil
	}
	for kind, all := range openers() {
		p.Opens[kind] = slices.ContainsFunc(all, c.sits)
	}
	var err error
	p.Chains, err = c.cat.Trace.Lineage(c.ctx, c.who, p.Digest)
	return answer{Body: p}, err
}

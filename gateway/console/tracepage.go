package console

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/trace"
)

// tracePage is the timeline of the trace, as far as its reader may see it.
type tracePage struct {
	trace.Filter
	Items    []entry
	Filtered bool
	Follow   bool // the reader may follow a digest
	footing
}

func queryTrace(c call) (answer, error) {
	q := c.r.URL.Query()
	rows, err := c.rows()
	if err != nil {
		return answer{}, err
	}
	p := tracePage{Filter: trace.Filter{Limit: rows}, Follow: c.may[readLineage]}
	for name, field := range p.fields() {
		*field = strings.TrimSpace(q.Get(name))
		p.Filtered = p.Filtered || *field != ""
	}
	if before := q.Get("before"); before != "" {
		n, err := strconv.ParseInt(before, 10, 64)
		if err != nil || n < 1 {
			return answer{}, fault.Bad("request.invalid", fault.Place{Location: "query.before", Code: "number.invalid"})
		}
		p.Before = n
	}
	if err := c.cat.Trace.CheckFilter(p.Filter); err != nil {
		return answer{}, err
	}
	views, err := c.cat.Trace.Query(c.ctx, c.who, p.Filter)
	if err != nil {
		return answer{}, err
	}
	if p.Items, err = entriesOf(views); err != nil {
		return answer{}, err
	}
	var older url.Values
	if n := len(p.Items); n == rows && p.Items[n-1].Index > 0 {
		older = p.older(p.Items[n-1].Index)
	}
	p.footing = footOf(c, rows, older)
	return answer{Body: p}, nil
}

// fields are what the form asks for, by the names they have in the address.
func (p *tracePage) fields() map[string]*string {
	return map[string]*string{
		"act": &p.Act, "decision": &p.Decision, "object": &p.Object, "who": &p.Who, "org": &p.Org, "since": &p.Since, "until": &p.Until,
	}
}

// older is the query of the part before an index.
func (p *tracePage) older(index int64) url.Values {
	next := url.Values{"before": {strconv.FormatInt(index, 10)}}
	for name, field := range p.fields() {
		if *field != "" {
			next.Set(name, *field)
		}
	}
	return next
}

// entryPage is one entry with what it rests on.
type entryPage struct {
	entry
	Leaf string // hash of the leaf: what the tree holds of it
	Size int64  // of the tree the proof is in
	Path int    // hashes between leaf and root
}

func showEntry(c call) (answer, error) {
	view, proof, err := c.cat.Trace.Prove(c.ctx, c.who, c.arg("entry"))
	if err != nil {
		return answer{}, err
	}
	all, err := entriesOf([]trace.View{view})
	if err != nil {
		return answer{}, err
	}
	p := entryPage{entry: all[0], Leaf: string(trace.LeafHash(proof.Leaf)), Size: proof.Size, Path: len(proof.Hashes)}
	return answer{Object: "#" + number(view.Index), State: p.Decision, Body: p}, nil
}

// provenEntry is what a browser checks an entry with. Body is base64: the very bytes its leaf commits to.
type provenEntry struct {
	ID    string          `json:"id"`
	At    int64           `json:"at"` // milliseconds since 1970
	Salt  []byte          `json:"salt"`
	Body  []byte          `json:"body"`
	Proof trace.Proof     `json:"proof"`
	Trust json.RawMessage `json:"trust"`
}

func entryProof(c call) (file, error) {
	view, proof, err := c.cat.Trace.Prove(c.ctx, c.who, c.arg("entry"))
	if err != nil {
		return file{}, err
	}
	document, err := c.cat.Trust.Show(c.ctx)
	if err != nil {
		return file{}, fmt.Errorf("reading trust document: %w", err)
	}
	return jsonFile("", provenEntry{view.ID, view.At.UnixMilli(), view.Salt, view.Body, proof, document})
}

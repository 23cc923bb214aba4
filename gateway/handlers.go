package gateway

import (
	"cmp"
	"regexp"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/gateway/session"
	"github.com/sluicedata/sluice/gateway/wire"
)

// The verbs that have a shape of their own.

func setRoles(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		handleBody(e, op, func(c call, b wire.Roles) (wire.Member, error) {
			return cat.Members.SetRoles(c.ctx, c.who, c.arg(0), c.arg(1), b.Roles)
		})
	}
}

// listDatasets reads what narrows the catalogue from the query.
func listDatasets(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		lowest, highest := 1.0, float64(dataset.MaxLevel)
		level := query("level", "only datasets whose highest level of a column is this")
		level.Schema = &huma.Schema{Type: huma.TypeInteger, Minimum: &lowest, Maximum: &highest}
		op.Parameters = append(op.Parameters, query("match", "only datasets whose title or slug holds this text, whatever its case"),
			query("provider", "only datasets of this organization, by its number"), level)
		paged(func(c call, p catalog.Page) (catalog.Listed[wire.Dataset], error) {
			asked := c.r.URL.Query()
			p.Facets = dataset.ReadFacets(asked.Get("match"), asked.Get("provider"), asked.Get("level"))
			return cat.Datasets.List(c.ctx, c.who, p)
		})(e, op)
	}
}

// proveFactor strengthens the session it comes in, and tells its holder what they are now.
func proveFactor(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		handleBody(e, op, func(c call, b wire.FactorProof) (wire.Me, error) {
			if err := cat.Factors.Prove(c.ctx, c.who, catalog.HandleOf(session.Token(c.r)), b); err != nil {
				return wire.Me{}, err
			}
			who, err := e.gate.Subject(c.r)
			if err != nil {
				return wire.Me{}, err
			}
			return cat.Sessions.Whoami(c.ctx, who)
		})
	}
}

// offerKey is the one verb nobody needs to be known for.
func offerKey(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		op.Security = []map[string][]string{}
		handleBody(e, op, func(c call, offer wire.KeyOffer) (wire.Fingerprint, error) {
			fingerprint, err := cat.Keys.Offer(c.ctx, offer)
			return wire.Fingerprint{Fingerprint: fingerprint}, err
		})
	}
}

func apply(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		handleBody(e, op, func(c call, b wire.Application) (wire.Registration, error) {
			return cat.Registrations.Apply(c.ctx, c.who, b.Dataset, b.RegistrationSpec)
		})
	}
}

func fileAgreement(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		handleBody(e, op, func(c call, b wire.Receipt) (wire.Agreement, error) {
			return cat.Agreements.File(c.ctx, c.who, c.arg(0), b.Receipt)
		})
	}
}

// sendChunk hands the body on as it arrives: it is never whole in memory.
func sendChunk(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		op.RequestBody = binary("application/octet-stream", "The chunk's bytes: chunk_bytes of them, fewer in the last one")
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "Content-Digest", In: "header", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
			Description: "sha-256=:…: of the body (RFC 9530)",
		})
		e.guard(&op, e.caller, chunkBody(e.chunkBytes, e.chunkPatience))
		registerRaw(e, op, func(c call) (wire.Chunk, error) {
			number, err := c.number()
			if err != nil {
				return wire.Chunk{}, err
			}
			said, err := contentDigest(c.r)
			if err != nil {
				return wire.Chunk{}, err
			}
			return cat.Uploads.Send(c.ctx, c.who, c.arg(0), number, said, c.r.Body)
		})
	}
}

func askPreview(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		handleBody(e, op, func(c call, b wire.PreviewSpec) (wire.Preview, error) {
			number, err := c.number()
			if err != nil {
				return wire.Preview{}, err
			}
			id, err := cat.Datasets.Preview(c.ctx, c.who, c.arg(0), number, b.Grant)
			return wire.Preview{ID: id}, err
		})
	}
}

func showPreview(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		handleFile(e, op, "application/json", func(c call) (file, error) {
			number, err := c.number()
			if err != nil {
				return file{}, err
			}
			bytes, err := cat.Datasets.ShowPreview(c.ctx, c.who, c.arg(0), number, c.arg(2))
			return file{Body: bytes}, err
		})
	}
}

// fetchOutput hands values to a reviewer as a file to save, never as something a browser shows.
func fetchOutput(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		handleFile(e, op, "text/csv; charset=utf-8", func(c call) (file, error) {
			bytes, err := cat.Outputs.Fetch(c.ctx, c.who, c.arg(0), c.arg(1))
			return file{Body: bytes, Disposition: `attachment; filename="` + c.arg(0) + "-" + c.arg(1) + `.csv"`}, err
		})
	}
}

// trustFile hands out trust.json, which is everybody's to read.
func trustFile(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		handleFile(e, op, "application/json", func(c call) (file, error) {
			document, err := cat.Trust.Show(c.ctx)
			return file{Body: document}, err
		})
	}
}

// recalls hands out what the keeper signed, which is everybody's to read.
func recalls(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		handle(e, op, func(c call) (wire.List[wire.Envelope], error) { return items(cat.Releases.Recalls(c.ctx)) })
	}
}

// What the trace can be narrowed by, beside codes and numbers.
const (
	whoHelp   = "login of the caller's organization, or of the one in org; what stands for a person in an entry; who sees all may say ORG-0001/login"
	orgHelp   = "number of the organization whose people acted"
	sinceHelp = "first day, YYYY-MM-DD in Asia/Shanghai, or the moment it begins, RFC 3339"
	untilHelp = "last day, all of it, or the moment before which it ends, RFC 3339"
)

// queryTrace reads the filter from the query. Unknown fields are refused before.
func queryTrace(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		op.Parameters = append(op.Parameters, query("act", "noun.verb"), query("decision", "allow or deny"),
			query("object", "number or name"), query("who", whoHelp), query("org", orgHelp), query("since", sinceHelp),
			query("until", untilHelp), query("before", "only entries of a smaller index"), query("limit", limitHelp), query("cursor", cursorHelp))
		handle(e, op, func(c call) (wire.List[wire.TraceEntry], error) {
			filter, err := traceFilter(c)
			if err == nil {
				err = cat.Trace.CheckFilter(filter)
			}
			if err != nil {
				return wire.List[wire.TraceEntry]{}, err
			}
			entries, err := cat.Trace.Query(c.ctx, c.who, filter)
			out := wire.List[wire.TraceEntry]{Items: entries}
			if err == nil && len(entries) == filter.Limit && entries[len(entries)-1].Index > 0 { // before the first there is none
				out.NextCursor = c.cursor(strconv.FormatInt(entries[len(entries)-1].Index, 10))
			}
			return out, err
		})
	}
}

func traceFilter(c call) (trace.Filter, error) {
	values := c.r.URL.Query()
	page, err := c.page()
	if err != nil {
		return trace.Filter{}, err
	}
	filter := trace.Filter{
		Act: values.Get("act"), Decision: values.Get("decision"), Object: values.Get("object"), Who: values.Get("who"),
		Org: values.Get("org"), Since: values.Get("since"), Until: values.Get("until"), Limit: cmp.Or(page.Limit, defaultPage),
	}
	if text := values.Get("before"); text != "" {
		filter.Before, err = strconv.ParseInt(text, 10, 64)
		if err != nil || filter.Before < 1 {
			return filter, fault.Bad("request.invalid", fault.Place{Location: "query.before", Code: "number.invalid"})
		}
	}
	if page.After != "" { // it comes from a page of the same filters: it is smaller
		if filter.Before, err = strconv.ParseInt(page.After, 10, 64); err != nil {
			return filter, badCursor()
		}
	}
	return filter, nil
}

func prove(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		handle(e, op, func(c call) (wire.ProvenEntry, error) {
			entry, proof, err := cat.Trace.Prove(c.ctx, c.who, c.arg(0))
			return wire.ProvenEntry{Entry: entry, Proof: proof}, err
		})
	}
}

func checkpoint(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		handleFile(e, op, "text/plain; charset=utf-8", func(c call) (file, error) {
			note, err := cat.Trace.Checkpoint(c.ctx)
			return file{Body: []byte(note)}, err
		})
	}
}

// tilePath is what C2SP tlog-tiles lets stand below tile/.
const tilePath = `^([0-9]{1,2}|entries)/(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]{1,3})?$`

func tile(cat *catalog.Catalog) register {
	shape := regexp.MustCompile(tilePath)
	return func(e *edge, op huma.Operation) {
		handleFile(e, op, "application/octet-stream", func(c call) (file, error) {
			if !shape.MatchString(c.arg(0)) {
				return file{}, fault.NotFound()
			}
			bytes, err := cat.Trace.Tile(c.ctx, "tile/"+c.arg(0))
			return file{Body: bytes}, err
		})
	}
}

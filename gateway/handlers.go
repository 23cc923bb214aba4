package gateway

import (
	"regexp"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/trace"
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

// offerKey is the one verb nobody needs to be known for.
func offerKey(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		op.Security = nil
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

// publish hands the body on as it arrives: it is never whole in memory.
func publish(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		op.RequestBody = binary("text/csv", "UTF-8, header first, RFC 4180")
		e.guard(&op, csvBody(e.uploadBytes))
		registerRaw(e, op, func(c call) (wire.Version, error) {
			return cat.Datasets.Publish(c.ctx, c.who, c.arg(0), c.r.Body)
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
			bytes, err := cat.Datasets.ShowPreview(c.ctx, c.who, c.arg(0), c.arg(2))
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

// queryTrace reads the filter from the query. Unknown fields are refused before.
func queryTrace(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		op.Parameters = append(op.Parameters, query("act", "noun.verb"), query("decision", "allow or deny"),
			query("object", "number or name"), query("before", "only entries of a smaller index"), query("limit", "1 to 200; 50"))
		handle(e, op, func(c call) (wire.List[wire.TraceEntry], error) {
			filter, err := traceFilter(c)
			if err != nil {
				return wire.List[wire.TraceEntry]{}, err
			}
			return items(cat.Trace.Query(c.ctx, c.who, filter))
		})
	}
}

func traceFilter(c call) (trace.Filter, error) {
	values := c.r.URL.Query()
	filter := trace.Filter{Act: values.Get("act"), Decision: values.Get("decision"), Object: values.Get("object")}
	var p fault.Places
	number := func(name string) int64 {
		text := values.Get(name)
		if text == "" {
			return 0
		}
		n, err := strconv.ParseInt(text, 10, 64)
		p.Require(err == nil && n >= 1, "query."+name, "number.invalid")
		return n
	}
	filter.Before = number("before")
	filter.Limit = int(min(number("limit"), maxPage+1))
	return filter, p.Err("trace.filter_invalid")
}

// maxPage is the longest list a caller may ask for at once.
const maxPage = 200

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

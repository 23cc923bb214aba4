package gateway

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/gateway/sse"
	"github.com/sluicedata/sluice/gateway/wire"
)

// followJob streams a job's states as server-sent events (HTML Living Standard 9.2): the job as it is now, then
// each time it looks otherwise, until it is over. The id of an event is the job's tag: a reader who comes back
// with Last-Event-ID gets what changed since, and 204 when nothing will any more.
func followJob(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		e.guard(&op, e.caller, noBody)
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "Last-Event-ID", In: "header", Description: "id of the last event seen", Schema: &huma.Schema{Type: huma.TypeString},
		})
		op.Responses["200"] = &huma.Response{Description: "Events named state; each one's data is a Job", Content: map[string]*huma.MediaType{
			"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}},
		}}
		op.Responses["204"] = &huma.Response{Description: "The job is over and was seen so"}
		huma.Register(e.api, op, func(ctx context.Context, in *empty) (*huma.StreamResponse, error) {
			c := newCall(ctx, in.place)
			view, err := cat.Jobs.Show(c.ctx, c.who, c.arg(0))
			if err != nil {
				return nil, e.problems.of(in.r, err)
			}
			return &huma.StreamResponse{Body: func(h huma.Context) { e.follow(cat, h, c, view) }}, nil
		})
	}
}

// follow writes events until the job is over, the reader has gone, or may not see it any more.
func (e *edge) follow(cat *catalog.Catalog, h huma.Context, c call, view wire.Job) {
	_, w := humago.Unwrap(h)
	tag, err := catalog.Tag(view)
	if err != nil {
		return
	}
	seen := c.r.Header.Get("Last-Event-ID")
	if seen == tag && view.Over() {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	out := sse.Open(w)
	for {
		if seen != tag {
			if tell(out, tag, view) != nil || view.Over() {
				return
			}
			seen = tag
		}
		view, err = e.next(cat, c, out, seen)
		if err == nil {
			tag, err = catalog.Tag(view)
		}
		if err != nil {
			return // who may not see more, or has gone, gets no reason: the stream ends
		}
	}
}

// next waits for the next state, with a sign of life while there is none. Whether the caller still is somebody is
// asked before anything more is told.
func (e *edge) next(cat *catalog.Catalog, c call, out sse.Stream, seen string) (job.View, error) {
	for {
		ctx, cancel := context.WithTimeout(c.ctx, sse.Heartbeat)
		view, err := cat.Jobs.Next(ctx, c.who, c.arg(0), seen)
		waited := ctx.Err() != nil && c.ctx.Err() == nil
		cancel()
		if _, gone := e.gate.Subject(c.r); gone != nil {
			return view, gone
		}
		if !waited {
			return view, err
		}
		if err := out.Alive(); err != nil {
			return view, err
		}
	}
}

// tell writes a job as it is now.
func tell(out sse.Stream, tag string, view wire.Job) error {
	fillLists(&view)
	data, err := json.Marshal(view)
	if err != nil {
		return err
	}
	return out.Send("state", tag, string(data))
}

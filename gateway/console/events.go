package console

import (
	"cmp"
	"context"
	"net/http"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/gateway/sse"
	"github.com/sluicedata/sluice/policy"
)

// over is the event after which a page need not listen any more.
const over = "over"

// followJob streams the live part of a job's page, each time it looks otherwise, until the job is over. Watching does
// not put off the idle lock: whoever left their desk is signed out under a page that moves.
func (c *Console) followJob(w http.ResponseWriter, r *http.Request) {
	who, err := c.watcher(w, r)
	if err == nil {
		err = c.watch(w, r, who)
	}
	if err != nil {
		status, code := c.Status(err)
		http.Error(w, code, status)
	}
}

// watcher finds who begins to watch.
func (c *Console) watcher(w http.ResponseWriter, r *http.Request) (policy.Subject, error) {
	ctx, err := c.peek(r)
	if err != nil {
		return policy.Subject{}, err
	}
	return c.caller(w, r.WithContext(ctx))
}

// watch answers an error only before its stream has begun. What the page shows already is not told again: under a hand
// that presses a button, nothing moves.
func (c *Console) watch(w http.ResponseWriter, r *http.Request, who policy.Subject) error {
	view, err := c.Catalog.Jobs.Show(r.Context(), who, r.PathValue("number"))
	if err != nil {
		return err
	}
	tag, err := catalog.Tag(view)
	if err != nil {
		return err
	}
	out := sse.Open(w)
	seen := cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("seen"))
	if seen == tag && out.Alive() != nil { // a page gives up a request nobody answered, and only takes up a stream that began
		return nil
	}
	for {
		if seen != tag && c.telling(out, r, who, tag, view) != nil {
			return nil
		}
		seen = tag
		if view.Over() {
			_ = out.Send(over, tag, over) // the stream ends here in any case
			return nil
		}
		if view, err = c.next(r, who, out, seen); err != nil {
			return nil // who may not see more, or has gone, gets no reason: the stream ends
		}
		if tag, err = catalog.Tag(view); err != nil {
			return nil
		}
	}
}

// telling writes the live part of the page as it is now.
func (c *Console) telling(out sse.Stream, r *http.Request, who policy.Subject, tag string, view job.View) error {
	shown, err := liveOf(view)
	if err != nil {
		return err
	}
	k := call{ctx: r.Context(), cat: c.Catalog, who: who, r: r}
	if shown.Buttons, err = jobButtons(k, view); err != nil {
		return err
	}
	lang, _ := lookOf(r)
	html, err := c.looks[lang].render("job", "live", shown)
	if err != nil {
		return err
	}
	return out.Send("", tag, html)
}

// next waits for the next state, with a sign of life while there is none. Whether the session still is one is asked
// before anything more is told.
func (c *Console) next(r *http.Request, who policy.Subject, out sse.Stream, seen string) (job.View, error) {
	for {
		ctx, cancel := context.WithTimeout(r.Context(), sse.Heartbeat)
		view, err := c.Catalog.Jobs.Next(ctx, who, r.PathValue("number"), seen)
		waited := ctx.Err() != nil && r.Context().Err() == nil
		cancel()
		if gone := c.still(r); gone != nil {
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

// still tells whether a request's session is one yet. r must not carry a session that was read before.
func (c *Console) still(r *http.Request) error {
	ctx, err := c.peek(r)
	if err == nil {
		_, err = c.holder(ctx)
	}
	return err
}

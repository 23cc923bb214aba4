package console_test

import (
	"context"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/gateway/browsertest"
	"github.com/sluicedata/sluice/gateway/console"
)

// TestLivePartsAreHeard: what makes a part of a page live is there before htmx looks through the page. Deferred, the two
// race, and a page that lost never moved.
func TestLivePartsAreHeard(t *testing.T) {
	w := newTown(t)
	page := w.signedIn(t, "developer").get(t, "/jobs").body
	for _, script := range []string{"/static/htmx-", "/static/hx-sse-"} {
		_, tag, found := strings.Cut(page, script)
		tag, _, _ = strings.Cut(tag, ">")
		if !found || strings.Contains(tag, "defer") || strings.Contains(tag, "async") {
			t.Errorf("%s…%s is not there before the page is read", script, tag)
		}
	}
}

// TestStreamsAnswerAtOnce: a page that shows what is already gets its stream begun, not only when something changes: a
// request nobody answered yet is not sent again when its line is lost.
func TestStreamsAnswerAtOnce(t *testing.T) {
	w := newTown(t)
	b := w.signedIn(t, "developer")
	at := regexp.MustCompile(`hx-sse:connect="([^"]+)"`).FindStringSubmatch(b.get(t, "/jobs/"+theJob).body)
	ctx, cut := context.WithTimeout(t.Context(), 5*time.Second)
	defer cut()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+html.UnescapeString(at[1]), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("got %d", answer.StatusCode)
	}
}

// hurried has the open page lose its stream, get what window.answer says to whatever it asks, and wait for no attempt: how
// long it would have waited is in window.waits. What waits for a time alone has a function of the engine's for it.
const hurried = `(() => {
	const later = setTimeout, asks = fetch;
	window.waits = [];
	window.setTimeout = (then, wait, ...rest) => String(then).includes('[native code]') ? (waits.push(wait), later(then)) : later(then, wait, ...rest);
	window.fetch = (...request) => answer ? answer() : asks(...request);
	window.answer = () => Promise.reject(new TypeError('nobody there'));
	document.querySelector('#live')._htmx.sse.reader.cancel();
})()`

// TestLostStreamsAreTakenUp: a page about a job asks again within seconds while nobody answers, each a little apart from
// the others; where it is refused it asks ever more rarely; and it goes on where it was.
func TestLostStreamsAreTakenUp(t *testing.T) {
	w := newTown(t)
	tab := w.signedIn(t, "developer").before(t, browsertest.Start(t))
	tab.Open(w.URL + console.Prefix + "/jobs/" + theJob)
	tab.Wait("the stream", `!!document.querySelector('#live')._htmx?.sse?.reader`)
	tab.Tell(hurried)
	const most, apart = `Math.max(...waits.slice(-8)) <= 6500`, `new Set(waits.slice(-8)).size === 8`
	tab.Wait("a dozen attempts", `waits.length > 12`)
	if tab.Tell(most+` && `+apart) != "true" {
		t.Errorf("while nobody answers it waits %s", tab.Tell(`waits.slice(-8)`))
	}
	tab.Tell(`(waits.length = 0, answer = () => Promise.resolve(new Response('', {status: 401})))`)
	tab.Wait("attempts that are refused", `waits.length > 12`)
	if tab.Tell(`Math.min(...waits.slice(-8)) > 30000`) != "true" {
		t.Errorf("refused, it waits %s", tab.Tell(`waits.slice(-8)`))
	}
	tab.Tell(`(waits.length = 0, answer = () => Promise.resolve(new Response('', {status: 503})))`)
	tab.Wait("attempts at a proxy", `waits.length > 12`)
	if tab.Tell(most) != "true" {
		t.Errorf("where a proxy finds nobody it waits %s", tab.Tell(`waits.slice(-8)`))
	}
	tab.Tell(`answer = null`)
	w.moveJob(t, "running")
	tab.Wait("the job's next state", `document.querySelector('#live').innerText.includes('运行中')`)
}

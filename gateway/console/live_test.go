package console_test

import (
	"strings"
	"testing"
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

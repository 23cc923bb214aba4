package browsertest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/gateway/browsertest"
)

// A page that is good in its own theme, on a desk and on a phone, and one whose faults each show in one way alone: its link
// in the dark, its remark on paper, its bar at 125 %.
const (
	good = `<!DOCTYPE html><html lang="en"><title>page</title><style>
		:root { --ink: #000; --ground: #fff } :root[data-theme="dark"] { --ink: #fff; --ground: #000 }
		@media print { :root[data-theme="dark"] { --ink: #000; --ground: #fff } }
		body { color: var(--ink); background: var(--ground) } %s</style><main><h1>Page</h1><p class="remark">Remark</p><p class="link">Link</p><div class="bar"></div></main>`
	faulty = `:root[data-theme="dark"] .link { color: #333 } @media print { .remark { color: #bbb } } @media (width: 1093px) { .bar { width: 1200px; height: 1px } }`
)

// TestFaultsAreFound: what only a theme, paper or a larger page shows is found, and nothing of a page that has none of it.
// A page that was turned or printed is what it was.
func TestFaultsAreFound(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprintf(w, good, "") })
	mux.HandleFunc("/faulty", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprintf(w, good, faulty) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	tab := browsertest.Start(t).Tab(t)
	for path, want := range map[string]string{"/good": "[] [] [] []", "/faulty": "[] [color-contrast] [P.remark Remark at 1.9] [sticks out by 115 pixels at 1093]"} {
		tab.Open(server.URL + path)
		dark := tab.Colours("dark")
		for i := range dark {
			dark[i], _, _ = strings.Cut(dark[i], " ")
		}
		if got := fmt.Sprint(tab.Audit(), dark, tab.Paper("dark"), tab.Fits()); got != want {
			t.Errorf("%s: %s", path, got)
		}
		if after := tab.Tell(`document.documentElement.hasAttribute('data-theme') || matchMedia('print').matches`); after != "false" {
			t.Errorf("%s is not what it was", path)
		}
	}
}

// TestConnectionsAreLost: without a connection nothing is answered, which the browser tells once, and all goes on when it is
// given back.
func TestConnectionsAreLost(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, `<!DOCTYPE html><link rel="icon" href="data:,"><title>page</title><p>none</p><script>
			const say = text => document.querySelector('p').textContent = text;
			</script><button onclick="fetch('/short').then(() => say('answered'), () => say('lost'))">Ask</button>`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	tab := browsertest.Start(t).Tab(t)
	tab.Open(server.URL)
	tab.Lose(true)
	tab.Click("Ask")
	tab.Sees("lost")
	if first, second := tab.Heard(), tab.Heard(); len(first) != 1 || len(second) != 0 {
		t.Errorf("the browser tells %q, then %q", first, second)
	}
	tab.Lose(false)
	tab.Click("Ask")
	tab.Sees("answered")
}

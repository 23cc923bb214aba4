package console_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/sluicedata/sluice/gateway/console"
)

// allowed is what a page may take of a person's time on the server.
const allowed = 50 * time.Millisecond

// BenchmarkPages times the pages people open most, from the request to the last byte, by turns with a handler that does
// nothing: 95 of 100 must come within what is allowed.
func BenchmarkPages(b *testing.B) {
	w := newTown(b)
	chief := w.signedIn(b, "chief")
	null := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(null.Close)
	w.Rest()
	var pages, nulls []time.Duration
	for b.Loop() {
		for _, path := range []string{"", "/datasets", "/datasets/" + theDataset, "/grants", "/grants/" + theProposal, "/jobs", "/jobs/" + theJob, "/releases"} {
			nulls = append(nulls, chief.time(b, null.URL))
			pages = append(pages, chief.time(b, w.URL+console.Prefix+path))
		}
	}
	page, least := late(pages), late(nulls)
	b.ReportMetric(float64(page), "ns-p95")
	b.ReportMetric(float64(least), "ns-null")
	b.ReportMetric(float64(allowed), "ns-allowed")
	b.ReportMetric(float64(page)/float64(least), "x-null")
	b.ReportMetric(float64(page)/float64(allowed), "x-allowed")
}

// time is how long an address takes to answer in full.
func (b *browser) time(t testing.TB, address string) time.Duration {
	t.Helper()
	began := time.Now()
	answer, err := b.client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", address, answer.StatusCode, err)
	}
	return time.Since(began)
}

// late is the time within which 95 of 100 come.
func late(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)*95/100]
}

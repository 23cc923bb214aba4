package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sluicedata/sluice/gateway/console"
)

// allowed is what a page may take of a person's time on the server.
const allowed = 50 * time.Millisecond

// BenchmarkConsole times the console's pages on the demo's data, as those who work with them open them, once the story has
// been told up to the release: from the request to the last byte, by turns with a handler that does nothing. Of every page
// 95 of 100 must come within what is allowed; the slowest page's are reported.
func BenchmarkConsole(b *testing.B) {
	s := newCity(b, b.TempDir())
	for _, step := range []func() error{
		func() error { return s.found(b.Context()) }, func() error { return s.publish(b.Context()) },
		func() error { return s.register(b.Context()) }, func() error { return s.agree(b.Context()) },
		func() error { return s.debugRun(b.Context()) }, func() error { return s.blockedJob(b.Context()) },
		func() error { return s.refusals(b.Context()) }, func() error { return s.attempts(b.Context()) },
		func() error { return s.release(b.Context()) },
	} {
		must(b, step())
	}
	s.introduced()
	null := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(null.Close)
	seats, took := map[string]*http.Client{}, map[string][]time.Duration{}
	for p := range s.opened() {
		jar, err := cookiejar.New(nil)
		must(b, err)
		s.signsIn(jar, p)
		seats[p.login] = &http.Client{Jar: jar}
	}
	var nulls []time.Duration
	for b.Loop() {
		for p, pages := range s.opened() {
			for _, page := range pages {
				nulls = append(nulls, timed(b, seats[p.login], null.URL))
				took[page] = append(took[page], timed(b, seats[p.login], s.base+console.Prefix+page))
			}
		}
	}
	slowest := ""
	for page, all := range took {
		if slowest == "" || late(all) > late(took[slowest]) {
			slowest = page
		}
	}
	b.Logf("%d pages; the slowest is %s", len(took), slowest)
	page, least := late(took[slowest]), late(nulls)
	b.ReportMetric(float64(page), "ns-p95")
	b.ReportMetric(float64(least), "ns-null")
	b.ReportMetric(float64(allowed), "ns-allowed")
	b.ReportMetric(float64(page)/float64(least), "x-null")
	b.ReportMetric(float64(page)/float64(allowed), "x-allowed")
}

// opened are the pages people have open in the story.
func (s *city) opened() map[*persona][]string {
	set, job := "/datasets/"+slug, "/jobs/"+s.jobD
	version := set + "/versions/" + strconv.Itoa(s.version.Number)
	return map[*persona][]string{
		s.steward: {
			"", "/datasets", set, set + "?tab=versions", set + "?tab=profile", set + "?tab=grants", set + "?tab=usage", set + "?tab=log",
			version, "/trace", "/trace?object=" + slug, "/trace/lineage?digest=" + s.product, "/people",
		},
		s.applicant: {"/registrations", "/registrations/new?dataset=" + slug},
		s.accepting: {"/registrations/R-2026-0001"},
		s.chief:     {"/agreements", "/agreements/" + s.agreement.Number, "/grants", "/grants/" + s.grantNumber},
		s.developer: {
			"/jobs", job, job + "?tab=results", job + "?tab=code", "/jobs/new", "/jobs/new?from=" + s.jobD, "/grants/new?dataset=" + slug,
			"/releases", "/releases/" + s.released, "/releases/" + s.released + "?tab=product", "/releases/" + s.released + "?tab=verify",
			"/public/products/" + s.released, "/public",
		},
		s.officer:  {"/reviews", "/reviews/" + s.request, "/reviews/" + s.request + "?tab=code", "/profile"},
		s.reviewer: {"/reviews/" + s.request + "?tab=table"},
	}
}

// timed is how long an address takes to answer in full. Who has asked for more than their share comes back when told.
func timed(b *testing.B, who *http.Client, address string) time.Duration {
	b.Helper()
	for {
		began := time.Now()
		answer, err := who.Get(address)
		must(b, err)
		_, err = io.Copy(io.Discard, answer.Body)
		took := time.Since(began)
		must(b, err)
		must(b, answer.Body.Close())
		if answer.StatusCode == http.StatusOK {
			return took
		}
		again, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		if err != nil || answer.StatusCode != http.StatusTooManyRequests {
			b.Fatalf("%s: %s", address, answer.Status)
		}
		must(b, pause(b.Context(), time.Duration(again)*time.Second))
	}
}

// late is the time within which 95 of 100 come.
func late(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)*95/100]
}

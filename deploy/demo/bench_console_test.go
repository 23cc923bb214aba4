package main

import (
	"cmp"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/gateway/console"
	"github.com/sluicedata/sluice/gateway/providertest"
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
		s.proves(b, seats[p.login], p)
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
	slow := slices.SortedFunc(maps.Keys(took), func(x, y string) int { return cmp.Compare(late(took[y]), late(took[x])) })
	for _, page := range slow[:5] {
		b.Logf("%v %s", late(took[page]).Round(100*time.Microsecond), page)
	}
	page, least := late(took[slow[0]]), late(nulls)
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

// proves makes somebody's session strong: some pages are shown to no other.
func (s *city) proves(b *testing.B, who *http.Client, p *persona) {
	b.Helper()
	form := url.Values{"totp": {providertest.OneTime(b, s.secrets[p.login], time.Now())}}
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.base+console.Prefix+"/strength", strings.NewReader(form.Encode()))
	must(b, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	answer, err := who.Do(r)
	must(b, err)
	must(b, answer.Body.Close())
	if answer.StatusCode != http.StatusOK {
		b.Fatalf("%s proves a second factor: %s", p.login, answer.Status)
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

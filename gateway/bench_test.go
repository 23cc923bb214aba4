package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/gateway"
)

// BenchmarkRequest times a whole request, from the client's call to the answer's last byte: who is calling, both
// halves of policy, the record, and the entry of the trace on disk before the first byte. The floor, by turns, is
// what no such request can do without: a handler that does nothing but put one page of a log on the same disk.
// The keeper rests: what it does with the entries is off the request's path.
func BenchmarkRequest(b *testing.B) {
	c := newCity(b)
	own := c.reader(b, theGrant)
	floor := floorOf(b, pgtest.Durable(b))
	c.Rest()
	before := traced(b, c)
	var requests, floors []time.Duration
	for b.Loop() {
		floors = append(floors, floor.once(b))
		requests = append(requests, own.once(b))
	}
	if n := traced(b, c) - before; n != len(requests) {
		b.Fatalf("%d requests left %d entries", len(requests), n)
	}
	request, least := median(requests), median(floors)
	b.ReportMetric(float64(request), "ns-request")
	b.ReportMetric(float64(least), "ns-floor")
	b.ReportMetric(float64(request)/float64(least), "x-floor")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// asker sends one request again and again over one connection.
type asker struct {
	client  *http.Client
	request *http.Request
	check   func([]byte) bool
}

// reader reads a grant, as its operator's developer, from a gateway that has a share for everybody.
func (c *city) reader(b *testing.B, number string) asker {
	b.Helper()
	server := httptest.NewServer(gateway.New(gateway.Config{
		Catalog: c.Catalog, BaseURL: c.URL, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Now: c.Now,
		Limits: gateway.Limits{Member: ample(), Org: ample(), Address: ample()},
	}))
	b.Cleanup(server.Close)
	token, err := c.developer.Token(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodGet, server.URL+gateway.Prefix+"/grants/"+number, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	return asker{client: server.Client(), request: r, check: func(body []byte) bool {
		var told struct{ Number, State string }
		return json.Unmarshal(body, &told) == nil && told.Number == number && told.State == "active"
	}}
}

// ample is a share nobody uses up, counted as any other.
func ample() gateway.Share { return gateway.Share{PerSecond: 1e6, AtOnce: 1 << 20} }

// once times one request; its answer must be the right one.
func (a asker) once(b *testing.B) time.Duration {
	b.Helper()
	began := time.Now()
	answer, err := a.client.Do(a.request.Clone(b.Context()))
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	took := time.Since(began)
	if err := answer.Body.Close(); err != nil {
		b.Fatal(err)
	}
	if err != nil || answer.StatusCode != http.StatusOK || !a.check(body) {
		b.Fatalf("answered %d %s, %v", answer.StatusCode, body, err)
	}
	return took
}

// A page of a write-ahead log, and a segment of them, in bytes.
const (
	walPage    = 8 << 10
	walSegment = 16 << 20
)

// floorOf is a server that does nothing but make one page durable in a folder. The file has its whole length
// from the start, as a database's log has: only data goes to disk.
func floorOf(b *testing.B, folder string) asker {
	b.Helper()
	file, err := os.Create(filepath.Join(folder, "floor"))
	if err == nil {
		_, err = file.Write(make([]byte, walSegment))
	}
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = file.Close() })
	page, at := make([]byte, walPage), int64(0)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := file.WriteAt(page, at)
		if err == nil {
			err = unix.Fdatasync(int(file.Fd()))
		}
		if at = (at + walPage) % walSegment; err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	b.Cleanup(server.Close)
	r, err := http.NewRequest(http.MethodGet, server.URL, nil)
	if err != nil {
		b.Fatal(err)
	}
	return asker{client: server.Client(), request: r, check: func(body []byte) bool { return len(body) == 0 }}
}

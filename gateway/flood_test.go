package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// dial opens a connection to a gateway and sends a request's head.
func dial(t *testing.T, i *gatewaytest.Instance, head string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(i.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, head) // a gateway that has read enough hangs up
	return conn
}

func statusOf(t *testing.T, conn net.Conn) int {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// TestHeadsAreBounded: a header of a mebibyte, and ten thousand headers, are refused before anything is looked up
// (S39).
func TestHeadsAreBounded(t *testing.T) {
	i := gatewaytest.Start(t)
	const begin = "GET /api/v1/me HTTP/1.1\r\nHost: sluice\r\n"
	for name, head := range map[string]string{
		"a long header":  begin + "X-Long: " + strings.Repeat("a", 1<<20) + "\r\n\r\n",
		"a long path":    "GET /api/v1/" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: sluice\r\n\r\n",
		"many headers":   begin + strings.Repeat("X-A: b\r\n", 10_000) + "\r\n",
		"a long cookie":  begin + "Cookie: " + strings.Repeat("a=b; ", 1<<17) + "\r\n\r\n",
		"a long address": begin + "X-Forwarded-For: " + strings.Repeat("10.0.0.1, ", 1<<16) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got := statusOf(t, dial(t, i, head)); got != http.StatusRequestHeaderFieldsTooLarge {
				t.Fatalf("got %d", got)
			}
		})
	}
}

// TestOneProtocol: HTTP/2, whose streams could be opened and reset without end, is spoken neither by agreement nor
// by assumption (S39).
func TestOneProtocol(t *testing.T) {
	i := gatewaytest.Start(t)
	if got := statusOf(t, dial(t, i, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")); got/100 != 4 && got/100 != 5 {
		t.Errorf("assumed: got %d", got)
	}
	secret := gatewaytest.StartTLS(t)
	address := strings.TrimPrefix(secret.URL, "https://")
	for name, tt := range map[string]struct {
		offered []string
		want    string
	}{"both": {[]string{"h2", "http/1.1"}, "http/1.1"}, "neither": {nil, ""}} {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: secret.Authorities, NextProtos: tt.offered})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := conn.ConnectionState().NegotiatedProtocol; got != tt.want {
			t.Errorf("%s: agreed on %q", name, got)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := tls.Dial("tcp", address, &tls.Config{RootCAs: secret.Authorities, NextProtos: []string{"h2"}}); err == nil {
		t.Error("HTTP/2 alone was agreed on")
	}
}

// TestHeadersNameNobody: who is calling is who holds the token, whatever headers of proxies and other systems say
// (S39).
func TestHeadersNameNobody(t *testing.T) {
	i := gatewaytest.Start(t)
	p := newPerson(t, i, i.Org(t, "An operator", org.Operator), "holder", org.OrgAdmin)
	plain := p.get(t, i, "/me")
	spoofed := p.get(t, i, "/me", "X-Remote-User", "admin", "X-Forwarded-User", "admin", "X-Sluice-Member", "admin", "X-Original-URL", "/api/v1/orgs",
		"X-HTTP-Method-Override", "POST", "Forwarded", "for=127.0.0.1;host=evil", "X-Forwarded-Host", "evil", "Cookie", "session=admin")
	if spoofed.status != 200 || string(spoofed.body) != string(plain.body) {
		t.Fatalf("got %d %s, want %s", spoofed.status, spoofed.body, plain.body)
	}
	if got := call(t, "GET", i.URL+"/api/v1/me", nil, "X-Remote-User", "admin", "Cookie", "session="+p.token); got.status != 401 {
		t.Fatalf("got %d", got.status)
	}
}

// TestEndlessBodiesCostNothing: bodies without end are cut where they pass their bound; all the while, the memory of the
// gateway stays within 64 MiB of what it was (S40).
func TestEndlessBodiesCostNothing(t *testing.T) {
	s := newSender(t)
	chunks := "PUT /api/v1/uploads/" + s.start(t, 1<<30).ID + "/chunks/1 HTTP/1.1\r\nContent-Type: application/octet-stream\r\n" +
		"Content-Digest: " + contentDigest("") + "\r\nTransfer-Encoding: chunked\r\n"
	piece := strings.Repeat(" ", 0x10000)
	for name, tt := range map[string]struct {
		lines       int // at once; an upload may take 16 MiB of memory (TestUploadKeepsMemoryFlat)
		head, piece string
	}{
		"JSON of ten GiB":    {8, "POST /api/v1/orgs HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 10737418240\r\n", piece},
		"JSON in chunks":     {8, "POST /api/v1/orgs HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n", "10000\r\n" + piece + "\r\n"},
		"a file's in chunks": {2, chunks, "10000\r\n" + piece + "\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			watch, stop := context.WithCancel(t.Context())
			most := make(chan uint64)
			go func() { most <- highest(watch, heap) }()
			var all sync.WaitGroup
			for range tt.lines {
				conn := dial(t, s.Instance, tt.head+"Host: sluice\r\nIdempotency-Key: one-intention-of-mine\r\nAuthorization: Bearer "+s.token+"\r\n\r\n")
				all.Go(func() {
					if sent := pour(conn, tt.piece); sent > 64<<20 {
						t.Errorf("%d bytes went out before the gateway hung up", sent)
					}
				})
			}
			all.Wait()
			stop()
			if peak := <-most; peak > before+64<<20 {
				t.Errorf("the heap grew from %d to %d MiB", before>>20, peak>>20)
			}
		})
	}
}

// pour sends a piece over and over, a quarter of a GiB at most, and returns how many bytes went out before the other
// side hung up.
func pour(conn net.Conn, piece string) (sent int) {
	for sent < 1<<28 {
		n, err := io.WriteString(conn, piece)
		if sent += n; err != nil {
			break
		}
	}
	return sent
}

// beside starts a second gateway over an instance's catalog, which takes the same tokens, and returns where it is.
func beside(t *testing.T, i *gatewaytest.Instance, change func(*gateway.Config)) *gatewaytest.Instance {
	t.Helper()
	conf := gateway.Config{Catalog: i.Catalog, BaseURL: i.URL, Log: slog.New(slog.NewJSONHandler(i.Log, nil)), Now: i.Now}
	change(&conf)
	server := httptest.NewUnstartedServer(nil)
	server.Config = gateway.NewServer(gateway.New(conf))
	server.Start()
	t.Cleanup(server.Close)
	return &gatewaytest.Instance{URL: server.URL}
}

// TestSlowBodiesAreGivenUp: who begins a body and then sends nothing more costs a connection for as long as the gateway's
// patience, is told so, and its connection ends (S40).
func TestSlowBodiesAreGivenUp(t *testing.T) {
	s := newSender(t)
	up := s.start(t, 5)
	slow := beside(t, s.Instance, func(c *gateway.Config) { c.BodyPatience, c.ChunkPatience = 50*time.Millisecond, 50*time.Millisecond })
	for name, head := range map[string]string{
		"JSON": "POST /api/v1/uploads HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n",
		"a chunk of a file": "PUT /api/v1/uploads/" + up.ID + "/chunks/1 HTTP/1.1\r\nContent-Type: application/octet-stream\r\n" +
			"Content-Digest: " + contentDigest("12345") + "\r\nContent-Length: 5\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := heard(t, dial(t, slow, head+"Host: sluice\r\nIdempotency-Key: one-intention-of-mine\r\nAuthorization: Bearer "+s.token+"\r\n\r\n{"))
			if !strings.HasPrefix(got, "HTTP/1.1 408") || !strings.Contains(got, `"code":"body.too_slow"`) {
				t.Errorf("got %s", got)
			}
		})
	}
	if got := s.put(t, s.Instance, "/uploads/"+up.ID+"/chunks/1", "12345"); got.status != http.StatusOK {
		t.Errorf("the same chunk, sent at once: %d %s", got.status, got.body)
	}
}

package gateway_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/org"
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

// TestEndlessBodiesCostNothing: a body without end is cut where it passes its bound; the gateway's memory stays
// within 64 MiB of what it was (S40).
func TestEndlessBodiesCostNothing(t *testing.T) {
	i := gatewaytest.Start(t)
	p := newPerson(t, i, i.Org(t, "An operator", org.Operator), "holder", org.OrgAdmin)
	before := heap()
	for range 8 {
		conn := dial(t, i, fmt.Sprintf("POST /api/v1/orgs HTTP/1.1\r\nHost: sluice\r\nAuthorization: Bearer %s\r\n"+
			"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", p.token))
		sent := 0
		chunk := "10000\r\n" + strings.Repeat(" ", 0x10000) + "\r\n"
		for sent < 1<<30 {
			n, err := io.WriteString(conn, chunk)
			sent += n
			if err != nil {
				break
			}
		}
		if sent > 64<<20 {
			t.Fatalf("%d bytes went out before the gateway hung up", sent)
		}
	}
	if after := heap(); after > before+64<<20 {
		t.Fatalf("the heap grew from %d to %d bytes", before, after)
	}
}

package gateway_test

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// heard is all that comes back until the other side hangs up.
func heard(t *testing.T, conn net.Conn) string {
	t.Helper()
	all, err := io.ReadAll(conn)
	if err != nil && len(all) == 0 {
		t.Fatal(err)
	}
	return string(all)
}

// TestTwoFramings sends both length framings, and behind them a request that is one under one of them only (S39): it
// is never answered. Go drops the length of such a pair, so every body in chunks is refused but a file's, and its
// connection ends with it.
func TestTwoFramings(t *testing.T) {
	i := gatewaytest.Start(t)
	p := newPerson(t, i, i.Org(t, "A department", org.DataProvider), "holder", org.OrgAdmin, org.DataSteward)
	const smuggled, file = "GET /healthz HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\n\r\n", "Content-Type: application/octet-stream\r\nContent-Digest: "
	length, chunked := "Content-Length: "+strconv.Itoa(len("0\r\n\r\n"+smuggled))+"\r\n", "Transfer-Encoding: chunked\r\n"
	framings := map[string]string{
		"length first": length + chunked, "chunks first": chunked + length, "chunks alone": chunked,
		"other letters": "transfer-encoding: CHUNKED\r\n" + length,
	}
	routes := map[string]struct{ head, status, code string }{
		"JSON":     {"POST /api/v1/orgs HTTP/1.1\r\nContent-Type: application/json\r\n", "400", "length.missing"},
		"no body":  {"POST /api/v1/jobs/J-2026-0001/cancel HTTP/1.1\r\n", "400", "length.missing"},
		"a read":   {"GET /api/v1/me HTTP/1.1\r\n", "400", "length.missing"},
		"a form":   {"POST /api/v1/token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n", "400", "length.missing"},
		"a page":   {"POST /console/sign-in HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n", "400", "length.missing"},
		"no route": {"POST /nothing HTTP/1.1\r\n", "400", "length.missing"},
		"a chunk of a file": {
			"PUT /api/v1/uploads/01890a5d-ac96-774b-bcce-b302099a8057/chunks/1 HTTP/1.1\r\n" + file + contentDigest("") + "\r\n", "404", "unknown",
		},
	}
	for route, to := range routes {
		for framing, by := range framings {
			t.Run(route+", "+framing, func(t *testing.T) {
				head := to.head + "Host: sluice\r\nIdempotency-Key: one-intention-of-mine\r\nAuthorization: Bearer " + p.token + "\r\n" + by + "\r\n"
				got := heard(t, dial(t, i, head+"0\r\n\r\n"+smuggled))
				if !strings.HasPrefix(got, "HTTP/1.1 "+to.status) || !strings.Contains(got, `"code":"`+to.code+`"`) {
					t.Errorf("got %s", got)
				}
				if n := strings.Count(got, "HTTP/1.1 "); n != 1 {
					t.Errorf("%d requests were answered: %s", n, got)
				}
			})
		}
	}
}

// TestOddLengths: two lengths that differ, and chunks under HTTP/1.0, which knows none, leave no connection behind them
// either.
func TestOddLengths(t *testing.T) {
	i := gatewaytest.Start(t)
	const smuggled = "GET /healthz HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\n\r\n"
	for name, tt := range map[string]struct{ request, status string }{
		"two lengths": {"POST /api/v1/token HTTP/1.1\r\nHost: sluice\r\nContent-Length: 4\r\nContent-Length: 9\r\n\r\nabcd" + smuggled, "400"},
		"HTTP/1.0": {
			"GET /healthz HTTP/1.0\r\nHost: sluice\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + smuggled,
			"200",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := heard(t, dial(t, i, tt.request))
			if _, status, _ := strings.Cut(got, " "); !strings.HasPrefix(status, tt.status) || strings.Count(got, "HTTP/1.") != 1 {
				t.Errorf("got %s", got)
			}
		})
	}
}

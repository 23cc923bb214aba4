package gateway

import (
	"crypto/tls"
	"net/http"
	"time"
)

// Bounds of a listener: a slow or endless head costs one connection for seconds, nothing more. Bodies have their
// own bounds, by route.
const (
	headPatience = 10 * time.Second
	idlePatience = 2 * time.Minute
	maxHead      = 64 << 10 // bytes
)

// protocol is the only one spoken, in its name for TLS. Under HTTP/2 one connection could open and reset streams
// without end (CVE-2023-44487), and no share of a caller would see it.
const protocol = "http/1.1"

// NewServer returns a server of h with the bounds every listener of ours has. The caller serves and ends it.
func NewServer(h http.Handler) *http.Server {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: headPatience, IdleTimeout: idlePatience, MaxHeaderBytes: maxHead,
		Protocols: new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true)
	return server
}

// TLS returns how a gateway's listener speaks TLS under its own certificate. Clients are asked for a certificate
// and need none. Theirs is checked by nobody but the record: a program's token counts only over a connection with
// the very certificate that was admitted with its key (RFC 8705 3), whoever signed it.
func TLS(own tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, ClientAuth: tls.RequestClientCert,
		NextProtos: []string{protocol},
	}
}

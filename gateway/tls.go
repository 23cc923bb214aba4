package gateway

import "crypto/tls"

// TLS returns how a gateway's listener speaks TLS under its own certificate. Clients are asked for a certificate
// and need none. Theirs is checked by nobody but the record: a program's token counts only over a connection with
// the very certificate that was admitted with its key (RFC 8705 3), whoever signed it.
func TLS(own tls.Certificate) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, ClientAuth: tls.RequestClientCert}
}

package client

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"github.com/sluicedata/sluice/catalog/name"
)

// SelfSigned makes a certificate over a key of one's own, in DER. Nobody vouches for it: a gateway knows it by its
// digest, which is offered with the key and compared by who admits it (RFC 8705 2.2). It has no other use, so it
// is made to last; what ends is the key.
func SelfSigned(key ed25519.PrivateKey, now time.Time) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("numbering certificate: %w", err)
	}
	template := x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "sluice program"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making certificate: %w", err)
	}
	return der, nil
}

// Bear makes the client come with a certificate (DER) over its own key: offers name it, connections present it.
func (c *Client) Bear(der []byte) *Client {
	c.certificate = der
	c.tls().Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: c.key}}
	return c
}

// Trust makes the client believe servers that these authorities vouch for, and no others.
func (c *Client) Trust(authorities *x509.CertPool) *Client {
	c.tls().RootCAs = authorities
	return c
}

// tls returns how the client speaks TLS, to be changed before the first call.
func (c *Client) tls() *tls.Config {
	t, ok := c.http.Transport.(*http.Transport)
	if !ok {
		return &tls.Config{MinVersion: tls.VersionTLS13}
	}
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS13}
	}
	return t.TLSClientConfig
}

// certificateName names a certificate as offers do.
func certificateName(der []byte) string {
	if len(der) == 0 {
		return ""
	}
	return string(name.DigestOf(der))
}

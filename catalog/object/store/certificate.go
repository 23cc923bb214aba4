package store

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicedata/sluice/catalog/object"
)

// endpoint is what the ready file will say.
type endpoint object.Endpoint

// endpoint chooses the address and the certificate, making one for this start when none is given.
func (c *Config) endpoint() (endpoint, error) {
	address, err := freeAddress(c.Addr)
	if err != nil {
		return endpoint{}, err
	}
	if c.CertFile == "" && c.KeyFile == "" {
		if err := c.makeCertificate(address); err != nil {
			return endpoint{}, fmt.Errorf("making certificate: %w", err)
		}
	}
	chain, err := os.ReadFile(c.CertFile)
	if err != nil {
		return endpoint{}, fmt.Errorf("reading certificate: %w", err)
	}
	block, _ := pem.Decode(chain)
	if block == nil {
		return endpoint{}, errors.New("reading certificate: not PEM")
	}
	sum := sha256.Sum256(block.Bytes)
	return endpoint{Address: address, Certificate: string(chain), Fingerprint: hex.EncodeToString(sum[:])}, nil
}

// write puts the ready file in place in one step: who finds it finds all of it. It names no secret, and
// other processes' uids read it.
func (e endpoint) write(path string) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding ready file: %w", err)
	}
	if err := os.WriteFile(path+".new", raw, 0o644); err != nil {
		return fmt.Errorf("writing ready file: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing ready file: %w", err)
	}
	return nil
}

// makeCertificate writes a self-signed certificate for one address into the run directory.
func (c *Config) makeCertificate(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := template(net.ParseIP(host), c.Now())
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	c.CertFile, c.KeyFile = filepath.Join(c.Run, "store.crt"), filepath.Join(c.Run, "store.key")
	if err := writePEM(c.KeyFile, "PRIVATE KEY", secret); err != nil {
		return err
	}
	return writePEM(c.CertFile, "CERTIFICATE", der)
}

// template lets the certificate begin an hour early, for a clock that is put right, and last longer than any
// process does.
func template(ip net.IP, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "sluice store"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(10, 0, 0),
		IPAddresses:           []net.IP{ip},
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
}

// writePEM makes the file anew, so that an older one's wider mode is not kept.
func writePEM(path, kind string, der []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

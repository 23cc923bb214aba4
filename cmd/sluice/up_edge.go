package main

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/gateway/session"
)

// Names of what the gateway is told in files of its secrets' folder.
const (
	tlsCertificateFile = "tls.crt"   // PEM, with the authorities between it and a root
	tlsKeyFile         = "tls.key"   // PEM
	providerFile       = "oidc.yaml" // session.ProviderConfig
	sessionKeyFile     = "session"   // seals second factors
)

// keepEdge copies what the gateway's door is made of to where only the gateway reads it, after checking it. A later
// start follows what was kept.
func (in *opened) keepEdge() error {
	o := in.options
	if o.TLSCertificateFile != "" {
		if _, err := tls.LoadX509KeyPair(o.TLSCertificateFile, o.TLSKeyFile); err != nil {
			return failed("up.tls_pair", "certificate", o.TLSCertificateFile, "key", o.TLSKeyFile).because(err)
		}
	}
	if o.OIDCFile != "" {
		if _, err := readProvider(o.OIDCFile); err != nil {
			return err
		}
	}
	for name, path := range map[string]string{tlsCertificateFile: o.TLSCertificateFile, tlsKeyFile: o.TLSKeyFile, providerFile: o.OIDCFile} {
		if path == "" {
			continue
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return failed("file.unreadable", "path", path).because(err)
		}
		if err := in.KeepSecret(in.users, "serve", name, body); err != nil {
			return err
		}
	}
	return nil
}

// readProvider reads which OpenID provider people may prove themselves at. Unknown keys are refused.
func readProvider(path string) (*session.ProviderConfig, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, failed("up.provider", "path", path).because(err)
	}
	var c session.ProviderConfig
	d := yaml.NewDecoder(bytes.NewReader(body))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return nil, failed("up.provider", "path", path).because(err)
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil || issuer.Scheme != "https" && issuer.Hostname() != "127.0.0.1" || c.ClientID == "" {
		return nil, failed("up.provider_needs", "path", path)
	}
	return &c, nil
}

// door is what the gateway finds in its secrets: how it speaks TLS, who vouches for people, what seals factors.
type door struct {
	certificate *tls.Certificate        // nil: plain HTTP, on loopback or behind a proxy
	provider    *session.ProviderConfig // nil: only keys count
	factorKey   []byte
}

func (in surroundings) door() (d door, err error) {
	kept := func(name string) (string, bool) {
		path := filepath.Join(in.secrets, name)
		_, err := os.Stat(path)
		return path, !errors.Is(err, fs.ErrNotExist)
	}
	if path, ok := kept(tlsCertificateFile); ok {
		pair, err := tls.LoadX509KeyPair(path, filepath.Join(in.secrets, tlsKeyFile))
		if err != nil {
			return d, failed("up.tls_pair", "certificate", path, "key", filepath.Join(in.secrets, tlsKeyFile)).because(err)
		}
		d.certificate = &pair
	}
	if path, ok := kept(providerFile); ok {
		if d.provider, err = readProvider(path); err != nil {
			return d, err
		}
	}
	d.factorKey, err = in.factorKey()
	return d, err
}

// factorKey reads what seals second factors.
func (in surroundings) factorKey() ([]byte, error) {
	secret, err := instance.ReadSecret(filepath.Join(in.secrets, sessionKeyFile))
	if err != nil {
		return nil, err
	}
	key, err := base64.RawURLEncoding.DecodeString(secret)
	if err != nil || len(key) != catalog.FactorKeySize {
		return nil, failed("up.session_key", "path", filepath.Join(in.secrets, sessionKeyFile))
	}
	return key, nil
}

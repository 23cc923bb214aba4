package object

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/sluicedata/sluice/catalog/fault"
)

// Region is the region a store is asked in; a store of our own has no other.
const Region = "us-east-1"

// MaxSize is the most plaintext one object holds, in bytes: S3 takes 5 GiB in one put, and objects are put in
// one, because parts overwrite what write-once protects.
const MaxSize = 5<<30 - 16<<20

// Endpoint says where a store listens and how to know it. A store of our own writes it to its ready file.
type Endpoint struct {
	Address     string `json:"address"`     // host:port
	Certificate string `json:"certificate"` // PEM: what the server's certificate must chain to; empty: system roots
	Fingerprint string `json:"fingerprint"` // hex SHA-256 of the certificate's DER, for people
}

// ReadEndpoint reads a ready file.
func ReadEndpoint(path string) (Endpoint, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Endpoint{}, fmt.Errorf("reading store endpoint: %w", err)
	}
	var e Endpoint
	if err := json.Unmarshal(raw, &e); err != nil {
		return Endpoint{}, fmt.Errorf("reading store endpoint: %w", err)
	}
	return e, nil
}

// Config is what a Store is opened with.
type Config struct {
	Endpoint Endpoint
	Account  Account // access key; another store may name it otherwise
	Secret   string
	Region   string // empty: Region
	Prefix   string // before each bucket's name, where bucket names are shared with strangers
	// Spool is an existing directory of this process alone. Objects wait there as ciphertext.
	Spool string
	// Observe, when set, is told of every call.
	Observe *Observer
}

// Store reads and writes objects under one credential. It is safe for concurrent use.
type Store struct {
	client *minio.Client
	prefix string
	spool  string
	mark   map[string]string // metadata of every object that is put; see By
}

// Open prepares a store. It does not connect: the first use does.
func Open(cfg Config) (*Store, error) {
	transport, err := minio.DefaultTransport(true)
	if err != nil {
		return nil, fmt.Errorf("preparing transport: %w", err)
	}
	if err := trust(transport, cfg.Endpoint.Certificate); err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		cfg.Region = Region
	}
	var through http.RoundTripper = reachable{transport}
	if cfg.Observe != nil {
		through = observed{through, *cfg.Observe}
	}
	client, err := minio.New(cfg.Endpoint.Address, &minio.Options{
		Creds:           credentials.NewStaticV4(string(cfg.Account), cfg.Secret, ""),
		Secure:          true,
		Transport:       through,
		Region:          cfg.Region,
		BucketLookup:    minio.BucketLookupPath,
		TrailingHeaders: true,
	})
	if err != nil {
		return nil, fmt.Errorf("opening store: %w", err)
	}
	return &Store{client: client, prefix: cfg.Prefix, spool: cfg.Spool}, nil
}

// trust makes the certificate the only root a connection is verified with. The proxy of the environment is
// never asked: the store is ours or named by its address.
func trust(t *http.Transport, pem string) error {
	t.Proxy = nil
	if pem == "" {
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(pem)) {
		return errors.New("reading store certificate: not a certificate")
	}
	t.TLSClientConfig.RootCAs = pool
	return nil
}

// Ready asks the store for anything at all and says whether it answered under this credential.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.client.StatObject(ctx, s.bucket(Trace), "checkpoint", minio.StatObjectOptions{})
	if err = outcome(err); errors.Is(err, ErrAbsent) || errors.Is(err, ErrForbidden) {
		return nil
	}
	return err
}

func (s *Store) bucket(b Bucket) string { return s.prefix + string(b) }

// outcome turns the store's answer into this package's errors. A wrong secret, an unknown account and a
// missing right are all ErrForbidden. A store that fails, or whose answer breaks off, is one that is away.
func outcome(err error) error {
	if err == nil {
		return nil
	}
	r := minio.ToErrorResponse(err)
	if r.StatusCode >= http.StatusInternalServerError || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &fault.Error{Kind: fault.Unavailable, Code: "store.unavailable", Cause: err}
	}
	switch r.StatusCode {
	case http.StatusNotFound:
		return ErrAbsent
	case http.StatusForbidden, http.StatusUnauthorized:
		return fmt.Errorf("%w (%s)", ErrForbidden, r.Code)
	case http.StatusPreconditionFailed, http.StatusConflict:
		return ErrChanged
	default:
		return err
	}
}

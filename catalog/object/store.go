package object

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
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

// Endpoint says where a store listens and how to know it. A store of our own listens on a Unix socket, and is known
// by its place in a folder of its own; it writes its endpoint to its ready file. Any other is spoken to over TLS.
type Endpoint struct {
	Socket      string `json:"socket,omitempty"`      // absolute path; the two others are empty then
	Address     string `json:"address,omitempty"`     // host:port
	Certificate string `json:"certificate,omitempty"` // PEM: what the server's certificate must chain to; empty: system roots
}

// host is what requests are addressed and signed to.
func (e Endpoint) host() string {
	if e.Socket != "" {
		return "store"
	}
	return e.Address
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
	transport, err := cfg.Endpoint.Transport()
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		cfg.Region = Region
	}
	var through http.RoundTripper = transport
	if cfg.Observe != nil {
		through = observed{through, *cfg.Observe}
	}
	client, err := minio.New(cfg.Endpoint.host(), &minio.Options{
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

// Transport speaks to the store. The proxy of the environment is never asked: the store is ours or named by its
// address. The certificate is the only root a connection over TLS is verified with.
//
// A socket is what TLS would be for its clients, secret and authentic, without two ciphers over every byte. They
// are told that it is: without TLS minio-go hashes each chunk to sign it, and leaves out trailing checksums.
func (e Endpoint) Transport() (*http.Transport, error) {
	t, err := minio.DefaultTransport(true)
	if err != nil {
		return nil, fmt.Errorf("preparing transport: %w", err)
	}
	t.Proxy = nil

	if e.Socket != "" {
		t.DialTLSContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial(ctx, e.Socket)
		}
	}
	if e.Certificate == "" {
		return t, nil
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(e.Certificate)) {
		return nil, errors.New("reading store certificate: not a certificate")
	}
	return t, nil
}

// sendBuffer is what is sent through a socket at once and lies in it at most, in bytes. net/http sends 32 KiB, and the
// two processes wake each other for each.
const sendBuffer = 256 << 10

// bulk is a connection over a socket that sends bodies in few writes.
type bulk struct{ *net.UnixConn }

func dial(ctx context.Context, socket string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialUnix(ctx, "unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := conn.SetWriteBuffer(sendBuffer); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return bulk{conn}, nil
}

// ReadFrom implements io.ReaderFrom.
func (b bulk) ReadFrom(r io.Reader) (int64, error) {
	w := bufio.NewWriterSize(b.UnixConn, sendBuffer)
	n, err := w.ReadFrom(r)
	if err == nil {
		err = w.Flush()
	}
	return n, err
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
	if r.StatusCode >= http.StatusInternalServerError || away(err) {
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

// away tells whether an error is of the way to the store and not the store's answer. One of the caller's own context is
// neither.
func away(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var way net.Error
	return errors.As(err, &way) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// arriving is an object's body: one that breaks off is a store that is away.
type arriving struct{ io.ReadCloser }

// Read implements io.Reader.
func (a arriving) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = outcome(err)
	}
	return n, err
}

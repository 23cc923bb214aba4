package object_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	mathbig "math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/objecttest"
)

// raw is a client without our store's manners.
func raw(t testing.TB, server *objecttest.Server, a object.Account, secret string) *minio.Client {
	t.Helper()
	transport, err := server.Endpoint.Transport()
	if err != nil {
		t.Fatal(err)
	}
	c, err := minio.New("store", &minio.Options{
		Creds: credentials.NewStaticV4(string(a), secret, ""), Secure: true, Transport: transport,
		Region: object.Region, BucketLookup: minio.BucketLookupPath, TrailingHeaders: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// may tells what the access table says.
func may(b object.Bucket, a object.Account, r object.Right) bool {
	return slices.ContainsFunc(object.Access(), func(g object.Grant) bool {
		return g.Bucket == b && g.Account == a && slices.Contains(g.Rights, r)
	})
}

// Every account tries every right in every bucket: the store allows what the table names and nothing else.
func TestAccess(t *testing.T) {
	server := objecttest.Start(t)
	for _, b := range object.Buckets() {
		for _, a := range object.Accounts() {
			s := server.Open(t, a)
			key := newKey(t)
			var ref object.Ref
			tries := map[object.Right]func() error{
				object.Write: func() (err error) {
					_, err = s.Put(t.Context(), b, key, bytes.NewReader([]byte("x")))
					return err
				},
				object.Read:   func() error { return s.Get(t.Context(), ref, key, io.Discard) },
				object.Delete: func() error { return s.Delete(t.Context(), ref) },
				object.List: func() error {
					for _, err := range s.List(t.Context(), b) {
						return err
					}
					return nil
				},
			}
			for _, right := range []object.Right{object.Write, object.Read, object.List, object.Delete} {
				if right != object.Write {
					ref = seed(t, server, b, key)
				}
				err := tries[right]()
				if may(b, a, right) && err != nil {
					t.Errorf("%s may %s in %s, got %v", a, right, b, err)
				}
				if !may(b, a, right) && !errors.Is(err, object.ErrForbidden) {
					t.Errorf("%s may not %s in %s, got %v, want ErrForbidden", a, right, b, err)
				}
			}
		}
	}
}

// seed puts an object by whoever may write the bucket.
func seed(t testing.TB, server *objecttest.Server, b object.Bucket, key object.DataKey) object.Ref {
	t.Helper()
	for _, a := range object.Accounts() {
		if may(b, a, object.Write) {
			return put(t, server.Open(t, a), b, key, []byte("seed"))
		}
	}
	t.Fatalf("nobody writes %s", b)
	return object.Ref{}
}

// The table itself says what design asks: these rows are never to appear.
func TestAccessTableForbids(t *testing.T) {
	for _, g := range []struct {
		b object.Bucket
		a object.Account
		r object.Right
	}{
		{object.Data, object.Serve, object.Read},
		{object.Intake, object.Serve, object.Read},
		{object.Release, object.Worker, object.Write},
		{object.Release, object.Worker, object.Read},
		{object.Trace, object.Worker, object.Write},
		{object.Trace, object.Serve, object.Write},
		{object.Release, object.Serve, object.Write},
		{object.Trace, object.Keeper, object.Delete},
		{object.Release, object.Keeper, object.Delete},
	} {
		if may(g.b, g.a, g.r) {
			t.Errorf("%s may %s in %s", g.a, g.r, g.b)
		}
	}
}

func TestStrangersAreRefused(t *testing.T) {
	server := objecttest.Start(t)
	for what, cfg := range map[string]object.Config{
		"wrong secret":    {Account: object.Worker, Secret: server.Secrets[object.Keeper]},
		"unknown account": {Account: "root", Secret: server.Secrets[object.Keeper]},
		"no credential":   {},
	} {
		cfg.Endpoint, cfg.Spool = server.Endpoint, t.TempDir()
		s, err := object.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Put(t.Context(), object.Data, newKey(t), bytes.NewReader([]byte("x")))
		if !errors.Is(err, object.ErrForbidden) {
			t.Errorf("%s: got %v, want ErrForbidden", what, err)
		}
	}
}

// A store that is reached over TLS is spoken to only when its certificate chains to what its endpoint says.
func TestCertificateIsPinned(t *testing.T) {
	foreign := httptest.NewTLSServer(http.NotFoundHandler())
	defer foreign.Close()
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: foreign.Certificate().Raw})
	var unknown x509.UnknownAuthorityError
	for what, c := range map[string]struct {
		certificate string
		trusted     bool
	}{
		"its own":          {string(own), true},
		"another's":        {string(otherCertificate(t)), false},
		"the system's own": {"", false},
	} {
		end := object.Endpoint{Address: foreign.Listener.Addr().String(), Certificate: c.certificate}
		s, err := object.Open(object.Config{Endpoint: end, Account: object.Worker, Secret: "secret", Spool: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		switch err := s.Ready(t.Context()); {
		case c.trusted && err != nil:
			t.Errorf("%s: got %v", what, err)
		case !c.trusted && !errors.As(err, &unknown):
			t.Errorf("%s: got %v, want an unknown authority", what, err)
		}
	}
}

// otherCertificate is a certificate of the same form as the foreign store's, by another key.
func otherCertificate(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: mathbig.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// Overwriting is refused by the server, not by our client's manners.
func TestWriteOnceIsTheServersRule(t *testing.T) {
	server := objecttest.Start(t)
	key := newKey(t)
	ref := seed(t, server, object.Data, key)
	path := fmt.Sprintf("%s/%s", ref.Key, name.Digest(ref.Digest).Hex())
	c := raw(t, server, object.Worker, server.Secrets[object.Worker])
	junk := bytes.Repeat([]byte("junk"), 5<<20)
	match := minio.PutObjectOptions{DisableMultipart: true}
	match.SetMatchETag("*")
	info, err := c.StatObject(t.Context(), "data", path, minio.StatObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	etag := minio.PutObjectOptions{DisableMultipart: true}
	etag.SetMatchETag(info.ETag)
	except := minio.PutObjectOptions{DisableMultipart: true}
	except.SetMatchETagExcept("0123")
	for what, opts := range map[string]minio.PutObjectOptions{
		"plain":            {DisableMultipart: true},
		"multipart":        {},
		"if-match any":     match,
		"if-match etag":    etag,
		"if-none-match id": except,
	} {
		_, err := c.PutObject(t.Context(), "data", path, bytes.NewReader(junk), int64(len(junk)), opts)
		if code := minio.ToErrorResponse(err).StatusCode; code != http.StatusForbidden {
			t.Errorf("%s: got %v, want 403", what, err)
		}
	}
	_, err = c.CopyObject(t.Context(), minio.CopyDestOptions{Bucket: "data", Object: path}, minio.CopySrcOptions{Bucket: "data", Object: path})
	if err == nil {
		t.Error("copy over itself passed")
	}
	if got, err := get(server.Open(t, object.Worker), t, ref, key); err != nil || string(got) != "seed" {
		t.Fatalf("object after all that: %q, %v", got, err)
	}
}

// No account changes what accounts may do.
func TestNobodyAdministers(t *testing.T) {
	server := objecttest.Start(t)
	open := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*",` +
		`"Resource":["arn:aws:s3:::data","arn:aws:s3:::data/*"]}]}`
	for _, a := range object.Accounts() {
		c := raw(t, server, a, server.Secrets[a])
		if err := c.SetBucketPolicy(t.Context(), "data", open); err == nil {
			t.Errorf("%s set a policy", a)
		}
		if err := c.MakeBucket(t.Context(), "another-bucket", minio.MakeBucketOptions{}); err == nil {
			t.Errorf("%s made a bucket", a)
		}
		if err := c.RemoveBucket(t.Context(), "trace"); err == nil {
			t.Errorf("%s removed a bucket", a)
		}
	}
}

func TestPlain(t *testing.T) {
	server := objecttest.Start(t)
	keeper, reader := server.Open(t, object.Keeper).Plain(), server.Open(t, object.Serve).Plain()
	ctx := t.Context()
	if _, _, err := reader.Get(ctx, "tile/0/000"); !errors.Is(err, object.ErrAbsent) {
		t.Fatalf("empty log: got %v, want ErrAbsent", err)
	}
	for range 2 {
		if err := keeper.Create(ctx, "tile/0/000.p/5", []byte("five")); err != nil {
			t.Fatal(err)
		}
	}
	if err := keeper.Create(ctx, "tile/0/000", []byte("full")); err != nil {
		t.Fatal(err)
	}
	if err := keeper.Create(ctx, "tile/0/000", []byte("other")); !errors.Is(err, object.ErrChanged) {
		t.Fatalf("other bytes: got %v, want ErrChanged", err)
	}
	tag, err := keeper.Replace(ctx, "checkpoint", []byte("one"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, seen, err := keeper.Get(ctx, "checkpoint"); err != nil || seen != tag {
		t.Fatalf("tag when written %q, when read %q, %v", tag, seen, err)
	}
	next, err := keeper.Replace(ctx, "checkpoint", []byte("two"), tag)
	if err != nil || next == tag {
		t.Fatalf("replacing: tag %q, %v", next, err)
	}
	for _, stale := range []string{tag, ""} {
		if _, err := keeper.Replace(ctx, "checkpoint", []byte("fork"), stale); !errors.Is(err, object.ErrChanged) {
			t.Fatalf("stale tag %q: got %v, want ErrChanged", stale, err)
		}
	}
	_, full, err := keeper.Get(ctx, "tile/0/000")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keeper.Replace(ctx, "tile/0/000", []byte("fork"), full); !errors.Is(err, object.ErrForbidden) {
		t.Fatalf("replacing a tile: got %v, want ErrForbidden", err)
	}
	if err := reader.Create(ctx, "tile/0/001", nil); !errors.Is(err, object.ErrForbidden) {
		t.Fatalf("reader writes: got %v, want ErrForbidden", err)
	}
	if got, _, err := reader.Get(ctx, "checkpoint"); err != nil || string(got) != "two" {
		t.Fatalf("checkpoint: %q, %v", got, err)
	}
	for _, bad := range []string{"", "/x", "../x", "a/../b", "x//y", "Ä", "x y", ".hidden"} {
		if _, _, err := reader.Get(ctx, bad); !errors.Is(err, object.ErrPath) {
			t.Errorf("path %q: got %v, want ErrPath", bad, err)
		}
	}
}

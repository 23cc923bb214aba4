// Package gatewaytest starts a whole instance for a test but for the sandbox: a gateway over a real database and
// a real store, and a keeper beside it, each under its own role and credential. Everything goes with the test.
//
// The store is a child of the test binary: a package that uses it hands its TestMain over (objecttest.Main).
package gatewaytest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/keeper"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/object/objecttest"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/passkey"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/ruleset"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/session"
	"github.com/sluicedata/sluice/policy/access"
	"github.com/sluicedata/sluice/policy/bundle"
)

// Platform is the number of the platform's own organization.
const Platform = "ORG-0001"

// PasskeyOrigin is the address at which passkeys count here. It need not be where the gateway listens: a browser says
// where it is, and here a test is the browser.
const PasskeyOrigin = "http://localhost:8443" //nolint:gosec // an address, no credential

// Instance is a running instance.
type Instance struct {
	URL     string
	DB      pgtest.Database
	Owner   *postgres.DB // for what a test puts into the record itself
	Store   *objecttest.Server
	Root    ed25519.PublicKey // the offline root
	Trust   []byte            // trust.json
	Admin   *client.Client    // the platform's first administrator
	Catalog *catalog.Catalog  // the gateway's
	Gateway *postgres.DB      // the gateway's connections
	Log     *Lines            // what gateway and keeper log
	Handler http.Handler      // the gateway's, for a request that ends as no client of ours can make it
	// Authorities vouch for the gateway's certificate; nil: it speaks plain HTTP.
	Authorities *x509.CertPool

	ahead atomic.Int64 // how far the gateway's clock is ahead, in nanoseconds
	rest  func()       // ends the keeper
}

// Start starts an instance.
func Start(t testing.TB) *Instance {
	t.Helper()
	return start(t, nil, nil)
}

// StartWith starts an instance whose people may prove themselves at a provider too.
func StartWith(t testing.TB, provider *session.ProviderConfig) *Instance {
	t.Helper()
	return start(t, nil, provider)
}

// StartTLS starts an instance whose gateway speaks TLS as gateway.TLS says.
func StartTLS(t testing.TB) *Instance {
	t.Helper()
	conf := gateway.TLS(tls.Certificate{})
	conf.Certificates = nil // the test server brings its own
	return start(t, conf, nil)
}

func start(t testing.TB, conf *tls.Config, provider *session.ProviderConfig) *Instance {
	t.Helper()
	i := &Instance{DB: pgtest.New(t), Store: objecttest.Start(t), Log: &Lines{}}
	i.Owner = pgtest.Open(t, i.DB.Owner)
	keys := i.begin(t)
	i.keep(t, keys)
	i.Gateway = pgtest.Open(t, i.DB.Serve)
	i.Catalog = i.open(t, i.Gateway, object.Serve)
	server := httptest.NewUnstartedServer(nil)
	i.URL = "http://" + server.Listener.Addr().String()
	if conf != nil {
		i.URL = "https://" + server.Listener.Addr().String()
	}
	i.Handler = gateway.New(gateway.Config{
		Catalog: i.Catalog, BaseURL: i.URL, Log: slog.New(slog.NewJSONHandler(i.Log, nil)), Now: i.Now,
		Limits:   limits(t),
		Provider: provider,
	})
	server.Config = gateway.NewServer(i.Handler)
	t.Cleanup(server.Close)
	if server.TLS = conf; conf == nil {
		server.Start()
	} else {
		server.StartTLS()
		i.Authorities = x509.NewCertPool()
		i.Authorities.AddCert(server.Certificate())
	}
	i.Admin = i.Client(keys.admin)
	return i
}

// Client opens a client that trusts the gateway.
func (i *Instance) Client(key ed25519.PrivateKey) *client.Client {
	c := client.New(i.URL, key)
	if i.Authorities != nil {
		c.Trust(i.Authorities)
	}
	return c
}

// Now is the gateway's clock.
func (i *Instance) Now() time.Time { return time.Now().Add(time.Duration(i.ahead.Load())) }

// Pass lets time pass for the gateway.
func (i *Instance) Pass(d time.Duration) { i.ahead.Add(int64(d)) }

// keys are what the first start makes.
type keys struct {
	admin       ed25519.PrivateKey
	wrap        keyring.Key
	certificate keyring.Key
	checkpoint  keyring.Key
	origin      string
}

// begin does what a first start does: root and keeper keys, trust.json, and one administrator.
func (i *Instance) begin(t testing.TB) keys {
	t.Helper()
	dir := t.TempDir()
	made := func(p keyring.Purpose) keyring.Key {
		k, err := keyring.Create(filepath.Join(dir, string(p)+".key"), p)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	k := keys{wrap: made(keyring.Wrap), certificate: made(keyring.Certificate), checkpoint: made(keyring.Checkpoint), origin: "test/trace"}
	root := made(keyring.Root)
	i.Root = root.Public()
	signing, err := root.Signing()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	doc := trust.Document{Format: trust.Format, Origin: k.origin, Serial: 1, Issued: now}
	for _, key := range []keyring.Key{k.wrap, k.certificate, k.checkpoint} {
		doc.Keys = append(doc.Keys, trusted(key, now))
	}
	document, err := doc.Sign(signing)
	if err != nil {
		t.Fatal(err)
	}
	i.Trust = document
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k.admin = private
	err = i.Owner.InTx(context.Background(), func(tx *postgres.Tx) error {
		return found(tx, public, now, map[string]any{catalog.WrapSetting: k.wrap.Public(), catalog.TrustSetting: json.RawMessage(document)})
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func trusted(key keyring.Key, now time.Time) trust.Key {
	p, alg := trust.Purpose(key.Purpose()), trust.Ed25519
	if p == trust.Wrap {
		alg = trust.X25519
	}
	return trust.Key{
		ID: trust.KeyID(p, key.Public()), Purpose: p, Alg: alg, Public: key.Public(), NotBefore: now, NotAfter: now.AddDate(1, 0, 0),
	}
}

// found writes the platform, its administrator and the public facts.
func found(tx *postgres.Tx, key ed25519.PublicKey, now time.Time, settings map[string]any) error {
	ctx := context.Background()
	if _, err := tx.NextNumber(ctx, string(name.Organization), 0); err != nil {
		return err
	}
	home := postgres.Org{ID: name.NewID().String(), Number: Platform, Name: "Sluice", CreatedAt: now}
	if err := tx.InsertOrg(ctx, home); err != nil {
		return err
	}
	if err := tx.InsertCapacity(ctx, home.ID, string(org.Platform), "first start", now); err != nil {
		return err
	}
	admin := postgres.Member{
		ID: name.NewID().String(), Org: home.ID, Login: "admin", Name: "Administrator",
		Roles: org.RoleNames([]org.Role{org.OrgAdmin, org.SystemAdmin}), State: string(org.Active), CreatedAt: now,
	}
	if err := tx.InsertMember(ctx, admin); err != nil {
		return err
	}
	for name, value := range settings {
		encoded, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if err := tx.PutSetting(ctx, name, encoded); err != nil {
			return err
		}
	}
	expires := now.AddDate(1, 0, 0)
	return tx.InsertKey(ctx, postgres.MemberKey{
		ID: name.NewID().String(), Fingerprint: org.Fingerprint(key), Member: admin.ID, PublicKey: key,
		State: string(org.Admitted), OfferedAt: now, AdmittedAt: &now, AdmittedBy: &admin.ID, ExpiresAt: &expires,
	})
}

// open opens the catalog under a process's role and credential.
func (i *Instance) open(t testing.TB, db *postgres.DB, account object.Account) *catalog.Catalog {
	t.Helper()
	rules, err := ruleset.Default()
	if err != nil {
		t.Fatal(err)
	}
	days, err := calendar.Default()
	if err != nil {
		t.Fatal(err)
	}
	policy, err := bundle.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	site, err := passkey.NewSite(PasskeyOrigin)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := catalog.New(context.Background(), catalog.Config{
		DB: db, Store: i.Store.Open(t, account), Policy: policy, Rules: rules, Calendar: days,
		Now: i.Now, Rand: rand.Reader, PersonKey: make([]byte, 32), FactorKey: make([]byte, catalog.FactorKeySize), Passkeys: site,
	})
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// Settled waits until every entry is sequenced: one that is on its way is in no reading of the trace.
func (i *Instance) Settled(t testing.TB) {
	t.Helper()
	for left := 1; left > 0; {
		if err := i.Owner.InTx(context.Background(), func(tx *postgres.Tx) error {
			batch, err := tx.PendingBatch(context.Background(), 1)
			left = len(batch)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// Rest ends the keeper, for what measures the path of a request alone. It returns once the keeper has stopped.
func (i *Instance) Rest() { i.rest() }

// keep runs the keeper until the test ends, or Rest.
func (i *Instance) keep(t testing.TB, k keys) {
	t.Helper()
	signing, err := k.checkpoint.Signing()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := trace.NewSigner(k.origin, signing)
	if err != nil {
		t.Fatal(err)
	}
	db := pgtest.Open(t, i.DB.Keeper)
	keeping := &keeper.Keeper{
		Catalog: i.open(t, db, object.Keeper), DB: db, Log: slog.New(slog.NewJSONHandler(i.Log, nil)),
		Keys:      keeper.Keys{Wrap: k.wrap, Certificate: k.certificate},
		Sequencer: trace.NewSequencer(tilestore.NewS3(i.Store.Open(t, object.Keeper)), signer), Origin: k.origin,
		Pause: 200 * time.Millisecond, Now: i.Now,
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- keeping.Serve(ctx) }()
	i.rest = sync.OnceFunc(func() {
		stop()
		<-ended //nolint:errcheck // it was told to end
	})
	t.Cleanup(i.rest)
}

// Org adds an organization with capacities and returns its number.
func (i *Instance) Org(t testing.TB, title string, capacities ...org.Capacity) string {
	t.Helper()
	home, err := i.Admin.Orgs.Create(context.Background(), org.Spec{Name: title})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range capacities {
		spec := org.CapacitySpec{Capacity: c, Document: "a document"}
		if _, err := i.Admin.Orgs.GrantCapacity(context.Background(), home.Number, spec); err != nil {
			t.Fatal(err)
		}
	}
	return home.Number
}

// Person adds a person whose key was offered and admitted. by is the organization's administrator; the
// platform's admits the first one.
func (i *Instance) Person(t testing.TB, by *client.Client, home, login string, roles ...org.Role) *client.Client {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return i.Holder(t, by, home, login, key, roles...)
}

// Holder is Person with a key of the test's own.
func (i *Instance) Holder(t testing.TB, by *client.Client, home, login string, key ed25519.PrivateKey, roles ...org.Role) *client.Client {
	t.Helper()
	ctx := context.Background()
	c := i.Client(key)
	if _, err := by.Members.Invite(ctx, home, org.MemberSpec{Login: login, Name: login, Roles: roles}); err != nil {
		t.Fatalf("inviting %s: %v", login, err)
	}
	fingerprint, err := c.Keys.Offer(ctx, home, login)
	if err != nil {
		t.Fatalf("offering the key of %s: %v", login, err)
	}
	if _, err := by.Keys.Admit(ctx, fingerprint); err != nil {
		t.Fatalf("admitting the key of %s: %v", login, err)
	}
	return c
}

// Lines collects a log. It is safe for concurrent use.
type Lines struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (l *Lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	return len(b), nil
}

// String returns all that was logged.
func (l *Lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// limits are the usual ones, but for the one address a whole city of a test comes from. A benchmark asks faster than a
// person may: it has none.
func limits(t testing.TB) gateway.Limits {
	if _, fast := t.(*testing.B); fast {
		return gateway.Limits{}
	}
	l := gateway.DefaultLimits()
	l.Address = gateway.Share{PerSecond: 1000, AtOnce: 5000}
	return l
}

// Matrix is the permission matrix as it is shipped.
func Matrix(t testing.TB) *access.Matrix {
	t.Helper()
	read := func(file string) []byte {
		text, err := fs.ReadFile(access.Embedded(), file)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	m, err := access.Load(read(access.ModelFile), read(access.MatrixFile))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

package gateway_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/gateway/wire"
)

// program is a machine client with its certificate.
type program struct {
	person
	certificate []byte
}

// newProgram invites, certifies and admits a program, and returns it without a token.
func newProgram(t *testing.T, i *gatewaytest.Instance, by *client.Client, home, login string) *program {
	t.Helper()
	key := newKey(t)
	p := &program{person: person{key: key}, certificate: selfSigned(t, key)}
	ctx := context.Background()
	spec := org.MemberSpec{Login: login, Name: login, Roles: []org.Role{org.DataSteward}, Machine: true}
	if _, err := by.Members.Invite(ctx, home, spec); err != nil {
		t.Fatal(err)
	}
	own := i.Client(key).Bear(p.certificate)
	var err error
	if p.print, err = own.Keys.Offer(ctx, home, login); err != nil {
		t.Fatal(err)
	}
	admitted, err := by.Keys.Admit(ctx, p.print)
	if err != nil || admitted.Certificate == "" {
		t.Fatalf("admitting: %+v %v", admitted, err)
	}
	return p
}

func selfSigned(t *testing.T, key ed25519.PrivateKey) []byte {
	t.Helper()
	der, err := client.SelfSigned(key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// over sends a request over a connection of its own, with a certificate or none.
func over(t *testing.T, i *gatewaytest.Instance, r *http.Request, key ed25519.PrivateKey, certificate []byte) (int, []byte) {
	t.Helper()
	conf := &tls.Config{RootCAs: i.Authorities, MinVersion: tls.VersionTLS13}
	if certificate != nil {
		conf.Certificates = []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}
	}
	answer, err := (&http.Transport{DisableKeepAlives: true, TLSClientConfig: conf}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, body
}

// TestBoundTokens: a program's token counts only over a connection with the certificate admitted with its key
// (RFC 8705 3), and so does its assertion.
func TestBoundTokens(t *testing.T) {
	i := gatewaytest.StartTLS(t)
	ctx := context.Background()
	home := i.Org(t, "A department", org.DataProvider)
	boss := i.Person(t, i.Admin, home, "boss", org.OrgAdmin, org.DataSteward)
	p := newProgram(t, i, boss, home, "feeder")
	other := newProgram(t, i, boss, home, "other")

	own := i.Client(p.key).Bear(p.certificate)
	me, err := own.Whoami(ctx)
	if err != nil || me.Strength != "machine" || me.Method != "certificate" {
		t.Fatalf("%+v %v", me, err)
	}
	if _, err := own.Datasets.List(ctx); err != nil {
		t.Fatalf("a program reads: %v", err)
	}
	if _, err := own.Datasets.Declare(ctx, datasetSpec()); problemCode(err) != "session.machine" {
		t.Fatalf("a program declares: %v", err)
	}
	if _, err := i.Client(p.key).Whoami(ctx); err == nil {
		t.Fatal("a program's key without its certificate opened a session")
	}
	if _, err := i.Client(p.key).Bear(selfSigned(t, p.key)).Whoami(ctx); err == nil {
		t.Fatal("another certificate over the same key opened a session")
	}
	token, stranger := tokenOver(t, i, p), newKey(t)
	had := len(knocks(t, i))
	for name, tt := range map[string]struct {
		key         ed25519.PrivateKey
		certificate []byte
		want        int
	}{
		"its certificate":               {p.key, p.certificate, 200},
		"no certificate":                {nil, nil, 401},
		"another program's":             {other.key, other.certificate, 401},
		"another one over its own key":  {p.key, selfSigned(t, p.key), 401},
		"a certificate nobody ever saw": {stranger, selfSigned(t, stranger), 401},
	} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, i.URL+"/api/v1/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		if got, _ := over(t, i, r, tt.key, tt.certificate); got != tt.want {
			t.Errorf("%s: got %d", name, got)
		}
	}
	if found := knocks(t, i); len(found) != had+4 || found[len(found)-1]["answer"] != "certificate.other" {
		t.Errorf("traced %v", found[had:])
	}
}

// TestProgramsPublish: a department's program feeds a dataset over its certificate alone: it sends a file in chunks and publishes
// it as a version, which the trace holds as its own act. It declares, freezes and withdraws nothing.
func TestProgramsPublish(t *testing.T) {
	i := gatewaytest.StartTLS(t)
	ctx := t.Context()
	home := i.Org(t, "A department", org.DataProvider)
	boss := i.Person(t, i.Admin, home, "boss", org.OrgAdmin, org.DataSteward)
	if _, err := boss.Datasets.Declare(ctx, datasetSpec()); err != nil {
		t.Fatal(err)
	}
	p := newProgram(t, i, boss, home, "feeder")
	own := i.Client(p.key).Bear(p.certificate)
	file := bytes.NewReader(bytes.Repeat([]byte("resident"), int(i.Catalog.Uploads.ChunkBytes()/8)+1))
	sent, err := own.Uploads.Send(ctx, wire.UploadSpec{Dataset: theDataset}, file, func(int64) {})
	if err != nil || sent.State != "complete" {
		t.Fatalf("a program's file: %+v, %v", sent, err)
	}
	v, err := own.Datasets.Publish(ctx, theDataset, wire.Publication{Upload: sent.ID, Mode: dataset.Replace})
	if err != nil || v.State != "ingesting" || v.Number != 1 {
		t.Fatalf("a program's version: %+v, %v", v, err)
	}
	i.Settled(t)
	acts, err := boss.Trace.Query(ctx, trace.Filter{Who: "feeder", Act: "dataset.publish"})
	if err != nil || len(acts) != 1 {
		t.Fatalf("traced %v, %v", acts, err)
	}
	if _, err := own.Datasets.Freeze(ctx, theDataset); problemCode(err) != "session.machine" {
		t.Errorf("a program freezes: %v", err)
	}
	if _, err := own.Datasets.Withdraw(ctx, theDataset, 1); problemCode(err) != "session.machine" {
		t.Errorf("a program withdraws: %v", err)
	}
}

// tokenOver gets a program's token over its certificate.
func tokenOver(t *testing.T, i *gatewaytest.Instance, p *program) string {
	t.Helper()
	form := url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {p.assertion(t, i, nil)},
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, i.URL+"/api/v1/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body := over(t, i, r, p.key, p.certificate)
	var token wire.Token
	if err := json.Unmarshal(body, &token); err != nil || status != 200 {
		t.Fatalf("no token: %d %s", status, body)
	}
	return token.AccessToken
}

// TestProgramsNeedCertificates: a program's key without a certificate is not admitted, nor is one over plain HTTP
// ever let in; and a program has no role that decides.
func TestProgramsNeedCertificates(t *testing.T) {
	i := gatewaytest.Start(t)
	ctx := context.Background()
	home := i.Org(t, "A department", org.DataProvider)
	boss := i.Person(t, i.Admin, home, "boss", org.OrgAdmin)
	spec := org.MemberSpec{Login: "ruler", Name: "ruler", Roles: []org.Role{org.OrgAdmin}, Machine: true}
	if _, err := boss.Members.Invite(ctx, home, spec); problemCode(err) != "member.invalid" {
		t.Fatalf("a program administers: %v", err)
	}
	bare := newKey(t)
	spec = org.MemberSpec{Login: "bare", Name: "bare", Roles: []org.Role{org.DataSteward}, Machine: true}
	if _, err := boss.Members.Invite(ctx, home, spec); err != nil {
		t.Fatal(err)
	}
	print, err := i.Client(bare).Keys.Offer(ctx, home, "bare")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := boss.Keys.Admit(ctx, print); problemCode(err) != "key.invalid" {
		t.Fatalf("a program's key without a certificate: %v", err)
	}
	if _, err := boss.Members.SetRoles(ctx, home, "bare", []org.Role{org.OrgAdmin}); problemCode(err) != "member.invalid" {
		t.Fatalf("a program becomes an administrator: %v", err)
	}
	p := newProgram(t, i, boss, home, "feeder")
	if got := exchange(t, i, p.assertion(t, i, nil)); got.status != 401 {
		t.Fatalf("a program over plain HTTP: %d", got.status)
	}
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// problemCode is the code of a problem, "" of anything else.
func problemCode(err error) string {
	var p *client.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

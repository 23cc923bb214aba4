package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// city is a gateway with the people of the story, each with a profile file.
type city struct {
	*gatewaytest.Instance
	folder               string
	department, operator string
}

func newCity(t *testing.T) *city {
	t.Helper()
	c := &city{Instance: gatewaytest.Start(t), folder: t.TempDir()}
	c.department = c.Org(t, "A department", org.DataProvider, org.Registrant)
	agency := c.Org(t, "An agency", org.ImplementingAgency)
	c.operator = c.Org(t, "An operator", org.Operator)
	c.person(t, c.Admin, c.department, "steward", org.OrgAdmin, org.DataSteward)
	c.person(t, c.Admin, agency, "chief", org.OrgAdmin, org.Approver)
	director := c.person(t, c.Admin, c.operator, "director", org.OrgAdmin, org.Approver)
	c.person(t, director, c.operator, "developer", org.Developer)
	return c
}

// person adds a person and writes their profile.
func (c *city) person(t *testing.T, by *client.Client, home, login string, roles ...org.Role) *client.Client {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.NewProfile(c.URL, home, login, key).Save(filepath.Join(c.folder, login+".json")); err != nil {
		t.Fatal(err)
	}
	return c.Holder(t, by, home, login, key, roles...)
}

// busy stands before a gateway and is busy the first time somebody creates something. It keeps what was sent.
type busy struct {
	next http.Handler
	mu   sync.Mutex
	keys []string
}

func (b *busy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	first := false
	if r.Method == http.MethodPost {
		b.keys = append(b.keys, r.Header.Get("Idempotency-Key"))
		first = len(b.keys) == 1
	}
	b.mu.Unlock()
	if first {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	b.next.ServeHTTP(w, r)
}

// TestStory runs the client against a real gateway, record and store.
func TestStory(t *testing.T) {
	c := newCity(t)
	address, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	between := &busy{next: httputil.NewSingleHostReverseProxy(address)}
	server := httptest.NewServer(between)
	defer server.Close()
	got := python(t, ".", c.folder, "testdata/story.py", server.URL, c.operator, c.department)
	want := "who\ndeclared\npublished\nlisted\nnarrowed\nrefused\nunknown\nbad input\nlaw\ntrace\nprofile\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if len(between.keys) != 2 || between.keys[0] == "" || between.keys[0] != between.keys[1] {
		t.Errorf("sent again under another key: %q", between.keys)
	}
	if strings.Contains(c.Log.String(), "ERROR") {
		t.Errorf("the gateway failed: %s", c.Log.String())
	}
}

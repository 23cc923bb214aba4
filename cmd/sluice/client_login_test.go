package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/gateway/providertest"
	"github.com/sluicedata/sluice/gateway/wire"
)

// TestLoginInABrowser: `sluice login --oidc` waits on loopback for the browser, keeps the session where only its
// owner reads it, and the commands that follow use it.
func TestLoginInABrowser(t *testing.T) {
	p := providertest.New(t, "zhang")
	i := gatewaytest.StartWith(t, p.Config())
	p.Serve(i.URL + gateway.CallbackPath)
	home := i.Org(t, "An operator", org.Operator)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	boss := i.Holder(t, i.Admin, home, "boss", key, org.OrgAdmin)
	lead := filepath.Join(t.TempDir(), "boss.json")
	if err := client.NewProfile(i.URL, home, "boss", key).Save(lead); err != nil {
		t.Fatal(err)
	}
	if _, err := boss.Members.Invite(t.Context(), home, org.MemberSpec{Login: "zhang", Name: "Zhang", Roles: []org.Role{org.OrgAdmin}}); err != nil {
		t.Fatal(err)
	}
	profile := filepath.Join(t.TempDir(), "zhang.json")
	if code, _ := browserLogin(t, p, i.URL, profile, "--org", home, "--login", "zhang"); code != exitFailed {
		t.Fatalf("before admission: exit %d", code)
	}
	offered, err := boss.Identities.List(t.Context(), home)
	if err != nil || len(offered) != 1 {
		t.Fatalf("%v %v", offered, err)
	}
	ends(t, exitOK, "admitted", "identity", "admit", offered[0].ID, "--profile", lead)
	code, out := browserLogin(t, p, i.URL, profile)
	if code != exitOK || !strings.Contains(out, "basic, by oidc") {
		t.Fatalf("exit %d: %s", code, out)
	}
	ends(t, exitOK, "zhang", "member", "list", "--profile", profile)
	ends(t, exitRefused, "factor prove", "member", "invite", "lee", "--name", "Lee", "--role", "developer", "--profile", profile)
	ends(t, exitRefused, "", "identity", "admit", offered[0].ID, "--profile", profile)
	ends(t, exitRefused, "", "identity", "revoke", offered[0].ID, "--profile", profile)
	strengthen(t, lead, profile)
	ends(t, exitOK, "revoked", "identity", "revoke", offered[0].ID, "--profile", lead)
	ends(t, exitFailed, "log in again", "whoami", "--profile", profile)
}

// strengthen gives a person a second factor, with the code their administrator makes, and proves it.
func strengthen(t *testing.T, lead, profile string) {
	t.Helper()
	var made wire.EnrolCode
	answered(t, &made, "factor", "code", "zhang", "--profile", lead)
	var factor wire.FactorSecret
	answered(t, &factor, "factor", "enrol", "--code", made.Code, "--profile", profile)
	var recovery []string
	answered(t, &recovery, "factor", "confirm", providertest.OneTime(t, factor.Secret, time.Now()), "--profile", profile)
	if len(recovery) != 10 {
		t.Fatalf("recovery codes: %v", recovery)
	}
	ends(t, exitRefused, "factor.refused", "factor", "prove", "000000", "--profile", profile)
	ends(t, exitOK, "strong, by oidc", "factor", "prove", "--recovery", recovery[0], "--profile", profile)
	answered(t, &recovery, "factor", "renew", "--profile", profile)
	if len(recovery) != 10 {
		t.Fatalf("recovery codes made anew: %v", recovery)
	}
	ends(t, exitOK, "Lee", "member", "invite", "lee", "--name", "Lee", "--role", "developer", "--profile", profile)
}

// ends runs one command line that ends with a code and says something.
func ends(t *testing.T, code int, says string, args ...string) {
	t.Helper()
	if got, out := typed(t, args...); got != code || !strings.Contains(out, says) {
		t.Fatalf("%v: exit %d, want %d with %q: %s", args, got, code, says, out)
	}
}

// answered runs one command line and reads what it answers as JSON.
func answered(t *testing.T, v any, args ...string) {
	t.Helper()
	code, out := typed(t, append(args, "-o", "json")...)
	if code != exitOK || json.Unmarshal([]byte(out), v) != nil {
		t.Fatalf("%v: exit %d: %s", args, code, out)
	}
}

// typed runs one command line and returns all it says.
func typed(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := run(t.Context(), production(), args, strings.NewReader(""), &out, &out)
	return code, out.String()
}

// browserLogin runs the login command, opens the address it tells as a person would, and returns how it ended. A
// page that does not know the state comes first.
func browserLogin(t *testing.T, p *providertest.Provider, server, profile string, more ...string) (int, string) {
	t.Helper()
	told, tell := io.Pipe()
	var out bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		args := append([]string{"login", "--oidc", "--server", server, "--profile", profile}, more...)
		ended <- run(context.WithoutCancel(t.Context()), production(), args, strings.NewReader(""), &out, tell)
		_ = tell.Close() // the pipe's only error is that its reader is gone
	}()
	lines := bufio.NewScanner(told)
	for lines.Scan() {
		address := strings.TrimSpace(lines.Text())
		if !strings.HasPrefix(address, server) {
			continue
		}
		asked, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		stop := p.Browse(t, address, "zhang", asked.Query().Get("redirect"), nil)
		if open(t, "http://"+stop.Address.Host+"/done?state=guessed&code=x") != http.StatusBadRequest || open(t, stop.Address.String()) != http.StatusOK {
			t.Error("the program takes another page for its own")
		}
	}
	return <-ended, out.String()
}

func open(t *testing.T, address string) int {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

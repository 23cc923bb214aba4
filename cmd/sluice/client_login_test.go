package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/gateway/providertest"
)

// TestLoginInABrowser: `sluice login --oidc` waits on loopback for the browser, keeps the session where only its
// owner reads it, and the commands that follow use it.
func TestLoginInABrowser(t *testing.T) {
	p := providertest.New(t, "zhang")
	i := gatewaytest.StartWith(t, p.Config())
	p.Serve(i.URL + gateway.CallbackPath)
	home := i.Org(t, "An operator", org.Operator)
	boss := i.Person(t, i.Admin, home, "boss", org.OrgAdmin)
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
	if _, err := boss.Identities.Admit(t.Context(), offered[0].ID); err != nil {
		t.Fatal(err)
	}
	code, out := browserLogin(t, p, i.URL, profile)
	if code != exitOK || !strings.Contains(out, "basic, by oidc") {
		t.Fatalf("exit %d: %s", code, out)
	}
	if code, out := typed(t, "member", "list", "--profile", profile); code != exitOK || !strings.Contains(out, "zhang") {
		t.Fatalf("reading: exit %d: %s", code, out)
	}
	if code, out := typed(t, "member", "invite", "lee", "--name", "Lee", "--role", "developer", "--profile", profile); code != exitRefused || !strings.Contains(out, "factor prove") {
		t.Fatalf("deciding: exit %d: %s", code, out)
	}
	if _, err := boss.Identities.Revoke(t.Context(), offered[0].ID); err != nil {
		t.Fatal(err)
	}
	if code, out := typed(t, "whoami", "--profile", profile); code != exitFailed || !strings.Contains(out, "log in again") {
		t.Fatalf("revoked: exit %d: %s", code, out)
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

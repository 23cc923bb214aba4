package gateway_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// refused checks that a call failed with a status and a code.
func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != status || !p.Has(code) {
		t.Fatalf("got %v, want %d %s", err, status, code)
	}
}

// TestPeopleComeAndGo is the life of a person at the edge: invited, admitted by another, removed.
func TestPeopleComeAndGo(t *testing.T) {
	ctx := context.Background()
	i := gatewaytest.Start(t)
	home := i.Org(t, "A department", org.DataProvider)
	lead := i.Person(t, i.Admin, home, "lead", org.OrgAdmin, org.DataSteward)
	wei := i.Person(t, lead, home, "wei", org.DataSteward)

	me, err := wei.Whoami(ctx)
	if err != nil || me.Login != "wei" || me.Org != home || me.Member == "" {
		t.Fatalf("got %+v, %v", me, err)
	}
	if _, err := wei.Members.List(ctx, home); err == nil {
		t.Fatal("a steward listed the members")
	}
	if people, err := lead.Members.List(ctx, home); err != nil || len(people) != 2 {
		t.Fatalf("got %d people, %v", len(people), err)
	}
	if _, err := lead.Members.Remove(ctx, home, "wei"); err != nil {
		t.Fatal(err)
	}
	// The token in wei's hand ends with the membership, and a new one is not given.
	_, err = wei.Whoami(ctx)
	refused(t, err, 401, "oauth.invalid_client")
}

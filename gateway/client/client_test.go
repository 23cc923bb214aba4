package client_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// TestTraceIsVerifiedWithoutBelieving: what was done is in the log, each entry proves itself, the whole log
// verifies under the root key, and not under another.
func TestTraceIsVerifiedWithoutBelieving(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	i := gatewaytest.Start(t)
	auditor := i.Person(t, i.Admin, gatewaytest.Platform, "auditor", org.AuditAdmin)
	home := i.Org(t, "A department", org.DataProvider)
	entries := awaitEntries(ctx, t, auditor, trace.Filter{Act: "org.create", Decision: "allow"})
	proven, err := auditor.Trace.Prove(ctx, entries[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := client.CheckpointKeys(i.Trust, i.Root)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := trace.VerifyInclusion(proven.Proof, keys); err != nil {
		t.Fatalf("the proof of an entry: %v", err)
	}
	e := trace.Entry{ID: proven.Entry.ID, Time: proven.Entry.At, Salt: proven.Entry.Salt, Body: proven.Entry.Body}
	if _, err := trace.VerifyBodies(proven.Entry.Index, [][]byte{proven.Proof.Leaf}, []trace.Entry{e}); err != nil {
		t.Fatalf("the entry is not the one of its leaf: %v", err)
	}
	size, err := auditor.Trace.Verify(ctx, i.Trust, i.Root)
	if err != nil || size <= proven.Entry.Index {
		t.Fatalf("%d entries, %v", size, err)
	}
	if _, err := auditor.Trace.Verify(ctx, i.Trust, make(ed25519.PublicKey, ed25519.PublicKeySize)); err == nil {
		t.Fatal("the log verified under another root")
	}
	if _, err := auditor.Trace.Get(ctx, "tile/0/999"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a tile that is not there: %v", err)
	}
	// Others see their own part only.
	steward := i.Person(t, i.Admin, home, "steward", org.OrgAdmin, org.DataSteward)
	if _, err := steward.Trace.Prove(ctx, entries[0].ID); err == nil {
		t.Fatal("a department read the platform's entry")
	}
}

// awaitEntries waits until the keeper has put entries of a kind under a checkpoint.
func awaitEntries(ctx context.Context, t *testing.T, c *client.Client, f trace.Filter) []trace.View {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		entries, err := c.Trace.Query(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) > 0 {
			if _, err := c.Trace.Prove(ctx, entries[0].ID); err == nil {
				return entries
			}
		}
		select {
		case <-ctx.Done():
			t.Fatal("no entry came under a checkpoint")
		case <-tick.C:
		}
	}
}

// TestTokensAreRenewed: a token that ended is got anew without the caller noticing.
func TestTokensAreRenewed(t *testing.T) {
	ctx := context.Background()
	i := gatewaytest.Start(t)
	if _, err := i.Admin.Whoami(ctx); err != nil {
		t.Fatal(err)
	}
	i.Pass(30 * time.Second) // the assertion below is dated by the server's Date header, so far behind its clock
	if err := i.Owner.InTx(ctx, forgetTokens); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Admin.Whoami(ctx); err != nil {
		t.Fatalf("with an ended token: %v", err)
	}
}

// TestProblems: what the server refuses comes as a problem with its code, status and exit code.
func TestProblems(t *testing.T) {
	ctx := context.Background()
	i := gatewaytest.Start(t)
	home := i.Org(t, "An operator", org.Operator)
	boss := i.Person(t, i.Admin, home, "boss", org.OrgAdmin)
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		call func() error
		code string
		exit int
	}{
		"refused": {func() error { _, err := boss.Orgs.List(ctx); return err }, "access.not_permitted", client.ExitRefused},
		"unknown": {func() error { _, err := boss.Jobs.Show(ctx, "J-2026-0001"); return err }, "unknown", client.ExitUnknown},
		"invalid": {func() error {
			_, err := boss.Members.Invite(ctx, home, org.MemberSpec{Login: "!", Name: "x", Roles: []org.Role{org.Developer}})
			return err
		}, "login.invalid", client.ExitUsage},
		"nobody": {func() error { _, err := client.New(i.URL, stranger).Whoami(ctx); return err }, "oauth.invalid_client", client.ExitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			var p *client.Problem
			if err := tt.call(); !errors.As(err, &p) || !p.Has(tt.code) || p.ExitCode() != tt.exit {
				t.Fatalf("got %v", err)
			}
		})
	}
	_, err = boss.In("zh").Orgs.List(ctx)
	if err == nil || !strings.Contains(err.Error(), "角色") {
		t.Fatalf("not in Chinese: %v", err)
	}
}

// TestWaitingEndsWithItsContext: a wait is bounded by its context and says so.
func TestWaitingEndsWithItsContext(t *testing.T) {
	i := gatewaytest.Start(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := i.Admin.Jobs.Wait(ctx, "J-2026-0001"); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if err := client.Healthy(context.Background(), i.URL); err != nil {
		t.Fatal(err)
	}
}

// TestProfile: a profile is its owner's alone, is never overwritten, and keeps the key.
func TestProfile(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "folder", "profile.json")
	p := client.NewProfile("http://127.0.0.1:1", "ORG-0002", "wei", key)
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	if err := p.Save(path); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("overwritten: %v", err)
	}
	read, err := client.LoadProfile(path)
	if err != nil || read != p {
		t.Fatalf("got %+v, %v", read, err)
	}
	if k, err := read.PrivateKey(); err != nil || !k.Equal(key) {
		t.Fatalf("another key: %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := client.LoadProfile(path); !errors.Is(err, client.ErrProfileOpen) {
		t.Fatalf("an open profile: %v", err)
	}
}

package client_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/passkey"
	"github.com/sluicedata/sluice/catalog/passkey/passkeytest"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/browsertest"
	"github.com/sluicedata/sluice/gateway/client"
)

// page is the console's own check of a release or an entry, verify.js, before proofs of a test's choice in a real browser.
type page struct {
	tab    *browsertest.Tab
	url    string
	about  string            // what the page is about
	proofs any               // what the server tells of the object
	key    ed25519.PublicKey // the root's, as its reader has it from elsewhere
}

// shell is as much of the console's page of a kind as its script asks for.
const shell = `<!doctype html><title></title><script src="verify.js" defer></script>
<section data-verify="%s" data-about="%s" data-source="proofs.json"><p class="verdict"></p>%s<input name="root" value="%x">
<label>product <input type="file" name="product" onchange="document.title = 'attached'"></label><button data-run>again</button></section>`

// shown are the checks that the page of a kind shows.
func shown(kind string) string {
	var items strings.Builder
	for _, check := range map[string][]string{
		"release": {"signature", "votes", "intent", "path", "checkpoint", "trust", "recall", "bytes"},
		"entry":   {"body", "path", "checkpoint", "trust"},
	}[kind] {
		fmt.Fprintf(&items, `<p data-check="%s"><i class="mark"></i><i class="told"></i></p>`, check)
	}
	return items.String()
}

func newPage(t *testing.T) *page {
	t.Helper()
	script, err := os.ReadFile("../console/static/verify.js")
	if err != nil {
		t.Fatal(err)
	}
	p := &page{tab: browsertest.Start(t).Tab(t)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{kind}", func(w http.ResponseWriter, r *http.Request) {
		kind := r.PathValue("kind")
		fmt.Fprintf(w, shell, kind, p.about, shown(kind), []byte(p.key))
	})
	mux.HandleFunc("GET /verify.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		w.Write(script)
	})
	mux.HandleFunc("GET /proofs.json", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(p.proofs)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// verify has the browser verify a package with its product. failed names the checks that do not hold.
func (p *page) verify(t *testing.T, pkg release.Package, root ed25519.PublicKey) (holds bool, failed string) {
	t.Helper()
	p.key, p.about, p.proofs = root, "D-2026-0001", map[string]any{
		"certificate": pkg.Certificate, "proof": pkg.Proof, "trust": pkg.Trust, "votes": pkg.Votes, "recalls": []string{},
	}
	file := filepath.Join(t.TempDir(), "product.csv")
	if err := os.WriteFile(file, pkg.Product, 0o600); err != nil {
		t.Fatal(err)
	}
	p.tab.Open(p.url + "/release")
	p.tab.Attach("product", file)
	p.tab.Wait("the product", `document.title === 'attached'`)
	return p.verdict(t)
}

// verdict waits for what the page says. failed names the checks that do not hold.
func (p *page) verdict(t *testing.T) (holds bool, failed string) {
	t.Helper()
	p.tab.Wait("a verdict", `/^[✓✗]/.test(document.querySelector('.verdict').textContent)`)
	failed = p.tab.Tell(`[...document.querySelectorAll('[data-check].stop')].map(i => i.dataset.check).join()`)
	return p.tab.Tell(`document.querySelector('.verdict').className`) == "verdict ok", failed
}

// agrees holds the page to what the command line says of a package.
func (p *page) agrees(t *testing.T, what string, pkg release.Package, root ed25519.PublicKey) (err error) {
	t.Helper()
	err = client.VerifyRelease(pkg, root)
	if holds, failed := p.verify(t, pkg, root); holds != (err == nil) || holds != (failed == "") {
		t.Errorf("%s: the page says %t, failing %q; the command line says %v", what, holds, failed, err)
	}
	return err
}

// TestPasskeysVotes: votes that passkeys signed verify by the command line and in the page alike, and what a browser
// or an authenticator says otherwise than it must does in neither.
func TestPasskeysVotes(t *testing.T) {
	const product, origin, host = "plan,people\nfree,100\n", "https://sluice.example", "sluice.example"
	v, p := newVault(t), newPage(t)
	site, err := passkey.NewSite(origin)
	if err != nil {
		t.Fatal(err)
	}
	voteAs := func(as envelope.Type, seat output.Seat, change func(*passkeytest.Authenticator)) voted {
		a := passkeytest.New(t, origin, host)
		if change != nil {
			change(a)
		}
		said, err := site.Ask(as, v.approval(product, seat), []passkey.Credential{{ID: a.ID, Public: a.Public()}})
		if err != nil {
			t.Fatal(err)
		}
		sealed, _, err := passkey.Sealed(as, said.Payload, a.Get(t, said.Ask))
		if err != nil {
			t.Fatal(err)
		}
		sealed.Key = name.NewID().String()
		return voted{release.SignedVote{Envelope: sealed, PublicKey: a.Public(), Origin: origin}}
	}
	vote := func(seat output.Seat, change func(*passkeytest.Authenticator)) voted {
		return voteAs(output.VoteType, seat, change)
	}
	first := vote(output.OperatorSeat, nil)
	for what, c := range map[string]struct {
		second voted
		ok     bool
	}{
		"two":              {vote(output.AgencySeat, nil), true},
		"a synced one":     {vote(output.AgencySeat, func(a *passkeytest.Authenticator) { a.Flags |= passkeytest.Synced | 0x10 }), true},
		"one, and one key": {v.vote(t, product, output.AgencySeat, nil), true},
		"of another type":  {voteAs("application/vnd.sluice.note.v1+json", output.AgencySeat, nil), false},
		"not verified":     {vote(output.AgencySeat, func(a *passkeytest.Authenticator) { a.Flags = passkeytest.Present }), false},
		"not present":      {vote(output.AgencySeat, func(a *passkeytest.Authenticator) { a.Flags = passkeytest.Verified }), false},
		"backed up, alone": {vote(output.AgencySeat, func(a *passkeytest.Authenticator) { a.Flags |= 0x10 }), false},
		"another origin":   {vote(output.AgencySeat, func(a *passkeytest.Authenticator) { a.Origin = "https://else.example" }), false},
		"another host":     {vote(output.AgencySeat, func(a *passkeytest.Authenticator) { a.Host = "else.example" }), false},
		"an enrolment":     {vote(output.AgencySeat, func(a *passkeytest.Authenticator) { a.Type = "webauthn.create" }), false},
		"another's key":    {voted{release.SignedVote{Envelope: vote(output.AgencySeat, nil).Envelope, PublicKey: passkeytest.New(t, origin, host).Public(), Origin: origin}}, false},
	} {
		pkg := v.releaseOf(t, product, []voted{first, c.second})
		if err := p.agrees(t, what, pkg, public(v.root)); (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
	said := first.Envelope
	said.Payload = vote(output.OperatorSeat, nil).Envelope.Payload
	pkg := v.releaseOf(t, product, []voted{{release.SignedVote{Envelope: said, PublicKey: first.PublicKey, Origin: origin}}, vote(output.AgencySeat, nil)})
	if p.agrees(t, "another statement", pkg, public(v.root)) == nil {
		t.Error("a signature of another statement counts")
	}
}

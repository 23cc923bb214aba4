package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/client"
)

// phones has a phone open what is on the paper.
func (p *pass) phones(address string) {
	phone := p.chromium.Tab(p.t)
	phone.OnPhone()
	open := func(address string) {
		p.quiet(phone, "the phone") // before it forgets
		phone.Open(address)
	}
	open(p.base + "/console/public")
	p.reads(phone)
	open(address)
	phone.Sees("✓ " + p.say("verify.holds"))
	last := address[len(address)-1]
	open(p.base + "/console/public")
	open(address[:len(address)-1] + fmt.Sprintf("%x", (last+1)&0xf))
	phone.Sees("✗ " + p.say("verify.fails"))
	p.held(phone, "a paper that is forged")
	phone.OnPhone()
	open(p.base + "/console/public/products/" + p.released + "/proofs.json")
	if told := phone.Text(); !strings.Contains(told, "certificate") || strings.Contains(told, "public_key") {
		p.t.Errorf("the public is told %s", told)
	}
}

// proves has the department's steward prove an entry of the trace in their browser: its body, its path, the checkpoint, and who
// vouches for the keys. Without a connection the page says that it cannot.
func (p *pass) proves() {
	steward := p.seat(p.steward, false)
	steward.Menu(p.say("menu.trace"))
	steward.Fill(p.say("log.act"), "dataset.declare")
	steward.Fill(p.say("trace.object"), p.slug)
	steward.Click(p.say("query"))
	steward.Wait("the entry alone", `document.querySelectorAll('#list tbody tr').length === 1`)
	p.held(steward, "the trace")
	steward.Follow(p.say("open"), "dataset.declare")
	root, err := client.ReadRoot(filepath.Join(p.data, "root", "root.pub"))
	must(p.t, err)
	steward.Lose(true)
	steward.Click(p.say("verify.run"))
	steward.Sees(p.say("verify.away"))
	steward.Lose(false)
	steward.Heard() // of the connection that was lost
	steward.Click(p.say("verify.run"))
	steward.Sees("✓ "+p.say("verify.holds"), "✓ "+p.say("verify.body"), "✓ "+p.say("verify.path"), "✓ "+p.say("verify.checkpoint"), "– "+p.say("verify.trust"))
	steward.Fill(p.say("verify.root"), hex.EncodeToString(root))
	steward.Click(p.say("verify.run"))
	steward.Sees("✓ " + p.say("verify.trust"))
	p.held(steward, "an entry that is proven")
}

// verifies takes the product home and checks all of it there, both passkeys' votes among it.
func (p *pass) verifies() {
	pkg, err := p.developer.Releases.Get(p.t.Context(), p.released)
	must(p.t, err)
	root, err := client.ReadRoot(filepath.Join(p.data, "root", "root.pub"))
	must(p.t, err)
	must(p.t, client.VerifyRelease(pkg, root))
	var votes []release.SignedVote
	must(p.t, json.Unmarshal(pkg.Votes, &votes))
	if len(votes) != 2 || votes[0].Envelope.Scheme != envelope.WebAuthn || votes[1].Envelope.Scheme != envelope.WebAuthn {
		p.t.Errorf("the product came with the votes %s", pkg.Votes)
	}
}

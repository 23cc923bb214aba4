package main

import (
	"strings"

	"github.com/sluicedata/sluice/gateway/browsertest"
)

// lineage follows the product's digest, which other jobs may have come to as well, back to the registration it rests on, and a part of the data forward to the product.
func (p *pass) lineage() {
	developer := p.seat(p.developer, false)
	developer.Menu(p.say("menu.releases"))
	developer.Follow(p.say("open"), p.request)
	product := developer.Fact(p.say("release.digest"))
	steward := p.seat(p.steward, false)
	steward.Menu(p.say("menu.trace"))
	steward.Follow(p.say("lineage.by_digest"))
	p.held(steward, "a digest to follow")
	steward.Fill(p.say("lineage.digest"), product)
	steward.Follow(p.say("lineage.follow"))
	made := p.jobs["visits-by-cover"]
	steward.Sees(made, p.slug+"@2", p.grantNumber, p.released, p.word("approve"))
	p.held(steward, "a lineage")
	rows := steward.Table(p.say("lineage.inputs", made))
	p.toVersion(steward)
	steward.Follow(rows[1][4])
	if text := steward.Text(); !strings.Contains(text, p.released) || !strings.Contains(text, p.jobs["visits-by-plan"]) {
		p.t.Errorf("what came of a part of the data lacks %s:\n%s", p.released, text)
	}
}

// revoke ends a grant while a job runs under it: the job is named before, killed with the grant, and none can follow.
func (p *pass) revoke() {
	developer := p.seat(p.developer, false)
	second := p.granted(developer, "health", "visits")
	number := p.runs(developer, second)
	chief := p.seat(p.chief, true)
	chief.Menu(p.say("menu.grants"))
	chief.Follow(p.say("open"), second)
	p.ends(chief, "grant.revoke", second, number)
	p.stopped(developer, second, "grant.revoked", "grant.not_active")
}

// freezes has the steward freeze the dataset while a job runs over it.
func (p *pass) freezes() {
	developer := p.seat(p.developer, false)
	number := p.runs(developer, p.grantNumber)
	steward := p.seat(p.steward, true)
	steward.Menu(p.say("menu.datasets"))
	steward.Follow(p.say("open"), p.slug)
	p.ends(steward, "dataset.freeze", p.slug, number)
	p.stopped(developer, p.grantNumber, "dataset.frozen", "dataset.frozen")
}

// runs has a long job begin to run under a grant, and returns its number. The developer's page stays open on it.
func (p *pass) runs(developer *browsertest.Tab, grant string) string {
	p.t.Helper()
	p.submit(developer, "long run", p.longJob(grant))
	number := p.jobs["long run"]
	for _, who := range []*persona{p.officer, p.chief} {
		tab := p.seat(who, true)
		tab.Follow(p.say("handle"), number)
		p.act(tab, "job.approve")
	}
	developer.Sees(p.word("running"))
	return number
}

// ends has somebody end a right, once they read what stops with it and typed its name.
func (p *pass) ends(tab *browsertest.Tab, verb, named, stops string) {
	p.t.Helper()
	tab.Follow(p.say("act." + verb))
	tab.Sees(p.say("confirm.stops", 1), stops)
	tab.Fill(p.say("confirm.type", named), named)
	p.act(tab, verb)
}

// stopped finds on the page that is open that the job was killed, and that no other can be submitted.
func (p *pass) stopped(developer *browsertest.Tab, grant, why, refused string) {
	p.t.Helper()
	developer.Sees(p.word("killed"), why)
	p.held(developer, "a job that was stopped")
	p.writes(developer, p.longJob(grant))
	p.refused(developer, "job.submit", refused)
}

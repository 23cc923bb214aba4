package main

import (
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/gateway/browsertest"
)

// profile has the steward ask for the profile that debug runs are made from, and sign it by a passkey. The platform's
// administrator, who sits before no browser here, admits the passkey: the steward is their organization's own.
func (p *pass) profile() {
	tab := p.seat(p.steward, true)
	if p.letOut == "" {
		p.offersPasskey(tab, p.steward)
		keys, err := p.steward.Keys.Mine(p.t.Context())
		must(p.t, err)
		for _, key := range keys {
			if key.State == "offered" {
				_, err := p.admin.Keys.Admit(p.t.Context(), key.Fingerprint)
				must(p.t, err)
			}
		}
	}
	p.toVersion(tab)
	p.act(tab, "dataset.profile")
	tab.Menu(p.say("menu.datasets"))
	tab.Follow(p.say("open"), p.slug)
	tab.Reloads(func() { tab.Follow(p.say("tab.versions")) }, p.word("available"), p.say("profile.unsigned"))
	tab.Follow(p.say("tab.profile"))
	p.held(tab, "a profile to sign")
	tab.Follow(p.say("act.profile.sign"))
	tab.Sees(p.say("done", p.say("act.profile.sign")))
}

// toVersion leads the steward to the page of the version that was read in.
func (p *pass) toVersion(tab *browsertest.Tab) {
	p.t.Helper()
	tab.Menu(p.say("menu.datasets"))
	tab.Follow(p.say("open"), p.slug)
	tab.Follow(p.say("tab.versions"))
	tab.Follow("2", p.word("available"))
}

// preview has the steward see what the grant shows: its columns and districts alone, residents as tokens.
func (p *pass) preview() {
	tab := p.seat(p.steward, true)
	p.toVersion(tab)
	p.act(tab, "dataset.preview")
	tab.Sees(p.say("publish.preview", 20))
	p.held(tab, "a preview")
	rows := tab.Table(p.say("preview.title"))
	at := slices.Index(rows[0], "district")
	if at < 0 || slices.Contains(rows[0], "phone") || slices.Contains(rows[0], "resident_id") {
		p.t.Fatalf("a preview shows the columns %v", rows[0])
	}
	for _, row := range rows[1:] {
		if !slices.Contains(granted(), row[at]) {
			p.t.Errorf("a preview shows a row of %s", row[at])
		}
	}
}

// debug runs job D's code on tables nobody is in.
func (p *pass) debug() {
	developer := p.seat(p.developer, false)
	p.writes(developer, p.packagedAs("visits-by-cover"))
	p.act(developer, "job.debug")
	developer.Sees(p.word("succeeded"), p.say("job.made_from.profile"), "cover,health,people,visits_mean")
	p.held(developer, "a debug run")
}

// refusals are refused before one row is read: what is declared at once, what only the code does by its check.
func (p *pass) refusals() {
	developer := p.seat(p.developer, false)
	plain := []string{"health", "visits"}
	phone := attempt{title: "job b", columns: append(plain, "phone"), sql: "-- relation: r\nSELECT resident, health, visits FROM visits", tables: []job.Table{byHealth("r")}}
	hidden := attempt{title: "job b two", columns: plain, sql: "-- relation: r\nSELECT resident, health, visits, substr(phone, 1, 3) AS prefix FROM visits", tables: []job.Table{byHealth("r")}}
	for _, r := range []struct {
		attempt
		purpose, code string
	}{{phone, purpose, "columns.outside_grant"}, {hidden, "marketing", "purpose.outside_grant"}} {
		p.writes(developer, r.pack(p.grantNumber, r.purpose))
		p.refused(developer, "job.submit", r.code)
	}
	p.checkRefuses(developer, hidden, statement{code: "columns.not_declared", table: byHealth("r")})
	forged := forgeries(p.victim)[0]
	p.checkRefuses(developer, forged, forged.statements...)
}

// checkRefuses submits code that the check refuses, naming at each statement why.
func (p *pass) checkRefuses(developer *browsertest.Tab, a attempt, refused ...statement) {
	p.t.Helper()
	p.writes(developer, a.pack(p.grantNumber, purpose))
	p.act(developer, "job.submit")
	developer.Sees(p.word("refused"))
	for _, s := range refused {
		if row := developer.Row(s.code); s.title == "" && row == "" {
			p.t.Errorf("%s: %s is not named:\n%s", a.title, s.code, developer.Text())
		}
		developer.Wait(s.code+" at "+s.table.From, `[...document.querySelectorAll('#live tr')].some(row =>
			row.cells[0].innerText.includes('`+s.code+`') && row.cells[1].innerText.includes('`+s.table.From+`'))`)
	}
	p.held(developer, "code that is refused")
}

// attempted are the jobs that may run, and what must become of them: forgeries that are blocked, honest statements that
// pass, and code that fails on real data.
func (p *pass) attempted() []attempt { return append(forgeries(p.victim)[1:], honest(), castError()) }

// judged finds what the rules made of each of them.
func (p *pass) judged() {
	developer := p.seat(p.developer, false)
	open := func(a attempt, state string) {
		p.t.Helper()
		developer.Menu(p.say("menu.jobs"))
		developer.Follow(p.say("open"), p.jobs[a.title])
		developer.Sees(p.word(state))
	}
	for _, a := range p.attempted() {
		if a.want == "failed" {
			open(a, "failed")
			developer.Sees(p.say("failure."+a.code), p.say("job.line", 3))
			if text := developer.Text(); slices.ContainsFunc(plans(), func(plan string) bool { return strings.Contains(text, plan) }) {
				p.t.Errorf("an error tells of the data:\n%s", text)
			}
			p.held(developer, "a job that failed")
			continue
		}
		open(a, "output_quarantined")
		developer.Follow(p.say("tab.results"))
		if a.want == "blocked" {
			developer.Sees(p.word("blocked"), a.code, p.message(a.code))
			continue
		}
		developer.Sees(p.say("results.clean"))
		if n := strings.Count(developer.Text(), p.say("results.clean")); n != len(a.statements) {
			p.t.Errorf("%d of %d honest statements pass:\n%s", n, len(a.statements), developer.Text())
		}
	}
	stranger := p.seat(p.stranger, false)
	if status := stranger.Open(p.base + "/console/reviews/" + p.request); status != 404 || strings.Contains(stranger.Text(), p.slug) {
		p.t.Errorf("another organization's request: got %d: %s", status, stranger.Text())
	}
	stranger.Menu(p.say("menu.home"))
	stranger.Heard() // of the page that is not there
}

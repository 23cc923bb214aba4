package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/gateway/browsertest"
	"github.com/sluicedata/sluice/gateway/console"
	"github.com/sluicedata/sluice/gateway/providertest"
)

// pass is the demo in one language, over a dataset of its own.
type pass struct {
	*onstage
	spoken
	t        *testing.T
	language string
	slug     string
	title    string
	letter   string // file of a document that is signed elsewhere
	today    calendar.Date
	jobs     map[string]string // numbers by their code's file
	request  string
	released string
	seen     map[string]bool // kinds of pages that were held to what all promise
}

func (s *onstage) pass(t *testing.T, language string) *pass {
	t.Helper()
	p := &pass{
		onstage: s, spoken: speak(t, language), t: t, language: language, slug: slug + "-" + language, title: "就诊 " + language,
		letter: filepath.Join(t.TempDir(), "letter.pdf"), today: calendar.DateOf(time.Now()), jobs: map[string]string{}, seen: map[string]bool{},
	}
	must(t, os.WriteFile(p.letter, []byte("signed "+language), 0o600))
	return p
}

// seat is somebody's browser, with their first page open. The first time they sign in there; strong says that what they are
// about to do asks for a second factor, which they prove when their session has none, or has it no longer.
func (p *pass) seat(who *persona, strong bool) *browsertest.Tab {
	p.t.Helper()
	tab := p.seats[who.login]
	if tab == nil {
		tab = p.chromium.Tab(p.onstage.t).In(p.t)
		p.seats[who.login] = tab
		p.signIn(tab, who)
	}
	p.reads(tab.In(p.t)).Menu(p.say("menu.home"))
	if basic := p.say("strength.is", p.word("basic")); strong && tab.Has(basic) {
		tab.Follow(basic)
		tab.Fill(p.say("strength.totp"), providertest.OneTime(p.t, p.secrets[who.login], time.Now()))
		p.held(tab, "strength")
		tab.Follow(p.say("strength.button"))
	}
	p.held(tab, "home of "+who.login)
	return tab
}

// act presses the button of an act, and reads that it was done.
func (p *pass) act(tab *browsertest.Tab, verb string) {
	p.t.Helper()
	p.held(tab, "before "+verb)
	tab.Follow(p.say("act." + verb))
	tab.Sees(p.say("done", p.say("act."+verb)))
	p.held(tab, "after "+verb)
}

// reads switches a browser to the pass's language, when it shows the other one.
func (p *pass) reads(tab *browsertest.Tab) *browsertest.Tab {
	p.t.Helper()
	if other := map[string]string{"zh": "中文", "en": "English"}[p.language]; tab.Has(other) {
		tab.Follow(other)
	}
	return tab
}

// signIn goes in by the provider, in the pass's language.
func (p *pass) signIn(tab *browsertest.Tab, who *persona) {
	p.t.Helper()
	tab.Open(p.base + "/console")
	p.held(p.reads(tab), "the door of a stranger")
	tab.Follow(p.say("login.button"))
	tab.Type("[name=username]", who.login)
	tab.Type("[name=password]", providertest.Password)
	tab.Heard() // the provider's pages are not the console's
	tab.Press("button[type=submit], input[type=submit]")
	tab.Sees(who.name)
}

// publish has the department's steward send a file, say what its columns are, and set its terms. The first file has one
// wrong word: it is refused, with the place, and nothing of it is kept. The second is read in.
func (p *pass) publish() {
	tab := p.seat(p.steward, true)
	tab.Menu(p.say("menu.datasets"))
	tab.Follow(p.say("datasets.new"))
	p.declares(tab)
	tab.Sees(p.slug+"@1", p.word("refused"), p.message("value.outside_domain"), p.say("version.row", 6))
	p.held(tab, "a version that is refused")
	tab.Follow(p.slug)
	tab.Follow(p.say("act.dataset.publish"))
	tab.Attach(p.say("publish.file"), p.input)
	tab.Follow(p.say("act.upload.send"))
	tab.Sees(p.say("mode.replace"))
	p.act(tab, "dataset.publish")
	tab.Sees(p.slug+"@2", p.word("available"), "20,190")
	tab.Menu(p.say("menu.home"))
	if strings.Contains(tab.Text(), p.say("started.upload")) {
		p.t.Error("a file of which a version was made waits still")
	}
}

// declares publishes the file with the wrong word as the first of a dataset.
func (p *pass) declares(tab *browsertest.Tab) {
	p.t.Helper()
	tab.Attach(p.say("publish.file"), p.wrong)
	tab.Follow(p.say("act.upload.send"))
	tab.Sees(p.say("publish.columns"))
	spec := declared()
	for _, c := range spec.Columns {
		p.declare(tab, c, slices.Contains(spec.Terms.Columns, c.Name))
	}
	tab.Fill(p.say("dataset.name"), p.title)
	tab.Fill(p.say("dataset.slug"), p.slug)
	tab.Fill(p.say("publish.basis"), spec.Basis)
	tab.Fill(p.say("publish.purposes"), purpose)
	tab.Date(p.say("grant.to"), p.today.AddYears(1).String())
	p.act(tab, "dataset.publish")
}

// declare says of one column what it is.
func (p *pass) declare(tab *browsertest.Tab, c dataset.Column, granted bool) {
	p.t.Helper()
	tab.Fill(c.Name+" "+p.say("column.title"), c.Title)
	tab.Choose(c.Name+" "+p.say("column.type"), p.word(string(c.Type)))
	tab.Choose(c.Name+" "+p.say("column.level"), p.say("level", c.Level))
	tab.Choose(c.Name+" "+p.say("column.role"), p.word(string(c.Role)))
	mask := "—"
	if c.Mask != dataset.MaskNone {
		mask = p.word(string(c.Mask))
	}
	tab.Choose(c.Name+" "+p.say("column.mask"), mask)
	tab.Fill(c.Name+" "+p.say("column.domain"), strings.Join(c.Domain, ", "))
	tick := tab.Untick
	if granted {
		tick = tab.Tick
	}
	tick(c.Name + " " + p.say("publish.granted"))
	if tab.Has(p.say("publish.not_personal"), c.Name) {
		tab.Tick(p.say("publish.not_personal"), c.Name)
	}
}

// register has the dataset registered: by its applicant, and by two people of the registrar.
func (p *pass) register() {
	applicant := p.seat(p.applicant, false)
	applicant.Menu(p.say("menu.registrations"))
	applicant.Follow(p.say("registrations.new"))
	applicant.Choose(p.say("dataset"), p.title+" ("+p.slug+")")
	applicant.Follow(p.say("proposal.choose"))
	applicant.Fill(p.say("apply.summary"), "居民门诊就诊次数与健康状况（按年）")
	for _, said := range []string{"no_state_secret", "trade_secret_handled", "personal_handled", "risk_assessed"} {
		applicant.Tick(p.say("declare." + said))
	}
	applicant.Attach(p.say("hashed.file"), p.letter)
	applicant.Filled(p.say("apply.commitment"))
	p.act(applicant, "registration.apply")
	number := applicant.Heading()
	for _, step := range []struct {
		who *persona
		act string
	}{{p.accepting, "accept"}, {p.examining, "notice"}, {p.examining, "code"}} {
		registrar := p.seat(step.who, true)
		registrar.Follow(p.say("handle"), number)
		p.act(registrar, "registration."+step.act)
		if step.act == "code" {
			registrar.Sees(p.word("completed"), "PROVISIONAL-"+number)
		}
	}
}

// agree has the agreement recorded by the agency, signed by both parties, and filed.
func (p *pass) agree() {
	chief := p.seat(p.chief, true)
	chief.Menu(p.say("menu.agreements"))
	chief.Follow(p.say("agreements.new"))
	chief.Fill(p.say("grant.operator"), p.director.home)
	chief.Tick(p.title)
	chief.Date(p.say("proposal.from"), p.today.String())
	chief.Date(p.say("grant.to"), p.today.AddYears(2).String())
	chief.Fill(p.say("record.decision"), "渝数运〔2025〕3号")
	chief.Date(p.say("record.decided"), p.today.String())
	chief.Attach(p.say("hashed.file"), p.letter)
	chief.Filled(p.say("record.document"))
	p.act(chief, "agreement.record")
	number := chief.Heading()
	p.act(chief, "agreement.sign")
	chief.Sees(p.say("agreement.signed", 1))
	director := p.seat(p.director, true)
	director.Follow(p.say("handle"), number)
	p.act(director, "agreement.sign")
	authority := p.seat(p.authority, true)
	authority.Follow(p.say("handle"), number)
	authority.Fill(p.say("agreement.receipt"), "备案〔2026〕1号")
	p.act(authority, "agreement.file")
	authority.Sees(p.word("effective"))
}

// grant has the developer ask for half of the districts, and the agency grant it. Asked for longer than the department's
// terms, it is refused; a column the terms leave out cannot be asked for at all.
func (p *pass) grant() {
	columns := []string{"plan", "health", "limitation", "visits", "chronic", "district"}
	developer := p.seat(p.developer, false)
	p.proposes(developer, p.today.AddYears(1).AddDays(1), columns...)
	p.refused(developer, "grant.propose", "term.outside_terms")
	if developer.Has("phone") {
		p.t.Error("a column outside the terms can be asked for")
	}
	p.grantNumber = p.granted(developer, columns...)
}

// granted has a grant of columns asked for and approved, and returns its number.
func (p *pass) granted(developer *browsertest.Tab, columns ...string) string {
	p.t.Helper()
	p.proposes(developer, p.today.AddDays(grantDays), columns...)
	p.act(developer, "grant.propose")
	developer.Sees(p.say("compare.within"), p.word("proposed"))
	number := developer.Heading()
	chief := p.seat(p.chief, true)
	chief.Follow(p.say("handle"), number)
	chief.Sees(p.say("compare.within"))
	p.act(chief, "grant.approve")
	chief.Sees(p.word("active"))
	return number
}

// proposes fills in what is asked for.
func (p *pass) proposes(developer *browsertest.Tab, to calendar.Date, columns ...string) {
	p.t.Helper()
	developer.Menu(p.say("menu.grants"))
	developer.Follow(p.say("grants.new"))
	developer.Choose(p.say("dataset"), p.title+" ("+p.slug+")")
	developer.Follow(p.say("proposal.choose"))
	for _, column := range columns {
		developer.Tick(column)
	}
	developer.Tick(purpose)
	developer.Date(p.say("proposal.from"), p.today.String())
	developer.Date(p.say("grant.to"), to.String())
	developer.Choose(p.say("proposal.filter"), "district")
	developer.Fill(p.say("proposal.values"), strings.Join(granted(), ","))
	developer.Fill(p.say("usage.runs"), "100")
	developer.Fill(p.say("usage.rows"), strconv.Itoa(200*len(p.rows)))
	developer.Fill(p.say("scope.basis"), "个人信息保护法第十三条第一款第三项")
}

// passkeys has both seats make a passkey the first time, whose fingerprint their administrator compares and admits, and
// come in by it.
func (p *pass) passkeys() {
	for _, seat := range []struct{ who, by *persona }{{p.officer, p.director}, {p.reviewer, p.chief}} {
		first := p.seats[seat.who.login] == nil
		tab := p.seat(seat.who, true)
		if first {
			p.offersPasskey(tab, seat.who)
			admin := p.seat(seat.by, true)
			admin.Menu(p.say("menu.people"))
			admin.Follow(p.say("tab.keys"))
			p.held(admin, "keys that are offered")
			admin.Follow(p.say("act.key.admit"), seat.who.login)
		}
		tab.Follow(p.say("logout"))
		p.held(tab, "the door")
		tab.Follow(p.say("login.passkey"))
		tab.Sees(p.say("strength.is", p.word("strong")))
		p.held(tab, "home by passkey")
	}
}

// offersPasskey has somebody make a passkey, which is to be admitted.
func (p *pass) offersPasskey(tab *browsertest.Tab, who *persona) {
	p.t.Helper()
	tab.HoldsPasskeys()
	tab.Follow(who.name)
	tab.Fill(p.say("passkey.title"), "键盘 "+who.login)
	tab.Follow(p.say("passkey.enrol"))
	tab.Sees(p.word("offered"))
	p.held(tab, "a passkey that is offered")
}

// receive reads the product, prints its certificate, scans the paper's code with a phone, and has the page it leads to
// check everything; a paper with another code does not pass.
func (p *pass) receive() {
	developer := p.seat(p.developer, false)
	developer.Reloads(func() { developer.Menu(p.say("menu.releases")) }, p.request, p.word("released"))
	developer.Follow(p.say("open"), p.request)
	p.released = developer.Heading()
	p.letOut = p.released
	p.held(developer, "a release")
	developer.Follow(p.say("tab.product"))
	p.same("the product on its page", developer.Table(p.say("tab.product")))
	p.held(developer, "a product")
	developer.Follow(p.say("tab.verify"))
	developer.Sees("✓ "+p.say("verify.holds"), "✓ "+p.say("verify.votes"))
	p.held(developer, "a release that holds")
	developer.Follow(p.say("tab.manifest"))
	address := browsertest.Scan(p.t, developer.Save(p.say("release.pdf")))
	if want := p.base + "/console/public/products/" + p.released + "#"; !strings.HasPrefix(address, want) || len(address) != len(want)+64 {
		p.t.Fatalf("the paper's code holds %q", address)
	}
	p.quiet(developer, "a certificate that is printed")
	p.phones(address)
	p.proves()
	p.verifies()
}

// pictures takes pictures of what the story has made, as those who work with it see it: in both themes, on a desk and on a
// phone.
func (p *pass) pictures() {
	if *screens == "" {
		return
	}
	must(p.t, os.MkdirAll(*screens, 0o755))
	job := func(base string) string { return "/jobs/" + p.jobs[base] }
	for login, pages := range map[string][]string{
		p.steward.login:   {"", "/datasets", "/datasets/" + p.slug, "/datasets/" + p.slug + "/versions/2", "/datasets/" + p.slug + "?tab=usage"},
		p.applicant.login: {"/registrations", "/registrations/new", "/registrations/new?dataset=" + p.slug},
		p.accepting.login: {"", "/registrations"},
		p.chief.login:     {"", "/agreements", "/agreements/new", "/grants/" + p.grantNumber, "/people?tab=keys"},
		p.developer.login: {
			"", "/grants/new?dataset=" + p.slug, "/jobs", "/jobs/new?from=" + p.jobs["visits-by-cover"], job("visits-by-cover"), job("visits-by-plan") + "?tab=results",
			"/releases/" + p.released, "/releases/" + p.released + "?tab=product", "/releases/" + p.released + "?tab=verify",
		},
		p.officer.login:  {"/reviews", "/reviews/" + p.request, "/reviews/" + p.request + "?tab=code", "/profile"},
		p.reviewer.login: {"", "/reviews/" + p.request},
	} {
		tab := p.seats[login].In(p.t)
		for _, theme := range []string{"light", "dark"} {
			tab.SetCookie(p.base+console.Prefix, "sluice_look", p.language+"."+theme) // in the place of the one they chose
			for _, page := range pages {
				tab.Open(p.base + console.Prefix + page)
				tab.Shoot(*screens, "demo-"+login+browsertest.FileName(page)+"-"+p.language+"-"+theme)
			}
		}
	}
}

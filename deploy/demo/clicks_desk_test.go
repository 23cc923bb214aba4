package main

import (
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/gateway/browsertest"
)

// run has the developer write their jobs, the seats consent to them, and the rules judge what they left.
func (p *pass) run() {
	developer := p.seat(p.developer, false)
	for _, a := range p.attempted() {
		p.submit(developer, a.title, a.pack(p.grantNumber, purpose))
	}
	for _, job := range p.planned() {
		p.submit(developer, job, p.packagedAs(job))
	}
	for _, who := range []*persona{p.officer, p.chief} {
		for _, number := range p.jobs {
			tab := p.seat(who, true)
			tab.Follow(p.say("handle"), number)
			p.act(tab, "job.approve")
		}
	}
	developer.Sees(p.word("output_quarantined")) // on the page of the last job, by itself
	p.held(developer, "a job that moved")
	p.blocked(developer)
	if p.jobs[thrownAway] != "" {
		p.thrown(developer)
	}
	p.opened(developer)
}

// thrownAway is the job whose table both seats reject.
const thrownAway = "visits-by-cover, thrown away"

// planned are the jobs of the pass by their code's file. The first pass has one that is rejected.
func (p *pass) planned() []string {
	all := []string{"visits-by-plan", "visits-by-cover"}
	if p.letOut == "" {
		all = append(all, thrownAway)
	}
	return all
}

// packagedAs is the package of one of the planned jobs.
func (p *pass) packagedAs(as string) job.Package {
	p.t.Helper()
	base, _, _ := strings.Cut(as, ",")
	pkg, err := p.packaged(base)
	must(p.t, err)
	return pkg
}

// submit writes a job, has it checked, and submits it.
func (p *pass) submit(developer *browsertest.Tab, as string, pkg job.Package) {
	p.t.Helper()
	p.writes(developer, pkg)
	developer.Follow(p.say("act.job.check"))
	developer.Sees(p.say("answer.passes"))
	p.act(developer, "job.submit")
	p.jobs[as] = developer.Heading()
	developer.Sees(p.say("job.waits", p.word("operator")))
}

// writes fills a package over this pass's dataset into the page where jobs are written.
func (p *pass) writes(developer *browsertest.Tab, pkg job.Package) {
	p.t.Helper()
	for i := range pkg.Inputs {
		pkg.Inputs[i].Dataset = name.Slug(p.slug)
	}
	text, err := pkg.YAML("main.sql")
	must(p.t, err)
	developer.Menu(p.say("menu.jobs"))
	developer.Follow(p.say("jobs.new"))
	developer.Fill(p.say("draft.package"), string(text))
	developer.Fill(p.say("draft.code"), pkg.Code)
}

// blocked finds job A's table blocked, with the cells that make it so and no value.
func (p *pass) blocked(developer *browsertest.Tab) {
	developer.Menu(p.say("menu.jobs"))
	developer.Follow(p.say("open"), p.jobs["visits-by-plan"])
	developer.Sees(p.word("output_quarantined"))
	developer.Follow(p.say("tab.results"))
	developer.Sees(p.word("blocked"), p.message("people.below_threshold"))
	p.held(developer, "a table that is blocked")
	if developer.Has(p.say("act.review.open"), "visits_by_plan") {
		p.t.Error("a review of what is blocked can be asked for")
	}
}

// opened has the developer ask for the review of job D's table.
func (p *pass) opened(developer *browsertest.Tab) {
	p.request = p.asked(developer, "visits-by-cover")
	developer.Sees(p.say("desk.why_no_seat"))
	p.held(developer, "the desk without a seat")
}

// asked asks for the review of a job's table, and returns the request's number.
func (p *pass) asked(developer *browsertest.Tab, job string) string {
	developer.Menu(p.say("menu.jobs"))
	developer.Follow(p.say("open"), p.jobs[job])
	developer.Sees(p.word("output_quarantined"))
	developer.Follow(p.say("tab.results"))
	developer.Follow(p.say("act.review.open"), "visits_by_cover")
	developer.Fill(p.say("ask.context"), "Visits by cover and health, for the yearly report; 8 cells.")
	p.held(developer, "a review that is asked for")
	developer.Follow(p.say("act.review.open"))
	return developer.Heading()
}

// thrown has both seats reject a table by a key of the desk, each with their reason: it does not leave.
func (p *pass) thrown(developer *browsertest.Tab) {
	request := p.asked(developer, thrownAway)
	for i, who := range []*persona{p.officer, p.reviewer} {
		tab := p.seat(who, true)
		tab.Menu(p.say("menu.reviews"))
		tab.Follow(p.say("open"), request)
		tab.Fill(p.say("desk.opinion"), "x and no other key", p.say("desk.signs"))
		tab.Stroke("\t") // out of the field, where x is a letter
		tab.StrokeOn("x")
		tab.Sees(p.say("desk.votes", i+1))
		p.held(tab, "a desk that rejects")
	}
	developer.Reloads(func() { developer.Menu(p.say("menu.reviews")) }, request, p.word("rejected"))
}

// review has both seats vote by the keys of the desk, each by their passkey; the operator's sees no value.
func (p *pass) review() {
	officer := p.seat(p.officer, true)
	officer.Menu(p.say("menu.reviews"))
	officer.Stroke("j")
	if got := officer.Focused(); got != p.say("open") {
		p.t.Fatalf("j leads to %q", got)
	}
	officer.StrokeOn("\r")
	officer.Sees(p.request, p.say("desk.no_values"), p.say("desk.your_turn"))
	p.held(officer, "the operator's desk")
	p.looksAbout(officer)
	for _, row := range officer.Table(p.say("tab.table"))[1:] {
		if row[1] == "" || row[3] != "—" || row[4] != "—" {
			p.t.Fatalf("the operator's seat sees %v", row)
		}
	}
	officer.Stroke("jjk")
	if got := officer.Focused(); !strings.HasPrefix(got, "1 free excellent") {
		p.t.Errorf("j, j and k lead to %q", got)
	}
	officer.Stroke("c")
	officer.Stroke("labels fit")
	officer.StrokeOn("\r")
	officer.Sees(p.say("desk.at_row", 1) + ": labels fit")
	officer.Stroke("r")
	if got := officer.Focused(); !strings.HasPrefix(got, "reason.") {
		p.t.Errorf("r leads to %q", got)
	}
	officer.StrokeOn("a")
	officer.Sees(p.say("desk.votes", 1), p.say("desk.why_voted"))
	p.held(officer, "a desk that has voted")

	reviewer := p.seat(p.reviewer, true)
	reviewer.Menu(p.say("menu.reviews"))
	reviewer.Stroke("j")
	reviewer.StrokeOn("\r")
	reviewer.Sees(p.request, p.say("desk.traced"))
	p.held(reviewer, "the agency's desk")
	if strings.Contains(reviewer.Text(), "labels fit") {
		p.t.Error("a sealed comment is read before both have voted")
	}
	seen := reviewer.Table(p.say("tab.table"))
	for i := range seen {
		seen[i] = seen[i][1:5]
	}
	p.same("what the agency's seat sees", seen)
	reviewer.StrokeOn("a")
	reviewer.Sees(p.say("desk.votes", 2))
}

// looksAbout has the desk tell its keys, and lead to how the code differs from what was let out before and back.
func (p *pass) looksAbout(tab *browsertest.Tab) {
	p.t.Helper()
	if keys := p.say("desk.keys_how"); strings.Contains(tab.Text(), keys) {
		p.t.Error("the keys are told before they are asked for")
	}
	tab.Stroke("?")
	tab.Sees(p.say("desk.keys_how"))
	p.held(tab, "the desk's keys")
	if p.letOut == "" {
		tab.Sees(p.say("desk.first_code"))
		return
	}
	tab.StrokeOn("d")
	tab.Sees(p.say("desk.differs", 0, p.letOut), "SELECT")
	p.held(tab, "what differs")
	tab.Follow(p.say("tab.table"), p.say("tab.table"))
}

// same holds a table that is read on a page against job D's, computed apart.
func (p *pass) same(what string, got [][]string) {
	p.t.Helper()
	for _, row := range got {
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], ",", "")
		}
	}
	if want := expected(p.t, readCSV(p.t, p.input)); !slices.EqualFunc(got, want, equalFigures) {
		p.t.Errorf("%s\n got %v\nwant %v", what, got, want)
	}
}

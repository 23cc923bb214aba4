package main

import (
	"os"
	"strings"

	"github.com/sluicedata/sluice/gateway/browsertest"
)

// held holds the page before somebody to what every page promises, in the pass's language and in both themes, as it is in
// the middle of work. A page of a kind is held once; what browsers say of errors is asked at each.
func (p *pass) held(tab *browsertest.Tab, kind string) {
	p.t.Helper()
	p.quiet(tab, kind)
	if p.seen[kind] {
		return
	}
	p.seen[kind] = true
	for what, found := range map[string][]string{
		"axe": tab.Audit(), "in the dark": tab.Colours("dark"), "on paper": tab.Paper("dark"), "its width": tab.Fits(),
	} {
		for _, fault := range found {
			p.t.Errorf("%s, %s: %s", kind, what, fault)
		}
	}
	if *screens != "" {
		must(p.t, os.MkdirAll(*screens, 0o755))
		tab.Picture(*screens, "work-"+browsertest.FileName(kind)+"-"+p.language)
	}
}

// quiet finds that nothing went wrong in a browser since it was last asked: no error of console, scripts or policy.
func (p *pass) quiet(tab *browsertest.Tab, where string) {
	p.t.Helper()
	for _, said := range tab.Heard() {
		p.t.Errorf("%s: the browser says %s", where, said)
	}
}

// refused presses what is refused, and reads why. The browser tells of such an answer, and of nothing else.
func (p *pass) refused(tab *browsertest.Tab, verb, code string) {
	p.t.Helper()
	p.quiet(tab, "before "+verb+" is refused")
	tab.Follow(p.say("act." + verb))
	tab.Sees(code, p.message(code))
	for _, said := range tab.Heard() {
		if !strings.Contains(said, "status of 4") {
			p.t.Errorf("%s is refused: the browser says %s", verb, said)
		}
	}
	p.held(tab, verb+" refused for "+code)
}

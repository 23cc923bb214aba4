package console_test

import (
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/gateway/browsertest"
	"github.com/sluicedata/sluice/gateway/console"
)

// before sits somebody who has signed in before a real browser.
func (b *browser) before(t *testing.T, chromium *browsertest.Browser) *browsertest.Tab {
	t.Helper()
	tab := chromium.Tab(t)
	tab.SetCookie(b.URL, "sluice", b.cookie(t))
	tab.SetCookie(b.URL, "sluice_look", "zh.light")
	return tab
}

// key is a key that does something in the editor. What the browser would type besides, were it not answered, it leaves out.
func key(name string) string {
	return theCode + `.querySelector('.cm-content').dispatchEvent(new KeyboardEvent('keydown', {` + name + `, bubbles: true, cancelable: true}))`
}

// Keys, as scripts name them.
const (
	enter    = `key: 'Enter', keyCode: 13`
	escape   = `key: 'Escape', keyCode: 27`
	allMarks = `key: 'M', keyCode: 77, ctrlKey: true, shiftKey: true`
)

// clean holds the open page to what every page promises of scripts, policy and axe.
func clean(t *testing.T, what string, tab *browsertest.Tab) {
	t.Helper()
	for _, fault := range append(tab.Said(), tab.Audit()...) {
		t.Errorf("%s: %s", what, fault)
	}
}

// Where things are in an editor, as scripts say it.
const (
	theCode   = `document.querySelector('[data-edits=code]').shadowRoot`
	thePopup  = theCode + `.querySelector('.cm-tooltip-autocomplete')`
	thePosted = `document.querySelector('[name=code]').value`
	// theOffer comes a moment before the editor takes Enter for an answer to it.
	theOffer   = `!!` + thePopup + ` && performance.now() - (window.offered ??= performance.now()) > 150`
	theChoices = `[...` + thePopup + `.querySelectorAll('li')].map(li => li.textContent).join('; ')`
)

// TestEditor: a job is written in the editor by the keyboard alone. It completes what is granted and nothing else, its
// text is what the form posts, and what a pre-check refuses is marked at its line.
func TestEditor(t *testing.T) {
	w := newTown(t)
	tab := w.signedIn(t, "developer").before(t, browsertest.Start(t))
	tab.Open(w.URL + console.Prefix + "/jobs/new")
	tab.Wait("the editor", `document.querySelectorAll('.editor').length === 2 && document.querySelector('[name=code]').hidden`)
	if label := tab.Tell(theCode + `.querySelector('.cm-content').getAttribute('aria-label')`); !strings.HasPrefix(label, "代码") {
		t.Errorf("the editor is called %q", label)
	}
	clean(t, "the draft", tab)

	tab.Type("[data-edits=code]", "vis")
	tab.Wait("a completion", theOffer)
	if got := tab.Tell(theChoices); !strings.HasPrefix(got, "visits") || !strings.Contains(got, "L2 · 就诊次数") {
		t.Errorf("for vis it offers %q", got)
	}
	if got := tab.Tell(thePopup + `.querySelector('ul').getAttribute('aria-label')`); got != "补全" {
		t.Errorf("the list is called %q", got)
	}
	clean(t, "the list of completions", tab)
	tab.Tell(key(enter))
	tab.Wait("the column", thePosted+`.startsWith('visits')`)
	tab.Stroke(" resi")
	tab.Wait("a completion", `!!`+thePopup)
	if got := tab.Tell(theChoices); !strings.Contains(got, "resident") || strings.Contains(got, "resident_id") {
		t.Errorf("for resi it offers %q", got)
	}
	tab.Tell(key(escape))
	tab.Wait("the end of the list", `!`+thePopup)
	tab.Stroke("\t")
	if at := tab.Tell(`document.activeElement.matches('[data-edits=code]')`); at != "false" {
		t.Error("the Tab key does not leave the editor")
	}
	tab.Press(`button[formaction="/console/jobs/check"]`)
	tab.Wait("the check", `location.search.startsWith('?from=J-') && !!document.querySelector('.editor')`)
	if got := tab.Tell(thePosted); !strings.HasPrefix(got, "visits resi-- relation: r\nSELECT resident, plan") {
		t.Errorf("posted %q", got)
	}

	w.work(t, "check", func(func(object.Bucket, []byte) object.Ref) work.Result {
		return work.Result{Check: &task.CheckReport{Findings: []task.CheckFinding{{Code: "grammar.function", Relation: "r", Line: 2, What: "pow", Remedy: "remedy.grammar.function"}}}}
	})
	tab.Wait("the mark", `!!`+theCode+`.querySelector('.cm-lint-marker-error')`)
	if got := tab.Tell(theCode + `.querySelector('.cm-lintRange-error').textContent`); got != "SELECT resident, plan" {
		t.Errorf("marked is %q", got)
	}
	tab.Tell(key(allMarks))
	tab.Wait("what is marked", `!!`+theCode+`.querySelector('.cm-panel-lint li')`)
	if got := tab.Tell(theCode + `.querySelector('.cm-panel-lint ul').ariaLabel + ': ' + ` + theCode + `.querySelector('.cm-panel-lint').textContent`); !strings.HasPrefix(got, "问题: ") || !strings.Contains(got, "grammar.function") || !strings.Contains(got, "pow") {
		t.Errorf("said of it: %q", got)
	}
	clean(t, "the marked draft", tab)
}

// TestCharts: who may see figures sees them drawn above their table; nobody else's page has the chart.
func TestCharts(t *testing.T) {
	w := newTown(t)
	w.desk(t)
	chromium := browsertest.Start(t)
	chief := w.signedIn(t, "chief").strong(t, "chief")
	tab := chief.before(t, chromium)
	tab.Open(w.URL + console.Prefix + theDesk + "?tab=chart")
	tab.Wait("the chart", `!!document.querySelector('.charts [role=img] svg')`)
	if got := tab.Tell(`document.querySelector('.charts').textContent`); !figures().MatchString(got) || !strings.Contains(got, "free") {
		t.Errorf("the chart says %q", got)
	}
	if got := tab.Tell(`document.querySelector('.charts [role=img]').ariaLabel`); !strings.Contains(got, "people") || figures().MatchString(got) {
		t.Errorf("the chart is called %q", got)
	}
	clean(t, "the agency's chart", tab)
	tab.SetCookie(w.URL, "sluice_look", "zh.dark")
	tab.Open(w.URL + console.Prefix + theDesk + "?tab=chart")
	tab.Wait("the chart in the dark", `document.documentElement.dataset.theme === 'dark' && !!document.querySelector('.charts [role=img] svg')`)
	for _, fault := range tab.Paper("dark") {
		t.Errorf("the dark chart, printed: %s", fault)
	}

	officer := w.signedIn(t, "officer")
	officer.get(t, theDesk).shows(t, "the operator's desk", `<span class="off" title="本席只见代码、结构`)
	if got := officer.get(t, theDesk+"?tab=chart"); got.status != 404 || strings.Contains(got.body, "data-chart") {
		t.Errorf("the operator's chart: %d", got.status)
	}

	tab = w.signedIn(t, "steward").before(t, chromium)
	tab.Open(w.URL + console.Prefix)
	tab.Wait("the chart", `document.querySelectorAll('.charts svg').length === 2`)
	if got := tab.Tell(`document.querySelector('.charts').textContent`); !strings.Contains(got, theDataset) || !strings.Contains(got, w.homes["operator"]) {
		t.Errorf("the department's chart says %q", got)
	}
	clean(t, "the department's first page", tab)
	if got := w.signedIn(t, "developer").get(t, ""); strings.Contains(got.body, "data-chart") {
		t.Error("others see who used a department's data")
	}
}

package browsertest

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// MaxBytes is what a page may cost, with everything it loads but its islands, and nothing from a cache.
const MaxBytes = 60 << 10

// perKey bounds how many pages of one kind each person opens: a list of a hundred jobs leads to pages that are alike.
const perKey = 2

// Site is what is walked.
type Site struct {
	Base     string         // address without a slash at its end
	Patterns []string       // of every page there is, as http.ServeMux writes them: "/console/jobs/{number}"
	Out      []string       // patterns of addresses that lead out of the site; they are not followed
	Islands  map[string]int // what each script that few pages load may cost, by path
	Looks    []Look
	Screens  string // folder for pictures; "" takes none
}

// Look is one way the same page is shown, chosen by a cookie. Turned is the theme that the page, open in this look, is
// turned to for its colours alone; "" for none.
type Look struct{ Name, Cookie, Value, Turned string }

// Walker goes through a site as several people, at once if they like, and remembers what it saw. What it found is read
// when all have come back.
type Walker struct {
	Site
	mu      sync.Mutex
	Faults  []string
	Pages   int             // opened
	Audits  int             // by axe, one for each look and each theme a page was turned to
	seen    map[string]bool // patterns somebody opened
	audited map[string]bool // kinds of pages that were looked at in every look
}

// NewWalker returns a walker that has seen nothing.
func NewWalker(site Site) *Walker {
	return &Walker{Site: site, seen: map[string]bool{}, audited: map[string]bool{}}
}

// Walk follows the links of the site from some pages on as somebody who sits before a tab, and holds every page to what
// all promise.
func (w *Walker) Walk(who string, tab *Tab, begin ...string) {
	tab.t.Helper()
	waiting, known, kinds := begin, map[string]bool{}, map[string]int{}
	if len(w.Looks) > 0 {
		w.wear(tab, w.Looks[0])
	}
	for len(waiting) > 0 {
		at := waiting[0]
		waiting = waiting[1:]
		pattern, kind := w.kind(at)
		if kinds[kind]++; kinds[kind] > perKey {
			continue
		}
		w.hold(who, tab, at)
		if pattern == "" {
			w.fault(who, at, "is no page of the site's table")
			continue
		}
		w.note(func() { w.seen[pattern] = true })
		for _, link := range tab.links() {
			if !known[link] && !w.out(link) {
				known[link], waiting = true, append(waiting, link)
			}
		}
		w.look(who, tab, at, kind)
	}
}

// out tells whether an address leads out of the site.
func (w *Walker) out(link string) bool {
	path, _, _ := strings.Cut(link, "?")
	return slices.ContainsFunc(w.Out, func(pattern string) bool { return matches(pattern, path) })
}

// hold opens a page and checks what needs no other look.
func (w *Walker) hold(who string, tab *Tab, at string) {
	w.note(func() { w.Pages++ })
	if status := tab.Open(w.Base + at); status != http.StatusOK {
		w.fault(who, at, fmt.Sprintf("answers %d", status))
	}
	w.fault(who, at, w.costs(tab.Bytes())...)
	w.fault(who, at, tab.Said()...)
}

// costs says what is too dear of a page.
func (w *Walker) costs(bytes map[string]int) (faults []string) {
	page := 0
	for path, cost := range bytes {
		most, island := w.Islands[path]
		if !island {
			page += cost
		} else if cost > most {
			faults = append(faults, fmt.Sprintf("its %s costs %d bytes", path, cost))
		}
	}
	if page > MaxBytes {
		faults = append(faults, fmt.Sprintf("costs %d bytes", page))
	}
	return faults
}

// look looks at each kind of page once, whoever comes to it first.
func (w *Walker) look(who string, tab *Tab, at, kind string) {
	first := false
	w.note(func() { first, w.audited[kind] = !w.audited[kind], true })
	if first {
		w.every(who, tab, at)
	}
}

// Visit opens a page as somebody and holds it to what all promise, whatever else of its kind was seen before.
func (w *Walker) Visit(who string, tab *Tab, at string) {
	tab.t.Helper()
	if len(w.Looks) > 0 {
		w.wear(tab, w.Looks[0])
	}
	w.hold(who, tab, at)
	w.every(who, tab, at)
}

// every holds the open page against axe in every look, and once against the keyboard and all screens.
func (w *Walker) every(who string, tab *Tab, at string) {
	w.fault(who, at, tab.Fits()...)
	w.fault(who, at, tab.Keys()...)
	for i, l := range w.Looks {
		if i > 0 { // it is open in the first one
			w.wear(tab, l)
			w.hold(who, tab, at)
		}
		w.audit(who, at, l, tab)
		if w.Screens != "" {
			tab.Shoot(w.Screens, FileName(at)+"-"+l.Name)
		}
	}
	if len(w.Looks) > 0 {
		w.wear(tab, w.Looks[0])
	}
}

// audit holds the open page against axe in the look it is open in, and its colours in the theme it is turned to. What can
// be read of it on paper is a theme's too.
func (w *Walker) audit(who, at string, l Look, tab *Tab) {
	tab.t.Helper()
	w.note(func() { w.Audits++ })
	for _, found := range tab.Audit() {
		w.fault(who, at, l.Name+": "+found)
	}
	if l.Turned == "" {
		return
	}
	w.note(func() { w.Audits++ })
	for what, found := range map[string][]string{"turned ": tab.Colours(l.Turned), "printed ": tab.Paper(l.Turned)} {
		for _, text := range found {
			w.fault(who, at, l.Name+", "+what+l.Turned+": "+text)
		}
	}
}

// Answers holds what an address or a form answers to what every page promises, and takes its picture: ask has it answered
// anew in every look. A page that refuses tells the console of its status, and of nothing else.
func (w *Walker) Answers(who, name string, status int, tab *Tab, ask func()) {
	tab.t.Helper()
	for _, l := range w.Looks {
		w.wear(tab, l)
		ask()
		if said := tab.Said(); !told(said, status) {
			w.fault(who, name, fmt.Sprintf("%s: not %d alone but %q", l.Name, status, said))
		}
		w.fault(who, name, tab.Fits()...)
		w.fault(who, name, tab.Keys()...)
		w.audit(who, name, l, tab)
		if w.Screens != "" {
			tab.Shoot(w.Screens, FileName(name)+"-"+l.Name)
		}
	}
	w.wear(tab, w.Looks[0])
}

// told tells whether a browser's console says what a page of a status has it say: nothing, or the status of a refusal.
func told(said []string, status int) bool {
	if status < http.StatusBadRequest {
		return len(said) == 0
	}
	return len(said) == 1 && strings.Contains(said[0], fmt.Sprintf("status of %d", status))
}

// wear has pages shown in a look from here on.
func (w *Walker) wear(tab *Tab, l Look) { tab.SetCookie(w.Base, l.Cookie, l.Value) }

// note keeps something of what was seen.
func (w *Walker) note(what func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	what()
}

// fault notes what is wrong with a page.
func (w *Walker) fault(who, at string, what ...string) {
	for _, text := range what {
		w.note(func() { w.Faults = append(w.Faults, fmt.Sprintf("%s, as %s: %s", at, who, text)) })
	}
}

// Unseen lists the pages of the table that nobody came to.
func (w *Walker) Unseen() []string {
	return slices.DeleteFunc(slices.Clone(w.Patterns), func(p string) bool { return w.seen[p] })
}

// kind finds which page of the table an address is, and what makes it another page than its like: the tab that is
// open and what else is asked for.
func (w *Walker) kind(at string) (pattern, kind string) {
	u, err := url.Parse(at)
	if err != nil {
		return "", at
	}
	for _, p := range w.Patterns {
		if matches(p, u.Path) && (pattern == "" || strings.Count(p, "{") < strings.Count(pattern, "{")) {
			pattern = p
		}
	}
	var asked []string
	for name, values := range u.Query() {
		if name == "tab" {
			name += "=" + values[0]
		}
		asked = append(asked, name)
	}
	slices.Sort(asked)
	return pattern, pattern + "?" + strings.Join(asked, "&")
}

// matches tells whether a path is one of a pattern.
func matches(pattern, path string) bool {
	expression := regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(pattern), "[^/]+")
	return regexp.MustCompile("^" + expression + "$").MatchString(path)
}

// pageLinks are the addresses a person can go to from a page and stay in the site. What is downloaded is no page.
const pageLinks = `[...document.querySelectorAll('a[href]:not([download])')].map(a => new URL(a.href, location.href))
	.filter(u => u.origin === location.origin).map(u => u.pathname + u.search)`

func (tab *Tab) links() []string { return ask[[]string](tab, pageLinks) }

// load does what opens another page and waits until that is there and whole. The page itself tells, not the browser's
// events: the end of the page before, told late, looks like the end of the next one.
func (tab *Tab) load(step func()) {
	tab.t.Helper()
	ask[string](tab, "window.left = location.href")
	step()
	tab.until("document.readyState === 'complete' && window.left !== location.href", "the next page")
}

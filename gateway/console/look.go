package console

import (
	"crypto/rand"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/gateway/messages"
)

//go:embed pages/*.html texts/*.yaml
var embedded embed.FS

// look is every page in one language.
type look struct {
	pages map[string]*template.Template // by name
	words texts
}

// render makes a page, or the part of it that is named. What people wrote stands in it as text: escaped where it is
// filled in, and no character left that hides or turns what is around it.
func (l look) render(page, part string, data any) (string, error) {
	var html strings.Builder
	made := l.pages[page]
	if part == "" {
		part = made.Name()
	}
	if err := made.ExecuteTemplate(&html, part, data); err != nil {
		return "", err
	}
	return name.Visible(strings.ReplaceAll(html.String(), "\r\n", "\n")), nil
}

// texts are the console's own words of one language by key.
type texts map[string]string

func readTexts(l messages.Language) (texts, error) {
	data, err := embedded.ReadFile("texts/" + string(l) + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the console's texts: %w", err)
	}
	var all texts
	if err := yaml.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("reading the console's texts in %s: %w", l, err)
	}
	return all, nil
}

// say returns a text with its arguments; its key when nobody has written one.
func (t texts) say(key string, args ...any) string {
	text, found := t[key]
	if !found {
		return key
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// names lists the pages that have a template.
func names() []string {
	all := []string{"login", "strength", "error", "enrol", "recovery", "factor", "link"}
	for _, p := range append(pages(), publicPages()...) {
		all = append(all, p.name)
	}
	return slices.Compact(slices.Sorted(slices.Values(all)))
}

// readLooks parses every page once for each language: a template's words are fixed before the first request.
func readLooks(conf Config, a assets) (map[messages.Language]look, error) {
	all := map[messages.Language]look{}
	for _, l := range messages.Languages() {
		words, err := readTexts(l)
		if err != nil {
			return nil, err
		}
		base, err := template.New("frame.html").Funcs(functions(conf, l, words, a)).
			ParseFS(embedded, "pages/frame.html", "pages/parts.html", "pages/acts.html", "pages/live.html")
		if err != nil {
			return nil, fmt.Errorf("reading the console's pages: %w", err)
		}
		made := look{pages: map[string]*template.Template{}, words: words}
		for _, title := range names() {
			clone, err := base.Clone()
			if err == nil {
				made.pages[title], err = clone.ParseFS(embedded, "pages/"+title+".html")
			}
			if err != nil {
				return nil, fmt.Errorf("reading the page %s: %w", title, err)
			}
		}
		all[l] = made
	}
	return all, nil
}

// functions are what templates may call.
func functions(conf Config, l messages.Language, words texts, a assets) template.FuncMap {
	f := template.FuncMap{
		"t": words.say, "word": func(code any) string { return conf.Codes.Word(l, fmt.Sprint(code)) },
		"title":  func(code string) string { return conf.Codes.Title(l, code) },
		"remedy": func(key string) string { return conf.Codes.Remedy(l, key) },
		"left":   func(t time.Time) string { return left(conf, words, t) },
		"asset":  a.address, "known": words.has,
		"suspicion": func(code string) string { return suspicion(words, code) },
	}
	maps.Copy(f, forms())
	maps.Copy(f, islands(conf, l, words))
	return f
}

func (t texts) has(key string) bool { _, found := t[key]; return found }

// forms are the functions that are the same in every language.
func forms() template.FuncMap {
	return template.FuncMap{
		"minute":  func(t time.Time) string { return t.In(calendar.Zone()).Format("2006-01-02 15:04") },
		"second":  func(t time.Time) string { return t.In(calendar.Zone()).Format("2006-01-02 15:04:05 -07:00") },
		"day":     func(t time.Time) string { return t.In(calendar.Zone()).Format("2006-01-02") },
		"lastday": func(end time.Time) string { return end.Add(-time.Second).In(calendar.Zone()).Format("2006-01-02") },
		"number":  number, "magnitude": magnitude, "short": short, "tone": tone, "prefix": func() string { return Prefix },
		"join": strings.Join, "dict": dict, "list": func(all ...string) []string { return all }, "checks": checks,
		"once": rand.Text, "has": slices.Contains[[]string], "percent": percent, "span": span,
	}
}

// left says how many working days are left until the end of a day.
func left(conf Config, words texts, until time.Time) string {
	today, last := calendar.DateOf(conf.Now()), calendar.DateOf(until.Add(-time.Second))
	if last.Before(today) {
		return words.say("due.over")
	}
	if n := conf.Catalog.Calendar.WorkingDays(today, last); n > 0 {
		return words.say("due.days", n)
	}
	return words.say("due.today")
}

// number writes a count with its thousands apart.
func number(n any) string {
	text := fmt.Sprint(n)
	if _, err := strconv.ParseInt(text, 10, 64); err != nil {
		return text
	}
	sign, digits := "", text
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// magnitude writes a class of counts: what the API spells 10^3 as people write it.
func magnitude(class string) string {
	if _, exponent, found := strings.Cut(class, "10^"); found {
		raised := strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")
		return "10" + raised.Replace(exponent)
	}
	return strings.NewReplacer(">=", "≥ ", "-", "–").Replace(class)
}

// short returns the first twelve characters of a digest's hash.
func short(digest any) string {
	text := fmt.Sprint(digest)
	_, hash, found := strings.Cut(text, ":")
	if !found {
		hash = text
	}
	return hash[:min(12, len(hash))]
}

// checks lists what a browser verifies of a kind, in order. verify.js has one function for each.
func checks(kind string) []string {
	return map[string][]string{
		"entry": {"body", "path", "checkpoint", "trust"},
		// Everybody may hold a paper against its product; who voted is for those the product is for.
		"certificate": {"paper", "signature", "intent", "path", "checkpoint", "trust", "recall", "bytes"},
		"release":     {"signature", "votes", "intent", "path", "checkpoint", "trust", "recall", "bytes"},
	}[kind]
}

// dict names the arguments of a part of a page.
func dict(pairs ...any) (map[string]any, error) {
	all := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("argument %d is no name", i)
		}
		all[key] = pairs[i+1]
	}
	return all, nil
}

// suspicion says what makes a column look personal: its cells, or its name alone.
func suspicion(words texts, code string) string {
	const kind = "suspicion."
	what, named := strings.CutPrefix(code, "name.")
	if named {
		return words.say("suspicion.by_name", words.say(kind+what))
	}
	return words.say(kind + what)
}

// percent writes a share.
func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// span counts from one number to another, for a choice of few.
func span(from, to int) []int {
	all := make([]int, 0, to-from+1)
	for i := from; i <= to; i++ {
		all = append(all, i)
	}
	return all
}

// tone is the colour that goes with the word of a state.
func tone(state any) string {
	for tone, states := range map[string][]string{
		"ok":   {"active", "available", "authorizable", "catalogued", "succeeded", "released", "approved", "completed", "valid", "effective", "allow", "done"},
		"wait": {"proposed", "submitted", "checked", "queued", "running", "ingesting", "checking", "in_review", "applied", "accepted", "in_notice", "auto_checked", "declared", "current"},
		"hold": {"output_quarantined", "quarantined", "frozen", "suspended", "releasing"},
		"stop": {"refused", "failed", "timed_out", "killed", "revoked", "rejected", "blocked", "withdrawn", "expired", "terminated", "retired", "deny", "stopped"},
	} {
		if slices.Contains(states, fmt.Sprint(state)) {
			return tone
		}
	}
	return "plain"
}

package ruleset

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

//go:embed cq-2025-04-08.yaml
var builtin []byte

// Errors of looking a set up.
var (
	ErrVersion   = errors.New("no such rule set version")
	ErrNoneYet   = errors.New("no rule set in force on that day")
	ErrLibrary   = errors.New("two rule sets with one version or one first day")
	errNotLevels = errors.New("a set is compared with one of its own level or below")
)

// Default returns the rules of the city as issued on 2025-04-08.
func Default() (RuleSet, error) { return Load(builtin) }

// Load reads and validates one set. What does not fit is an Invalid error with every place: its line where the text is
// not a rule set, else the figure.
func Load(data []byte) (RuleSet, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	var r RuleSet
	if err := d.Decode(&r); err != nil {
		return RuleSet{}, unreadable(err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return RuleSet{}, fault.Bad("ruleset.invalid", fault.Place{Location: "file", Code: "file.second_document"})
	}
	if err := r.Validate(); err != nil {
		return RuleSet{}, err
	}
	r.Digest = name.DigestOf(data)
	return r, nil
}

// unreadable names the lines the decoder stumbled over. Its own words stay with the cause: they repeat values.
func unreadable(err error) error {
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		line, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), ": ")
		if !strings.HasPrefix(line, "line ") {
			line = "file"
		}
		return &fault.Error{Kind: fault.Invalid, Code: "ruleset.invalid", Places: fault.Places{{Location: line, Code: "file.not_yaml"}}, Cause: err}
	}
	var p fault.Places
	for _, text := range wrong.Errors { // "line 3: field lease_second not found in type ruleset.Jobs"
		line, what, _ := strings.Cut(text, ": ")
		field, found := strings.CutPrefix(what, "field ")
		if member, _, unknown := strings.Cut(field, " not found"); found && unknown {
			p.Add(line+": "+member, "member.unknown")
		} else {
			p.Add(line, "value.kind")
		}
	}
	return p.Err("ruleset.invalid")
}

// Validate refuses a set with a value missing: every number but those that may be zero must be positive.
func (r RuleSet) Validate() error {
	var p fault.Places
	p.Require(name.IsCode(r.Version), "version", "rules.version")
	p.Require(r.Title != "", "title", "title.missing")
	p.Require(slices.Contains([]Level{National, City, Registrar}, r.Level), "level", "rules.level")
	p.Require(!r.From.IsZero(), "effective_from", "date.missing")
	p.Require(len(r.Basis) > 0, "basis", "basis.missing")
	for i, b := range r.Basis {
		ok := b.ID != "" && b.Title != "" && !b.From.IsZero()
		p.Require(ok, fmt.Sprintf("basis[%d]", i), "basis.incomplete")
	}
	r.checkLimits(&p)
	for _, v := range r.values() {
		p.Require(v.least <= v.value && v.value <= v.most, v.name, "value.out_of_range")
	}
	return p.Err("ruleset.invalid")
}

// limitCount is the number of limits every set has: D1 … D17.
const limitCount = 17

func (r RuleSet) checkLimits(p *fault.Places) {
	p.Require(len(r.Limits) == limitCount, "limits", "limits.count")
	for i := range limitCount {
		id := fmt.Sprintf("D%d", i+1)
		l, ok := r.Limits[id]
		known := slices.Contains([]Unit{WorkingDay, Day, Month, Year}, l.Unit)
		told := l.Trigger != "" && l.Debtor != "" && l.Source != "" && l.Overdue != ""
		p.Require(ok && known && told && l.Length >= 0, "limits."+id, "limit.incomplete")
	}
}

// Library holds every version a site has ever used.
type Library struct{ sets []RuleSet }

// NewLibrary returns a library; versions and first days must differ.
func NewLibrary(sets ...RuleSet) (Library, error) {
	sorted := slices.Clone(sets)
	slices.SortFunc(sorted, func(a, b RuleSet) int { return a.From.Compare(b.From) })
	seen := map[string]bool{}
	for i, s := range sorted {
		if seen[s.Version] || i > 0 && sorted[i-1].From == s.From {
			return Library{}, ErrLibrary
		}
		seen[s.Version] = true
	}
	return Library{sorted}, nil
}

// Version returns a set by its version: what a case that keeps the version asks.
func (l Library) Version(version string) (RuleSet, error) {
	for _, s := range l.sets {
		if s.Version == version {
			return s, nil
		}
	}
	return RuleSet{}, ErrVersion
}

// InForce returns the set a case begins under on a day.
func (l Library) InForce(d calendar.Date) (RuleSet, error) {
	for _, s := range slices.Backward(l.sets) {
		if !s.From.After(d) {
			return s, nil
		}
	}
	return RuleSet{}, ErrNoneYet
}

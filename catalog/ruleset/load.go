package ruleset

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"

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
	errMoreDocs  = errors.New("more than one document")
	errNotLevels = errors.New("a set is compared with one of its own level or below")
)

// Default returns the rules of the city as issued on 2025-04-08.
func Default() (RuleSet, error) { return Load(builtin) }

// Load reads and validates one set.
func Load(data []byte) (RuleSet, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	var r RuleSet
	if err := d.Decode(&r); err != nil {
		return RuleSet{}, fmt.Errorf("decoding rule set: %w", err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return RuleSet{}, fmt.Errorf("decoding rule set: %w", errMoreDocs)
	}
	if err := r.Validate(); err != nil {
		return RuleSet{}, err
	}
	r.Digest = name.DigestOf(data)
	return r, nil
}

// Validate refuses a set with a value missing: every number but those that may be zero must be positive.
func (r RuleSet) Validate() error {
	var p fault.Places
	p.Require(name.IsCode(r.Version), "version", "version.invalid")
	p.Require(r.Title != "", "title", "title.missing")
	p.Require(slices.Contains([]Level{National, City, Registrar}, r.Level), "level", "level.unknown")
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

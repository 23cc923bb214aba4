package calendar

import (
	"bytes"
	_ "embed"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/catalog/fault"
)

//go:embed years.yaml
var builtin []byte

// Year is one year's table as the State Council's notice gives it.
type Year struct {
	Year     int    `yaml:"year"`
	Document string `yaml:"document"` // number of the notice
	Issued   Date   `yaml:"issued"`
	// WorkingDays is the checksum: how many days of the year work under this table.
	WorkingDays int    `yaml:"working_days"`
	Off         []Span `yaml:"off"`  // days off, in order, weekends inside a span included
	Work        []Date `yaml:"work"` // Saturdays and Sundays that work
}

// Span is a run of days off, both ends included.
type Span struct {
	From Date `yaml:"from"`
	To   Date `yaml:"to"`
}

// Default returns the calendar of the tables that come with the program: 2025 and 2026.
func Default() (*Calendar, error) {
	years, err := ParseYears(builtin)
	if err != nil {
		return nil, fmt.Errorf("reading built-in holiday tables: %w", err)
	}
	return New(years...)
}

// ParseYears reads tables in YAML: a list of Year. Unknown members are refused.
func ParseYears(data []byte) ([]Year, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	var years []Year
	if err := d.Decode(&years); err != nil {
		return nil, fmt.Errorf("decoding holiday tables: %w", err)
	}
	return years, nil
}

// check refuses a table that is incomplete, contradicts itself or misses its checksum.
func (c *Calendar) check(y Year) error {
	var p fault.Places
	p.Require(y.Year >= 2000 && y.Year <= 9999, "year", "year.out_of_range")
	p.Require(!c.covers(Date{year: y.Year}), "year", "year.already_there")
	p.Require(y.Document != "", "document", "document.missing")
	p.Require(!y.Issued.IsZero(), "issued", "issued.missing")
	y.checkOff(&p)
	y.checkWork(&p)
	if len(p) == 0 {
		p.Require(y.count() == y.WorkingDays, "working_days", "working_days.checksum")
	}
	return p.Err("calendar.table")
}

func (y Year) checkOff(p *fault.Places) {
	last := Date{}
	for i, s := range y.Off {
		at := fmt.Sprintf("off[%d]", i)
		p.Require(s.From.year == y.Year && s.To.year == y.Year, at, "day.outside_year")
		p.Require(!s.To.Before(s.From), at, "span.reversed")
		p.Require(last.IsZero() || last.Before(s.From), at, "day.duplicate")
		last = s.To
	}
}

func (y Year) checkWork(p *fault.Places) {
	seen := map[Date]bool{}
	for i, d := range y.Work {
		at := fmt.Sprintf("work[%d]", i)
		p.Require(d.year == y.Year, at, "day.outside_year")
		p.Require(!weekday(d), at, "day.works_anyway")
		p.Require(!seen[d] && !y.off(d), at, "day.duplicate")
		seen[d] = true
	}
}

func (y Year) off(d Date) bool {
	for _, s := range y.Off {
		if !d.Before(s.From) && !d.After(s.To) {
			return true
		}
	}
	return false
}

// mark writes the table's days into days.
func (y Year) mark(days map[Date]bool) {
	for _, s := range y.Off {
		for d := s.From; !d.After(s.To); d = d.AddDays(1) {
			days[d] = false
		}
	}
	for _, d := range y.Work {
		days[d] = true
	}
}

// count returns the working days of the year under this table alone.
func (y Year) count() int {
	one := &Calendar{years: map[int]Year{y.Year: y}, days: map[Date]bool{}}
	y.mark(one.days)
	return one.WorkingDays(Date{y.Year - 1, 12, 31}, Date{y.Year, 12, 31})
}

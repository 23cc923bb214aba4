// Package calendar counts working days and years as the law does, in Asia/Shanghai: the day of the trigger
// is not counted, a limit ends at 24:00 of its last day, make-up workdays count (Civil Code 200–204).
//
// Holidays are data: a year's table carries the number of the State Council's notice. Past the tables a
// result counts weekends only and says that it is provisional. A Calendar never changes and may be shared.
package calendar

import (
	"maps"
	"time"
)

// Calendar is a set of year tables.
type Calendar struct {
	years map[int]Year
	days  map[Date]bool // days the tables speak of: true works, false is off
}

// New returns a calendar of checked tables.
func New(years ...Year) (*Calendar, error) {
	c := &Calendar{years: map[int]Year{}, days: map[Date]bool{}}
	for _, y := range years {
		var err error
		if c, err = c.Import(y); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Import returns a calendar with one more year, or a fault that tells what is wrong with its table. A year
// that is there already is refused: a corrected notice is a new rule, not a silent change.
func (c *Calendar) Import(y Year) (*Calendar, error) {
	if err := c.check(y); err != nil {
		return nil, err
	}
	n := &Calendar{years: maps.Clone(c.years), days: maps.Clone(c.days)}
	n.years[y.Year] = y
	y.mark(n.days)
	return n, nil
}

// Year returns the table of a year.
func (c *Calendar) Year(year int) (Year, bool) {
	y, ok := c.years[year]
	return y, ok
}

// Working reports whether d is a working day. Without a table for its year Monday to Friday work.
func (c *Calendar) Working(d Date) bool {
	if works, told := c.days[d]; told {
		return works
	}
	return weekday(d)
}

// Due is a counted date. Provisional says that a day was counted without its year's table: the date may move
// when the table is imported.
type Due struct {
	Date        Date `json:"date"`
	Provisional bool `json:"provisional,omitempty"`
}

// Passed reports whether the limit has ended at an instant.
func (d Due) Passed(now time.Time) bool { return !now.Before(d.Date.End()) }

// AddWorkingDays returns the n-th working day after d. n below one returns d.
func (c *Calendar) AddWorkingDays(d Date, n int) Due {
	due := Due{Date: d}
	for n > 0 {
		due.Date = due.Date.AddDays(1)
		due.Provisional = due.Provisional || !c.covers(due.Date)
		if c.Working(due.Date) {
			n--
		}
	}
	return due
}

// NextWorking returns d when it works, else the next day that does: where a person's own act ends when its
// calendar-day limit falls on a day of rest. The dates a validity ends on do not move this way.
func (c *Calendar) NextWorking(d Date) Due {
	return c.AddWorkingDays(d.AddDays(-1), 1)
}

// WorkingDays counts the working days after from, up to and with to.
func (c *Calendar) WorkingDays(from, to Date) int {
	n := 0
	for d := from.AddDays(1); !d.After(to); d = d.AddDays(1) {
		if c.Working(d) {
			n++
		}
	}
	return n
}

func (c *Calendar) covers(d Date) bool {
	_, ok := c.years[d.year]
	return ok
}

func weekday(d Date) bool {
	return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
}

package calendar

import (
	"errors"
	"time"
)

// ErrDate refuses a text that is no date.
var ErrDate = errors.New("not a date")

// Zone returns Asia/Shanghai: UTC+8 without daylight saving, whatever zone data the machine has.
func Zone() *time.Location { return time.FixedZone("Asia/Shanghai", 8*60*60) }

// Date is a day in Asia/Shanghai. It is comparable; the zero Date is invalid.
type Date struct {
	year  int
	month time.Month
	day   int
}

// NewDate returns the date, false when there is no such day.
func NewDate(year int, month time.Month, day int) (Date, bool) {
	d := Date{year, month, day}
	return d, year > 0 && year <= 9999 && d.midnight().Day() == day && d.midnight().Month() == month
}

// DateOf returns the day of an instant.
func DateOf(t time.Time) Date {
	y, m, d := t.In(Zone()).Date()
	return Date{y, m, d}
}

// ParseDate reads "2025-04-08".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() == 0 {
		return Date{}, ErrDate
	}
	return Date{t.Year(), t.Month(), t.Day()}, nil
}

// String returns "2025-04-08", and "" for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.midnight().Format(time.DateOnly)
}

// MarshalText implements encoding.TextMarshaler.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; the empty text is the zero Date.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	p, err := ParseDate(string(b))
	*d = p
	return err
}

// IsZero reports whether d is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Year returns the year.
func (d Date) Year() int { return d.year }

// Compare returns −1, 0 or +1 when d is before, equal to or after o.
func (d Date) Compare(o Date) int { return d.midnight().Compare(o.midnight()) }

// Before reports whether d is before o.
func (d Date) Before(o Date) bool { return d.Compare(o) < 0 }

// After reports whether d is after o.
func (d Date) After(o Date) bool { return d.Compare(o) > 0 }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.midnight().Weekday() }

// AddDays returns the date n calendar days later.
func (d Date) AddDays(n int) Date { return dateIn(d.midnight().AddDate(0, 0, n)) }

// AddYears returns the same month and day n years later; where that day does not exist, the month's last
// (Civil Code 202: 2028-02-29 and three years are 2031-02-28). time.AddDate would give 1 March.
func (d Date) AddYears(n int) Date {
	same := Date{d.year + n, d.month, d.day}
	if end := (Date{d.year + n, d.month, 1}).MonthEnd(); end.day < d.day {
		return end
	}
	return same
}

// MonthEnd returns the last day of d's month.
func (d Date) MonthEnd() Date {
	return dateIn(time.Date(d.year, d.month+1, 0, 0, 0, 0, 0, Zone()))
}

// Start returns the instant the day begins.
func (d Date) Start() time.Time { return d.midnight() }

// End returns 24:00 of the day: the first instant of the next. A limit on d has passed when the clock is at
// or after it.
func (d Date) End() time.Time { return d.AddDays(1).midnight() }

func (d Date) midnight() time.Time {
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, Zone())
}

func dateIn(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

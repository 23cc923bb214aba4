package calendar

import (
	"errors"
	"time"
)

// ErrMonth refuses a text that is no month.
var ErrMonth = errors.New("not a month")

// Month is a calendar month in Asia/Shanghai. It is comparable; the zero Month is invalid.
type Month struct {
	year  int
	month time.Month
}

// monthForm is how a month is written.
const monthForm = "2006-01"

// MonthOf returns the month of an instant.
func MonthOf(t time.Time) Month {
	y, m, _ := t.In(Zone()).Date()
	return Month{y, m}
}

// ParseMonth reads "2026-11".
func ParseMonth(s string) (Month, error) {
	t, err := time.Parse(monthForm, s)
	if err != nil || t.Year() == 0 {
		return Month{}, ErrMonth
	}
	return Month{t.Year(), t.Month()}, nil
}

// String returns "2026-11".
func (m Month) String() string { return m.Start().Format(monthForm) }

// Start returns the instant the month begins.
func (m Month) Start() time.Time { return time.Date(m.year, m.month, 1, 0, 0, 0, 0, Zone()) }

// End returns the first instant of the next month.
func (m Month) End() time.Time { return time.Date(m.year, m.month+1, 1, 0, 0, 0, 0, Zone()) }

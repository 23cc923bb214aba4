package registration

import (
	"errors"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
)

// ErrEnded says that an authorized term ends before a validity would begin.
var ErrEnded = errors.New("authorized term ends before validity begins")

// Period is a validity, both days included.
type Period struct {
	From calendar.Date `json:"from"`
	To   calendar.Date `json:"to"`
}

// Holds reports whether the period covers an instant.
func (p Period) Holds(now time.Time) bool {
	return !now.Before(p.From.Start()) && now.Before(p.To.End())
}

// Validity returns the validity of a registration coded on a day (R15): years long, and for an object under
// an agreement not past its term. A zero term is none. It must be computed anew when a term changes.
func Validity(coded calendar.Date, years int, term calendar.Date) (Period, error) {
	return bounded(Period{coded, coded.AddYears(years)}, term)
}

// Renew returns the validity that follows p (R16): it begins the day after p ends, is at most years long and
// not past the authorized term.
func (p Period) Renew(years int, term calendar.Date) (Period, error) {
	return bounded(Period{p.To.AddDays(1), p.To.AddYears(years)}, term)
}

func bounded(p Period, term calendar.Date) (Period, error) {
	if term.IsZero() || !term.Before(p.To) {
		return p, nil
	}
	if term.Before(p.From) {
		return Period{}, ErrEnded
	}
	return Period{p.From, term}, nil
}

// Window returns when a renewal of p may be asked for: from the given number of calendar days before expiry
// until expiry. An expiry on a day of rest lets the registrant act on the next working day; the validity
// itself does not move.
func (p Period) Window(cal *calendar.Calendar, days int) Period {
	return Period{p.To.AddDays(-days), cal.NextWorking(p.To).Date}
}

// CheckRenewal refuses a renewal outside its window.
func (p Period) CheckRenewal(cal *calendar.Calendar, days int, now time.Time) error {
	w := p.Window(cal, days)
	switch {
	case now.Before(w.From.Start()):
		return fault.New(fault.Conflict, "renewal.too_early")
	case !now.Before(w.To.End()):
		return fault.New(fault.Conflict, "renewal.too_late")
	}
	return nil
}

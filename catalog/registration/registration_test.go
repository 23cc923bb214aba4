package registration_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/registration"
)

func day(t *testing.T, s string) calendar.Date {
	t.Helper()
	if s == "" {
		return calendar.Date{}
	}
	d, err := calendar.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func cal(t *testing.T) *calendar.Calendar {
	t.Helper()
	c, err := calendar.Default()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func limits() registration.Limits {
	return registration.Limits{Accept: 3, Review: 20, Notice: 10, Years: 3, Renewal: 60}
}

func TestValidity(t *testing.T) {
	tests := []struct{ coded, term, to string }{
		{"2025-06-10", "", "2028-06-10"},
		{"2025-06-10", "2027-01-31", "2027-01-31"},
		{"2025-06-10", "2030-01-31", "2028-06-10"},
		{"2028-02-29", "", "2031-02-28"},
		{"2025-06-10", "2025-06-10", "2025-06-10"},
	}
	for _, tt := range tests {
		p, err := registration.Validity(day(t, tt.coded), 3, day(t, tt.term))
		if err != nil || p.From.String() != tt.coded || p.To.String() != tt.to {
			t.Errorf("coded %s, term %q: got %s to %s, %v; want to %s", tt.coded, tt.term, p.From, p.To, err, tt.to)
		}
	}
	if _, err := registration.Validity(day(t, "2025-06-10"), 3, day(t, "2025-06-09")); !errors.Is(err, registration.ErrEnded) {
		t.Errorf("term over: %v", err)
	}
}

func TestPeriodHolds(t *testing.T) {
	p := registration.Period{From: day(t, "2025-06-10"), To: day(t, "2028-06-10")}
	for at, want := range map[time.Time]bool{
		p.From.Start().Add(-1): false, p.From.Start(): true, p.To.End().Add(-1): true, p.To.End(): false,
	} {
		if p.Holds(at) != want {
			t.Errorf("%s: got %v", at, !want)
		}
	}
}

// R16: day 61 before expiry is refused, day 60 accepted; an expiry on a day of rest runs on for the act.
func TestRenewal(t *testing.T) {
	p := registration.Period{From: day(t, "2023-10-03"), To: day(t, "2026-10-03")}
	tests := []struct{ at, code string }{
		{"2026-08-03", "renewal.too_early"}, // 61 days before
		{"2026-08-04", ""},                  // 60 days before
		{"2026-10-03", ""},
		{"2026-10-08", ""}, // first working day after National Day
		{"2026-10-09", "renewal.too_late"},
	}
	for _, tt := range tests {
		err := p.CheckRenewal(cal(t), 60, day(t, tt.at).Start())
		if tt.code == "" && err != nil || tt.code != "" && fault.Code(err) != tt.code {
			t.Errorf("%s: got %v, want %q", tt.at, err, tt.code)
		}
	}
	next, err := p.Renew(3, calendar.Date{})
	if err != nil || next.From.String() != "2026-10-04" || next.To.String() != "2029-10-03" {
		t.Errorf("renewed: %s to %s, %v", next.From, next.To, err)
	}
	next, err = p.Renew(3, day(t, "2027-01-31"))
	if err != nil || next.To.String() != "2027-01-31" {
		t.Errorf("renewed past the term: to %s, %v", next.To, err)
	}
	if _, err := p.Renew(3, day(t, "2026-10-03")); !errors.Is(err, registration.ErrEnded) {
		t.Errorf("renewed after the term: %v", err)
	}
}

func TestDues(t *testing.T) {
	at := func(s string) *time.Time { v := day(t, s).Start().Add(15 * time.Hour); return &v }
	a := registration.Application{Received: *at("2026-02-13"), Accepted: at("2026-04-30")}
	d := a.Dues(cal(t), limits())
	if d.Accept.Date.String() != "2026-02-25" || d.Review.Date.String() != "2026-06-01" || !d.NoticeEnd.Date.IsZero() {
		t.Fatalf("got %+v", d)
	}
	if a.NoticeOver(cal(t), limits(), *at("2030-01-01")) {
		t.Fatal("a notice never opened is over")
	}
	a.Noticed = at("2026-09-30")
	end := a.Dues(cal(t), limits()).NoticeEnd.Date
	if end.String() != "2026-10-20" {
		t.Fatalf("notice ends %s", end)
	}
	if a.NoticeOver(cal(t), limits(), end.End().Add(-1)) || !a.NoticeOver(cal(t), limits(), end.End()) {
		t.Fatal("the notice does not end at 24:00")
	}
	none := limits()
	none.Notice = 0
	if !a.NoticeOver(cal(t), none, *a.Noticed) {
		t.Fatal("a notice of no days stays open")
	}
}

func TestApplication(t *testing.T) {
	d := name.DigestOf(nil)
	good := registration.Application{
		Type: registration.Initial, Object: registration.Resource, Summary: "visits", Commitment: d, Evidence: d,
		Declarations: registration.Declarations{NoStateSecret: true, TradeSecretHandled: true, PersonalHandled: true, RiskAssessed: true},
	}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for code, spoil := range map[string]func(*registration.Application){
		"type.unknown":            func(a *registration.Application) { a.Type = "" },
		"object.unknown":          func(a *registration.Application) { a.Object = "table" },
		"summary.invalid":         func(a *registration.Application) { a.Summary = "" },
		"commitment.missing":      func(a *registration.Application) { a.Commitment = "" },
		"evidence.missing":        func(a *registration.Application) { a.Evidence = "" },
		"declarations.incomplete": func(a *registration.Application) { a.Declarations.RiskAssessed = false },
	} {
		a := good
		spoil(&a)
		var f *fault.Error
		if err := a.Validate(); !errors.As(err, &f) || len(f.Places) != 1 || f.Places[0].Code != code {
			t.Errorf("%s: got %v", code, err)
		}
	}
}

func TestProvisionalCode(t *testing.T) {
	n, err := name.NewNumber(name.Registration, 2026, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := registration.ProvisionalCode(n); got != "PROVISIONAL-R-2026-0001" {
		t.Fatalf("got %s", got)
	}
}

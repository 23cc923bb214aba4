package agreement_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

func day(t *testing.T, s string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func noon(t *testing.T, s string) *time.Time {
	v := day(t, s).Start().Add(12 * time.Hour)
	return &v
}

func good(t *testing.T) agreement.Agreement {
	return agreement.Agreement{
		Agency: name.NewID(), Operator: name.NewID(), From: day(t, "2025-10-15"), To: day(t, "2028-10-15"),
		Datasets: []name.Slug{"health-visits"}, Document: name.DigestOf(nil),
		Decision: agreement.Decision{Document: "minutes 12", Date: day(t, "2025-09-26")},
	}
}

func TestValidate(t *testing.T) {
	if err := good(t).Validate(3); err != nil {
		t.Fatal(err)
	}
	for code, spoil := range map[string]func(*agreement.Agreement){
		"term.over_cap":      func(a *agreement.Agreement) { a.To = a.To.AddDays(1) },
		"term.invalid":       func(a *agreement.Agreement) { a.To = a.From.AddDays(-1) },
		"operator.is_agency": func(a *agreement.Agreement) { a.Operator = a.Agency },
		"document.missing":   func(a *agreement.Agreement) { a.Document = "" },
		"datasets.missing":   func(a *agreement.Agreement) { a.Datasets = nil },
		"slug.invalid":       func(a *agreement.Agreement) { a.Datasets[0] = "Health" },
		"dataset.duplicate":  func(a *agreement.Agreement) { a.Datasets = append(a.Datasets, a.Datasets[0]) },
	} {
		a := good(t)
		spoil(&a)
		var f *fault.Error
		if err := a.Validate(3); !errors.As(err, &f) || len(f.Places) != 1 || f.Places[0].Code != code {
			t.Errorf("%s: got %v", code, err)
		}
	}
	long := good(t)
	long.To, long.Exception = long.To.AddYears(2), "decision 2025-17"
	if err := long.Validate(3); err != nil {
		t.Errorf("a recorded exception is refused: %v", err)
	}
}

// O16: signed 2025-09-29, due 2025-10-13; a later filing is marked late.
func TestFiling(t *testing.T) {
	cal, err := calendar.Default()
	if err != nil {
		t.Fatal(err)
	}
	a := good(t)
	if a.FilingLate(cal, 5, *noon(t, "2030-01-01")) || !a.FilingDue(cal, 5).Date.IsZero() {
		t.Fatal("due before it was signed")
	}
	a.Signed = noon(t, "2025-09-29")
	if got := a.FilingDue(cal, 5).Date.String(); got != "2025-10-13" {
		t.Fatalf("due %s", got)
	}
	tests := []struct {
		filed, now string
		late       bool
	}{
		{"", "2025-10-13", false}, {"", "2025-10-14", true},
		{"2025-10-13", "2030-01-01", false}, {"2025-10-14", "2025-10-14", true},
	}
	for _, tt := range tests {
		a.Filed = nil
		if tt.filed != "" {
			a.Filed = noon(t, tt.filed)
		}
		if got := a.FilingLate(cal, 5, *noon(t, tt.now)); got != tt.late {
			t.Errorf("filed %q, now %s: late %v", tt.filed, tt.now, got)
		}
	}
}

func TestSigning(t *testing.T) {
	a := good(t)
	for at, code := range map[string]string{"2025-09-25": "agreement.decision_after_signing", "2025-09-26": "", "2025-09-29": ""} {
		err := a.CheckSigning(*noon(t, at))
		if (err == nil) != (code == "") || err != nil && fault.Code(err) != code {
			t.Errorf("%s: got %v", at, err)
		}
	}
	a.Decision = agreement.Decision{}
	if err := a.CheckSigning(*noon(t, "2025-09-29")); fault.Code(err) != "agreement.decision_missing" {
		t.Errorf("no decision: %v", err)
	}
}

func TestEffect(t *testing.T) {
	a := good(t)
	check := func(gate bool, at, code string) {
		t.Helper()
		err := a.CheckEffect(gate, *noon(t, at))
		if (err == nil) != (code == "") || err != nil && fault.Code(err) != code {
			t.Errorf("gate %v, %s: got %v", gate, at, err)
		}
	}
	check(true, "2025-11-01", "agreement.not_filed")
	check(false, "2025-11-01", "")
	a.Filed = noon(t, "2025-10-13")
	check(true, "2025-10-14", "agreement.not_begun")
	check(true, "2025-10-15", "")
	check(true, "2028-10-15", "")
	check(true, "2028-10-16", "agreement.term_over")
	if !a.Covers("health-visits") || a.Covers("health-visit") {
		t.Error("covers")
	}
}

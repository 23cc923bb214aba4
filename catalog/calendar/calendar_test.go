package calendar_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
)

func day(t *testing.T, s string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(s)
	if err != nil {
		t.Fatalf("date %s: %v", s, err)
	}
	return d
}

func builtin(t *testing.T) *calendar.Calendar {
	t.Helper()
	c, err := calendar.Default()
	if err != nil {
		t.Fatalf("Default: %v", err)
	}
	return c
}

func TestAddWorkingDays(t *testing.T) {
	tests := []struct {
		trigger string
		n       int
		due     string
		why     string
	}{
		{"2025-04-08", 30, "2025-05-22", "R14: Labour Day; Sunday 04-27 works"},
		{"2025-09-29", 5, "2025-10-13", "O16: 10-01…08 off, Saturday 10-11 works"},
		{"2025-09-30", 3, "2025-10-11", "the due day is a make-up Saturday"},
		{"2025-12-29", 5, "2026-01-06", "year change; Sunday 2026-01-04 works"},
		{"2026-02-13", 3, "2026-02-25", "Saturday 02-14 works, 02-15…23 off"},
		{"2026-02-13", 10, "2026-03-05", "Saturday 02-28 works"},
		{"2026-04-30", 20, "2026-06-01", "Saturday 05-09 works"},
		{"2026-09-18", 20, "2026-10-22", "Sunday 09-20 and Saturday 10-10 work"},
		{"2026-09-30", 10, "2026-10-20", "a notice over National Day"},
		{"2026-09-30", 0, "2026-09-30", "nothing to count"},
		{"2026-10-03", 1, "2026-10-08", "a trigger on a day off"},
	}
	c := builtin(t)
	for _, tt := range tests {
		got := c.AddWorkingDays(day(t, tt.trigger), tt.n)
		if want := (calendar.Due{Date: day(t, tt.due)}); got != want {
			t.Errorf("%s + %d: got %s %v, want %s (%s)", tt.trigger, tt.n, got.Date, got.Provisional, tt.due, tt.why)
		}
		if n := c.WorkingDays(day(t, tt.trigger), got.Date); n != tt.n {
			t.Errorf("%s to %s: counted %d working days, want %d", tt.trigger, tt.due, n, tt.n)
		}
	}
}

func TestChecksum(t *testing.T) {
	c := builtin(t)
	for year, document := range map[int]string{2025: "国办发明电〔2024〕12号", 2026: "国办发明电〔2025〕7号"} {
		first, _ := calendar.NewDate(year, 1, 1)
		last, _ := calendar.NewDate(year, 12, 31)
		if n := c.WorkingDays(first.AddDays(-1), last); n != 248 {
			t.Errorf("%d has %d working days, want 248", year, n)
		}
		if y, ok := c.Year(year); !ok || y.Document != document {
			t.Errorf("%d rests on %q", year, y.Document)
		}
	}
}

func TestProvisional(t *testing.T) {
	c := builtin(t)
	got := c.AddWorkingDays(day(t, "2026-12-30"), 3)
	if want := (calendar.Due{Date: day(t, "2027-01-04"), Provisional: true}); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	next := calendar.Year{
		Year: 2027, Document: "test", Issued: day(t, "2026-11-10"), WorkingDays: 260,
		Off: []calendar.Span{{From: day(t, "2027-01-01"), To: day(t, "2027-01-03")}},
	}
	c, err := c.Import(next)
	if err != nil {
		t.Fatalf("Import: %v", err)
	}
	got = c.AddWorkingDays(day(t, "2026-12-30"), 3)
	if want := (calendar.Due{Date: day(t, "2027-01-05")}); got != want {
		t.Fatalf("with the new table: got %+v, want %+v", got, want)
	}
}

func TestImportRefuses(t *testing.T) {
	good := func() calendar.Year {
		return calendar.Year{
			Year: 2027, Document: "test", Issued: day(t, "2026-11-10"), WorkingDays: 261,
			Off:  []calendar.Span{{From: day(t, "2027-01-01"), To: day(t, "2027-01-03")}},
			Work: []calendar.Date{day(t, "2027-01-09")},
		}
	}
	if _, err := builtin(t).Import(good()); err != nil {
		t.Fatalf("good table: %v", err)
	}
	tests := []struct {
		code  string
		spoil func(*calendar.Year)
	}{
		{"working_days.checksum", func(y *calendar.Year) { y.WorkingDays = 248 }},
		{"year.already_there", func(y *calendar.Year) { y.Year = 2026 }},
		{"year.out_of_range", func(y *calendar.Year) { y.Year = 27 }},
		{"document.missing", func(y *calendar.Year) { y.Document = "" }},
		{"issued.missing", func(y *calendar.Year) { y.Issued = calendar.Date{} }},
		{"span.reversed", func(y *calendar.Year) { y.Off[0].To = day(t, "2026-12-31"); y.Off[0].From = day(t, "2027-01-01") }},
		{"day.duplicate", func(y *calendar.Year) { y.Off = append(y.Off, y.Off[0]) }},
		{"day.duplicate", func(y *calendar.Year) { y.Work = append(y.Work, y.Work[0]) }},
		{"day.duplicate", func(y *calendar.Year) { y.Work[0] = day(t, "2027-01-03") }},
		{"day.works_anyway", func(y *calendar.Year) { y.Work[0] = day(t, "2027-01-08") }},
		{"day.outside_year", func(y *calendar.Year) { y.Work[0] = day(t, "2028-01-08") }},
		{"day.outside_year", func(y *calendar.Year) { y.Off[0].From = day(t, "2026-12-31") }},
		{"day.outside_year", func(y *calendar.Year) { y.Off[0].To = day(t, "2028-01-01") }},
	}
	for _, tt := range tests {
		y := good()
		tt.spoil(&y)
		_, err := builtin(t).Import(y)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || !hasCode(f.Places, tt.code) {
			t.Errorf("%s: got %v", tt.code, err)
		}
	}
}

func hasCode(ps []fault.Place, code string) bool {
	for _, p := range ps {
		if p.Code == code {
			return true
		}
	}
	return false
}

func TestParseYearsRefusesUnknown(t *testing.T) {
	if _, err := calendar.ParseYears([]byte("- {year: 2027, holidays: []}")); err == nil {
		t.Fatal("took an unknown member")
	}
	if _, err := calendar.ParseYears([]byte("- {year: 2027, work: [2027-02-30]}")); err == nil {
		t.Fatal("took a day that does not exist")
	}
}

func TestYears(t *testing.T) {
	tests := []struct {
		from string
		n    int
		want string
	}{
		{"2025-06-10", 3, "2028-06-10"},
		{"2028-02-29", 3, "2031-02-28"},
		{"2028-02-29", 4, "2032-02-29"},
		{"2027-02-28", 1, "2028-02-28"},
		{"2025-12-31", 1, "2026-12-31"},
	}
	for _, tt := range tests {
		if got := day(t, tt.from).AddYears(tt.n); got.String() != tt.want {
			t.Errorf("%s + %dy: got %s, want %s", tt.from, tt.n, got, tt.want)
		}
	}
	if got := day(t, "2028-02-03").MonthEnd().String(); got != "2028-02-29" {
		t.Errorf("month end: %s", got)
	}
	if got := day(t, "2025-12-03").MonthEnd().String(); got != "2025-12-31" {
		t.Errorf("month end: %s", got)
	}
}

func TestEndsAt24(t *testing.T) {
	d := day(t, "2025-10-13")
	if got, want := d.End().UTC(), time.Date(2025, 10, 13, 16, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Fatalf("ends %s, want %s", got, want)
	}
	due := calendar.Due{Date: d}
	if due.Passed(d.End().Add(-time.Nanosecond)) || !due.Passed(d.End()) {
		t.Fatal("the limit does not end at 24:00")
	}
	if got := calendar.DateOf(d.End().Add(-time.Second)); got != d {
		t.Fatalf("23:59:59 is %s", got)
	}
	if got := calendar.DateOf(time.Date(2025, 10, 13, 20, 0, 0, 0, time.UTC)); got != d.AddDays(1) {
		t.Fatalf("20:00 UTC is %s", got)
	}
}

func TestNextWorking(t *testing.T) {
	c := builtin(t)
	for from, want := range map[string]string{
		"2026-10-01": "2026-10-08", "2026-10-10": "2026-10-10", "2026-10-11": "2026-10-12", "2026-10-12": "2026-10-12",
	} {
		if got := c.NextWorking(day(t, from)).Date.String(); got != want {
			t.Errorf("%s: got %s, want %s", from, got, want)
		}
	}
}

func TestDateText(t *testing.T) {
	for _, s := range []string{"", "2025-02-29", "2025-4-8", "2025/04/08", "0000-01-01", "2025-04-08T00:00:00Z"} {
		if _, err := calendar.ParseDate(s); !errors.Is(err, calendar.ErrDate) {
			t.Errorf("took %q: %v", s, err)
		}
	}
	if _, ok := calendar.NewDate(2025, 2, 29); ok {
		t.Error("took 29 February 2025")
	}
	type pair struct {
		A calendar.Date `json:"a"`
		B calendar.Date `json:"b"`
	}
	in := pair{A: day(t, "2025-04-08")}
	raw, err := json.Marshal(in)
	if err != nil || string(raw) != `{"a":"2025-04-08","b":""}` {
		t.Fatalf("got %s, %v", raw, err)
	}
	var out pair
	if err := json.Unmarshal(raw, &out); err != nil || !cmp.Equal(in, out, cmp.Comparer(func(a, b calendar.Date) bool { return a == b })) {
		t.Fatalf("got %+v, %v", out, err)
	}
}

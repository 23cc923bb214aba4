package calendar_test

import (
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
)

// A month is Asia/Shanghai's: it ends while UTC still writes the day before.
func TestMonth(t *testing.T) {
	last := time.Date(2026, 11, 30, 15, 59, 59, 0, time.UTC)
	m := calendar.MonthOf(last)
	if m.String() != "2026-11" || !m.End().Equal(last.Add(time.Second)) || calendar.MonthOf(m.End()).String() != "2026-12" {
		t.Fatalf("%s ends %s", m, m.End())
	}
	if again, err := calendar.ParseMonth(m.String()); err != nil || again != m {
		t.Fatalf("read back as %s, %v", again, err)
	}
	for _, text := range []string{"", "2026", "2026-13", "2026-1", "11-2026", "2026-11-01", "0000-01"} {
		if m, err := calendar.ParseMonth(text); err == nil {
			t.Errorf("%q is %s", text, m)
		}
	}
}

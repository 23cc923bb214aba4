package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
)

// How codes, numbers, times and days stand in tables. JSON and YAML keep what the API says.

// word shows a code of the record in the reader's language; nothing stays nothing.
func word[S ~string](c *call, code S) string {
	if code == "" {
		return ""
	}
	return c.Word(string(code))
}

// words lists codes in the reader's language.
func words[S ~string](c *call, codes []S) string {
	all := make([]string, 0, len(codes))
	for _, code := range codes {
		all = append(all, word(c, code))
	}
	return c.list(all)
}

// list joins texts as the reader's language does.
func (c *call) list(texts []string) string { return strings.Join(texts, c.Say("list.comma")) }

// joined lists names that are the same in every language: codes, numbers, columns.
func joined[S ~string](list []S) string {
	all := make([]string, 0, len(list))
	for _, s := range list {
		all = append(all, string(s))
	}
	return strings.Join(all, ", ")
}

func (c *call) yesNo(b bool) string {
	if b {
		return c.Say("yes")
	}
	return c.Say("no")
}

// number writes a whole number with its thousands parted: 20,190. Both languages do it so.
func number[N ~int | ~int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// when shows a time as the city's clocks do.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(calendar.Zone()).Format("2006-01-02 15:04")
}

func whenever(t *time.Time) string {
	if t == nil {
		return ""
	}
	return when(*t)
}

// untilDay shows the last day before a moment that ends a term.
func untilDay(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return lastDay(*t).String()
}

func lastDay(end time.Time) calendar.Date { return calendar.DateOf(end.Add(-time.Second)) }

// due is untilDay with the working days that are left, for a step that is still to be done.
func (c *call) due(t *time.Time, done bool) string {
	if t == nil || t.IsZero() || done {
		return untilDay(t)
	}
	return c.left(lastDay(*t), c.Say("due.over"))
}

// left shows a last day with the working days until it; over is said of a day that has passed.
func (c *call) left(day calendar.Date, over string) string {
	days, err := calendar.Default()
	if err != nil || day.IsZero() {
		return day.String()
	}
	today := calendar.DateOf(c.now())
	switch left := days.WorkingDays(today, day); {
	case day.Before(today):
		return day.String() + over
	case day == today:
		return day.String() + c.Say("due.today")
	case left == 1:
		return day.String() + c.Say("due.one")
	default:
		return day.String() + c.Say("due.left", "n", left)
	}
}

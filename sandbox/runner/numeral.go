package runner

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// exactDigits is how many significant digits a stored binary number keeps whatever they are (IEEE 754 double;
// spreadsheets round to it): an identifier of more digits has been damaged before it came here.
const exactDigits = 15

// numeral is a stored number as a field: plain digits without an exponent, and rough when it shows more digits
// than it can hold.
func numeral(text string) field {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return field{reason: "value.not_number"}
	}
	return field{text: strconv.FormatFloat(v+0, 'f', -1, 64), rough: significantDigits(text) > exactDigits}
}

// significantDigits counts from the first digit that is not 0 to the last.
func significantDigits(text string) int {
	mantissa, _, _ := strings.Cut(strings.ToLower(strings.TrimLeft(text, "+-")), "e")
	whole, part, _ := strings.Cut(mantissa, ".")
	return len(strings.Trim(whole+part, "0"))
}

// maxSerial is 9999-12-31 as a spreadsheet counts days from 1900.
const maxSerial = 2_958_465

// serialDate is a spreadsheet's count of days (ECMA-376 part 1, 18.17.4.1) as ISO 8601 text, with the time of day
// where there is one. The 1900 system has a 29 February 1900 that never was, and days before it count one less.
func serialDate(text string, from1904 bool) field {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || v < 0 || v >= maxSerial+1 {
		return field{reason: "value.not_date"}
	}
	day := math.Floor(v)
	seconds := math.Round((v - day) * 86400)
	epoch := time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case from1904:
		epoch = time.Date(1904, time.January, 1, 0, 0, 0, 0, time.UTC)
	case day == 60:
		return field{reason: "value.not_date"}
	case day < 60:
		epoch = epoch.AddDate(0, 0, 1)
	}
	at := epoch.AddDate(0, 0, int(day)).Add(time.Duration(seconds) * time.Second)
	if at.Equal(at.Truncate(24 * time.Hour)) {
		return field{text: at.Format(time.DateOnly)}
	}
	return field{text: at.Format(time.DateTime)}
}

// isDateFormat says whether a number format shows a date: it names a part of a date or of a time of day outside quotes, brackets
// and escapes.
func isDateFormat(code string) bool {
	code, _, _ = strings.Cut(code, ";") // the first section is that of positive numbers
	var quoted, bracketed bool
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\\', c == '_', c == '*':
			i++
		case c == '[':
			bracketed = true
		case c == ']':
			bracketed = false
		case bracketed:
		case strings.HasPrefix(strings.ToLower(code[i:]), "general"):
			return false
		case strings.IndexByte("yYdDmMeEaAhHsS", c) >= 0 && !exponent(code[i:]):
			return true
		}
	}
	return false
}

// exponent says whether a format goes on with the E of scientific notation.
func exponent(code string) bool {
	return len(code) > 1 && (code[0] == 'E' || code[0] == 'e') && (code[1] == '+' || code[1] == '-')
}

// isBuiltinDate lists the number formats 0–163 that show a date or a time (ECMA-376 part 1, 18.8.30, East Asian
// ones included).
func isBuiltinDate(id int) bool {
	return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58
}

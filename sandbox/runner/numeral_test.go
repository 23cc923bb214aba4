package runner

import "testing"

func TestNumerals(t *testing.T) {
	for text, want := range map[string]field{
		"3": {text: "3"}, "-0": {text: "0"}, "3.0": {text: "3"}, "1.5E3": {text: "1500"}, "1e-3": {text: "0.001"},
		"123456789012345":          {text: "123456789012345"},
		"1234567890123456":         {text: "1234567890123456", rough: true},
		"500101199003071234":       {text: "500101199003071200", rough: true},
		"5.0010119900307123E+17":   {text: "500101199003071200", rough: true},
		"0.30000000000000004":      {text: "0.30000000000000004", rough: true},
		"100000000000000000000000": {text: "100000000000000000000000"},
		"nan":                      {reason: "value.not_number"}, "1e999": {reason: "value.not_number"}, "x": {reason: "value.not_number"},
	} {
		if got := numeral(text); got != want {
			t.Errorf("numeral(%q) = %+v, want %+v", text, got, want)
		}
	}
}

// Days as ECMA-376 part 1, 18.17.4 gives them, and as spreadsheets show them.
func TestSerialDates(t *testing.T) {
	for _, tt := range []struct {
		text     string
		from1904 bool
		want     field
	}{
		{"1", false, field{text: "1900-01-01"}}, {"59", false, field{text: "1900-02-28"}}, {"60", false, field{reason: "value.not_date"}},
		{"61", false, field{text: "1900-03-01"}}, {"45351", false, field{text: "2024-02-29"}}, {"45351.75", false, field{text: "2024-02-29 18:00:00"}},
		{"45350.99999999", false, field{text: "2024-02-29"}}, {"2958465", false, field{text: "9999-12-31"}},
		{"2958466", false, field{reason: "value.not_date"}}, {"-1", false, field{reason: "value.not_date"}}, {"x", false, field{reason: "value.not_date"}},
		{"0", true, field{text: "1904-01-01"}}, {"43889", true, field{text: "2024-02-29"}},
	} {
		if got := serialDate(tt.text, tt.from1904); got != tt.want {
			t.Errorf("serialDate(%s, %v) = %+v, want %+v", tt.text, tt.from1904, got, tt.want)
		}
	}
}

func TestDateFormats(t *testing.T) {
	for code, want := range map[string]bool{
		"yyyy-mm-dd": true, "yyyy\"年\"m\"月\"d\"日\"": true, "[$-804]aaaa;@": true, "[$-F800]dddd": true, "h:mm": true, "[h]:mm": true,
		"General": false, "0.00": false, "#,##0": false, "0.00E+00": false, "[Red]0": false, "\"day\" 0": false, "\\d0": false, "_-* #,##0_-": false,
		"@": false, "0;[Red]-0": false, "e\"年\"": true,
	} {
		if got := isDateFormat(code); got != want {
			t.Errorf("isDateFormat(%q) = %v, want %v", code, got, want)
		}
	}
}

func TestColumnsOfReferences(t *testing.T) {
	for ref, want := range map[string]int{"A1": 0, "Z9": 25, "AA10": 26, "XFD1": 16383, "XFE1": -1, "ZZZZZZZZZZZZZZZZZZ1": -1, "1": -1, "": -1} {
		if got := columnOf(ref); got != want {
			t.Errorf("columnOf(%q) = %d, want %d", ref, got, want)
		}
	}
}

package catalog

import (
	"errors"
	"testing"

	"github.com/sluicedata/sluice/catalog/fault"
)

// TestOneAgency: inputs of one agency name it; none name nothing; several are refused wherever the other stands.
func TestOneAgency(t *testing.T) {
	for _, c := range []struct {
		agencies []string
		want     string
		code     string
	}{
		{[]string{"a"}, "a", ""},
		{[]string{"a", "a"}, "a", ""},
		{nil, "", fault.NotFound().Code},
		{[]string{"a", "b"}, "", "agreement.several_agencies"},
		{[]string{"a", "a", "b"}, "", "agreement.several_agencies"},
	} {
		got, err := oneAgency(c.agencies)
		if got != c.want || reasonOf(err) != c.code {
			t.Errorf("%v: got %q, %v", c.agencies, got, err)
		}
	}
}

// reasonOf returns the code of a refusal's first reason, or else of the error.
func reasonOf(err error) string {
	var f *fault.Error
	switch {
	case !errors.As(err, &f):
		return ""
	case len(f.Reasons) > 0:
		return f.Reasons[0].Code
	}
	return f.Code
}

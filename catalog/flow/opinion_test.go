package flow_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
)

func TestOpinion(t *testing.T) {
	for reason, want := range map[string]string{
		"用途不符": "", "two\nlines": "", strings.Repeat("a", 500): "", "": "reason.missing", " \n": "reason.missing",
		strings.Repeat("a", 501): "reason.too_long", "a\x00": "text.invalid", "a\u202eb": "text.invalid", "\xff": "text.invalid",
	} {
		err := flow.Opinion{Reason: reason}.Validate()
		var f *fault.Error
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", reason, err)
		case want != "" && (!errors.As(err, &f) || f.Places[0].Code != want):
			t.Errorf("%q: got %v, want %s", reason, err, want)
		}
	}
}

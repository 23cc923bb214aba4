package fault_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/fault"
)

func TestPlaces(t *testing.T) {
	var p fault.Places
	p.Require(true, "a", "x")
	if err := p.Err("thing.invalid"); err != nil {
		t.Fatalf("nothing noted, yet %v", err)
	}
	p.Require(false, "b", "y")
	p.Add("c", "z")
	var f *fault.Error
	if err := p.Err("thing.invalid"); !errors.As(err, &f) || f.Kind != fault.Invalid || f.Code != "thing.invalid" {
		t.Fatalf("got %v", err)
	}
	want := []fault.Place{{Location: "b", Code: "y"}, {Location: "c", Code: "z"}}
	if diff := cmp.Diff(want, f.Places); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

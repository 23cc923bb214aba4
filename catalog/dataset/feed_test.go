package dataset_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
)

func TestPublication(t *testing.T) {
	id := name.NewID().String()
	for _, good := range []dataset.Publication{
		{Upload: id, Mode: dataset.Replace}, {Upload: id, Mode: dataset.Replace, Label: "2026"},
		{Upload: id, Mode: dataset.Append, Base: 3, Label: "2026-11"}, {Upload: id, Mode: dataset.Correct, Corrects: "v1"},
	} {
		if err := good.Validate(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for want, bad := range map[string]dataset.Publication{
		"upload id.invalid":              {Upload: "1", Mode: dataset.Append},
		"mode mode.unknown":              {Upload: id, Mode: "merge"},
		"base base.not_for_mode":         {Upload: id, Mode: dataset.Replace, Base: 1},
		"corrects corrects.not_for_mode": {Upload: id, Mode: dataset.Correct},
		"corrects label.invalid":         {Upload: id, Mode: dataset.Correct, Corrects: "../x"},
		"label label.invalid":            {Upload: id, Mode: dataset.Append, Label: "-a"},
		"label label.not_for_mode":       {Upload: id, Mode: dataset.Correct, Corrects: "a", Label: "b"},
	} {
		if diff := cmp.Diff([]string{want}, places(bad.Validate())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want, diff)
		}
	}
}

func TestIsLabel(t *testing.T) {
	for label, want := range map[string]bool{
		"2026-11": true, "Q4_2026.b": true, "a": true, "": false, ".a": false, "a b": false, "十月": false,
		strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
	} {
		if got := dataset.IsLabel(label); got != want {
			t.Errorf("%q: %v", label, got)
		}
	}
}

func TestFold(t *testing.T) {
	base := plain() // parts named after their version: v1.1, v1.2
	part := dataset.Part{Digest: name.DigestOf([]byte("c")), Size: 1, Rows: 9, Version: 4}
	for what, tt := range map[string]struct {
		p    dataset.Publication
		base *dataset.Manifest
		part dataset.Part
		want []string // or the one code
	}{
		"alone":             {dataset.Publication{Mode: dataset.Replace}, nil, part, []string{"v4 4"}},
		"alone, named":      {dataset.Publication{Mode: dataset.Replace, Label: "2026"}, nil, part, []string{"2026 4"}},
		"appended":          {dataset.Publication{Mode: dataset.Append}, &base, part, []string{"v1.1 1", "v1.2 1", "v4 4"}},
		"corrected":         {dataset.Publication{Mode: dataset.Correct, Corrects: "v1.1"}, &base, part, []string{"v1.1 4", "v1.2 1"}},
		"nothing there":     {dataset.Publication{Mode: dataset.Correct, Corrects: "v1"}, &base, part, []string{"part.unknown"}},
		"label taken":       {dataset.Publication{Mode: dataset.Append, Label: "v1.2"}, &base, part, []string{"label.taken"}},
		"bytes are there":   {dataset.Publication{Mode: dataset.Append}, &base, base.Parts[1], []string{"part.duplicate"}},
		"corrected by same": {dataset.Publication{Mode: dataset.Correct, Corrects: "v1.1"}, &base, base.Parts[0], []string{"part.duplicate"}},
	} {
		parts, err := tt.p.Fold(tt.base, tt.part)
		var got []string
		for _, p := range parts {
			got = append(got, p.Label+" "+string(rune('0'+p.Version)))
		}
		if err != nil {
			got = append(got, fault.Code(err))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	if base.Parts[0].Label != "" || base.Parts[0].Digest != plain().Parts[0].Digest {
		t.Error("folding changed the base")
	}
}

func TestConfirmation(t *testing.T) {
	spec := dataset.Spec{Columns: columns()}
	if spec.Confirmation() != nil || spec.CheckConfirmation() != nil {
		t.Fatal("a declaration that says nothing confirms something")
	}
	spec.Confirmed = []string{"plan", "income", "plan"}
	spec.Inspection = "x"
	want := []string{"confirmed[1] column.unknown", "confirmed[2] column.duplicate", "inspection digest.invalid"}
	if diff := cmp.Diff(want, places(spec.CheckConfirmation())); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

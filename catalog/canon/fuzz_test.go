package canon_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/sluicedata/sluice/catalog/canon"
)

// What Transform takes is JSON, and its form is stable.
func FuzzTransform(f *testing.F) {
	for _, s := range []string{`{"b":[1,"x",null,true],"a":{}}`, `"\ud83d\ude00"`, `-0`, `{"a":1,"a":2}`, `[[[[`, "\xff", `1e9`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		once, err := canon.Transform(raw)
		if err != nil {
			return
		}
		if !json.Valid(raw) || !json.Valid(once) {
			t.Fatalf("took %q as %q", raw, once)
		}
		if twice, err := canon.Transform(once); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%q became %q, %v", once, twice, err)
		}
	})
}

package job_test

import (
	"testing"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/job"
)

// Whatever a file holds, it is read or refused with places; what passes validation has one encoding.
func FuzzParsePackage(f *testing.F) {
	for _, s := range []string{example, "", "{}", "? [a]\n: b", "inputs: {? {a: b} : c}", "outputs: [1, {table: {by: {\"\": [x]}}}]", "a: &a [*a]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, _, err := job.ParsePackage(data)
		if err != nil {
			if fault.Of(err) != fault.Invalid {
				t.Fatalf("refused as %v", err)
			}
			return
		}
		p.Code = "SELECT 1"
		if p.Validate(limits()) != nil {
			return
		}
		b, _, err := p.Encode()
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		back, err := job.Decode(b)
		if err != nil {
			t.Fatalf("Decode: %v", err)
		}
		if again, _, err := back.Encode(); err != nil || string(again) != string(b) {
			t.Fatalf("two encodings: %v", err)
		}
	})
}

package canon_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/canon"
)

func TestTransform(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"sorted", `{"b":1,"a":2}`, `{"a":2,"b":1}`},
		{"nested", `{"b":[{"z":null,"y":true}],"a":{}}`, `{"a":{},"b":[{"y":true,"z":null}]}`},
		{"blanks", " [ 1 ,\n 2 ] ", `[1,2]`},
		{"minus zero", `[-0, -1]`, `[0,-1]`},
		{"control characters", `"\u0001\u001f\n\t\"\\\/<>&"`, `"\u0001\u001f\n\t\"\\/<>&"`},
		{"separators stay", "\"\u2028\"", "\"\u2028\""},
		{"chinese", `{"名":"\u540d"}`, `{"名":"名"}`},
		// RFC 8785 3.2.3: order by UTF-16 units, so U+1F600 (D83D…) comes before U+FB33.
		{"utf-16 order", `{"\ufb33":1,"\ud83d\ude00":2,"\u20ac":3,"\r":4,"1":5,"\u0080":6,"\u00f6":7}`,
			"{\"\\r\":4,\"1\":5,\"\u0080\":6,\"ö\":7,\"€\":3,\"😀\":2,\"\ufb33\":1}"},
		{"greatest integer", `9007199254740991`, `9007199254740991`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := canon.Transform([]byte(tt.in))
			if err != nil {
				t.Fatalf("Transform: %v", err)
			}
			if string(got) != tt.want {
				t.Fatalf("got %s, want %s", got, tt.want)
			}
			again, err := canon.Transform(got)
			if err != nil || string(again) != string(got) {
				t.Fatalf("not stable: %s, %v", again, err)
			}
		})
	}
}

func TestTransformRefuses(t *testing.T) {
	tests := []struct {
		name, in string
		want     error
	}{
		{"fraction", `1.5`, canon.ErrNumber},
		{"exponent", `1e3`, canon.ErrNumber},
		{"too large", `9007199254740992`, canon.ErrNumber},
		{"duplicate", `{"a":1,"\u0061":2}`, canon.ErrDuplicate},
		{"not utf-8", "\"\xff\"", canon.ErrText},
		{"lone surrogate", `"\ud800"`, canon.ErrText},
		{"replacement character", "\"\ufffd\"", canon.ErrText},
		{"replacement in a name", "{\"\ufffd\":1}", canon.ErrText},
		{"trailing", `{} {}`, canon.ErrTrailing},
		{"deep", strings.Repeat("[", 70) + strings.Repeat("]", 70), canon.ErrDepth},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := canon.Transform([]byte(tt.in)); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
	}
	for _, in := range []string{``, `{`, `{"a"}`, `[1,]`, `nul`} {
		if _, err := canon.Transform([]byte(in)); err == nil {
			t.Fatalf("took %q", in)
		}
	}
}

func TestUnmarshalIsStrict(t *testing.T) {
	type statement struct {
		A int    `json:"a"`
		B string `json:"b"`
	}
	var s statement
	if err := canon.Unmarshal([]byte(`{"a":1,"b":"x"}`), &s); err != nil || s.A != 1 {
		t.Fatalf("Unmarshal: %v, %+v", err, s)
	}
	if err := canon.Unmarshal([]byte(`{"b":"x","a":1}`), &s); !errors.Is(err, canon.ErrNotCanonical) {
		t.Fatalf("unsorted members: %v", err)
	}
	if err := canon.Unmarshal([]byte(`{"a":1,"b":"x","c":2}`), &s); err == nil {
		t.Fatal("took an unknown member")
	}
}

func TestDigestIgnoresSpelling(t *testing.T) {
	a, err := canon.Digest(map[string]int{"b": 1, "a": 2})
	if err != nil {
		t.Fatal(err)
	}
	b, err := canon.Digest(struct {
		B int `json:"b"`
		A int `json:"a"`
	}{1, 2})
	if err != nil || a != b {
		t.Fatalf("got %s and %s, %v", a, b, err)
	}
	if _, err := canon.Digest("\xff"); !errors.Is(err, canon.ErrText) {
		t.Fatalf("bytes that are no text: %v", err)
	}
}

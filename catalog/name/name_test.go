package name_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/name"
)

// A parser must take each of good unchanged and none of bad.
type parser struct {
	name  string
	parse func(string) (string, error)
	good  []string
	bad   []string
}

func text[T ~string](parse func(string) (T, error)) func(string) (string, error) {
	return func(s string) (string, error) { v, err := parse(s); return string(v), err }
}

func parsers() []parser {
	return []parser{
		{"id", text(name.ParseID), []string{"01890a5d-ac96-774b-bcce-b302099a8057"}, []string{
			"01890A5D-AC96-774B-BCCE-B302099A8057", "01890a5dac96774bbcceb302099a8057", // other spellings
			"01890a5d-ac96-474b-bcce-b302099a8057", "01890a5d-ac96-774b-0cce-b302099a8057", // other version, variant
			"00000000-0000-0000-0000-000000000000", "x"}},
		{"number", text(name.ParseNumber),
			[]string{"J-2026-0117", "ORG-0001", "Q-2026-9999", "D-2026-10000", "R-2025-0001", "P-2026-0002", "A-2026-0003", "G-2026-0004"},
			[]string{"J-2026-0000", "J-2026-117", "J-2026-00117", "J-0026-0117", "J-26-0117", "J-2026", "J-2026-01x7", "J-2026-0117-",
				"j-2026-0117", "X-2026-0117", "ORG-2026-0001", "ORG-0000", "J-2026-+117", "-2026-0117", "J-2026-0117\n", "J-2026-1234567890123"}},
		{"slug", text(name.ParseSlug), []string{"abc", "health-visits", "a2-" + strings.Repeat("x", 38)},
			[]string{"ab", "Health", "1abc", "-abc", "abc-", "a_bc", "a bc", "ab/c", "../x", "a" + strings.Repeat("x", 41), "数据集"}},
		{"login", text(name.ParseLogin), []string{"li", "wang.lei", "a-b_c2"}, []string{"l", "Li", "1li", "li@x", "li/x", strings.Repeat("l", 33)}},
		{"digest", text(name.ParseDigest), []string{"sha256:" + strings.Repeat("0f", 32)},
			[]string{strings.Repeat("0f", 32), "sha256:" + strings.Repeat("0F", 32), "sha256:" + strings.Repeat("0f", 31),
				"sha256:" + strings.Repeat("0g", 32), "sha512:" + strings.Repeat("0f", 32)}},
		{"credit code", text(name.ParseCreditCode), []string{"91110000802100433B", "9144030071526726XG"},
			[]string{"91110000802100433C", "91110000802100343B", "9111000080210043B", "91110000802100433b", "9111000080210043IB", "91A10000802100433B"}},
	}
}

func TestParse(t *testing.T) {
	for _, p := range parsers() {
		for _, s := range p.good {
			if got, err := p.parse(s); err != nil || got != s {
				t.Errorf("%s: %q gave %q, %v", p.name, s, got, err)
			}
		}
		for _, s := range append(slices.Clone(p.bad), "") {
			got, err := p.parse(s)
			if err == nil || got != "" {
				t.Errorf("%s: took %q as %q", p.name, s, got)
			}
			if err != nil && s != "" && len(s) > 3 && strings.Contains(err.Error(), s) {
				t.Errorf("%s: the refusal repeats %q", p.name, s)
			}
		}
	}
}

func TestNewID(t *testing.T) {
	a, b := name.NewID(), name.NewID()
	if a == b || a > b {
		t.Fatalf("ids %s and %s do not ascend", a, b)
	}
	if _, err := name.ParseID(string(a)); err != nil {
		t.Fatalf("own id refused: %v", err)
	}
}

func TestNumber(t *testing.T) {
	n, err := name.NewNumber(name.Job, 2026, 117)
	if err != nil || n != "J-2026-0117" || n.Kind() != name.Job || n.Year() != 2026 {
		t.Fatalf("got %q (%s, %d), %v", n, n.Kind(), n.Year(), err)
	}
	o, err := name.NewNumber(name.Organization, 2026, 1)
	if err != nil || o != "ORG-0001" || o.Kind() != name.Organization || o.Year() != 0 {
		t.Fatalf("got %q (%s, %d), %v", o, o.Kind(), o.Year(), err)
	}
	if _, err := name.NewNumber(name.Job, 2026, 0); err == nil {
		t.Fatal("took sequence 0")
	}
	if _, err := name.NewNumber("X", 2026, 1); err == nil {
		t.Fatal("took an unknown kind")
	}
	if _, err := name.ParseNumberOf(name.Grant, "J-2026-0117"); err == nil {
		t.Fatal("took a job's number for a grant's")
	}
}

func TestIdent(t *testing.T) {
	for _, s := range []string{"a", "visits_mean", "a" + strings.Repeat("1", 62)} {
		if !name.IsIdent(s) {
			t.Errorf("refused %q", s)
		}
	}
	for _, s := range []string{"", "_ordinal", "A", "1a", "a-b", "a b", `a"`, "a;", "a" + strings.Repeat("1", 63), "名"} {
		if name.IsIdent(s) {
			t.Errorf("took %q", s)
		}
	}
	if !name.IsCode("health-policy-statistics") || name.IsCode("-x") || name.IsCode("X") {
		t.Error("codes")
	}
}

func TestDigestOf(t *testing.T) {
	const empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if d := name.DigestOf(nil); d != empty || !d.Valid() || d.Hex() != empty[7:] {
		t.Fatalf("got %s", d)
	}
	if d, err := name.ParseHexDigest(empty[7:]); err != nil || d != empty {
		t.Fatalf("got %s, %v", d, err)
	}
	if name.Digest("").Valid() {
		t.Fatal("the zero digest is valid")
	}
}

func TestChecksNeedSeventeen(t *testing.T) {
	for _, s := range []string{"", "9111000080210043", "91110000802100433B", "9111000080210043I"} {
		if c, ok := name.CreditCheck(s); ok {
			t.Errorf("credit code %q checks to %c", s, c)
		}
	}
	for _, s := range []string{"", "1101051949123100", "110105194912310021", "1101051949123100x"} {
		if c, ok := name.ResidentCheck(s); ok {
			t.Errorf("resident number %q checks to %c", s, c)
		}
	}
}

func TestResidentID(t *testing.T) {
	for _, s := range []string{"11010519491231002X", "440524188001010014"} { // examples of GB 11643
		if !name.ValidResidentID(s) {
			t.Errorf("refused %s", s)
		}
	}
	for _, s := range []string{"", "110105194912310021", "11010519491231002x", "1101051949123100", "110105194912310O2X", "01010519491231002X"} {
		if name.ValidResidentID(s) {
			t.Errorf("took %s", s)
		}
	}
	c, ok := name.ResidentCheck("11010519490230002") // right check character, but no 30 February
	if !ok || name.ValidResidentID("11010519490230002"+string(c)) {
		t.Error("took a date that does not exist")
	}
}

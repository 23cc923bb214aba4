package ruleset_test

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/ruleset"
	"github.com/sluicedata/sluice/policy/screen"
)

func source(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("cq-2025-04-08.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func city(t *testing.T) ruleset.RuleSet {
	t.Helper()
	r, err := ruleset.Default()
	if err != nil {
		t.Fatalf("Default: %v", err)
	}
	return r
}

func TestDefault(t *testing.T) {
	r := city(t)
	want := screen.Rules{MinUnits: 10, DominanceShare: 0.9, PPercent: 0.1, MinVarying: 10, MinDifference: 10, RoundTo: 5}
	if diff := cmp.Diff(want, r.Screen()); diff != "" {
		t.Errorf("disclosure rules (-want +got):\n%s", diff)
	}
	for id, want := range map[string]int{"D1": 3, "D2": 20, "D3": 10, "D4": 20, "D5": 30, "D8": 5} {
		if n, ok := r.Days(id); !ok || n != want {
			t.Errorf("%s: got %d working days, want %d", id, n, want)
		}
	}
	if _, ok := r.Days("D6"); ok {
		t.Error("read three years as working days")
	}
	if r.Caps.AgreementYears != 3 || r.Review.PreviewOperator || r.Review.JobAutoApproval || r.Jobs.CodeBytes != 256<<10 {
		t.Errorf("got %+v %+v", r.Caps, r.Review)
	}
	if !r.Digest.Valid() || r.Version != "cq-2025-04-08" {
		t.Errorf("got version %q, digest %q", r.Version, r.Digest)
	}
}

// R1, O1: the basis is listed with title and effective date, and every source cited is in it.
func TestBasis(t *testing.T) {
	r := city(t)
	cited := map[string]bool{"national": true, "choice": true}
	for _, b := range r.Basis {
		for _, a := range b.Articles {
			if !strings.HasPrefix(a, b.ID) {
				t.Errorf("article %s listed under %s", a, b.ID)
			}
			cited[a] = true
		}
	}
	for id, l := range r.Limits {
		if !cited[l.Source] {
			t.Errorf("%s cites %q, which the basis does not list", id, l.Source)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct{ name, old, new string }{
		{"no version", "version: cq-2025-04-08\ntitle", "version: \"\"\ntitle"},
		{"no title", "title: 重庆市公共数据资源登记与授权运营规则", "title: \"\""},
		{"no first day", "effective_from: 2025-04-08\nsupersedes", "effective_from: \"\"\nsupersedes"},
		{"basis without a title", "    title: 公共数据资源登记管理暂行办法", "    title: \"\""},
		{"unknown key", "min_units: 10", "min_unit: 10"},
		{"missing value", "  min_units: 10\n", ""},
		{"key twice", "  min_units: 10\n", "  min_units: 10\n  min_units: 3\n"},
		{"zero threshold", "min_units: 10", "min_units: 0"},
		{"half a twin copied", "twin_equal_share: 0.01", "twin_equal_share: 0.51"},
		{"share above one", "dominance_share: 0.90", "dominance_share: 90"},
		{"text for a number", "splits: 8", "splits: eight"},
		{"no such day", "effective_from: 2025-04-08\nsupersedes", "effective_from: 2025-04-31\nsupersedes"},
		{"unknown level", "level: city", "level: village"},
		{"unknown unit", "unit: month", "unit: moon"},
		{"limit missing", "  D17: ", "  D18: "},
		{"limit nobody knows", "caps:", "  D18: {trigger: x, length: 1, unit: day, debtor: x, source: choice, overdue: x}\ncaps:"},
		{"long assertions", "assertion_minutes: 5", "assertion_minutes: 6"},
		{"second document", "assertion_minutes: 5", "assertion_minutes: 5\n---\nversion: x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spoilt := bytes.Replace(source(t), []byte(tt.old), []byte(tt.new), 1)
			if bytes.Equal(spoilt, source(t)) {
				t.Fatalf("%q is not in the set", tt.old)
			}
			if _, err := ruleset.Load(spoilt); err == nil {
				t.Fatal("loaded")
			}
		})
	}
}

// A set from before twins had a value loads, and lets no row of a twin be real.
func TestOlderSetsAreTheStrictest(t *testing.T) {
	var older []byte
	for line := range bytes.Lines(source(t)) {
		if !bytes.Contains(line, []byte("twin_equal_share:")) {
			older = append(older, line...)
		}
	}
	if bytes.Equal(older, source(t)) {
		t.Fatal("the set has no such value")
	}
	r, err := ruleset.Load(older)
	if err != nil || r.Data.TwinEqualShare != 0 {
		t.Fatalf("got a share of %v, %v", r.Data.TwinEqualShare, err)
	}
	if err := r.Tightens(city(t)); err != nil {
		t.Fatalf("it is looser than the newer one: %v", err)
	}
}

func TestNoBasis(t *testing.T) {
	r := city(t)
	r.Basis = nil
	if r.Validate() == nil {
		t.Fatal("rules that rest on nothing")
	}
}

func TestTightens(t *testing.T) {
	base := city(t)
	tests := []struct {
		name  string
		spoil func(*ruleset.RuleSet)
		place string // "" passes
	}{
		{"equal", func(*ruleset.RuleSet) {}, ""},
		{"larger cells", func(r *ruleset.RuleSet) { r.Disclosure.MinUnits = 20 }, ""},
		{"smaller cells", func(r *ruleset.RuleSet) { r.Disclosure.MinUnits = 9 }, "disclosure.min_units"},
		{"more dominance", func(r *ruleset.RuleSet) { r.Disclosure.DominanceShare = 0.95 }, "disclosure.dominance_share"},
		{"longer agreement", func(r *ruleset.RuleSet) { r.Caps.AgreementYears = 5 }, "caps.agreement_years"},
		{"gate off", func(r *ruleset.RuleSet) { r.Gates.Filing = false }, "gates.filing"},
		{"preview on", func(r *ruleset.RuleSet) { r.Review.PreviewOperator = true }, "review.preview_operator"},
		{"sooner", func(r *ruleset.RuleSet) { r.Limits["D1"] = length(r.Limits["D1"], 2) }, ""},
		{"later", func(r *ruleset.RuleSet) { r.Limits["D1"] = length(r.Limits["D1"], 4) }, "limits.D1"},
		{"other unit", func(r *ruleset.RuleSet) { l := r.Limits["D1"]; l.Unit = ruleset.Year; r.Limits["D1"] = l }, "limits.D1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			own := city(t)
			own.Level = ruleset.Registrar
			tt.spoil(&own)
			err := own.Tightens(base)
			if tt.place == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var f *fault.Error
			if !errors.As(err, &f) || len(f.Places) != 1 || f.Places[0].Location != tt.place {
				t.Fatalf("got %v", err)
			}
		})
	}
	national := city(t)
	national.Level = ruleset.National
	if err := national.Tightens(base); err == nil {
		t.Fatal("a national set was bounded by a city's")
	}
}

func length(l ruleset.Limit, n int) ruleset.Limit { l.Length = n; return l }

// Every figure of a set must loosen in one direction only; a field without a row in the table would not.
func TestEveryFigureIsCompared(t *testing.T) {
	base := city(t)
	for _, group := range []string{"Caps", "Gates", "Review", "Disclosure", "Data", "Jobs", "Budgets", "Queue", "Sessions"} {
		field, ok := reflect.TypeOf(base).FieldByName(group)
		if !ok {
			t.Fatalf("no group %s", group)
		}
		for _, path := range figures(field.Type, field.Index) {
			refused := 0
			for _, step := range []int{-1, +1} {
				own := city(t)
				nudge(reflect.ValueOf(&own).Elem().FieldByIndex(path), step)
				if own.Tightens(base) != nil {
					refused++
				}
			}
			if refused != 1 {
				t.Errorf("%s field %v: %d of two directions refused", group, path, refused)
			}
		}
	}
}

// figures lists the fields of a group that hold a figure, by index; groups may hold groups.
func figures(group reflect.Type, at []int) (paths [][]int) {
	for i := range group.NumField() {
		path := append(slices.Clone(at), i)
		if field := group.Field(i).Type; field.Kind() == reflect.Struct {
			paths = append(paths, figures(field, path)...)
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

func nudge(v reflect.Value, step int) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(step > 0)
	case reflect.Float64:
		v.SetFloat(v.Float() + float64(step)/100)
	default:
		v.SetInt(v.Int() + int64(step))
	}
}

// R26, O41: a later set changes only cases that begin on or after its day.
func TestLibrary(t *testing.T) {
	first, second := city(t), city(t)
	second.Version, second.From = "cq-2027", first.From.AddYears(2)
	l, err := ruleset.NewLibrary(second, first)
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[calendar.Date]string{
		first.From: first.Version, second.From.AddDays(-1): first.Version, second.From: second.Version, second.From.AddYears(9): second.Version,
	} {
		if r, err := l.InForce(day); err != nil || r.Version != want {
			t.Errorf("%s: got %s, %v", day, r.Version, err)
		}
	}
	if _, err := l.InForce(first.From.AddDays(-1)); !errors.Is(err, ruleset.ErrNoneYet) {
		t.Errorf("before the first: %v", err)
	}
	if r, err := l.Version(first.Version); err != nil || r.Version != first.Version {
		t.Errorf("a running case lost its set: %v", err)
	}
	if _, err := l.Version("x"); !errors.Is(err, ruleset.ErrVersion) {
		t.Errorf("unknown version: %v", err)
	}
	if _, err := ruleset.NewLibrary(first, first); !errors.Is(err, ruleset.ErrLibrary) {
		t.Errorf("one version twice: %v", err)
	}
}

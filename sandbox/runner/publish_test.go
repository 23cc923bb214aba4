package runner

import (
	"math"
	"testing"
)

// Figures carry what the published count allows; ties go to even.
func TestSignificantDigits(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		n    int
		want string
	}{
		{2.5, 1, "2"}, {3.5, 1, "4"}, {1234, 2, "1200"}, {0.01234, 2, "0.012"}, {-0.04, 1, "-0.04"}, {0, 3, "0"},
		{math.Copysign(0, -1), 1, "0"}, {9.99, 2, "10"}, {1e21, 1, "1000000000000000000000"}, {1.0, 3, "1"},
	} {
		if got := significant(tt.v, tt.n, true); got != tt.want {
			t.Errorf("significant(%g, %d) = %s, want %s", tt.v, tt.n, got, tt.want)
		}
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.MaxFloat64} {
		if got := significant(v, 1, true); got != "" {
			t.Errorf("significant(%g) = %s, want nothing", v, got)
		}
	}
	for n, want := range map[int64]int{5: 1, 10: 1, 95: 1, 100: 2, 995: 2, 1000: 3} {
		if got := digits(n); got != want {
			t.Errorf("digits(%d) = %d, want %d", n, got, want)
		}
	}
	for _, tt := range [][3]int64{{2, 5, 0}, {3, 5, 5}, {12, 5, 10}, {13, 5, 15}, {15, 10, 20}, {25, 10, 20}, {7, 1, 7}} {
		if got := roundTo(tt[0], int(tt[1])); got != tt[2] {
			t.Errorf("roundTo(%d, %d) = %d, want %d", tt[0], tt[1], got, tt[2])
		}
	}
}

package launcher

import (
	"strconv"
	"testing"

	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
)

func TestJudge(t *testing.T) {
	reported := remains{reported: true}
	for _, c := range []struct {
		why  string
		end  ending
		want sandbox.Outcome
	}{
		{"zero and a report", ending{remains: reported}, sandbox.Success},
		{"zero, no report", ending{}, sandbox.Failed},
		{"zero, but a child was killed for memory", ending{Exit: docker.Exit{Memory: true}, remains: reported}, sandbox.Limit},
		{"not zero", ending{Exit: docker.Exit{Code: 1}, remains: reported}, sandbox.Failed},
		{"memory", ending{Exit: docker.Exit{Code: 137, Memory: true}}, sandbox.Limit},
		{"killed by the kernel", ending{Exit: docker.Exit{Code: 137}}, sandbox.Limit},
		{"file too large", ending{Exit: docker.Exit{Code: 153}}, sandbox.Limit},
		{"output full", ending{Exit: docker.Exit{Code: 1}, remains: remains{reported: true, full: true}}, sandbox.Limit},
		{"output full, and well", ending{remains: remains{reported: true, full: true}}, sandbox.Success},
		{"wall clock", ending{Exit: docker.Exit{Killed: true}, late: true, remains: reported}, sandbox.Limit},
		{"caller left", ending{Exit: docker.Exit{Killed: true}, remains: reported}, sandbox.Interrupted},
		{"engine went away", ending{Exit: docker.Exit{Lost: true}, remains: reported}, sandbox.Interrupted},
		{"engine stopped its containers", ending{Exit: docker.Exit{Lost: true, Code: 137}}, sandbox.Interrupted},
	} {
		if got := judge(c.end); got != c.want {
			t.Errorf("%s: got %s, want %s", c.why, got, c.want)
		}
	}
}

func TestFencesForgetTheOldest(t *testing.T) {
	f := newFences()
	for n := range rememberedFences + 10 {
		if !f.admit(strconv.Itoa(n), 1) {
			t.Fatalf("work %d was refused", n)
		}
	}
	if len(f.highest) > rememberedFences || len(f.order) > rememberedFences {
		t.Errorf("%d fences are remembered, %d in order", len(f.highest), len(f.order))
	}
}

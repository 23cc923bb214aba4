//go:build attack

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/gateway/client"
)

// siege is an instance under attack from within: by its own people, through the API. Its container attacks are those of
// sandbox/attack; these are about content, policy and revocation, which only a whole instance can show.
type siege struct {
	*demo
	up    *instance
	table *tabwriter.Writer
}

// TestAttacksOnAnInstance plays the cases of the threat model that need a whole instance, and prints what came of each.
func TestAttacksOnAnInstance(t *testing.T) {
	var text strings.Builder
	s := besiege(t)
	s.table = tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(s.table, "case\tvector\toutcome\tverdict")
	t.Cleanup(func() {
		if err := s.table.Flush(); err != nil {
			t.Error(err)
		}
		t.Logf("\n%s", text.String())
	})
	// In this order: the last ends the grant the others need.
	t.Run("S43 S44 S26", s.files)
	t.Run("S26", s.freeOutputs)
	t.Run("S30", s.overreach)
	t.Run("S27 S28", s.errors)
	t.Run("Python", s.python)
	t.Run("S38", s.revoked)
}

// besiege starts an instance as the demo does and tells the story as far as an active grant.
func besiege(t *testing.T) *siege {
	t.Helper()
	bin, err := filepath.Abs("../../build/bin")
	must(t, err)
	o := options{sluice: filepath.Join(bin, "sluice"), dir: t.TempDir()}
	o.data = filepath.Join(o.dir, "data")
	o.listen, err = freePort(t.Context())
	must(t, err)
	told, err := openStory(o.dir, io.Discard)
	must(t, err)
	up, err := start(t.Context(), o)
	must(t, err)
	t.Cleanup(func() {
		if err := errors.Join(up.stop(), told.close()); err != nil {
			t.Error(err)
		}
	})
	d := &demo{options: o, story: told, cast: newCast(), server: "http://" + o.listen}
	for _, step := range []func(context.Context) error{d.found, d.publish, d.register, d.agree} {
		must(t, step(t.Context()))
	}
	return &siege{demo: d, up: up}
}

// enter notes what came of one vector; one of the wanted words must be in it.
func (s *siege) enter(t *testing.T, id, vector, got string, want ...string) {
	t.Helper()
	verdict := "held"
	if !slices.ContainsFunc(want, func(w string) bool { return strings.Contains(got, w) }) {
		verdict = "DIFFERS: want " + strings.Join(want, " or ")
		t.Errorf("%s %s: got %q, want %q", id, vector, got, want)
	}
	fmt.Fprintf(s.table, "%s\t%s\t%s\t%s\n", id, vector, got[:min(len(got), 100)], verdict)
}

// codes are those of a refusal, or what came instead.
func codes(err error) string {
	var p *client.Problem
	switch {
	case err == nil:
		return "not refused"
	case errors.As(err, &p):
		return strconv.Itoa(p.Status) + " " + strings.Join(p.Codes(), " ")
	default:
		return err.Error()
	}
}

// reads counts the entries that say a job's input was handed out: a check's claim names none.
func (s *siege) reads(t *testing.T) int {
	t.Helper()
	entries, err := s.auditor.Trace.Query(t.Context(), trace.Filter{Act: "job.claim", Limit: 200})
	must(t, err)
	n := 0
	for _, e := range entries {
		if bytes.Contains(e.Body, []byte(`"input.`)) {
			n++
		}
	}
	return n
}

// peak is the most memory the gateway ever had, in bytes: proc_pid_status(5).
func (s *siege) peak(t *testing.T) int64 {
	t.Helper()
	pid, err := findPart(s.up.cmd.Process.Pid, "serve")
	must(t, err)
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	for line := range strings.Lines(string(raw)) {
		var kib int64
		if n, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 && err == nil {
			return kib << 10
		}
	}
	t.Fatal("the gateway's memory is not told")
	return 0
}

// seen is everything an operator's people may look at about a job, byte for byte.
func (s *siege) seen(t *testing.T, number string) string {
	t.Helper()
	var all []any
	for _, p := range []*persona{s.developer, s.officer, s.director} {
		shown, err := p.Jobs.Show(t.Context(), number)
		all = append(all, shown, fmt.Sprint(err))
		outputs, err := p.Outputs.List(t.Context(), number)
		all = append(all, outputs, fmt.Sprint(err))
		entries, err := p.Trace.Query(t.Context(), trace.Filter{Object: number, Limit: 200})
		all = append(all, entries, fmt.Sprint(err))
	}
	raw, err := json.Marshal(all)
	must(t, err)
	return string(raw)
}

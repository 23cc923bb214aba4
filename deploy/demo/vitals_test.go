//go:build faults

package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// growth is how much of a vital a process may have more in the last quarter of a soak than in the second: some goes up
// and down with what is under way.
func growth() map[string]struct{ times, more float64 } {
	return map[string]struct{ times, more float64 }{
		"process_open_fds":              {1.10, 10},
		"go_goroutines":                 {1.10, 20},
		"process_resident_memory_bytes": {1.20, 16 << 20},
	}
}

// vitals are what processes said of themselves, every ten seconds.
type vitals struct {
	stop func()
	seen map[string][]float64 // process and metric → values
}

// watch reads the vitals of the processes that have an administrator's listener until flat is asked.
func (m *mix) watch() *vitals {
	ctx, cancel := context.WithCancel(m.ctx)
	v := &vitals{seen: map[string][]float64{}}
	done := make(chan struct{})
	v.stop = func() { cancel(); <-done }
	go func() {
		defer close(done)
		for pause(ctx, 10*time.Second) == nil {
			for _, part := range []string{"serve", "keeper", "worker"} {
				v.read(ctx, m.data, part) // one that is stopped says nothing
			}
		}
	}()
	return v
}

// read adds what one process says.
func (v *vitals) read(ctx context.Context, data, part string) {
	sum := sha256.Sum256([]byte(data))
	socket := "/run/sluice/" + hex.EncodeToString(sum[:4]) + "/" + part + "/admin.sock"
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://admin/metrics", http.NoBody)
	if err != nil {
		return
	}
	answer, err := transport.RoundTrip(asked)
	if err != nil {
		return
	}
	defer func() { _ = answer.Body.Close() }()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		metric, value, _ := strings.Cut(lines.Text(), " ")
		if _, watched := growth()[metric]; !watched {
			continue
		}
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			v.seen[part+" "+metric] = append(v.seen[part+" "+metric], n)
		}
	}
}

// flat compares the last quarter with the second: the first one warms up.
func (v *vitals) flat(t *testing.T) {
	t.Helper()
	v.stop()
	const least = 12
	for _, part := range []string{"serve", "keeper", "worker"} {
		for metric, may := range growth() {
			all := v.seen[part+" "+metric]
			if len(all) < least {
				t.Errorf("%s told %s only %d times", part, metric, len(all))
				continue
			}
			quarter := len(all) / 4
			early, late := middle(all[quarter:2*quarter]), middle(all[len(all)-quarter:])
			outcome := fmt.Sprintf("%.0f → %.0f", early, late)
			if late > early*may.times+may.more {
				t.Errorf("%s: %s grew: %s", part, metric, outcome)
			}
			t.Logf("SOAK  %-7s %-30s %s", part, metric, outcome)
		}
	}
}

func middle(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

package bundle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/bundle"
)

// BenchmarkPeer times one HTTP handler that asks for a decision, with two decision points behind it by turns: this
// bundle in its own process, and `opa run --server` beside it with the same rules, asked over the loopback as an
// operator would have it. Ours also asks who may. One client in /1, eight at once in /8.
func BenchmarkPeer(b *testing.B) {
	policies := embedded(b)
	question := wide(b, 10)
	own, peer := pointOf(b, policies, question), pointOf(b, startPeer(b, policies), question)
	b.Run("1", func(b *testing.B) {
		var ours, theirs []time.Duration
		for b.Loop() {
			theirs = append(theirs, timed(1, func() { peer.ask(b) }))
			ours = append(ours, timed(1, func() { own.ask(b) }))
		}
		took, other := float64(median(ours)), float64(median(theirs))
		b.ReportMetric(took/other, "x-time")
		b.ReportMetric(took, "ns-own")
		b.ReportMetric(other, "ns-peer")
	})
	b.Run("8", func(b *testing.B) {
		const clients, each = 8, 25
		var ours, theirs []time.Duration
		for b.Loop() {
			theirs = append(theirs, timed(1, func() { peer.crowd(b, clients, each) })/(clients*each))
			ours = append(ours, timed(1, func() { own.crowd(b, clients, each) })/(clients*each))
		}
		took, other := float64(median(ours)), float64(median(theirs))
		b.ReportMetric(other/took, "x-throughput")
		b.ReportMetric(took, "ns-own")
		b.ReportMetric(other, "ns-peer")
	})
}

// point is a handler that asks a decision point one question, over HTTP.
type point struct {
	client  *http.Client
	address string
}

// pointOf checks that a decision point knows yes from no before anything is timed.
func pointOf(b *testing.B, d policy.Decider, question policy.Request) point {
	b.Helper()
	decide(b, d, question, true)
	decide(b, d, spoiled(wide(b, 10)), false)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		decision, err := d.Decide(r.Context(), question)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(decision) // who hung up gets no more
	}))
	b.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	b.Cleanup(client.CloseIdleConnections)
	return point{client, server.URL}
}

// ask asks once; the answer must be yes.
func (p point) ask(b *testing.B) {
	var told policy.Decision
	if err := call(b.Context(), p.client, p.address, nil, &told); err != nil || !told.Allow {
		b.Errorf("allow %v, %v", told.Allow, err)
	}
}

// crowd has clients ask at once, each so many times.
func (p point) crowd(b *testing.B, clients, each int) {
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range each {
				p.ask(b)
			}
		})
	}
	all.Wait()
}

// call posts JSON and reads JSON.
func call(ctx context.Context, client *http.Client, address string, question, told any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if closing := answer.Body.Close(); err == nil {
		err = closing
	}
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %d: %s", answer.StatusCode, text)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text, told)
}

// peer is an OPA server as a decision point.
type peer struct {
	client  *http.Client
	address string
}

// Decide implements policy.Decider. A server that has no answer denies.
func (p peer) Decide(ctx context.Context, q policy.Request) (policy.Decision, error) {
	var told struct{ Result bool }
	err := call(ctx, p.client, p.address+"/v1/data/sluice/allow", map[string]any{"input": q}, &told)
	return policy.Decision{Allow: told.Result}, err
}

// startPeer starts the OPA of go.mod's version, which `make bench` builds, over a bundle's rules and values. It
// ends with the benchmark.
func startPeer(b *testing.B, policies *bundle.Bundle) peer {
	b.Helper()
	dir := b.TempDir()
	for name, body := range policies.Files() {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	address := freeAddress(b)
	var said bytes.Buffer
	cmd := exec.Command("../../build/tools/opa", "run", "--server", "--addr", address, "--log-level", "error", "--skip-version-check",
		filepath.Join(dir, "rule", "rego"), "values:"+filepath.Join(dir, "rule", "values.yaml"))
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		b.Fatalf("starting OPA (run make bench): %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	b.Cleanup(func() {
		if err := cmd.Process.Kill(); err == nil {
			<-ended
		}
	})
	p := peer{&http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}, "http://" + address}
	b.Cleanup(p.client.CloseIdleConnections)
	p.await(b, ended, &said)
	return p
}

// freeAddress finds a port of the loopback that nobody uses now.
func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	return l.Addr().String()
}

// await waits until the server is healthy.
func (p peer) await(b *testing.B, ended <-chan error, said fmt.Stringer) {
	b.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, p.address+"/health", nil)
		if err != nil {
			b.Fatal(err)
		}
		if answer, err := p.client.Do(r); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case err := <-ended:
			b.Fatalf("OPA ended: %v\n%s", err, strings.TrimSpace(said.String()))
		case <-late:
			b.Fatal("OPA is not ready")
		case <-tick.C:
		}
	}
}

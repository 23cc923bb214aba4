package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// processOf finds a part's process among an instance's.
func processOf(t *testing.T, s *started, part string) int {
	t.Helper()
	for pid := range descendants(s.cmd.Process.Pid) {
		line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if fields := strings.Split(string(line), "\x00"); err == nil && len(fields) > 1 && fields[1] == part {
			return pid
		}
	}
	t.Fatalf("no process of %s", part)
	return 0
}

// TestAdministratorsListeners: an instance that was configured by a file answers its administrator, on sockets and
// ports that users do not reach; a part that is away is named with its remedy, and is ready again when it is back.
func TestAdministratorsListeners(t *testing.T) {
	data, address := dataFolder(t), freeAddress(t)
	port := freeAddress(t)
	file := filepath.Join(t.TempDir(), "sluice.yaml")
	text := "data: " + data + "\nlisten: " + address + "\nkeeper_admin_listen: " + port + "\nengine: " + noEngine + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := beginAs(t, "sluice-hand", 0, "--config", file)
	s.data = data
	s.waitUp(t)
	layout := layoutOf(t, data)
	ask := func(part, path string, want int) string {
		t.Helper()
		status, body, err := askAdmin(layout, part, path)
		if err != nil || status != want {
			t.Fatalf("%s of %s: %d, %v, want %d: %s", path, part, status, err, want, body)
		}
		return body
	}
	ask("serve", "/healthz", http.StatusOK)
	for _, check := range []string{"database", "migrations", "store", "policy", "trace"} {
		if body := ask("serve", "/readyz", http.StatusOK); !strings.Contains(body, `{"name":"`+check+`","ok":true}`) {
			t.Errorf("no check %s: %s", check, body)
		}
	}
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusNotFound, "/metrics": http.StatusNotFound} {
		if status, body := fetch(t, "http://"+address+path); status != want {
			t.Errorf("users get %d for %s: %s", status, path, body)
		}
	}
	metrics := ask("serve", "/metrics", http.StatusOK)
	for _, want := range []string{`sluice_request_seconds_count{class="2xx",route="GET /healthz"}`, "sluice_database_seconds_count", "sluice_trace_lag_seconds "} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}
	if status, body := fetch(t, "http://"+port+"/readyz"); status != http.StatusOK || !strings.Contains(body, `"status":"ready"`) {
		t.Errorf("the keeper answers %d: %s", status, body)
	}
	store := processOf(t, s, "store")
	if err := syscall.Kill(store, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	body := ask("serve", "/readyz", http.StatusServiceUnavailable)
	if !strings.Contains(body, `{"name":"store","ok":false,"remedy":"`) || !strings.Contains(body, `{"name":"database","ok":true}`) {
		t.Errorf("not the store is named: %s", body)
	}
	var said strings.Builder
	run(t.Context(), production(), []string{"--lang", "zh", "ready", "--config", file}, strings.NewReader(""), &said, io.Discard)
	if !strings.Contains(said.String(), "请启动对象存储，或查看 log/store.log") || strings.Contains(said.String(), "start the") {
		t.Errorf("not told in Chinese:\n%s", said.String())
	}
	if err := syscall.Kill(store, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ready again", func() bool {
		status, _, err := askAdmin(layout, "serve", "/readyz")
		return err == nil && status == http.StatusOK
	})
	s.stop(t)
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

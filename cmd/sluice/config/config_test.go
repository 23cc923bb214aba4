package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/cmd/sluice/config"
)

var update = flag.Bool("update", false, "write deploy/docs/configuration.md anew")

func write(t *testing.T, name, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// value finds one effective value.
func value(t *testing.T, l *config.Loaded, key string) config.Value {
	t.Helper()
	for _, v := range l.Values() {
		if v.Key == key {
			return v
		}
	}
	t.Fatalf("no key %s", key)
	return config.Value{}
}

func TestTheStrongerSourceWins(t *testing.T) {
	path := write(t, "sluice.yaml", "# comment\nlisten: 127.0.0.1:1\nworker_slots: 3\nlog_level: warn\nsingle_user: true\n")
	env := []string{"SLUICE_WORKER_SLOTS=4", "SLUICE_LOG_LEVEL=error", "SLUICE_SERVER=http://x", "PATH=/bin"}
	l, err := config.Load(path, env, map[string]string{"log_level": "debug"})
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Value{
		{Key: "listen", Value: "127.0.0.1:1", From: config.FromFile, Place: path + ":2"},
		{Key: "worker_slots", Value: "4", From: config.FromEnv, Place: "SLUICE_WORKER_SLOTS"},
		{Key: "log_level", Value: "debug", From: config.FromFlag, Place: "--log-level"},
		{Key: "single_user", Value: "true", From: config.FromFile, Place: path + ":5"},
		{Key: "drain_seconds", Value: "5", From: config.FromDefault, Place: "drain_seconds"},
	}
	for _, w := range want {
		if diff := cmp.Diff(w, value(t, l, w.Key)); diff != "" {
			t.Error(diff)
		}
	}
	if l.WorkerSlots != 4 || !l.SingleUser || l.LogLevel != "debug" {
		t.Errorf("loaded %+v", l.Config)
	}
}

func TestSecretsComeFromFilesAndStayHidden(t *testing.T) {
	const address = "host=db password=canary-7f3a"
	path := write(t, "dsn", address+"\n")
	l, err := config.Load(write(t, "sluice.yaml", "database_file: "+path+"\n"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if l.Database != address {
		t.Errorf("database %q", l.Database)
	}
	if got := value(t, l, "database"); got.Value != "(hidden)" || got.From != config.FromFile {
		t.Errorf("printed %+v", got)
	}
}

func TestFaultsNamePlaceAndRemedy(t *testing.T) {
	for name, c := range map[string]struct {
		file  string
		env   []string
		flags map[string]string
		want  []string
	}{
		"unknown in file":  {file: "data: x\nlisen: y\n", want: []string{"sluice.yaml:2", `no key "lisen"`, `"listen"`}},
		"unknown in env":   {env: []string{"SLUICE_WORKER_SLOT=1"}, want: []string{"SLUICE_WORKER_SLOT", `"worker_slots"`}},
		"twice":            {file: "data: x\ndata: y\n", want: []string{"data"}},
		"not a mapping":    {file: "- data\n", want: []string{"key: value"}},
		"nested":           {file: "data: {a: b}\n", want: []string{"sluice.yaml:1", "plain value"}},
		"not a number":     {env: []string{"SLUICE_WORKER_SLOTS=two"}, want: []string{"SLUICE_WORKER_SLOTS", "whole number"}},
		"not a bool":       {file: "single_user: maybe\n", want: []string{"sluice.yaml:1", "neither true nor false"}},
		"out of range":     {flags: map[string]string{"worker_slots": "0"}, want: []string{"--worker-slots", "1 to 64"}},
		"open admin":       {file: "\nadmin_listen: 0.0.0.0:1\n", want: []string{"sluice.yaml:2", "loopback"}},
		"half of TLS":      {file: "tls_key_file: k\n", want: []string{"go together"}},
		"engine elsewhere": {file: "engine: tcp://1.2.3.4:1\n", want: []string{"sluice.yaml:1", "unix:///path"}},
		"base with path":   {file: "base_url: https://a/b\n", want: []string{"without a path"}},
		"level":            {file: "log_level: loud\n", want: []string{"debug, info, warn, error"}},
		"no secret file":   {file: "database_file: /nonexistent\n", want: []string{"sluice.yaml:1", "/nonexistent"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := ""
			if c.file != "" {
				path = write(t, "sluice.yaml", c.file)
			}
			_, err := config.Load(path, c.env, c.flags)
			var fault *config.Error
			if !errors.As(err, &fault) {
				t.Fatalf("got %v, want a fault", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not name %q", err, want)
				}
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	l, err := config.Load("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if l.Listen != "127.0.0.1:8420" || l.WorkerSlots != 3 || l.BodyBytes != 1<<20 {
		t.Errorf("defaults %+v", l.Config)
	}
}

// TestManual holds deploy/docs/configuration.md to the struct's comments: go generate ./cmd/sluice/config.
func TestManual(t *testing.T) {
	got, err := config.Manual()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "..", "deploy", "docs", "configuration.md")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is stale; run go generate ./cmd/sluice/config (-want +got):\n%s", path, diff)
	}
}

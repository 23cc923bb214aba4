package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretsNeverReachTheLog(t *testing.T) {
	const token = "q1W2e3R4t5Y6u7I8o9P0a1S2d3F4g5H6j7K8l9Z0x1C" // 32 bytes in base64url
	secrets := []string{
		token,
		"canary-password",
		"eyJhbGciOiJFZERTQSJ9.eyJjYW5hcnkiOjF9.c2lnbmF0dXJl",
		"AGE-SECRET-KEY-1CANARY",
		"canary-in-address",
		"Y2FuYXJ5LXBlbQ",
	}
	var out bytes.Buffer
	log := newLog(&out, "debug").With("api_token", "canary-password", "cause", errors.New("Bearer "+token))
	log.Info("connecting with password=canary-password", "dsn", "host=x password='canary-password' user=y")
	log.Debug("a call", slog.Group("request", "assertion", "canary-password", "header", "Bearer "+token))
	log.Warn("url", "at", "postgres://u:canary-in-address@host/db", "jwt", secrets[2])
	log.WithGroup("g").Error("keys", "raw", []string{token, secrets[3]}, "pem", "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5LXBlbQ\n-----END PRIVATE KEY-----")
	for _, secret := range secrets {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is in the log:\n%s", secret, out.String())
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 4 {
		t.Errorf("%d lines for 4 events", n)
	}
	for line := range strings.Lines(out.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

// What people need to find a fault by stays.
func TestLogKeepsWhatIsNoSecret(t *testing.T) {
	var out bytes.Buffer
	newLog(&out, "warn").Warn("a check failed", "work", "0198c0de-0000-7000-8000-000000000001",
		"digest", "sha256:"+strings.Repeat("ab", 32), "err", errors.New("dial unix /run/sluice/x/pg: refused"), "n", 3)
	for _, kept := range []string{"0198c0de-0000-7000-8000-000000000001", strings.Repeat("ab", 32), "/run/sluice/x/pg: refused", `"n":3`} {
		if !strings.Contains(out.String(), kept) {
			t.Errorf("%q is not in the log: %s", kept, out.String())
		}
	}
	out.Reset()
	newLog(&out, "warn").Info("less")
	if out.Len() != 0 {
		t.Errorf("below the level: %s", out.String())
	}
}

package deploy

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/cmd/sluice/config"
)

// service is what we rely on of a service in compose.yaml.
type service struct {
	Image       string `yaml:"image"`
	Build       *struct{ Context, Dockerfile string }
	Restart     string                   `yaml:"restart"`
	Privileged  bool                     `yaml:"privileged"`
	Environment map[string]string        `yaml:"environment"`
	Secrets     []string                 `yaml:"secrets"`
	Ports       []string                 `yaml:"ports"`
	Volumes     []string                 `yaml:"volumes"`
	Networks    []string                 `yaml:"networks"`
	Grace       string                   `yaml:"stop_grace_period"`
	Health      *struct{ Test []string } `yaml:"healthcheck"`
}

type composition struct {
	Services map[string]service                  `yaml:"services"`
	Secrets  map[string]struct{ File string }    `yaml:"secrets"`
	Volumes  map[string]any                      `yaml:"volumes"`
	Networks map[string]*struct{ Internal bool } `yaml:"networks"`
}

func TestCompose(t *testing.T) {
	raw, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c composition
	if err := yaml.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) != 2 {
		t.Fatalf("%d services", len(c.Services))
	}
	for name, s := range c.Services {
		if s.Image != "" || s.Build == nil {
			t.Errorf("%s is not built from our own context", name)
		} else if file := filepath.Join(s.Build.Context, cmp.Or(s.Build.Dockerfile, "Dockerfile")); !there(file) {
			t.Errorf("%s: no %s", name, file)
		}
		if s.Restart == "" || s.Grace == "" || s.Health == nil {
			t.Errorf("%s does not say how it restarts, stops and shows its health", name)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s opens %s to the network", name, port)
			}
		}
		for _, secret := range s.Secrets {
			if c.Secrets[secret].File == "" {
				t.Errorf("%s: secret %s is no file", name, secret)
			}
		}
		for _, volume := range s.Volumes {
			if source, _, _ := strings.Cut(volume, ":"); !has(c.Volumes, source) {
				t.Errorf("%s: no volume %s", name, source)
			}
		}
		for variable, value := range s.Environment {
			if strings.Contains(strings.ToUpper(variable), "PASSWORD") && !strings.HasSuffix(variable, "_FILE") || strings.Contains(value, "password=") {
				t.Errorf("%s: %s holds a secret", name, variable)
			}
		}
	}
	if postgres := c.Services["postgres"]; postgres.Privileged || len(postgres.Ports) > 0 || c.Networks["inside"] == nil || !c.Networks["inside"].Internal {
		t.Error("the database can be reached from outside")
	}
	if strings.Contains(string(raw), "minio") {
		t.Error("names an image that is no longer kept")
	}
	checkSettings(t, c.Services["sluice"].Environment)
}

// checkSettings reads the environment as `sluice up` does.
func checkSettings(t *testing.T, environment map[string]string) {
	t.Helper()
	var list []string
	for name, value := range environment {
		if strings.HasSuffix(name, "_FILE") {
			name, value = strings.TrimSuffix(name, "_FILE"), "host=postgres"
		}
		list = append(list, name+"="+value)
	}
	loaded, err := config.Load("", list, nil)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Data == "" || loaded.Database == "" || loaded.BaseURL == "" {
		t.Errorf("not configured: %+v", loaded.Config)
	}
}

func TestSampleConfiguration(t *testing.T) {
	loaded, err := config.Load("systemd/sluice.yaml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Data != "/var/lib/sluice" || loaded.AdminListen == "" {
		t.Errorf("loaded %+v", loaded.Config)
	}
}

// TestUnit holds the service's file to what the guide promises and, where systemd is installed, to its own checker.
func TestUnit(t *testing.T) {
	raw, err := os.ReadFile("systemd/sluice.service")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, line := range []string{
		"ExecStartPre=/usr/local/bin/sluice check-config --config /etc/sluice/sluice.yaml",
		"ExecStart=/usr/local/bin/sluice up --config /etc/sluice/sluice.yaml",
		"KillMode=mixed", "ProtectSystem=strict", "ProtectHome=yes", "LimitCORE=0", "Delegate=yes",
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	checker, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed: only the lines were looked at")
		return
	}
	unit := filepath.Join(t.TempDir(), "sluice.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(text, "/usr/local/bin/sluice", "/bin/true")), 0o644); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(checker, "verify", "--man=no", unit).CombinedOutput()
	for line := range strings.Lines(string(said)) {
		if strings.Contains(line, "sluice.service") {
			t.Errorf("systemd-analyze: %s", line)
		}
	}
	if err != nil {
		t.Errorf("systemd-analyze: %v: %s", err, said)
	}
}

func there(path string) bool {
	for _, base := range []string{path, filepath.Join("..", path)} {
		if _, err := os.Stat(base); err == nil {
			return true
		}
	}
	return false
}

func has(m map[string]any, key string) bool { _, ok := m[key]; return ok }

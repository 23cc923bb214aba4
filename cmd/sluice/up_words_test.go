package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// rulesWith is the city's rule set with some of its lines bent.
func rulesWith(t *testing.T, bends ...string) string {
	t.Helper()
	city, err := os.ReadFile("../../catalog/ruleset/cq-2025-04-08.yaml")
	if err != nil {
		t.Fatal(err)
	}
	bent := strings.NewReplacer(bends...).Replace(string(city))
	if bent == string(city) {
		t.Fatal("nothing is bent")
	}
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(bent), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestUpSaysWhatHelps walks what keeps `sluice up` from starting. Each is told in the reader's language, with its place
// and what helps, and nothing runs afterwards.
func TestUpSaysWhatHelps(t *testing.T) {
	used := dataFolder(t)
	if err := os.MkdirAll(filepath.Join(used, "photos"), 0o755); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	unfinished := dataFolder(t)
	if err := os.MkdirAll(unfinished, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lock", "restoring"} {
		if err := os.WriteFile(filepath.Join(unfinished, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rules := rulesWith(t, "chunk_mb: 16", "chunk_mb: 0", "title: ", "titel: ")
	for name, c := range map[string]struct {
		uid    uint32
		args   []string
		en, zh []string
	}{
		"a used folder": {0, []string{"--data", used}, []string{used + " holds other files: name an empty folder"}, []string{used + " 中有其他文件：请指定空文件夹"}},
		"a port taken": {
			0, []string{"--data", dataFolder(t), "--engine", noEngine, "--listen", taken.Addr().String()},
			[]string{"cannot listen on " + taken.Addr().String(), "--listen", "another program listens there already"},
			[]string{"无法监听 " + taken.Addr().String(), "--listen", "已有其他程序在该处监听"},
		},
		"not root": {nobody, []string{"--data", dataFolder(t)}, []string{"only root", "--single-user", "keeper's keys"}, []string{"只有 root", "--single-user", "密钥"}},
		"no runtime": {
			0, []string{"--data", dataFolder(t), "--runsc", "/nonexistent/runsc"},
			[]string{"/nonexistent/runsc is missing; run `make setup`"}, []string{"缺少 /nonexistent/runsc；请运行 `make setup`"},
		},
		"half a restore": {0, []string{"--data", unfinished, "--engine", noEngine}, []string{"restore again"}, []string{"重新恢复"}},
		"no rules file": {
			0, []string{"--data", dataFolder(t), "--engine", noEngine, "--rules", "/nonexistent/rules.yaml"},
			[]string{"/nonexistent/rules.yaml cannot be read: no such file"}, []string{"无法读取 /nonexistent/rules.yaml：没有该文件"},
		},
		"a misspelt rule": {
			0, []string{"--data", dataFolder(t), "--engine", noEngine, "--rules", rules},
			[]string{"the rule set " + rules + " is refused", "line 4: titel", "member.unknown", "Check its spelling"},
			[]string{"规则集 " + rules + " 被拒绝", "titel", "请检查拼写"},
		},
		"no address of a database": {
			0, []string{"--data", dataFolder(t), "--engine", noEngine, "--database", "postgres://a:canary-b%zz@c/d"},
			[]string{"database is not an address"}, []string{"database 不是数据库地址"},
		},
		"an unknown key": {
			0, []string{"--data", dataFolder(t), "--worker-slots", "65"},
			[]string{"--worker-slots: worker_slots is not 1 to 64"}, []string{"--worker-slots: worker_slots 须在 1 至 64 之间"},
		},
	} {
		for lang, want := range map[string][]string{"en": c.en, "zh": c.zh} {
			t.Run(name+"/"+lang, func(t *testing.T) {
				s := begin(t, c.uid, append([]string{"--lang", lang}, c.args...)...)
				<-s.done
				said := s.said.String()
				for _, w := range want {
					if !strings.Contains(said, w) {
						t.Errorf("%q is not in %q", w, said)
					}
				}
				if code := s.cmd.ProcessState.ExitCode(); code != exitFailed && code != exitUsage || strings.Contains(said, "canary") {
					t.Errorf("exit code %d: %q", code, said)
				}
			})
		}
	}
}

// TestRefusedRulesNameEveryPlace: check-config reads the rule set too, and tells each figure with the range it may have.
func TestRefusedRulesNameEveryPlace(t *testing.T) {
	rules := rulesWith(t, "chunk_mb: 16", "chunk_mb: 0", "auto_approval_level: ", "auto_approval_level: 7 # ", "level: city", "level: village")
	for lang, want := range map[string][]string{
		"en": {
			rules, "ruleset.invalid: the rule set does not fit", "\n  level: rules.level: no such level of rules → Write national, city or registrar.",
			"\n  data.chunk_mb: value.out_of_range: out of range → it must be 1 or more", "\n  review.auto_approval_level: value.out_of_range: out of range → it must be 0 to 4",
		},
		"zh": {"data.chunk_mb", "须不小于 1", "review.auto_approval_level", "须在 0 至 4 之间", "请写 national、city 或 registrar。"},
	} {
		var stdout, stderr strings.Builder
		code := run(t.Context(), production(), []string{"--lang", lang, "check-config", "--rules", rules}, strings.NewReader(""), &stdout, &stderr)
		for _, w := range want {
			if !strings.Contains(stderr.String(), w) {
				t.Errorf("%s: %q is not in %q", lang, w, stderr.String())
			}
		}
		if code != exitUsage || stdout.Len() > 0 {
			t.Errorf("%s: exit code %d, %q", lang, code, stdout.String())
		}
	}
	// One that is no rule set at all: the line.
	bad := rulesWith(t, "chunk_mb: 16", "chunk_mb: many", "data:\n", "data:\n  colums: 1\n")
	var stderr strings.Builder
	run(t.Context(), production(), []string{"check-config", "--lang", "en", "--rules", bad}, strings.NewReader(""), &strings.Builder{}, &stderr)
	if !strings.Contains(stderr.String(), ": colums: member.unknown") || !strings.Contains(stderr.String(), ": value.kind") || strings.Contains(stderr.String(), "many") {
		t.Errorf("got %q", stderr.String())
	}
}

package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// allowed are the licences that may go into an island.
func allowed() []string {
	return []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}
}

// writeLicences writes name, version and licence text of every package of the lock file, used or not.
func writeLicences(modules string) error {
	body, err := os.ReadFile("package-lock.json")
	if err != nil {
		return err
	}
	var lock struct{ Packages map[string]json.RawMessage }
	if err := json.Unmarshal(body, &lock); err != nil {
		return fmt.Errorf("reading the lock file: %w", err)
	}
	var all strings.Builder
	all.WriteString("What the console's editor.js and chart.js are bundled from, each under its own licence.\n")
	for _, at := range slices.Sorted(maps.Keys(lock.Packages)) {
		if at == "" { // the lock file's own
			continue
		}
		text, err := licenceOf(filepath.Join(filepath.Dir(modules), at))
		if err != nil {
			return fmt.Errorf("reading the licence of %s: %w", at, err)
		}
		all.WriteString("\n----\n" + text)
	}
	return os.WriteFile(filepath.Join(static, licences), []byte(all.String()), 0o644)
}

func licenceOf(folder string) (string, error) {
	body, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		return "", err
	}
	var p struct{ Name, Version, License string }
	if err := json.Unmarshal(body, &p); err != nil {
		return "", err
	}
	if !slices.Contains(allowed(), p.License) {
		return "", fmt.Errorf("%q is not one that may go in", p.License)
	}
	text := fmt.Sprintf("%s %s (%s)\n", p.Name, p.Version, p.License)
	found := 0
	for _, pattern := range []string{"LICEN[CS]E*", "NOTICE*"} {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			found++
			text += "\n" + strings.TrimSpace(strings.ReplaceAll(string(body), "\r\n", "\n")) + "\n"
		}
	}
	if found == 0 {
		return "", fmt.Errorf("no licence text in %s", filepath.Base(folder))
	}
	return text, nil
}

// writeSums lists every source and every result by its SHA-256, as sha256sum does.
func writeSums() error {
	var files []string
	for _, pattern := range []string{
		"*.go", "go.mod", "go.sum", "package*.json", "editor/*.js", "chart/*.js", static + "/editor.js", static + "/chart.js", static + "/" + licences,
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	var all strings.Builder
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		fmt.Fprintf(&all, "%x  %s\n", sha256.Sum256(body), filepath.ToSlash(file))
	}
	return os.WriteFile("SHA256SUMS", []byte(all.String()), 0o644)
}

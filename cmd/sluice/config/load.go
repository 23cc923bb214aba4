package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

const (
	envPrefix  = "SLUICE_"
	fileSuffix = "_file"
	maxFile    = 1 << 20 // bytes of a configuration or of a file with one value
)

// others are names in the environment that configure no instance: the client's, and those the parts tell each
// other.
func others() []string {
	return []string{
		"SLUICE_PROFILE", "SLUICE_SERVER", "SLUICE_LANG", "SLUICE_PEOPLE", "SLUICE_COMPLETION_LIMIT",
		"SLUICE_PLAIN", "SLUICE_INSIDE", "SLUICE_SUPERVISED",
	}
}

// Loaded is a configuration with where each of its values came from.
type Loaded struct {
	Config
	from  map[string]Source
	place map[string]string
}

// Load reads a configuration: defaults, then the file (none when path is ""), the environment as os.Environ
// spells it, and the flags that were given, by key. It returns an *Error for the first fault.
func Load(path string, environ []string, flags map[string]string) (*Loaded, error) {
	l := &Loaded{Config: Default(), from: map[string]Source{}, place: map[string]string{}}
	for _, k := range keys(&l.Config) {
		l.from[k.name], l.place[k.name] = FromDefault, k.name
	}
	for _, step := range []func() error{
		func() error { return l.file(path) },
		func() error { return l.env(environ) },
		func() error { return l.flags(flags) },
		func() error { return l.check(func(key string) string { return l.place[key] }) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// file reads a YAML file: one mapping of keys to plain values.
func (l *Loaded) file(path string) error {
	if path == "" {
		return nil
	}
	body, err := readFile(path)
	if err != nil {
		return &Error{Place: "--config", Why: err}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(body, &doc); err != nil {
		return &Error{path, texts.Wrong("config.not_yaml").Because(err)}
	}
	if len(doc.Content) == 0 {
		return nil
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return &Error{path, texts.Wrong("config.not_keys")}
	}
	seen := map[string]bool{}
	for i := 0; i < len(top.Content); i += 2 {
		name, value := top.Content[i], top.Content[i+1]
		place := fmt.Sprintf("%s:%d", path, name.Line)
		if seen[name.Value] {
			return &Error{place, texts.Wrong("config.twice", "key", name.Value)}
		}
		seen[name.Value] = true
		if value.Kind != yaml.ScalarNode {
			return &Error{place, texts.Wrong("config.not_plain", "key", name.Value)}
		}
		if err := l.set(name.Value, value.Value, place, FromFile); err != nil {
			return err
		}
	}
	return nil
}

// env reads what the environment has, and refuses names of ours that mean nothing.
func (l *Loaded) env(environ []string) error {
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(entry, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		if !ours || slices.Contains(others(), name) {
			continue
		}
		if err := l.set(strings.ToLower(rest), value, name, FromEnv); err != nil {
			return err
		}
	}
	return nil
}

func (l *Loaded) flags(given map[string]string) error {
	for _, k := range keys(&l.Config) {
		for _, name := range k.names() {
			value, ok := given[name]
			if !ok {
				continue
			}
			if err := l.set(name, value, "--"+Flag(name), FromFlag); err != nil {
				return err
			}
		}
	}
	return nil
}

// names are the key itself and, for a secret, the one that names its file.
func (k key) names() []string {
	if !k.secret {
		return []string{k.name}
	}
	return []string{k.name, k.name + fileSuffix}
}

// set puts one value where its name says. An empty value in the environment counts as set.
func (l *Loaded) set(name, value, place string, from Source) error {
	var known []string
	for _, k := range keys(&l.Config) {
		known = append(known, k.names()...)
		i := slices.Index(k.names(), name)
		if i < 0 {
			continue
		}
		if i == 1 {
			read, err := readFile(value)
			if err != nil {
				return &Error{place, err}
			}
			value = strings.TrimSpace(string(read))
		}
		if err := k.set(value); err != nil {
			return &Error{place, err}
		}
		l.from[k.name], l.place[k.name] = from, place
		return nil
	}
	return &Error{place, texts.Wrong("config.unknown", "key", name, "nearest", nearest(name, known))}
}

// readFile reads a small file whole.
func readFile(path string) ([]byte, *texts.Fault) {
	f, err := os.Open(path)
	if err != nil {
		return nil, texts.Wrong("file.unreadable", "path", path).Because(err)
	}
	body, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, texts.Wrong("file.unreadable", "path", path).Because(err)
	}
	if len(body) > maxFile {
		return nil, texts.Wrong("config.too_long", "path", path, "most", maxFile)
	}
	return body, nil
}

// Value is one effective value, fit to print.
type Value struct {
	Key   string `json:"key"`
	Value string `json:"value"` // "(hidden)" for a secret that is set
	From  Source `json:"from"`
	Place string `json:"place"`
}

// Values lists every key with its effective value, secrets hidden.
func (l *Loaded) Values() []Value {
	var all []Value
	for _, k := range keys(&l.Config) {
		v := Value{Key: k.name, Value: k.text(), From: l.from[k.name], Place: l.place[k.name]}
		if k.secret && v.Value != "" {
			v.Value = "(hidden)"
		}
		all = append(all, v)
	}
	return all
}

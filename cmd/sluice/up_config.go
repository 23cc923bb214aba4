package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluicedata/sluice/cmd/sluice/config"
)

// configFlag names the file of a configuration.
const configFlag = "config"

// addConfigFlags gives a command one flag for every key of the configuration.
func addConfigFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.String(configFlag, "", "")
	for _, k := range config.Keys() {
		if k.Bool {
			f.Bool(k.Flag, false, "")
			continue
		}
		f.String(k.Flag, k.Default, "")
	}
}

// loadConfig reads the configuration of a command that addConfigFlags gave its flags.
func loadConfig(cmd *cobra.Command) (*config.Loaded, error) {
	path, err := cmd.Flags().GetString(configFlag)
	if err != nil {
		return nil, err
	}
	byFlag := map[string]string{}
	for _, k := range config.Keys() {
		byFlag[k.Flag] = k.Name
	}
	given := map[string]string{}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if name, ok := byFlag[f.Name]; ok {
			given[name] = f.Value.String()
		}
	})
	loaded, err := config.Load(path, os.Environ(), given)
	var wrong *config.Error
	if errors.As(err, &wrong) {
		return nil, usageError{err}
	}
	return loaded, err
}

// newCheckConfig makes the command that shows what `sluice up` would go by.
func newCheckConfig() *cobra.Command {
	cmd := lists(offline(text{
		use: "check-config", example: "  sluice check-config --config /etc/sluice/sluice.yaml",
	}, func(c *call) error {
		loaded, err := loadConfig(c.cmd)
		if err != nil {
			return err
		}
		if loaded.Rules != "" {
			if _, err := readRules(loaded.Rules); err != nil {
				return err
			}
		}
		return many(c, loaded.Values(), nil, valueFields(c))
	}))
	addConfigFlags(cmd)
	return cmd
}

func valueFields(c *call) []field[config.Value] {
	return []field[config.Value]{
		{"key", func(v config.Value) string { return v.Key }},
		{"value", func(v config.Value) string { return v.Value }},
		{"from", func(v config.Value) string { return c.Say("source." + string(v.From)) }},
		{"place", func(v config.Value) string { return v.Place }},
	}
}

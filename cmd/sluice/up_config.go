package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluicedata/sluice/cmd/sluice/config"
)

// configFlag names the file of a configuration.
const configFlag = "config"

// addConfigFlags gives a command one flag for every key of the configuration.
func addConfigFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.String(configFlag, "", "file of the configuration; every key is in deploy/docs/configuration.md")
	for _, k := range config.Keys() {
		if k.Bool {
			f.Bool(k.Flag, false, k.Help)
			continue
		}
		f.String(k.Flag, k.Default, k.Help)
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
	cmd := &cobra.Command{
		Use: "check-config", Short: "Print every effective setting of `sluice up` and where it came from",
		Long: `Reads the configuration as "sluice up" with the same flags, file and environment would, and prints every effective
value with its source, secrets hidden. Nothing is started. A fault is told with its place; the exit code is then 2.`,
		Example: "  sluice check-config --config /etc/sluice/sluice.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			return printConfig(cmd, loaded)
		},
	}
	addConfigFlags(cmd)
	cmd.Flags().StringP("output", "o", "table", "table or json")
	return cmd
}

func printConfig(cmd *cobra.Command, loaded *config.Loaded) error {
	form, err := cmd.Flags().GetString("output")
	if err != nil {
		return err
	}
	switch form {
	case "json":
		return json.NewEncoder(cmd.OutOrStdout()).Encode(loaded.Values())
	case "table":
	default:
		return usageError{fmt.Errorf("--output is table or json, not %q", form)}
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "KEY\tVALUE\tFROM\tPLACE")
	for _, v := range loaded.Values() {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", v.Key, v.Value, v.From, v.Place)
	}
	return table.Flush()
}

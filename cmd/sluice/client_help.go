package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// localize gives every command and flag its texts. The code holds names, examples and behaviour only.
func localize(cmd *cobra.Command, said texts.Texts) {
	path := textPath(cmd)
	if t := said.Command(path); t.Short != "" {
		cmd.Short, cmd.Long = t.Short, strings.TrimRight(t.Long, "\n")
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if text := said.Flag(path, f.Name); text != "" {
			f.Usage = text
		}
	})
	for _, child := range cmd.Commands() {
		localize(child, said)
	}
}

// textPath is where a command's texts lie: "job.submit"; the program's own lie under its name.
func textPath(cmd *cobra.Command) string {
	path := strings.Fields(cmd.CommandPath())
	if len(path) == 1 {
		return path[0]
	}
	return strings.Join(path[1:], ".")
}

// speakHelp makes cobra show help and usage in the language of the texts.
func speakHelp(root *cobra.Command, said texts.Texts) {
	root.PersistentFlags().BoolP("help", "h", false, "")
	root.SetHelpCommand(helpCommand())
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		about := cmd.Long
		if about == "" {
			about = cmd.Short
		}
		_, _ = fmt.Fprintln(cmd.OutOrStdout(), about)
		_ = writeUsage(cmd.OutOrStdout(), cmd, said)
	})
	root.SetUsageFunc(func(cmd *cobra.Command) error { return writeUsage(cmd.OutOrStderr(), cmd, said) })
}

// helpCommand is `sluice help`, which cobra would only have in English.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND…]", Example: "  sluice help job submit",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usage("command.unknown", "command", strings.Join(args, " "), "parent", cmd.Root().Name())
			}
			return found.Help()
		},
	}
}

// writeUsage writes all but the first words of a help text.
func writeUsage(w io.Writer, cmd *cobra.Command, said texts.Texts) error {
	parts := []struct {
		title string
		rows  [][]string
	}{
		{"help.usage", useRows(cmd)},
		{"help.commands", commandRows(cmd)},
		{"help.flags", flagRows(cmd.LocalNonPersistentFlags(), said)},
		{"help.global", flagRows(globals(cmd), said)},
		{"help.examples", exampleRows(cmd)},
	}
	for _, part := range parts {
		if len(part.rows) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s\n", said.Say(part.title)); err != nil {
			return err
		}
		if err := printRows(w, part.rows); err != nil {
			return err
		}
	}
	return nil
}

func useRows(cmd *cobra.Command) [][]string {
	line := strings.TrimSuffix(cmd.UseLine(), " [flags]")
	if cmd.HasAvailableSubCommands() && len(arguments(cmd.Use)) == 0 {
		return [][]string{{"  " + line + " COMMAND"}}
	}
	return [][]string{{"  " + line}}
}

func commandRows(cmd *cobra.Command) (rows [][]string) {
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() {
			rows = append(rows, []string{"  " + child.Name(), child.Short})
		}
	}
	return rows
}

func exampleRows(cmd *cobra.Command) (rows [][]string) {
	if cmd.Example == "" {
		return nil
	}
	for _, line := range strings.Split(cmd.Example, "\n") {
		rows = append(rows, []string{line})
	}
	return rows
}

// globals are the flags a command has from above: those of commands that speak to a gateway mean nothing to the
// others.
func globals(cmd *cobra.Command) *pflag.FlagSet {
	if cmd == cmd.Root() {
		return cmd.PersistentFlags()
	}
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) {
		forms := cmd.Annotations["lists"] != "" && (f.Name == "format" || f.Name == "no-headers")
		if isClient(cmd) || forms || f.Name == "help" || f.Name == "lang" {
			all.AddFlag(f)
		}
	})
	return all
}

// isClient tells whether a command is one of the client.
func isClient(cmd *cobra.Command) bool { return cmd.Annotations["client"] != "" }

func flagRows(flags *pflag.FlagSet, said texts.Texts) (rows [][]string) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "      --" + f.Name
		if f.Shorthand != "" {
			name = "  -" + f.Shorthand + ", --" + f.Name
		}
		if kind := f.Value.Type(); kind != "bool" {
			name += " " + said.Say("kind.short."+kind)
		}
		text := f.Usage
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" && f.DefValue != "[]" {
			text += said.Say("help.default", "value", f.DefValue)
		}
		rows = append(rows, []string{name, text})
	})
	return rows
}

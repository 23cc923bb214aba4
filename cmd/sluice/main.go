// Command sluice is every program of Sluice but the runner: `up` starts an instance on one machine; serve,
// worker, launcher, keeper and store are its processes; the other commands are the client.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// Exit codes of every command.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitRefused = 3 // by policy
	exitUnknown = 4 // not found
	exitTimeout = 5
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, production(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, parts parts, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	said, err := texts.In(texts.Choose(langFlag(args), os.Getenv))
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "sluice:", err)
		return exitFailed
	}
	root := newRoot(parts, said)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err = root.ExecuteContext(withTexts(ctx, said)); err != nil {
		_, _ = fmt.Fprintln(stderr, "sluice:", printable(worded(said, err)))
	}
	return exitCode(err)
}

// newRoot builds the tree of commands, speaking one language.
func newRoot(parts parts, said texts.Texts) *cobra.Command {
	root := &cobra.Command{
		Use:           "sluice",
		Example:       "  sluice up --data /var/lib/sluice\n  sluice --as kaifa job list\n  sluice --lang zh help job submit",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newUp(parts), newCheckConfig(), newBackup(), newRestore(parts), newTrust(parts), newReady(), newSelfTest(parts), newFsck(parts), newGuard(), newProbe())
	for _, process := range parts.processes {
		root.AddCommand(newProcess(process))
	}
	root.AddCommand(clientCommands()...)
	root.AddCommand(newCompletion())
	globalFlags(root.PersistentFlags())
	speakHelp(root, said)
	root.InitDefaultHelpCmd()
	localize(root, said)
	complete(root)
	return root
}

// noCommand turns an unknown command into a usage error.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage("command.unknown", "command", args[0], "parent", cmd.CommandPath())
}

// usageError says that the command line itself is wrong.
type usageError struct{ error }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }

// exitCode maps an error to the exit code. An error may choose its own by an ExitCode method.
func exitCode(err error) int {
	var chosen interface{ ExitCode() int }
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &chosen):
		return chosen.ExitCode()
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	}
	switch fault.Of(err) {
	case fault.Denied:
		return exitRefused
	case fault.Unknown:
		return exitUnknown
	default:
		return exitFailed
	}
}

// Command sluice-runner is the only program of a job's container: `sluice-runner VERB` reads /in/task.json and
// writes /out/report.json. It prints nothing, because logs are outputs too; its exit code is 0 when there is a
// report, 1 when there is none, and 2 when it was called wrongly.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/runner"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run runs the verb that is its only argument.
func run(ctx context.Context, args []string) int {
	if len(args) != 1 || args[0] == "" {
		return 2
	}
	if err := runner.RunAs(ctx, task.Verb(args[0]), task.In, task.Out); err != nil {
		return 1
	}
	return 0
}

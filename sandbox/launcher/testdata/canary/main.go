// Command canary is the runner's own self-test verb without the rest of the runner, which needs a C compiler.
package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/runner/canary"
)

func main() {
	raw, err := os.ReadFile(task.In + "/" + task.LetterFile)
	if err != nil {
		os.Exit(90)
	}
	var letter task.Letter
	if json.Unmarshal(raw, &letter) != nil || letter.Canary == nil {
		os.Exit(91)
	}
	told, err := canary.Run(context.Background(), task.In, task.Out, letter.Canary)
	if err != nil {
		os.Exit(92)
	}
	raw, err = json.Marshal(task.Report{Verb: task.TryBounds, Canary: told})
	if err != nil || os.WriteFile(task.Out+"/"+task.ReportFile, raw, 0o644) != nil {
		os.Exit(93)
	}
}

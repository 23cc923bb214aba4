package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// newProbe makes the hidden command that puts a foreign program into the jobs' container template of a running
// instance and tells what came out. The program replaces the runner in a launcher of its own: no run of the
// instance can choose it.
func newProbe() *cobra.Command {
	var data, program string
	cmd := &cobra.Command{
		Use: "probe --data DIR --program FILE", Short: "Run a foreign program in the jobs' container template",
		Example: "  sluice probe --data /var/lib/sluice --program ./hostile",
		Hidden:  true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return probe(cmd, data, program) },
	}
	cmd.Flags().StringVar(&data, "data", "", "folder of a running instance")
	cmd.Flags().StringVar(&program, "program", "", "static program")
	return cmd
}

// probed is what came out of a container.
type probed struct {
	Outcome  sandbox.Outcome `json:"outcome"`
	Attempts json.RawMessage `json:"attempts"`
}

// attemptsFile is where a hostile program writes what it managed.
const attemptsFile = "attempts.json"

func probe(cmd *cobra.Command, data, program string) error {
	layout, err := instance.NewLayout(data, instance.RuntimeDir(os.Geteuid(), os.Getenv))
	if err != nil {
		return err
	}
	if program, err = filepath.Abs(program); err != nil {
		return fmt.Errorf("naming the program: %w", err)
	}
	// The other namespace has another working folder: only absolute paths mean the same there.
	args := []string{os.Args[0], "probe", "--data", layout.Data, "--program", program}
	if layout, err = layout.Join(args, os.Environ()); err != nil {
		return err
	}
	engine := docker.Daemon{Run: layout.Socket("docker")}.Socket()
	ctx := cmd.Context()
	l, err := launcher.New(ctx, launcher.Options{
		Engine: engine, Base: filepath.Join(layout.Home("launcher"), "probe"), Runner: program, Foreign: true,
		WorkerUID: os.Geteuid(), WorkerGID: os.Getegid(), Log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)),
	})
	if err != nil {
		return err
	}
	found, err := runProbe(ctx, l)
	if err := errors.Join(err, l.Close()); err != nil {
		return err
	}
	return json.NewEncoder(cmd.OutOrStdout()).Encode(found)
}

func runProbe(ctx context.Context, l *launcher.Launcher) (found probed, err error) {
	run := sandbox.Run{Work: name.NewID().String(), Fence: 1, Step: 1, Verb: task.SQL}
	in, err := l.Prepare(ctx, run)
	if err != nil {
		return found, fmt.Errorf("preparing the probe: %w", err)
	}
	defer func() { err = errors.Join(err, l.Remove(context.WithoutCancel(ctx), run)) }()
	if err := os.WriteFile(filepath.Join(in, "rows.csv"), []byte("resident_id,visits\n500101193001010016,77\n"), 0o644); err != nil {
		return found, fmt.Errorf("writing what is to be stolen: %w", err)
	}
	if found.Outcome, err = l.Run(ctx, run); err != nil {
		return found, fmt.Errorf("running the probe: %w", err)
	}
	err = l.Collect(ctx, run, func(file string, _ int64, body io.Reader) error {
		if file != attemptsFile {
			return nil
		}
		found.Attempts, err = io.ReadAll(body)
		return err
	})
	if err != nil {
		return found, fmt.Errorf("collecting from the probe: %w", err)
	}
	if !json.Valid(found.Attempts) {
		return found, fmt.Errorf("the probe left no %s", strings.TrimSuffix(attemptsFile, ".json"))
	}
	return found, nil
}

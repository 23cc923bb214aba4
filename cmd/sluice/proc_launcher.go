package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// runLauncher starts containers for the worker's user alone.
func runLauncher(ctx context.Context, in surroundings) error {
	socket, ok := strings.CutPrefix(in.engine, "unix://")
	if !ok {
		return usage("up.engine", "engine", in.engine)
	}
	l, err := launcher.New(ctx, launcher.Options{
		Engine: socket, Base: filepath.Join(in.home, "runs"), Runner: in.runner, Images: in.images, Share: in.jobCPU,
		WorkerUID: in.workerUID, WorkerGID: in.workerGID, Now: in.now, Log: in.log,
		Runc: slices.Contains(strings.Split(in.runtimes, ","), string(task.Runc)),
	})
	if err != nil {
		return err
	}
	listener, err := launcher.Listen(filepath.Join(in.runtime, instance.LauncherSocket), in.workerGID)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if err := in.ready(); err != nil {
		return errors.Join(err, listener.Close(), l.Close())
	}
	return errors.Join(l.Serve(ctx, listener), l.Close())
}

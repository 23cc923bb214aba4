package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/sluicedata/sluice/catalog/task"
)

// bootFile changes with every start of the machine: random(4).
const bootFile = "/proc/sys/kernel/random/boot_id"

// Identity is a digest over all that a verdict about a runtime rests on: the runtime's own bytes and options, the
// engine, the kernel and its boot, the template and the image. Where one of them changes, the verdict is of another
// runtime.
func (e *Engine) Identity(ctx context.Context, runtime task.Runtime, image string, share int, limits Limits) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	info, err := e.api.Info(ctx)
	if err != nil {
		return "", fmt.Errorf("asking the engine what it is: %w", err)
	}
	of, known := info.Runtimes[string(runtime)]
	if !known {
		return "", fmt.Errorf("asking the engine what it is: it has no runtime %s", runtime)
	}
	path, err := exec.LookPath(of.Path) // the engine knows its own runtime by name only
	if err != nil {
		return "", fmt.Errorf("finding the runtime: %w", err)
	}
	program, err := fileDigest(path)
	if err != nil {
		return "", err
	}
	boot, err := os.ReadFile(bootFile)
	if err != nil {
		return "", fmt.Errorf("reading the boot's id: %w", err)
	}
	s := Spec{Verb: task.TryBounds, Runtime: runtime, Image: image, In: task.In, Out: task.Out, CPUs: e.cpus, Share: share, Limits: limits}
	raw, err := json.Marshal([]any{
		program, of.Args, info.ServerVersion, info.KernelVersion, info.CgroupVersion,
		strings.TrimSpace(string(boot)), s.config(), s.hostConfig(),
	})
	if err != nil {
		return "", fmt.Errorf("writing a runtime's identity: %w", err)
	}
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("opening the runtime: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("reading the runtime: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Used is how much processor time a running container has had by its control group's count, and when the engine
// read it.
func (e *Engine) Used(ctx context.Context, s Spec) (cpu time.Duration, at time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	s.Owner = e.owner
	answer, err := e.api.ContainerStatsOneShot(ctx, s.name())
	if err != nil {
		return 0, at, fmt.Errorf("asking what a container used: %w", err)
	}
	var stats container.StatsResponse
	err = errors.Join(json.NewDecoder(answer.Body).Decode(&stats), answer.Body.Close())
	if err != nil {
		return 0, at, fmt.Errorf("reading what a container used: %w", err)
	}
	return time.Duration(stats.CPUStats.CPUUsage.TotalUsage), stats.Read, nil // since its start
}

// Gone tells whether the engine no longer knows the container of a run.
func (e *Engine) Gone(ctx context.Context, s Spec) (bool, error) {
	s.Owner = e.owner
	_, err := e.Inspect(ctx, s.name())
	switch {
	case err == nil:
		return false, nil
	case errdefs.IsNotFound(err):
		return true, nil
	default:
		return false, fmt.Errorf("looking for a container: %w", err)
	}
}

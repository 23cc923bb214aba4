package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/client"

	"github.com/sluicedata/sluice/catalog/task"
)

// Deadlines of the engine's own calls. Starting gVisor took half a second on a busy machine; a runtime that
// hangs in create has been seen to hang for minutes.
const (
	createWithin = 30 * time.Second
	killWithin   = 10 * time.Second
	removeWithin = 30 * time.Second
	askWithin    = 10 * time.Second
	importWithin = 5 * time.Minute
)

// Engine is one launcher's hold on a Docker engine. It sees only containers that carry its owner label.
type Engine struct {
	api   *client.Client
	owner string
	cpus  int
}

// Open connects to the engine at a unix socket and refuses one that could not hold the template. Owner names
// the launcher in labels: lower-case hex.
func Open(ctx context.Context, socket, owner string) (*Engine, error) {
	api, err := client.NewClientWithOpts(client.WithHost("unix://"+socket), client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fmt.Errorf("making an engine client: %w", err)
	}
	e := &Engine{api: api, owner: owner}
	if err := e.check(ctx); err != nil {
		return nil, errors.Join(err, api.Close())
	}
	return e, nil
}

// Close lets go of the connections. Containers are not touched.
func (e *Engine) Close() error { return e.api.Close() }

// CPUs is the number of processors the engine sees.
func (e *Engine) CPUs() int { return e.cpus }

// Owner is the label under which this hold makes containers.
func (e *Engine) Owner() string { return e.owner }

// Alive asks the engine over a connection of its own, so that one which is shutting down counts as dead.
func (e *Engine) Alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	return ping(ctx, e.api.DaemonHost())
}

// ping asks the engine at a host for nothing but an answer.
func ping(ctx context.Context, host string) error {
	fresh, err := client.NewClientWithOpts(client.WithHost(host))
	if err != nil {
		return fmt.Errorf("making an engine client: %w", err)
	}
	if _, err := fresh.Ping(ctx); err != nil {
		return errors.Join(fmt.Errorf("asking the engine: %w", err), fresh.Close())
	}
	return fresh.Close()
}

// check refuses an engine that would drop a limit in silence.
func (e *Engine) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	info, err := e.api.Info(ctx)
	if err != nil {
		return fmt.Errorf("asking the engine what it can do: %w", err)
	}
	runtime, known := info.Runtimes[string(task.GVisor)]
	for _, need := range []struct {
		met  bool
		what string
	}{
		{known, "runtime " + string(task.GVisor)},
		{!slices.ContainsFunc(runtime.Args, ignoresLimits), "a runtime that keeps limits"},
		{slices.Contains(runtime.Args, "--oci-seccomp"), "a system call filter"},
		{slices.Contains(runtime.Args, "--network=none"), "a second wall to networks"},
		{info.MemoryLimit, "memory limits"},
		{info.SwapLimit, "swap limits"},
		{info.PidsLimit, "process limits"},
		{info.CPUCfsQuota, "processor quotas"},
		{info.CPUSet, "processor sets"},
		{!info.LiveRestoreEnabled, "live-restore off"},
	} {
		if !need.met {
			return fmt.Errorf("checking the engine: it lacks %s", need.what)
		}
	}
	e.cpus = info.NCPU
	return nil
}

// ignoresLimits knows the option under which gVisor keeps no limit, in every way it can be written.
func ignoresLimits(option string) bool {
	return strings.HasPrefix(strings.TrimLeft(option, "-"), "ignore-cgroups")
}

package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"golang.org/x/sys/unix"
)

// Exit is how a container ended, as the engine tells it.
type Exit struct {
	Code   int
	Memory bool // the memory limit was hit; the code may still be 0
	Killed bool // by us, because ctx ended
	Lost   bool // the engine went away, hangs or lost sight of it: the code, if any, is not the program's
}

// Create makes a container from the template, reads it back and refuses it when the engine kept any option
// otherwise. The container is not running.
func (e *Engine) Create(ctx context.Context, s Spec) (id string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createWithin)
	defer cancel()
	s.Owner, s.CPUs = e.owner, e.cpus
	made, err := e.api.ContainerCreate(ctx, s.config(), s.hostConfig(), nil, nil, s.name())
	if err != nil {
		return "", fmt.Errorf("creating a container: %w", err)
	}
	seen, err := e.api.ContainerInspect(ctx, made.ID)
	if err != nil {
		return "", errors.Join(fmt.Errorf("inspecting a container: %w", err), e.Remove(ctx, made.ID))
	}
	if wrong := s.Assert(seen); len(wrong) > 0 {
		err := fmt.Errorf("creating a container: the engine differs in %s", strings.Join(wrong, ", "))
		return "", errors.Join(err, e.Remove(ctx, made.ID))
	}
	return made.ID, nil
}

// Run starts a created container and waits for its end; when ctx ends first it kills it. The error says that
// the engine did not start it, or did not end it in time. No call waits for the engine alone: see watch.
func (e *Engine) Run(ctx context.Context, id string) (Exit, error) {
	free := context.WithoutCancel(ctx)
	waiting, stop := context.WithCancel(free)
	defer stop()
	// Registered before the start, so that an end right after it is not missed.
	ended, failed := e.api.ContainerWait(waiting, id, container.WaitConditionNextExit)
	if err := e.start(free, id); err != nil {
		stop()
		select { // the client's goroutine ends only when somebody takes its answer
		case <-ended:
		case <-failed: //nolint:errcheck // the start has failed already
		}
		return Exit{}, err
	}
	select {
	case <-ended:
		return e.read(free, id), nil
	case <-e.watch(waiting, id):
		return Exit{Lost: true}, nil
	case <-failed: //nolint:errcheck // whatever it says, the engine no longer tells how the job ends
		return Exit{Lost: true}, nil
	case <-ctx.Done():
		return Exit{Killed: true}, e.kill(free, id, ended, failed)
	}
}

// start does not end with the caller: a start cut in the middle leaves a container in no known state.
func (e *Engine) start(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, createWithin)
	defer cancel()
	if err := e.api.ContainerStart(ctx, id, container.StartOptions{}); err != nil {
		return fmt.Errorf("starting a container: %w", err)
	}
	return nil
}

// kill ends a container and waits until it is gone.
func (e *Engine) kill(ctx context.Context, id string, ended <-chan container.WaitResponse, failed <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, killWithin)
	defer cancel()
	killed := e.askKill(ctx, id) // an error may mean that it has just ended by itself
	if killed != nil {
		killed = errors.Join(killed, e.strike(ctx, id))
	}
	select {
	case <-ended:
		return nil
	case err := <-failed:
		return fmt.Errorf("waiting for a killed container: %w", err)
	case <-ctx.Done():
		return fmt.Errorf("killing a container: %w", errors.Join(killed, ctx.Err()))
	}
}

// askKill has the engine kill a container.
func (e *Engine) askKill(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, killWithin/2)
	defer cancel()
	return e.api.ContainerKill(ctx, id, "KILL")
}

// strike kills a container's process itself. runc takes a program whose first thread has ended for one that has ended,
// and lets the others run on. A process id is struck only while it is in the container's control group.
func (e *Engine) strike(ctx context.Context, id string) error {
	seen, err := e.Inspect(ctx, id)
	if err != nil || seen.State == nil || seen.State.Pid == 0 {
		return err
	}
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", seen.State.Pid))
	if err != nil || !bytes.Contains(groups, []byte(id)) {
		return nil //nolint:nilerr // it is gone, or another's by now
	}
	return unix.Kill(seen.State.Pid, unix.SIGKILL)
}

// read asks how an ended container ended. A signal nobody here sent may be an engine going down, which kills
// its containers before it falls silent.
func (e *Engine) read(ctx context.Context, id string) Exit {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	seen, err := e.api.ContainerInspect(ctx, id)
	if err != nil || seen.State == nil {
		return Exit{Lost: true}
	}
	exit := Exit{Code: seen.State.ExitCode, Memory: seen.State.OOMKilled}
	exit.Lost = exit.Code != 0 && !exit.Memory && e.Alive(ctx) != nil
	return exit
}

// Inspect reads one container back; tests compare it with the template.
func (e *Engine) Inspect(ctx context.Context, id string) (container.InspectResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	return e.api.ContainerInspect(ctx, id)
}

// Remove kills and deletes a container. One that is not there is well.
func (e *Engine) Remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	err := e.api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err == nil || errdefs.IsNotFound(err) {
		return nil
	}
	if !errdefs.IsConflict(err) {
		return fmt.Errorf("removing a container: %w", err)
	}
	// Somebody else is removing it: wait for them.
	gone, failed := e.api.ContainerWait(ctx, id, container.WaitConditionRemoved)
	select {
	case <-gone:
		return nil
	case late := <-failed:
		if errdefs.IsNotFound(late) {
			return nil
		}
		return fmt.Errorf("removing a container: %w", errors.Join(err, late))
	}
}

// Discard removes the container of one run, whether or not it was ever made.
func (e *Engine) Discard(ctx context.Context, s Spec) error {
	s.Owner = e.owner
	return e.Remove(ctx, s.name())
}

// Held is a container of this owner: what it is called by the engine, and which run it was made for.
type Held struct {
	ID, Work string
	Fence    int64
	Step     int
	Since    time.Time // when it was made, to the second
}

// List returns every container of this owner.
func (e *Engine) List(ctx context.Context) ([]Held, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	mine := filters.NewArgs(filters.Arg("label", LabelOwner+"="+e.owner))
	found, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: mine})
	if err != nil {
		return nil, fmt.Errorf("listing containers: %w", err)
	}
	held := make([]Held, 0, len(found))
	for _, c := range found {
		fence, err := strconv.ParseInt(c.Labels[LabelFence], 10, 64)
		step, wrong := strconv.Atoi(c.Labels[LabelStep])
		if err := errors.Join(err, wrong); err != nil {
			return nil, fmt.Errorf("listing containers: reading a label: %w", err)
		}
		held = append(held, Held{ID: c.ID, Work: c.Labels[LabelWork], Fence: fence, Step: step, Since: time.Unix(c.Created, 0)})
	}
	return held, nil
}

// Sweep removes every container of this owner, whatever state it is in.
func (e *Engine) Sweep(ctx context.Context) error {
	held, err := e.List(ctx)
	if err != nil {
		return err
	}
	for _, h := range held {
		err = errors.Join(err, e.Remove(ctx, h.ID))
	}
	return err
}

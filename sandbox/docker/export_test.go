package docker

import (
	"context"
	"errors"

	"github.com/docker/docker/api/types/container"
)

// Bare is a way to start the template's program that a launcher never uses.
type Bare struct {
	Runtime string
	Open    bool // none of the template's bounds and walls: what the engine does by itself
}

// RunBare runs the template's program in a way of its own, for measuring what the template costs. It returns the
// program's code.
func (e *Engine) RunBare(ctx context.Context, s Spec, how Bare) (exit Exit, err error) {
	s.Owner, s.CPUs = e.owner, e.cpus
	config, host := s.config(), s.hostConfig()
	if how.Open {
		host = &container.HostConfig{Mounts: s.mounts()}
		// The cores are the same in both, else it is they that are compared.
		host.CpusetCpus, host.NanoCPUs = s.cpuset(), s.quota()
	}
	host.Runtime = how.Runtime
	made, err := e.api.ContainerCreate(ctx, config, host, nil, nil, s.name())
	if err != nil {
		return exit, err
	}
	exit, err = e.Run(ctx, made.ID)
	return exit, errors.Join(err, e.Remove(ctx, made.ID))
}

// Quota is what the template gives a container of processor time.
func (s Spec) Quota() int64 { return s.quota() }

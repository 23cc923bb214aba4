package docker

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/strslice"

	"github.com/sluicedata/sluice/catalog/task"
)

// Fixed values of the template. Nobody is the uid and gid inside, owner of the output directory outside.
const (
	Nobody = 65534
	// Processes may be at once in a container. gVisor counts its own threads: fewer than 32 do not start.
	Processes  = 256
	program    = "/sluice-runner"
	python     = "/usr/bin/python3.11"
	pids       = Processes
	nofile     = 256
	onePerCent = 1e7 // of a processor, in the engine's billionths
	hostname   = "job"
	// stopSignal is what an engine that goes down, or comes back, ends a job with: ten seconds of grace for a
	// program that ignores every other signal would only be waited for.
	stopSignal = "SIGKILL"
)

// Labels of a container. Owner is the launcher that made it.
const (
	LabelOwner = "sluice.owner"
	LabelWork  = "sluice.work"
	LabelFence = "sluice.fence"
	LabelStep  = "sluice.step"
	LabelVerb  = "sluice.verb"
)

//go:embed seccomp.json
var seccompProfile []byte

// Spec fills the template. Every field is a number, one of a closed list, or made by the launcher itself.
type Spec struct {
	Owner string    // of the launcher, hex
	Work  string    // UUID
	Fence int64     // of the lease
	Step  int       // position in the work
	Verb  task.Verb // the entry point's only argument
	// Runtime makes the walls; zero for gVisor.
	Runtime task.Runtime
	Image   string // content digest of an imported image, "sha256:…"
	In      string // host directory, read-only at task.In
	Out     string // host directory, bounded by its own mount, at task.Out
	CPUs    int    // of the machine
	Share   int    // of one processor's time, in percent; 0 for all of it
	Limits
}

// name of the container: a second one for the same step cannot be made.
func (s Spec) name() string {
	return fmt.Sprintf("sluice-%s-%s-%d-%d", s.Owner, s.Work, s.Fence, s.Step)
}

// config is the part of the template about the program.
func (s Spec) config() *container.Config {
	return &container.Config{
		Hostname:        hostname,
		User:            nobody(),
		Env:             environment(),
		Image:           s.Image,
		WorkingDir:      "/",
		Entrypoint:      s.entrypoint(),
		NetworkDisabled: true,
		Labels:          s.labels(),
		StopSignal:      stopSignal,
	}
}

// entrypoint is the runner, told its verb, or the module sluice of an image with Python: isolated from environment and
// working directory, writing nothing beside its output.
func (s Spec) entrypoint() strslice.StrSlice {
	if s.Verb == task.Python {
		return strslice.StrSlice{python, "-I", "-B", "-m", "sluice"}
	}
	return strslice.StrSlice{program, string(s.Verb)}
}

// labels let a sweep find what a launcher left, and an operator what a container was for.
func (s Spec) labels() map[string]string {
	return map[string]string{
		LabelOwner: s.Owner,
		LabelWork:  s.Work,
		LabelFence: strconv.FormatInt(s.Fence, 10),
		LabelStep:  strconv.Itoa(s.Step),
		LabelVerb:  string(s.Verb),
	}
}

// hostConfig is the part of the template about the fence around the program.
func (s Spec) hostConfig() *container.HostConfig {
	limit, off := int64(pids), false
	return &container.HostConfig{
		Runtime:        string(s.Runtime.Or()),
		NetworkMode:    "none",
		IpcMode:        "none",
		CgroupnsMode:   "private",
		ReadonlyRootfs: true,
		CapDrop:        strslice.StrSlice{"ALL"},
		SecurityOpt:    securityOptions(),
		LogConfig:      container.LogConfig{Type: "none"},
		RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyDisabled},
		Tmpfs:          map[string]string{task.Scratch: s.scratch()},
		Mounts:         s.mounts(),
		Init:           &off,
		Resources: container.Resources{
			Memory:     s.Memory,
			MemorySwap: s.Memory,
			NanoCPUs:   s.quota(),
			CpusetCpus: s.cpuset(),
			PidsLimit:  &limit,
			Ulimits:    s.ulimits(),
		},
	}
}

// mounts are the two directories a container shares with its host.
func (s Spec) mounts() []mount.Mount {
	private := &mount.BindOptions{Propagation: mount.PropagationRPrivate}
	return []mount.Mount{
		{Type: mount.TypeBind, Source: s.In, Target: task.In, ReadOnly: true, BindOptions: private},
		{Type: mount.TypeBind, Source: s.Out, Target: task.Out, BindOptions: private},
	}
}

// ulimits are per process; fsize alone stops a sparse file.
func (s Spec) ulimits() []*container.Ulimit {
	size := s.fileSize()
	return []*container.Ulimit{
		{Name: "fsize", Soft: size, Hard: size},
		{Name: "nofile", Soft: nofile, Hard: nofile},
		{Name: "core", Soft: 0, Hard: 0},
	}
}

// scratch are the mount options of /tmp.
func (s Spec) scratch() string {
	return fmt.Sprintf("rw,nosuid,nodev,noexec,mode=1777,size=%d", s.Scratch)
}

// quota bounds processor time in every tenth of a second: containers beside each other leave each other alone as long as
// their quotas together are no more than what cpuset gives them.
func (s Spec) quota() int64 { return onePerCent * int64(cmp.Or(s.Share, 100)) }

// cpuset keeps the first core for the platform where there is a second one.
func (s Spec) cpuset() string {
	switch {
	case s.CPUs < 2:
		return "0"
	case s.CPUs == 2:
		return "1"
	default:
		return fmt.Sprintf("1-%d", s.CPUs-1)
	}
}

func nobody() string { return fmt.Sprintf("%d:%d", Nobody, Nobody) }

// environment sets LANG and takes away the two names the engine would add: a name without "=" unsets.
func environment() []string { return []string{"LANG=C.UTF-8", "PATH", "HOSTNAME"} }

// securityOptions carry our profile in place of the engine's default one.
func securityOptions() []string {
	return []string{"no-new-privileges", "seccomp=" + profile()}
}

// profile is the embedded profile on one line. A test parses it, so Compact cannot fail on it.
func profile() string {
	var line bytes.Buffer
	if err := json.Compact(&line, seccompProfile); err != nil {
		return "{}" // the engine refuses an empty profile: no container starts
	}
	return line.String()
}

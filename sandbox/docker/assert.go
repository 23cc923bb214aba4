package docker

import (
	"fmt"
	"maps"
	"slices"

	"github.com/docker/docker/api/types/container"

	"github.com/sluicedata/sluice/catalog/task"
)

// check is one option as text: what the engine has and what the template says.
type check struct{ option, got, want string }

// Assert compares a container as the engine keeps it with the template, and names every option that differs.
// Options the template leaves alone must be off: a later engine's default is not ours.
func (s Spec) Assert(c container.InspectResponse) []string {
	if c.ContainerJSONBase == nil || c.HostConfig == nil || c.Config == nil {
		return []string{"inspection"}
	}
	var wrong []string
	for _, each := range slices.Concat(s.program(c), s.fence(c.HostConfig), s.bounds(c.HostConfig), off(c)) {
		if each.got != each.want {
			wrong = append(wrong, each.option)
		}
	}
	return wrong
}

// program checks what runs, as whom, and what it is told.
func (s Spec) program(c container.InspectResponse) []check {
	return []check{
		{"image", c.Image, s.Image},
		{"image name", c.Config.Image, s.Image},
		{"entrypoint", text(c.Config.Entrypoint), text(s.config().Entrypoint)},
		{"command", text(c.Config.Cmd), "[]"},
		{"user", c.Config.User, nobody()},
		{"environment", text(c.Config.Env), text(environment())},
		{"working directory", c.Config.WorkingDir, "/"},
		{"hostname", c.Config.Hostname, hostname},
		{"stop signal", c.Config.StopSignal, stopSignal},
		{"labels", text(pick(c.Config.Labels, s.labels())), text(s.labels())},
		{"network disabled", text(c.Config.NetworkDisabled), "true"},
		{"mounts", text(mountLines(c.Mounts)), text(s.mountLines())},
	}
}

// fence checks the walls.
func (s Spec) fence(h *container.HostConfig) []check {
	return []check{
		{"runtime", h.Runtime, string(s.Runtime.Or())},
		{"network", string(h.NetworkMode), "none"},
		{"ipc", string(h.IpcMode), "none"},
		{"cgroup namespace", string(h.CgroupnsMode), "private"},
		{"read-only root", text(h.ReadonlyRootfs), "true"},
		{"capabilities dropped", text(h.CapDrop), "[ALL]"},
		{"security options", text(h.SecurityOpt), text(securityOptions())},
		{"log driver", h.LogConfig.Type, "none"},
		{"restart policy", string(h.RestartPolicy.Name), "no"},
		{"auto remove", text(h.AutoRemove), "false"},
		{"init", text(h.Init != nil && !*h.Init), "true"},
		{"masked paths", text(len(h.MaskedPaths) > 0), "true"},
		{"read-only paths", text(len(h.ReadonlyPaths) > 0), "true"},
	}
}

// bounds checks the limits.
func (s Spec) bounds(h *container.HostConfig) []check {
	return []check{
		{"memory", text(h.Memory), text(s.Memory)},
		{"swap", text(h.MemorySwap), text(s.Memory)},
		{"processes", text(value(h.PidsLimit)), text(pids)},
		{"processors", text(h.NanoCPUs), text(s.quota())},
		{"processor set", h.CpusetCpus, s.cpuset()},
		{"ulimits", text(ulimitLines(h.Ulimits)), text(ulimitLines(s.ulimits()))},
		{"scratch", text(h.Tmpfs), text(map[string]string{task.Scratch: s.scratch()})},
		{"out-of-memory killer", text(value(h.OomKillDisable)), "false"},
	}
}

// off checks that everything the template does not use is unused.
func off(c container.InspectResponse) []check {
	h := c.HostConfig
	return []check{
		{"privileged", text(h.Privileged), "false"},
		{"capabilities added", text(h.CapAdd), "[]"},
		{"groups added", text(h.GroupAdd), "[]"},
		{"binds", text(h.Binds), "[]"},
		{"volumes", text(len(c.Config.Volumes) + len(h.VolumesFrom)), "0"},
		{"devices", text(len(h.Devices) + len(h.DeviceRequests) + len(h.DeviceCgroupRules)), "0"},
		{"ports", text(len(h.PortBindings) + len(c.Config.ExposedPorts)), "0"},
		{"published ports", text(h.PublishAllPorts), "false"},
		{"names", text(len(h.DNS) + len(h.ExtraHosts) + len(h.Links)), "0"},
		{"process namespace", string(h.PidMode), ""},
		{"host name namespace", string(h.UTSMode), ""},
		{"user namespace", string(h.UsernsMode), ""},
		{"cgroup", string(h.Cgroup) + h.CgroupParent, ""},
		{"kernel settings", text(len(h.Sysctls)), "0"},
		{"storage options", text(len(h.StorageOpt)), "0"},
		{"terminal", text(c.Config.Tty || c.Config.OpenStdin || c.Config.AttachStdin), "false"},
		{"attached output", text(c.Config.AttachStdout || c.Config.AttachStderr), "false"},
		{"health check", text(c.Config.Healthcheck != nil), "false"},
	}
}

// text is how options are compared: nil and empty are one, and maps come sorted.
func text[T any](v T) string { return fmt.Sprint(v) }

// value is the zero value where the engine left a pointer out.
func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

// pick keeps the entries of a map that another map has keys for: an image may carry labels of its own.
func pick(from, keys map[string]string) map[string]string {
	kept := maps.Clone(from)
	maps.DeleteFunc(kept, func(k, _ string) bool { _, has := keys[k]; return !has })
	return kept
}

func (s Spec) mountLines() []string {
	return []string{
		fmt.Sprintf("bind %s %s rw=false rprivate", s.In, task.In),
		fmt.Sprintf("bind %s %s rw=true rprivate", s.Out, task.Out),
	}
}

func mountLines(mounts []container.MountPoint) []string {
	var lines []string
	for _, m := range mounts {
		lines = append(lines, fmt.Sprintf("%s %s %s rw=%t %s", m.Type, m.Source, m.Destination, m.RW, m.Propagation))
	}
	slices.Sort(lines)
	return lines
}

func ulimitLines(limits []*container.Ulimit) []string {
	var lines []string
	for _, l := range limits {
		lines = append(lines, fmt.Sprintf("%s=%d:%d", l.Name, l.Soft, l.Hard))
	}
	slices.Sort(lines)
	return lines
}

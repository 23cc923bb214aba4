package docker_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
)

// create makes a real container of the template, not started.
func create(t *testing.T) (docker.Spec, container.InspectResponse) {
	t.Helper()
	engine, dir := dockertest.Open(t), dockertest.Dir(t)
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("never run"), 0o755); err != nil {
		t.Fatal(err)
	}
	image, err := engine.Import(t.Context(), program)
	if err != nil {
		t.Fatalf("importing: %v", err)
	}
	spec := docker.Spec{
		Owner: engine.Owner(), CPUs: engine.CPUs(),
		Work: "0198c0de-0000-7000-8000-000000000001", Fence: 7, Step: 2, Verb: task.SQL, Image: image,
		In: filepath.Join(dir, "in"), Out: filepath.Join(dir, "out"), Limits: docker.DefaultLimits()[task.SQL],
	}
	for _, each := range []string{spec.In, spec.Out} {
		if err := os.Mkdir(each, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	id, err := engine.Create(t.Context(), spec)
	if err != nil {
		t.Fatalf("creating: %v", err)
	}
	seen, err := engine.Inspect(t.Context(), id)
	if err != nil {
		t.Fatalf("inspecting: %v", err)
	}
	return spec, seen
}

func TestEveryOptionIsSetOnARealContainer(t *testing.T) {
	spec, c := create(t)
	h := c.HostConfig
	type option struct {
		Name string
		Got  any
		Want any
	}
	size := int64(256 << 20)
	for _, o := range []option{
		{"runtime", h.Runtime, "runsc"},
		{"network", string(h.NetworkMode), "none"},
		{"network disabled", c.Config.NetworkDisabled, true},
		{"read-only root", h.ReadonlyRootfs, true},
		{"user", c.Config.User, "65534:65534"},
		{"capabilities", []string(h.CapDrop), []string{"ALL"}},
		{"no new privileges", slices.Contains(h.SecurityOpt, "no-new-privileges"), true},
		{"privileged", h.Privileged, false},
		{"ipc", string(h.IpcMode), "none"},
		{"memory", h.Memory, int64(1536 << 20)},
		{"memory and swap", h.MemorySwap, int64(1536 << 20)},
		{"processes", *h.PidsLimit, int64(256)},
		{"processors", h.NanoCPUs, int64(1e9)},
		{"tmpfs", h.Tmpfs, map[string]string{"/tmp": "rw,nosuid,nodev,noexec,mode=1777,size=268435456"}},
		{"log driver", h.LogConfig.Type, "none"},
		{"image by digest", strings.HasPrefix(c.Config.Image, "sha256:") && c.Config.Image == c.Image, true},
		{"hostname", c.Config.Hostname, "job"},
		{"environment", c.Config.Env, []string{"LANG=C.UTF-8", "PATH", "HOSTNAME"}},
		{"stop signal", c.Config.StopSignal, "SIGKILL"},
		{"restart", string(h.RestartPolicy.Name), "no"},
		{"auto remove", h.AutoRemove, false},
		{"init", *h.Init, false},
		{"entry point", []string(c.Config.Entrypoint), []string{"/sluice-runner", "sql"}},
		{"working directory", c.Config.WorkingDir, "/"},
		{"binds", len(h.Binds), 0},
		{"devices", len(h.Devices), 0},
		{"masked", slices.Contains(h.MaskedPaths, "/proc/kcore"), true},
		{"read-only", slices.Contains(h.ReadonlyPaths, "/proc/sys"), true},
		{"labels", c.Config.Labels[docker.LabelWork] + c.Config.Labels[docker.LabelFence] +
			c.Config.Labels[docker.LabelStep] + c.Config.Labels[docker.LabelVerb], spec.Work + "72sql"},
		{"mounts", mounts(c.Mounts), []string{"/in false", "/out true"}},
		{"ulimits", limits(h.Ulimits), map[string]int64{"fsize": size, "nofile": 256, "core": 0}},
	} {
		if diff := cmp.Diff(o.Want, o.Got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", o.Name, diff)
		}
	}
	if wrong := spec.Assert(c); len(wrong) > 0 {
		t.Errorf("Assert differs in %q on an untouched container", wrong)
	}
}

func mounts(points []container.MountPoint) []string {
	var all []string
	for _, m := range points {
		writable := " false"
		if m.RW {
			writable = " true"
		}
		all = append(all, m.Destination+writable)
	}
	slices.Sort(all)
	return all
}

func limits(all []*container.Ulimit) map[string]int64 {
	found := map[string]int64{}
	for _, u := range all {
		if u.Soft == u.Hard {
			found[u.Name] = u.Hard
		}
	}
	return found
}

// Each change stands for an engine, or a later version of this code, that keeps an option otherwise.
func TestAssertNamesEveryChangedOption(t *testing.T) {
	spec, clean := create(t)
	raw, err := json.Marshal(clean)
	if err != nil {
		t.Fatal(err)
	}
	on, many := true, int64(100_000)
	for option, change := range map[string]func(c *container.InspectResponse){
		"runtime":              func(c *container.InspectResponse) { c.HostConfig.Runtime = "runc" },
		"network":              func(c *container.InspectResponse) { c.HostConfig.NetworkMode = "bridge" },
		"network disabled":     func(c *container.InspectResponse) { c.Config.NetworkDisabled = false },
		"ipc":                  func(c *container.InspectResponse) { c.HostConfig.IpcMode = "host" },
		"cgroup namespace":     func(c *container.InspectResponse) { c.HostConfig.CgroupnsMode = "host" },
		"read-only root":       func(c *container.InspectResponse) { c.HostConfig.ReadonlyRootfs = false },
		"user":                 func(c *container.InspectResponse) { c.Config.User = "" },
		"capabilities dropped": func(c *container.InspectResponse) { c.HostConfig.CapDrop = nil },
		"capabilities added":   func(c *container.InspectResponse) { c.HostConfig.CapAdd = []string{"SYS_ADMIN"} },
		"security options":     func(c *container.InspectResponse) { c.HostConfig.SecurityOpt = []string{"seccomp=unconfined"} },
		"privileged":           func(c *container.InspectResponse) { c.HostConfig.Privileged = true },
		"memory":               func(c *container.InspectResponse) { c.HostConfig.Memory = 0 },
		"swap":                 func(c *container.InspectResponse) { c.HostConfig.MemorySwap = -1 },
		"processes":            func(c *container.InspectResponse) { c.HostConfig.PidsLimit = &many },
		"processors":           func(c *container.InspectResponse) { c.HostConfig.NanoCPUs = 0 },
		"processor set":        func(c *container.InspectResponse) { c.HostConfig.CpusetCpus = "" },
		"ulimits":              func(c *container.InspectResponse) { c.HostConfig.Ulimits = c.HostConfig.Ulimits[1:] },
		"scratch":              func(c *container.InspectResponse) { c.HostConfig.Tmpfs["/tmp"] = "rw" },
		"out-of-memory killer": func(c *container.InspectResponse) { c.HostConfig.OomKillDisable = &on },
		"log driver":           func(c *container.InspectResponse) { c.HostConfig.LogConfig.Type = "json-file" },
		"restart policy":       func(c *container.InspectResponse) { c.HostConfig.RestartPolicy.Name = "always" },
		"auto remove":          func(c *container.InspectResponse) { c.HostConfig.AutoRemove = true },
		"init":                 func(c *container.InspectResponse) { c.HostConfig.Init = &on },
		"masked paths":         func(c *container.InspectResponse) { c.HostConfig.MaskedPaths = nil },
		"read-only paths":      func(c *container.InspectResponse) { c.HostConfig.ReadonlyPaths = nil },
		"image":                func(c *container.InspectResponse) { c.Image = "sha256:other" },
		"image name":           func(c *container.InspectResponse) { c.Config.Image = "sluice/runner" },
		"entrypoint":           func(c *container.InspectResponse) { c.Config.Entrypoint = []string{"/bin/sh"} },
		"command":              func(c *container.InspectResponse) { c.Config.Cmd = []string{"more"} },
		"environment":          func(c *container.InspectResponse) { c.Config.Env = append(c.Config.Env, "X=1") },
		"working directory":    func(c *container.InspectResponse) { c.Config.WorkingDir = "/proc/self/fd/7" },
		"stop signal":          func(c *container.InspectResponse) { c.Config.StopSignal = "SIGTERM" },
		"hostname":             func(c *container.InspectResponse) { c.Config.Hostname = "h" },
		"labels":               func(c *container.InspectResponse) { c.Config.Labels[docker.LabelFence] = "8" },
		"mounts":               func(c *container.InspectResponse) { c.Mounts = append(c.Mounts, socketMount()) },
		"binds":                func(c *container.InspectResponse) { c.HostConfig.Binds = []string{"/:/host"} },
		"devices":              func(c *container.InspectResponse) { c.HostConfig.DeviceCgroupRules = []string{"a *:* rwm"} },
		"process namespace":    func(c *container.InspectResponse) { c.HostConfig.PidMode = "host" },
		"user namespace":       func(c *container.InspectResponse) { c.HostConfig.UsernsMode = "host" },
		"host name namespace":  func(c *container.InspectResponse) { c.HostConfig.UTSMode = "host" },
		"kernel settings":      func(c *container.InspectResponse) { c.HostConfig.Sysctls = map[string]string{"a": "b"} },
		"groups added":         func(c *container.InspectResponse) { c.HostConfig.GroupAdd = []string{"0"} },
		"volumes":              func(c *container.InspectResponse) { c.HostConfig.VolumesFrom = []string{"other"} },
		"names":                func(c *container.InspectResponse) { c.HostConfig.ExtraHosts = []string{"a:1.1.1.1"} },
		"published ports":      func(c *container.InspectResponse) { c.HostConfig.PublishAllPorts = true },
		"cgroup":               func(c *container.InspectResponse) { c.HostConfig.CgroupParent = "/" },
		"terminal":             func(c *container.InspectResponse) { c.Config.Tty = true },
	} {
		var changed container.InspectResponse
		if err := json.Unmarshal(raw, &changed); err != nil {
			t.Fatal(err)
		}
		change(&changed)
		if wrong := spec.Assert(changed); !slices.Contains(wrong, option) {
			t.Errorf("changing %s: Assert named %q", option, wrong)
		}
	}
}

func socketMount() container.MountPoint {
	return container.MountPoint{Type: mount.TypeBind, Source: "/run/docker.sock", Destination: "/run/docker.sock"}
}

func TestEveryVerbHasLimitsThatFitTogether(t *testing.T) {
	table := docker.DefaultLimits()
	verbs := append(task.Verbs(), task.TryBounds)
	for _, verb := range verbs {
		l, ok := table[verb]
		if !ok || l.OutBytes <= 0 || l.OutFiles <= 0 || l.Scratch <= 0 || l.Wall <= 0 || l.Wall > 20*time.Minute {
			t.Errorf("verb %s: limits are %+v", verb, l)
		}
		if half := l.Memory / 2; l.OutBytes+l.Scratch > half+l.Memory/16 {
			t.Errorf("verb %s: output and scratch leave %d of %d bytes for the work", verb, l.Memory-l.OutBytes-l.Scratch, l.Memory)
		}
	}
	if len(table) != len(verbs) {
		t.Errorf("the table has %d rows for %d verbs", len(table), len(verbs))
	}
}

// The profile is read as the engine reads it: what it does not name is refused.
func TestProfileNamesNoDangerousCall(t *testing.T) {
	_, c := create(t)
	var text string
	for _, option := range c.HostConfig.SecurityOpt {
		if profile, ok := strings.CutPrefix(option, "seccomp="); ok {
			text = profile
		}
	}
	var profile struct {
		DefaultAction string `json:"defaultAction"`
		Syscalls      []struct {
			Names  []string `json:"names"`
			Action string   `json:"action"`
		} `json:"syscalls"`
	}
	if err := json.Unmarshal([]byte(text), &profile); err != nil {
		t.Fatalf("reading the profile: %v", err)
	}
	if profile.DefaultAction != "SCMP_ACT_ERRNO" {
		t.Errorf("default action is %s", profile.DefaultAction)
	}
	var allowed []string
	for _, s := range profile.Syscalls {
		switch {
		case s.Action == "SCMP_ACT_ALLOW":
			allowed = append(allowed, s.Names...)
		case s.Action != "SCMP_ACT_TRACE" || !slices.Equal(s.Names, []string{"clone3"}):
			t.Errorf("%v has action %s", s.Names, s.Action)
		}
	}
	for _, name := range strings.Fields(`clone3 io_uring_setup io_uring_enter io_uring_register ptrace process_vm_readv
		process_vm_writev keyctl add_key request_key userfaultfd bpf mount umount umount2 move_mount fsopen fsmount
		open_tree pivot_root chroot unshare setns mknod mknodat kexec_load kexec_file_load perf_event_open
		init_module finit_module delete_module reboot swapon swapoff iopl ioperm memfd_create memfd_secret shmget
		mq_open msgget semget setuid setgid setresuid setgroups capset chown fchown lchown fchownat setxattr
		fsetxattr lsetxattr open_by_handle_at name_to_handle_at personality acct quotactl settimeofday
		clock_settime adjtimex sethostname setdomainname syslog seccomp kcmp pidfd_getfd vhangup vmsplice`) {
		if slices.Contains(allowed, name) {
			t.Errorf("the profile allows %s", name)
		}
	}
}

func TestShareOfAProcessor(t *testing.T) {
	for share, want := range map[int]int64{0: 1e9, 100: 1e9, 33: 33e7, 1: 1e7} {
		if got := (docker.Spec{Share: share}).Quota(); got != want {
			t.Errorf("%d percent are %d billionths, want %d", share, got, want)
		}
	}
}

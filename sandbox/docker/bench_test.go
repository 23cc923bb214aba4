package docker_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
)

// BenchmarkColdStart times a program's whole life in a job's container, by the engine's API (create with its
// check, start, wait) and by the bare runtime (`runsc run` of a bundle with the same program, the same options
// of the runtime and the same limits), by turns. Removing the engine's container is not timed: no job waits
// for it. It reports the medians and their ratio.
func BenchmarkColdStart(b *testing.B) {
	c := newCold(b)
	var api, bare []time.Duration
	for b.Loop() {
		bare = append(bare, c.bare(b, len(bare)))
		api = append(api, c.engineAPI(b, len(api)))
	}
	own, floor := median(api), median(bare)
	b.ReportMetric(float64(own), "ns-api")
	b.ReportMetric(float64(floor), "ns-runsc")
	b.ReportMetric(float64(own)/float64(floor), "x-runsc")
}

// BenchmarkTemplate times a program's whole life by the engine's API in the template under gVisor and, by turns,
// under runc with the same bounds, and under gVisor with none of them: what gVisor costs, and what the bounds and walls
// cost. Removing the container is timed in all three.
func BenchmarkTemplate(b *testing.B) {
	c := newCold(b)
	ways := map[string]docker.Bare{
		"template": {Runtime: string(task.GVisor)}, "runc": {Runtime: string(task.Runc)}, "open": {Runtime: string(task.GVisor), Open: true},
	}
	took := map[string][]time.Duration{}
	round := 0
	for b.Loop() {
		for way, how := range ways {
			round++
			c.spec.Fence = int64(round)
			began := time.Now()
			exit, err := c.engine.RunBare(b.Context(), c.spec, how)
			took[way] = append(took[way], time.Since(began))
			if err != nil || exit != (docker.Exit{}) {
				b.Fatalf("%s: %+v, %v", way, exit, err)
			}
			c.ran(b)
		}
	}
	own := median(took["template"])
	b.ReportMetric(float64(own), "ns-template")
	for _, way := range []string{"runc", "open"} {
		floor := median(took[way])
		b.ReportMetric(float64(floor), "ns-"+way)
		b.ReportMetric(float64(own)/float64(floor), "x-"+way)
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// cold is one program ready to be started both ways.
type cold struct {
	engine *docker.Engine
	spec   docker.Spec
	runsc  string
	bundle string
	state  string // the bare runtime's own
	report string // what the program leaves when it ran
}

func newCold(b *testing.B) *cold {
	b.Helper()
	engine, dir := dockertest.Open(b), dockertest.Dir(b)
	program := dockertest.Program(b, "../launcher/testdata/probe")
	image, err := engine.Import(b.Context(), program)
	if err != nil {
		b.Fatalf("importing: %v", err)
	}
	runsc, err := dockertest.Runsc()
	if err != nil {
		b.Fatal(err)
	}
	c := &cold{
		engine: engine, runsc: runsc, bundle: filepath.Join(dir, "bundle"), state: filepath.Join(dir, "state"),
		spec: docker.Spec{
			Owner: engine.Owner(), CPUs: engine.CPUs(), Work: "0198c0de-0000-7000-8000-000000000002", Step: 1, Verb: task.SQL,
			Image: image, In: filepath.Join(dir, "in"), Out: filepath.Join(dir, "out"), Limits: docker.DefaultLimits()[task.SQL],
		},
	}
	c.report = filepath.Join(c.spec.Out, task.ReportFile)
	b.Cleanup(func() { // the runtime mounts an empty network in its state and leaves it there
		err := unix.Unmount(filepath.Join(c.state, "null-netns"), unix.MNT_DETACH)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			b.Errorf("unmounting the runtime's network: %v", err)
		}
	})
	c.lay(b, program)
	return c
}

// lay makes the two shared directories and the bundle: the files of the engine's image, and the template in
// the runtime's own words.
func (c *cold) lay(b *testing.B, program string) {
	b.Helper()
	root := filepath.Join(c.bundle, "rootfs")
	dirs := []string{c.spec.In, c.spec.Out, c.state}
	for _, name := range []string{"dev", "etc", "in", "out", "proc", "sys", "tmp"} {
		dirs = append(dirs, filepath.Join(root, name))
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	body, err := os.ReadFile(program)
	if err != nil {
		b.Fatal(err)
	}
	config, err := json.Marshal(c.config())
	if err != nil {
		b.Fatal(err)
	}
	for path, text := range map[string][]byte{
		filepath.Join(root, "sluice-runner"):   body,
		filepath.Join(c.bundle, "config.json"): config,
		filepath.Join(c.spec.In, "mode"):       []byte("ok"),
	} {
		if err := os.WriteFile(path, text, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.Chown(c.spec.Out, docker.Nobody, docker.Nobody); err != nil {
		b.Fatal(err)
	}
}

// config is the bundle's configuration (OCI runtime specification 1.0): the template's user, root, mounts and
// limits. Its system call filter is left out: it would only make the floor higher.
func (c *cold) config() map[string]any {
	type table = map[string]any
	core := "0"
	if c.spec.CPUs > 1 {
		core = fmt.Sprintf("1-%d", c.spec.CPUs-1)
	}
	mount := func(kind, source, at string, options ...string) table {
		return table{"destination": at, "type": kind, "source": source, "options": options}
	}
	return table{
		"ociVersion": "1.0.2",
		"hostname":   "job",
		"root":       table{"path": "rootfs", "readonly": true},
		"process": table{
			"user": table{"uid": docker.Nobody, "gid": docker.Nobody}, "cwd": "/", "args": []string{"/sluice-runner", string(task.SQL)},
			"env": []string{"LANG=C.UTF-8"}, "noNewPrivileges": true,
		},
		"mounts": []table{
			mount("proc", "proc", "/proc"),
			mount("tmpfs", "tmpfs", "/dev", "nosuid", "mode=755"),
			mount("sysfs", "sysfs", "/sys", "nosuid", "noexec", "nodev", "ro"),
			mount("tmpfs", "tmpfs", task.Scratch, "nosuid", "nodev", "noexec", "mode=1777"),
			mount("bind", c.spec.In, task.In, "rbind", "rprivate", "ro"),
			mount("bind", c.spec.Out, task.Out, "rbind", "rprivate"),
		},
		"linux": table{
			"cgroupsPath": "/" + filepath.Base(filepath.Dir(c.bundle)),
			"namespaces": []table{
				{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
			},
			"resources": table{
				"memory": table{"limit": c.spec.Memory}, "pids": table{"limit": 256},
				"cpu": table{"quota": 100_000, "period": 100_000, "cpus": core, "mems": "0"},
			},
		},
	}
}

// bare runs the bundle once.
func (c *cold) bare(b *testing.B, round int) time.Duration {
	b.Helper()
	args := append([]string{"--root", c.state}, docker.RunscArgs()...)
	cmd := exec.Command(c.runsc, append(args, "run", "--bundle", c.bundle, fmt.Sprintf("bare-%d", round))...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if err != nil {
		b.Fatalf("running the bundle: %v\n%s", err, out)
	}
	c.ran(b)
	return took
}

// engineAPI runs the template once; the fence makes each round's container another one.
func (c *cold) engineAPI(b *testing.B, round int) time.Duration {
	b.Helper()
	c.spec.Fence = int64(round)
	began := time.Now()
	id, err := c.engine.Create(b.Context(), c.spec)
	if err != nil {
		b.Fatal(err)
	}
	exit, err := c.engine.Run(b.Context(), id)
	took := time.Since(began)
	if err != nil || exit != (docker.Exit{}) {
		b.Fatalf("running the container: %+v, %v", exit, err)
	}
	if err := c.engine.Remove(b.Context(), id); err != nil {
		b.Fatal(err)
	}
	c.ran(b)
	return took
}

// ran holds that the program did its work this time.
func (c *cold) ran(b *testing.B) {
	b.Helper()
	if err := os.Remove(c.report); err != nil {
		b.Fatalf("the program did not run to its end: %v", err)
	}
}

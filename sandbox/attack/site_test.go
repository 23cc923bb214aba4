//go:build attack

package attack

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// site is a launcher with the hostile program in the runner's place.
type site struct {
	*launcher.Launcher
	runtime runtime
	base    string // of runs
	engine  string // its cgroup, which every process of a container stands under
	open    *listeners
	start   time.Duration // how long a run takes that does nothing
	log     *bytes.Buffer // the launcher's; read between runs
	t       *testing.T
}

// told is what the program says came of one try.
type told struct {
	Try, Result string
	Took        time.Duration
}

// result is all a container came to.
type result struct {
	run       sandbox.Run
	outcome   sandbox.Outcome
	took      time.Duration // until the run had ended
	told      map[string]told
	files     map[string]string // name → digest
	body      map[string][]byte
	refused   error         // of the output
	collected time.Duration // how long collecting took
	bytes     int64         // collected
	disk      int64         // bytes by which the machine's disk had grown when the run had ended
}

// proved runs the self-test of a runtime: attacks on one that fails it say nothing. gVisor must pass it.
func proved(t *testing.T, r runtime) sandbox.Proof {
	t.Helper()
	l, err := launcher.New(t.Context(), launcher.Options{
		Engine: dockertest.Socket(t), Base: filepath.Join(dockertest.Dir(t), "runs"), Runner: dockertest.Program(t, "../launcher/testdata/canary"),
		Runc: true, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatalf("starting a launcher: %v", err)
	}
	defer closing(t, l)
	proofs, err := l.Proofs(t.Context(), true)
	at := slices.IndexFunc(proofs, func(p sandbox.Proof) bool { return p.Runtime == r.name })
	if err != nil || at < 0 || r.name == task.GVisor && !proofs[at].Holds() {
		t.Fatalf("the self-test of %s: %+v %v", r.name, proofs, err)
	}
	return proofs[at]
}

// closing lets go of a launcher.
func closing(t *testing.T, l *launcher.Launcher) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Errorf("closing a launcher: %v", err)
	}
}

// open starts a launcher over the hostile program.
func open(t *testing.T, r runtime) *site {
	t.Helper()
	return openWith(t, r, 0)
}

// openWith is open where each container has a share of a processor, in percent.
func openWith(t *testing.T, r runtime, share int) *site {
	t.Helper()
	limits := docker.DefaultLimits()
	limits[verb] = bounds()
	little, much := bounds(), bounds()
	little.Wall, much.Memory = wall, 1<<30
	limits[brief], limits[roomy] = little, much
	s := &site{runtime: r, base: filepath.Join(dockertest.Dir(t), "runs"), open: listen(t), log: new(bytes.Buffer), t: t}
	socket := dockertest.Socket(t)
	s.engine = filepath.Base(filepath.Dir(filepath.Dir(socket)))
	l, err := launcher.New(t.Context(), launcher.Options{
		Foreign: true, Runc: true, Share: share, Engine: socket, Base: s.base, Runner: dockertest.Program(t, "./testdata/hostile"), Limits: limits,
		Log: slog.New(slog.NewTextHandler(s.log, nil)),
	})
	if err != nil {
		t.Fatalf("starting a launcher: %v", err)
	}
	s.Launcher = l
	t.Cleanup(func() { closing(t, l) })
	s.start = s.attack(t, s.newRun(verb), []vector{{try: "uid"}}).took
	return s
}

// play runs a family: what may share a container does.
func (s *site) play(t *testing.T, f family, all *table) {
	var shared, alone []vector
	for _, v := range f.vectors {
		if v.alone {
			alone = append(alone, v)
		} else {
			shared = append(shared, v)
		}
	}
	if len(shared) > 0 {
		s.once(t, f, shared, all)
	}
	for _, v := range alone {
		s.once(t, f, []vector{v}, all)
	}
}

// once runs one container over vectors.
func (s *site) once(t *testing.T, f family, vectors []vector, all *table) {
	t.Helper()
	r := s.attack(t, s.newRun(cmp.Or(f.verb, verb)), vectors)
	for _, v := range vectors {
		if r.told[v.try].Result == noTry {
			t.Errorf("%s: the hostile program knows no %q", f.id, v.try)
		}
		all.check(t, f.id, string(s.runtime.name), v, v.see(r, v.try))
	}
	if f.also == nil {
		return
	}
	if err := f.also(s, r); err != nil {
		t.Errorf("%s %s: %v", f.id, vectors[0].try, err)
		all.add(f.id, vectors[0].try, string(s.runtime.name), err.Error(), "DIFFERS")
	}
}

// noTry is what the program says of a name it does not know: nothing was attacked.
const noTry = "no such try"

func (s *site) newRun(v task.Verb) sandbox.Run {
	return sandbox.Run{Work: uuid.NewString(), Fence: 1, Step: 1, Verb: v, Runtime: s.runtime.name}
}

// attack runs the hostile program, collects what it left, and removes it.
func (s *site) attack(t *testing.T, run sandbox.Run, vectors []vector) result {
	t.Helper()
	s.prepare(t, run, vectors)
	r := result{run: run, told: map[string]told{}, files: map[string]string{}, body: map[string][]byte{}}
	disk, began := s.disk(t), time.Now()
	outcome, err := s.Run(t.Context(), run)
	if err != nil {
		t.Fatalf("running %s: %v", vectors[0].try, err)
	}
	r.outcome, r.took, r.disk = outcome, time.Since(began), s.disk(t)-disk
	if err := s.lifeless(); err != nil {
		t.Errorf("%s: %v", vectors[0].try, err)
	}
	for _, v := range vectors {
		if v.outside != nil {
			must(t, v.outside(s.out(run)))
		}
	}
	s.collect(t, &r)
	if err := s.Remove(context.WithoutCancel(t.Context()), run); err != nil {
		t.Errorf("%s: removing: %v", vectors[0].try, err)
	}
	if err := s.traceless(run); err != nil {
		t.Errorf("%s: %v", vectors[0].try, err)
	}
	return r
}

// out is where a run's output lies on the machine.
func (s *site) out(run sandbox.Run) string {
	return filepath.Join(s.base, fmt.Sprintf("%s-%d-%d", run.Work, run.Fence, run.Step), "out")
}

// collect takes the output twice: what was seen is what is handed on.
func (s *site) collect(t *testing.T, r *result) {
	t.Helper()
	began := time.Now()
	r.refused = s.Collect(t.Context(), r.run, r.take)
	r.collected = time.Since(began)
	again := result{told: map[string]told{}, files: map[string]string{}, body: map[string][]byte{}}
	refused := s.Collect(t.Context(), r.run, again.take)
	if !maps.Equal(r.files, again.files) || fmt.Sprint(refused) != fmt.Sprint(r.refused) {
		t.Errorf("a second collection differs: %d files (%v), then %d (%v)", len(r.files), r.refused, len(again.files), refused)
	}
}

// disk is how many bytes the engine and the runs have on the machine's disk.
func (s *site) disk(t *testing.T) (total int64) {
	t.Helper()
	for _, root := range []string{filepath.Dir(filepath.Dir(dockertest.Socket(t))), s.base} {
		must(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			var info unix.Stat_t
			switch {
			case err != nil && errors.Is(err, fs.ErrNotExist):
				return nil // it went while it was looked at
			case err != nil:
				return err
			case entry.Name() == "out" && path != root: // in memory
				return fs.SkipDir
			case unix.Lstat(path, &info) == nil && entry.Type().IsRegular():
				total += info.Blocks * 512
			}
			return nil
		}))
	}
	return total
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// prepare writes the order.
func (s *site) prepare(t *testing.T, run sandbox.Run, vectors []vector) {
	t.Helper()
	order := struct {
		Tries []string
		At    map[string]string
	}{At: s.open.at}
	for _, v := range vectors {
		order.Tries = append(order.Tries, v.try)
	}
	raw, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.Prepare(t.Context(), run)
	if err == nil {
		err = errors.Join(os.WriteFile(filepath.Join(in, "attack.json"), raw, 0o644), os.WriteFile(filepath.Join(in, "row.csv"), []byte(row), 0o644))
	}
	if err != nil {
		t.Fatalf("preparing %s: %v", vectors[0].try, err)
	}
}

// take is handed every output file.
func (r *result) take(name string, size int64, body io.Reader) error {
	raw, err := io.ReadAll(body)
	if err == nil && int64(len(raw)) != size {
		err = fmt.Errorf("%s has %d bytes, announced %d", name, len(raw), size)
	}
	r.files[name], r.body[name], r.bytes = fmt.Sprintf("%x", sha256.Sum256(raw)), raw, r.bytes+size
	if err != nil || name != task.ReportFile {
		return err
	}
	var tale []told
	if err := json.Unmarshal(raw, &tale); err != nil {
		return fmt.Errorf("reading the program's tale: %w", err)
	}
	for _, one := range tale {
		r.told[one.Try] = one
	}
	return nil
}

// traceless is nil when neither folder, mount nor process of any run is left.
func (s *site) traceless(run sandbox.Run) error {
	if left, err := os.ReadDir(s.base); err != nil || len(left) > 0 {
		return errors.Join(fmt.Errorf("%d folders outlived their runs", len(left)), err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), run.Work) {
		return errors.Join(errors.New("a mount outlived its run"), err)
	}
	return s.lifeless()
}

// lifeless is nil when no process stands under the engine's control group.
func (s *site) lifeless() error {
	groups, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		return err
	}
	for _, path := range groups {
		if raw, err := os.ReadFile(path); err == nil && strings.Contains(string(raw), "/"+s.engine+"/") {
			return fmt.Errorf("process %s outlived its container", filepath.Base(filepath.Dir(path)))
		}
	}
	return nil
}

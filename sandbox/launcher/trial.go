package launcher

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
)

// Steps of a trial: one container each, in the template of every job.
const (
	stepInside = 1 + iota
	stepProcesses
	stepMemory
	stepSpin
)

// trial is one test of a runtime under way.
type trial struct {
	l       *Launcher
	work    string // UUID
	runtime task.Runtime
}

func (t *trial) key(step int) sandbox.Run {
	return sandbox.Run{Work: t.work, Fence: 1, Step: step, Verb: task.TryBounds, Runtime: t.runtime}
}

// limits of a step: the launcher's own. Many processes take more memory than the bound whose turn it is not.
func (t *trial) limits(step int) docker.Limits {
	limits := t.l.opt.Limits[task.TryBounds]
	if step == stepProcesses {
		limits.Memory *= manyProcesses
	}
	return limits
}

// manyProcesses is how much more memory the runtime takes for a program at its bound of processes.
const manyProcesses = 8

// letter says what to try and what the bounds should be: those of the program, whatever the launcher was told.
func (t *trial) letter(tries ...task.Canary) *task.CanaryLetter {
	bounds := docker.DefaultLimits()[task.TryBounds]
	return &task.CanaryLetter{
		Tries: tries, Bytes: bounds.OutBytes, Files: bounds.OutFiles, Scratch: bounds.Scratch, Memory: bounds.Memory,
		Processes: docker.Processes, Shared: t.runtime == task.Runc,
	}
}

// prepare makes a run and writes its letter.
func (t *trial) prepare(ctx context.Context, step int, asked *task.CanaryLetter) error {
	in, err := t.l.make(ctx, t.key(step), t.limits(step))
	if err != nil {
		return fmt.Errorf("preparing: %w", err)
	}
	raw, err := json.Marshal(task.Letter{Verb: task.TryBounds, Canary: asked})
	if err != nil {
		return fmt.Errorf("writing a letter: %w", err)
	}
	if err := os.WriteFile(filepath.Join(in, task.LetterFile), raw, 0o600); err != nil {
		return fmt.Errorf("writing a letter: %w", err)
	}
	return nil
}

// told is what one container came to.
type told struct {
	outcome sandbox.Outcome
	tried   []task.Tried // empty when the program did not come to its report
	started int64        // processes
}

// ask runs one container over some canaries. Its error says that nothing was found out.
func (t *trial) ask(ctx context.Context, step int, tries ...task.Canary) (got told, err error) {
	key := t.key(step)
	defer func() { err = errors.Join(err, t.l.Remove(context.WithoutCancel(ctx), key)) }()
	if err := t.prepare(ctx, step, t.letter(tries...)); err != nil {
		return got, err
	}
	if got.outcome, err = t.l.Run(ctx, key); err != nil {
		return got, err
	}
	err = t.l.Collect(ctx, key, func(file string, size int64, body io.Reader) error {
		switch {
		case file == task.StartedFile:
			got.started = size
		case file == task.ReportFile && got.outcome == sandbox.Success:
			var report task.Report
			if err := json.NewDecoder(body).Decode(&report); err != nil || report.Canary == nil {
				return errors.Join(errors.New("the program told nothing"), err)
			}
			got.tried = report.Canary.Tried
		}
		return nil
	})
	return got, err
}

// notTried is the verdict about canaries of which nothing was found out: doubt denies.
func notTried(outcome sandbox.Outcome, err error, tries ...task.Canary) []task.Tried {
	why := fmt.Sprintf("nothing was found out: outcome %q", outcome)
	if err != nil {
		why = "nothing was found out: " + err.Error()
	}
	all := make([]task.Tried, 0, len(tries))
	for _, c := range tries {
		all = append(all, task.Tried{Canary: c, Why: why[:min(len(why), maxWhy)], Unknown: true})
	}
	return all
}

// maxWhy bounds a reason, in bytes: an answer holds all of them.
const maxWhy = 300

// inside are the canaries that tell by themselves.
func (t *trial) inside(ctx context.Context) []task.Tried {
	tries := []task.Canary{
		task.Network, task.Vsock, task.Root, task.Calls, task.Special, task.Privileges, task.Devices, task.Host,
		task.Bytes, task.Files, task.Sparse, task.Scratched,
	}
	got, err := t.ask(ctx, stepInside, tries...)
	if err != nil || len(got.tried) != len(tries) {
		return notTried(got.outcome, err, tries...)
	}
	return got.tried
}

// processes has a container of its own. The runtime's own threads count, so it is often out of them before the
// program is, and ends: then what was started is the evidence.
func (t *trial) processes(ctx context.Context) []task.Tried {
	got, err := t.ask(ctx, stepProcesses, task.Processes)
	switch {
	case err == nil && len(got.tried) == 1:
		return got.tried
	case err == nil && got.outcome != sandbox.Interrupted && got.started >= fewProcesses && got.started <= docker.Processes:
		return []task.Tried{{Canary: task.Processes, Held: true}}
	default:
		return notTried(got.outcome, err, task.Processes)
	}
}

// fewProcesses are below what every runtime can start within its bound: a program that ended before them ended for
// another reason.
const fewProcesses = 16

// memory ends the program where the bound holds.
func (t *trial) memory(ctx context.Context) []task.Tried {
	got, err := t.ask(ctx, stepMemory, task.Memory)
	switch {
	case err == nil && len(got.tried) == 1:
		return got.tried
	case err == nil && got.outcome == sandbox.Limit:
		return []task.Tried{{Canary: task.Memory, Held: true}}
	default:
		return notTried(got.outcome, err, task.Memory)
	}
}

// Bounds of what is measured. A quota is kept by periods of a tenth of a second, so a window of a second may hold
// one too many.
const (
	spinWindow  = time.Second
	spinWithin  = time.Minute
	spinAtMost  = 1.25 // of what is allowed
	usagePeriod = 50 * time.Millisecond
)

// spin lets a program compute in more threads than it has processors, and ends it against its will.
func (t *trial) spin(ctx context.Context) []task.Tried {
	key := t.key(stepSpin)
	running, stop := context.WithCancel(ctx)
	defer stop()
	if err := t.prepare(ctx, stepSpin, t.letter(task.CPU)); err != nil {
		return notTried("", errors.Join(err, t.l.Remove(context.WithoutCancel(ctx), key)), task.CPU, task.Kill)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := t.l.Run(running, key) // removes the run, because its caller goes away
		ended <- err
	}()
	rate, measured := t.rate(ctx, key)
	stop()
	kill := task.Tried{Canary: task.Kill, Held: true}
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		kill = notTried("", err, task.Kill)[0]
	}
	return []task.Tried{judgeCPU(rate, t.l.allowed(), measured), kill}
}

// allowed is how many processors a container may use.
func (l *Launcher) allowed() float64 { return float64(cmp.Or(l.opt.Share, 100)) / 100 }

// judgeCPU compares the processors that were used with those allowed.
func judgeCPU(rate, allowed float64, err error) task.Tried {
	switch {
	case err != nil:
		return notTried("", err, task.CPU)[0]
	case rate > spinAtMost*allowed:
		return task.Tried{Canary: task.CPU, Why: fmt.Sprintf("%.2f processors were used where %.2g are allowed", rate, allowed)}
	default:
		return task.Tried{Canary: task.CPU, Held: true}
	}
}

// rate measures processors used over a window that begins when the control group counts anything.
func (t *trial) rate(ctx context.Context, key sandbox.Run) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, spinWithin)
	defer cancel()
	spec := docker.Spec{Work: key.Work, Fence: key.Fence, Step: key.Step}
	tick := time.NewTicker(usagePeriod)
	defer tick.Stop()
	var first time.Duration
	var since time.Time
	for {
		used, at, err := t.l.engine.Used(ctx, spec)
		switch {
		case ctx.Err() != nil:
			return 0, errors.New("the control group counted no processor time")
		case err != nil || used == 0: // not there yet
		case since.IsZero():
			first, since = used, at
		case at.Sub(since) >= spinWindow && used > first:
			return (used - first).Seconds() / at.Sub(since).Seconds(), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// leftovers looks for anything the trial's runs left behind.
func (t *trial) leftovers(ctx context.Context) task.Tried {
	for step := stepInside; step <= stepSpin; step++ {
		if err := t.l.traceless(ctx, t.key(step)); err != nil {
			return notTried("", err, task.Leftovers)[0]
		}
	}
	return task.Tried{Canary: task.Leftovers, Held: true}
}

// traceless is nil when nothing of a run is left.
func (l *Launcher) traceless(ctx context.Context, key sandbox.Run) error {
	gone, err := l.engine.Gone(ctx, docker.Spec{Work: key.Work, Fence: key.Fence, Step: key.Step})
	if err != nil {
		return err
	}
	if !gone {
		return errors.New("a container outlived its run")
	}
	dir := l.runDir(key)
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(errors.New("a folder outlived its run"), err)
	}
	mounts, err := mountsBelow(dir)
	if err == nil && len(mounts) > 0 {
		err = errors.New("a mount outlived its run")
	}
	return err
}

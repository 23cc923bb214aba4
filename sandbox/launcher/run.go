package launcher

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
)

// maxStep is the highest position in a work.
const maxStep = 64

// maxSeconds is the most that a run may ask for; no template gives so much.
const maxSeconds = 1 << 20

// state is where a run stands: making → prepared → running → ended | broken, and from each to removed.
type state int

const (
	making state = iota
	prepared
	running
	ended  // the container has ended; its output may be collected
	broken // the engine failed in between; it can only be removed
	removed
)

// run is one known run.
type run struct {
	key    sandbox.Run
	limits docker.Limits
	holder holder
	files  sync.Mutex // held while the run's directory is made, read or deleted

	mu    sync.Mutex // guards what follows; never held while waiting
	state state
	stop  context.CancelFunc // while running
	done  chan struct{}      // closed when no longer running
}

// name is the run's directory. Its parts are checked, so it is one path element.
func name(r sandbox.Run) string { return fmt.Sprintf("%s-%d-%d", r.Work, r.Fence, r.Step) }

// valid checks a run as it came over the socket and returns its limits.
func (l *Launcher) valid(r sandbox.Run) (docker.Limits, error) {
	id, err := uuid.Parse(r.Work)
	limits, known := l.opt.Limits[r.Verb]
	if err != nil || id.String() != r.Work || r.Fence < 1 || r.Step < 1 || r.Step > maxStep || r.Seconds < 0 || r.Seconds > maxSeconds || !known ||
		!slices.Contains(l.runtimes(), r.Runtime.Or()) {
		return docker.Limits{}, Invalid
	}
	if foreign := r.Verb == task.Python; foreign != (r.Image != "") || foreign && !l.offers(r.Image) {
		return docker.Limits{}, Invalid
	}
	if r.Seconds > 0 {
		limits.Wall = min(limits.Wall, time.Duration(r.Seconds)*time.Second)
	}
	return limits, nil
}

// find returns a known run.
func (l *Launcher) find(key sandbox.Run) (*run, error) {
	if _, err := l.valid(key); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, ok := l.runs[key]; ok {
		return r, nil
	}
	return nil, Unknown
}

// is tells whether the run is in a state.
func (r *run) is(s state) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state == s
}

// made ends the making of a run.
func (r *run) made() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == making {
		r.state = prepared
	}
}

// enter moves a prepared run to running.
func (r *run) enter(stop context.CancelFunc) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state != prepared {
		return Busy
	}
	r.state, r.stop, r.done = running, stop, make(chan struct{})
	return nil
}

// leave moves a running run to ended, or to broken.
func (r *run) leave(failure error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = ended
	if failure != nil {
		r.state = broken
	}
	close(r.done)
}

// retire moves a run to removed, from where it does not come back. A running one is stopped first.
func (r *run) retire() {
	for {
		r.mu.Lock()
		if r.state != running {
			r.state = removed
			r.mu.Unlock()
			return
		}
		stop, done := r.stop, r.done
		r.mu.Unlock()
		stop()
		<-done
	}
}

// Run implements sandbox.Engine. When ctx ends the container is killed and the run removed: whoever asked is
// gone. A run the wall clock ended is kept, for its outcome is the job's own.
func (l *Launcher) Run(ctx context.Context, key sandbox.Run) (sandbox.Outcome, error) {
	r, err := l.find(key)
	if err != nil {
		return sandbox.Interrupted, err
	}
	asked, stop := context.WithCancel(ctx)
	defer stop()
	if err := r.enter(stop); err != nil {
		return sandbox.Interrupted, err
	}
	outcome, err := l.launch(asked, r)
	r.leave(err)
	if asked.Err() != nil {
		return sandbox.Interrupted, errors.Join(err, l.remove(ctx, r))
	}
	return outcome, err
}

// launch seals the input, starts the container, and judges its end.
func (l *Launcher) launch(ctx context.Context, r *run) (sandbox.Outcome, error) {
	if err := seal(l.base, filepath.Join(name(r.key), "in")); err != nil {
		return sandbox.Interrupted, fmt.Errorf("sealing the input: %w", err)
	}
	if err := l.fetch(ctx, r.key.Image); err != nil {
		return sandbox.Interrupted, errors.Join(Unavailable, err)
	}
	id, err := l.engine.Create(ctx, l.spec(r))
	if err != nil {
		return sandbox.Interrupted, errors.Join(Unavailable, err)
	}
	timed, stop := context.WithTimeout(ctx, r.limits.Wall)
	defer stop()
	exit, err := l.engine.Run(timed, id)
	late := ctx.Err() == nil && exit.Killed
	if err != nil {
		return sandbox.Interrupted, errors.Join(Unavailable, err)
	}
	return judge(ending{Exit: exit, late: late, remains: look(l.base, r)}), nil
}

// spec fills the template for one run.
func (l *Launcher) spec(r *run) docker.Spec {
	dir, image := filepath.Join(l.opt.Base, name(r.key)), l.image
	if r.key.Image != "" {
		image = r.key.Image
	}
	return docker.Spec{
		Work: r.key.Work, Fence: r.key.Fence, Step: r.key.Step, Verb: r.key.Verb, Runtime: r.key.Runtime,
		Image: image, In: filepath.Join(dir, "in"), Out: filepath.Join(dir, "out"),
		Share: l.opt.Share, Limits: r.limits,
	}
}

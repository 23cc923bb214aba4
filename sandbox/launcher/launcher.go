package launcher

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
)

// Options say whom a launcher serves, from where, and with which program.
type Options struct {
	// Engine is the engine's socket.
	Engine string
	// Base is the directory of runs: on a real disk, below folders the worker may pass. Nothing else may use it.
	Base string
	// Runner is the static program every container runs. A launcher of its own with another program puts that
	// program into the very same template; runs cannot choose.
	Runner string
	// Images is a folder of the administrator's with the archives of images jobs may run in, sha256-<digest>.tar each.
	// "" or a folder that is not there: none.
	Images string
	// WorkerUID is the only uid the socket answers; WorkerGID the group that may pass Base.
	WorkerUID, WorkerGID int
	// Foreign says that Runner is not the runner but some program under examination, which has no canaries: the
	// runtime is not proved and runs are taken all the same. Never for anybody's data.
	Foreign bool
	// Limits per verb; nil for docker.DefaultLimits. A verb that is not in it cannot run.
	Limits map[task.Verb]docker.Limits
	// Share is how much of one processor's time a container may use, in percent; 0 for all of it.
	Share int
	// Runc says that the machine offers runc beside gVisor, for work the rules let run under it.
	Runc bool
	// Now is the clock verdicts are dated by; a launcher that is not Foreign needs it.
	Now func() time.Time
	// ReapEvery is how often a serving launcher looks for what nobody removes any more; 0 for a third of a minute.
	ReapEvery time.Duration
	// Log receives refusals and engine errors. No input or output is ever logged.
	Log *slog.Logger
}

// Launcher runs containers. It implements sandbox.Engine for its own process; Serve offers it on a socket.
// Its methods are safe for concurrent use.
type Launcher struct {
	opt    Options
	engine *docker.Engine
	image  string
	base   *os.Root

	proving  sync.Mutex // held while runtimes are tested
	fetching sync.Mutex // held while an image is loaded

	mu     sync.Mutex // guards what follows
	proofs map[task.Runtime]sandbox.Proof
	runs   map[sandbox.Run]*run
	fences fences
}

var _ sandbox.Engine = (*Launcher)(nil)

// New connects to the engine, removes what an earlier launcher of the same Base left, imports the runner, and takes
// over what was proved of this runtime within a day. Without that it takes no runs until somebody asks for a Proof.
func New(ctx context.Context, opt Options) (*Launcher, error) {
	if opt.Limits == nil {
		opt.Limits = docker.DefaultLimits()
	}
	if opt.ReapEvery == 0 {
		opt.ReapEvery = reapEvery
	}
	base, err := openBase(opt)
	if err != nil {
		return nil, err
	}
	opt.Base = base.Name()
	engine, err := docker.Open(ctx, opt.Engine, Owner(opt.Base))
	if err != nil {
		return nil, errors.Join(err, base.Close())
	}
	l := &Launcher{opt: opt, engine: engine, base: base, runs: map[sandbox.Run]*run{}, fences: newFences(),
		proofs: map[task.Runtime]sandbox.Proof{}}
	if err := l.begin(ctx); err != nil {
		return nil, errors.Join(err, engine.Close(), base.Close())
	}
	return l, nil
}

// begin starts from nothing: no container, no mount, no directory, and the image that is to run.
func (l *Launcher) begin(ctx context.Context) error {
	if err := l.engine.Sweep(ctx); err != nil {
		return fmt.Errorf("sweeping containers: %w", err)
	}
	if err := sweepBase(l.base, l.opt.Base); err != nil {
		return fmt.Errorf("sweeping directories: %w", err)
	}
	image, err := l.engine.Import(ctx, l.opt.Runner)
	if err != nil {
		return fmt.Errorf("importing the runner: %w", err)
	}
	l.image = image
	return l.begun(ctx)
}

// Close removes every run and lets go of the engine. Call it after Serve has returned.
func (l *Launcher) Close() error {
	l.mu.Lock()
	all := make([]*run, 0, len(l.runs))
	for _, r := range l.runs {
		all = append(all, r)
	}
	l.mu.Unlock()
	return errors.Join(l.removeAll(context.Background(), all), l.engine.Close(), l.base.Close())
}

// openBase makes the directory of runs root's, with the worker's group allowed to pass and not to list.
func openBase(opt Options) (*os.Root, error) {
	if !filepath.IsAbs(opt.Base) {
		return nil, errors.New("opening the directory of runs: its path is not absolute")
	}
	if err := os.MkdirAll(opt.Base, 0o711); err != nil {
		return nil, fmt.Errorf("making the directory of runs: %w", err)
	}
	// Mounts are listed under their real path: one found by another name would never be swept.
	path, err := filepath.EvalSymlinks(opt.Base)
	if err != nil {
		return nil, fmt.Errorf("resolving the directory of runs: %w", err)
	}
	base, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("opening the directory of runs: %w", err)
	}
	if err := errors.Join(base.Chown(".", 0, opt.WorkerGID), base.Chmod(".", 0o710)); err != nil {
		return nil, errors.Join(fmt.Errorf("closing the directory of runs: %w", err), base.Close())
	}
	return base, nil
}

// Owner names the launcher of one base directory in container labels.
func Owner(base string) string {
	sum := sha256.Sum256([]byte(filepath.Clean(base)))
	return hex.EncodeToString(sum[:6])
}

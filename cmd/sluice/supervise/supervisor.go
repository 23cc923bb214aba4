package supervise

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// supervisor is one Run. All fields but kin belong to the goroutine of Run.
type supervisor struct {
	Config
	kin     *orphans
	logs    map[string]*logFile
	running []*process // by index of the part; nil for a step or a part that is down
	crashes []time.Time
	events  chan event
}

// event is news of a part: the end of a process, or the time to start it again.
type event struct {
	index   int
	process *process // that ended; nil: start again
}

// Run starts every part in order, calls up when all serve, and keeps them until ctx ends; then it stops them
// in reverse and returns nil. A part that does not start, or too many crashes, stops everything and is an
// error that names the log.
func Run(ctx context.Context, config Config, up func()) error {
	s := &supervisor{Config: config.withDefaults(), kin: newOrphans(), logs: map[string]*logFile{}}
	s.running = make([]*process, len(s.Parts))
	s.events = make(chan event)
	// What our own caller left open is not for the parts.
	if err := unix.CloseRange(lifeFD, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return texts.Wrong("part.pipes").Because(err)
	}
	if s.Adopt {
		reaping, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		if err := s.kin.adopt(reaping); err != nil {
			return texts.Wrong("part.orphans").Because(err)
		}
	}
	watching, cancel := context.WithCancel(ctx)
	err := s.startAll(watching)
	if err == nil {
		up()
		err = s.watch(watching)
	}
	if ctx.Err() != nil {
		err = nil
	}
	cancel()
	return errors.Join(err, s.stopAll())
}

// startAll brings up part after part.
func (s *supervisor) startAll(ctx context.Context) error {
	for i, part := range s.Parts {
		began := s.Now()
		if err := s.startOne(ctx, i); err != nil {
			return err
		}
		s.Log.Debug("part is up", "part", part.Name, "took", s.Now().Sub(began))
	}
	return nil
}

// startOne brings up one part and waits until it serves.
func (s *supervisor) startOne(ctx context.Context, i int) error {
	part := s.Parts[i]
	waiting, cancel := context.WithTimeout(ctx, s.StartWithin)
	defer cancel()
	if part.Do != nil {
		if err := part.Do(waiting); err != nil {
			return texts.Wrong("part.step", "part", part.Name).Because(err)
		}
		return nil
	}
	child, err := s.launch(ctx, i)
	if err != nil {
		return err
	}
	if err := child.ready(waiting); err != nil {
		return texts.Wrong("part.did_not_start", "part", part.Name, "log", s.logNamed(part.Name)).Because(s.lastWord(part.Name, err))
	}
	go s.mind(ctx, child)
	return nil
}

// launch starts a process of part i and reports its end as an event.
func (s *supervisor) launch(ctx context.Context, i int) (*process, error) {
	out, err := s.logOf(s.Parts[i].Name)
	if err != nil {
		return nil, err
	}
	child, err := start(s.Parts[i], out, s.Hold, s.kin)
	if err != nil {
		return nil, err
	}
	s.running[i] = child
	go func() {
		<-child.done
		s.send(ctx, event{index: i, process: child})
	}()
	return child, nil
}

func (s *supervisor) send(ctx context.Context, e event) {
	select {
	case s.events <- e:
	case <-ctx.Done():
	}
}

func (s *supervisor) logPath(name string) string { return filepath.Join(s.Logs, name+".log") }

// logNamed is where people find the log of a part.
func (s *supervisor) logNamed(name string) string { return filepath.Join(s.LogsNamed, name+".log") }

// lastWord is what a part of ours said of why it ended; else how it ended.
func (s *supervisor) lastWord(name string, ended error) error {
	const tail = 4 << 10
	if errors.Is(ended, context.DeadlineExceeded) || errors.Is(ended, context.Canceled) {
		return ended
	}
	log, err := os.ReadFile(s.logPath(name))
	if err != nil {
		return ended
	}
	said := string(log[max(0, len(log)-tail):])
	at := strings.LastIndex("\n"+said, "\nsluice: ")
	if at < 0 {
		return ended
	}
	return texts.Wrong("part.said", "text", strings.TrimSpace(strings.TrimPrefix(said[at:], "sluice: ")))
}

// logOf returns the log of a part, started anew the first time.
func (s *supervisor) logOf(name string) (*logFile, error) {
	if out, ok := s.logs[name]; ok {
		return out, nil
	}
	out, err := openLog(s.logPath(name), logBytes)
	if err != nil {
		return nil, texts.Wrong("part.step", "part", name).Because(err)
	}
	s.logs[name] = out
	return out, nil
}

// watch starts crashed parts again until ctx ends or they crash too often.
func (s *supervisor) watch(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-s.events:
			if err := s.handle(ctx, e); err != nil {
				return err
			}
		}
	}
}

func (s *supervisor) handle(ctx context.Context, e event) error {
	part := s.Parts[e.index]
	if e.process == nil {
		child, err := s.launch(ctx, e.index)
		if err != nil {
			return err
		}
		go s.expectReady(ctx, child)
		return nil
	}
	s.running[e.index] = nil
	pause, err := s.crashed(part.Name, e.process.err)
	if err != nil {
		return err
	}
	s.Log.Warn("part ended and is started again", "part", part.Name, "cause", e.process.err, "in", pause, "log", s.logPath(part.Name))
	time.AfterFunc(pause, func() { s.send(ctx, event{index: e.index}) })
	return nil
}

// crashed counts a crash and returns the pause before the next start: it doubles with every crash remembered.
func (s *supervisor) crashed(name string, cause error) (time.Duration, error) {
	now := s.Now()
	recent := s.crashes[:0]
	for _, t := range s.crashes {
		if now.Sub(t) < s.Window {
			recent = append(recent, t)
		}
	}
	s.crashes = append(recent, now)
	if len(s.crashes) > s.Crashes {
		return 0, texts.Wrong("part.crashes", "part", name, "n", len(s.crashes), "window", s.Window, "log", s.logNamed(name)).Because(s.lastWord(name, cause))
	}
	return 100 * time.Millisecond << (len(s.crashes) - 1), nil
}

// expectReady ends a restarted child that does not come to serve; its end is then a crash like another. One that
// serves is minded.
func (s *supervisor) expectReady(ctx context.Context, child *process) {
	waiting, cancel := context.WithTimeout(ctx, s.StartWithin)
	defer cancel()
	err := child.ready(waiting)
	switch {
	case ctx.Err() != nil:
	case err == nil:
		s.mind(ctx, child)
	default:
		child.stop(s.Now(), s.Now)
	}
}

// stopAll stops what runs, last started first. Each part may use its grace as long as a little time is kept
// for those after it.
func (s *supervisor) stopAll() error {
	const kept = 300 * time.Millisecond
	end := s.Now().Add(s.StopWithin)
	for i := len(s.running) - 1; i >= 0; i-- {
		child := s.running[i]
		if child == nil {
			continue
		}
		deadline := s.Now().Add(orDefault(child.part.Grace, 2*time.Second))
		if latest := end.Add(-kept * time.Duration(i)); deadline.After(latest) {
			deadline = latest
		}
		child.stop(deadline, s.Now)
	}
	if s.Adopt {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.kin.sweep(ctx)
	}
	var err error
	for _, out := range s.logs {
		err = errors.Join(err, out.Close())
	}
	return err
}

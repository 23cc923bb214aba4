package supervise

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// silences is how many questions in a row a part that served may leave unanswered. One may fall into a busy moment.
const silences = 3

// mind asks a part that serves whether it still does, until it ends or ctx does. One that hangs would never end by
// itself: it is ended, and its end is then a crash like another.
func (s *supervisor) mind(ctx context.Context, child *process) {
	if child.part.Alive == nil || !s.fallsSilent(ctx, child) {
		return
	}
	s.Log.Warn("part does not answer any more and is ended", "part", child.part.Name, "log", s.logPath(child.part.Name))
	child.end(s.Now)
}

// fallsSilent waits until a part has left some questions in a row unanswered; it is false when part or ctx ended before.
// Questions are counted, not timed: a machine that was asleep has missed none.
func (s *supervisor) fallsSilent(ctx context.Context, child *process) bool {
	tick := time.NewTicker(s.AskEvery)
	defer tick.Stop()
	for missed := 0; missed < silences; {
		select {
		case <-ctx.Done():
			return false
		case <-child.done:
			return false
		case <-tick.C:
		}
		missed++
		if child.alive(ctx, s.AskEvery) == nil {
			missed = 0
		}
	}
	return ctx.Err() == nil
}

// alive asks once.
func (p *process) alive(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return p.part.Alive(ctx)
}

// end ends a child that hangs. What it runs goes first and by force: a guard whose program is gone ends what that left,
// and then itself, which is better than to be killed beside it.
func (p *process) end(now func() time.Time) {
	for _, pid := range descendants(p.pid, processes()) {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	p.stop(now().Add(orDefault(p.part.Grace, 2*time.Second)), now)
}

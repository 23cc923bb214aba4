package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// killer ends an instance by SIGKILL in the middle of the story and starts it again on the same folder, or ends one
// of its parts, which the instance must bring back by itself: nothing may be lost and nothing done twice. The people
// notice nothing but the wait.
type killer struct {
	options
	every int // lines of the story between two kills; 0: never
	left  int
	dice  *rand.Rand

	mu      sync.Mutex
	running *instance
	lines   int
	died    []time.Time // when parts did, or will
	under   sync.WaitGroup
	failed  error
}

// storyLines is how many lines the story has up to where a run must be dead within seconds of losing its right: from
// there on an instance that is away would be the story's own clock.
const storyLines = 57

// awayPatience is how long the people of a story with kills wait for an instance that is away: it starts again, and
// the leases of what was under way run out.
const awayPatience = 3 * time.Minute

func newKiller(o options, running *instance) *killer {
	k := &killer{options: o, left: o.kills, running: running, dice: rand.New(rand.NewPCG(o.seed, 0))} //nolint:gosec // moments, not secrets
	if o.kills > 0 {
		k.every = max(storyLines/(o.kills+1), 1)
	}
	return k
}

// soon is how long after a line of the story a kill comes at the latest.
const soon = 3 * time.Second

// told counts a line of the story, and kills soon after some of them: at once, or while what follows is under way.
func (k *killer) told() { time.Sleep(k.count()) }

// count counts a line, and returns how long the story has to rest before it goes on.
func (k *killer) count() (rest time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lines++
	if k.every == 0 || k.left == 0 || k.lines%k.every != 0 {
		return 0
	}
	k.left--
	delay := time.Duration(k.dice.Int64N(int64(soon)))
	if k.apart {
		rest = k.unforgiven()
	}
	k.under.Go(func() {
		time.Sleep(rest + delay)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.failed = errors.Join(k.failed, k.kill())
	})
	return rest
}

// unforgiven is how long the instance would not forgive that another part dies, and notes that it does then: five a minute
// are forgiven, and the end of one may bring the end of another.
func (k *killer) unforgiven() (wait time.Duration) {
	const forgiven = 4
	if n := len(k.died); n >= forgiven {
		wait = max(time.Until(k.died[n-forgiven].Add(time.Minute)), 0)
	}
	k.died = append(k.died, time.Now().Add(wait+soon))
	return wait
}

// kill ends the next part of the instance without a word, or the whole.
func (k *killer) kill() error {
	if k.apart {
		all := parts()
		return killPart(k.running.cmd.Process.Pid, all[k.left%len(all)])
	}
	return k.killAll()
}

// killAll ends the instance and brings it up again.
func (k *killer) killAll() error {
	if err := syscall.Kill(k.running.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing sluice up: %w", err)
	}
	<-k.running.done //nolint:errcheck // it was killed
	if err := k.running.log.Close(); err != nil {
		return fmt.Errorf("closing its log: %w", err)
	}
	again, err := start(context.Background(), k.options)
	if err != nil {
		return fmt.Errorf("starting again: %w", err)
	}
	k.running = again
	return nil
}

// stop ends the instance as Ctrl-C does, after the last kill.
func (k *killer) stop() error {
	k.under.Wait()
	if k.failed == nil && k.left > 0 && k.every > 0 {
		k.failed = fmt.Errorf("%d of %d kills found no moment", k.left, k.kills)
	}
	return errors.Join(k.failed, k.running.stop())
}

package catalog

import (
	"context"
	"sync"
	"time"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// recheck is how often a follower looks by itself: what it sees changes with the clock and with other people's
// work too, and a notification may be lost with its connection.
const recheck = 5 * time.Second

// Next waits until a job looks otherwise than when its tag was seen, and returns how. It begins nothing: the
// entry of the read it goes on from was written by Show. Whether the caller may still see the job is decided
// again at each look. Who: as Show.
func (s *Jobs) Next(ctx context.Context, caller policy.Subject, number, tag string) (job.View, error) {
	rung, leave := s.c.jobBell.join(s.c.DB)
	defer leave()
	timer := time.NewTicker(recheck)
	defer timer.Stop()
	for {
		view, err := s.look(ctx, caller, number)
		if err != nil {
			return view, err
		}
		now, err := Tag(view)
		if err != nil || now != tag {
			return view, err
		}
		select {
		case <-ctx.Done():
			return view, ctx.Err()
		case <-rung:
		case <-timer.C:
		}
	}
}

// look shows a job as it is now to who may see it now, without an entry.
func (s *Jobs) look(ctx context.Context, caller policy.Subject, number string) (view job.View, err error) {
	d := s.c.newDeed(ctx, caller, "job.show")
	err = s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		d.tx = tx
		view, err = d.shownJob(number)
		return err
	})
	return view, outward(err)
}

// bell wakes followers when a row of job changes: one listening connection for all of them, which is there
// while anybody follows. The zero value is ready and safe for concurrent use.
type bell struct {
	mu        sync.Mutex
	followers map[chan struct{}]bool
	silence   context.CancelFunc
}

// join returns a channel that is rung after changes, and what ends it.
func (b *bell) join(db *postgres.DB) (rung <-chan struct{}, leave func()) {
	follower := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.followers) == 0 {
		ctx, cancel := context.WithCancel(context.Background())
		b.followers, b.silence = map[chan struct{}]bool{}, cancel
		go b.listen(ctx, db)
	}
	b.followers[follower] = true
	return follower, func() { b.leave(follower) }
}

func (b *bell) leave(follower chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.followers, follower)
	if len(b.followers) == 0 {
		b.silence()
	}
}

// listen rings until the last follower has left. A lost connection is opened again; followers look by themselves
// meanwhile.
func (b *bell) listen(ctx context.Context, db *postgres.DB) {
	timer := time.NewTicker(recheck)
	defer timer.Stop()
	for ctx.Err() == nil {
		_ = db.Listen(ctx, "job", b.ring) // it ends with an error or with ctx; recheck finds what was lost
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for follower := range b.followers {
		select {
		case follower <- struct{}{}:
		default: // it has not looked since the last one
		}
	}
}

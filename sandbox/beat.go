package sandbox

import (
	"context"
	"errors"
	"time"

	"github.com/sluicedata/sluice/catalog/postgres"
)

// A revoked grant stops running jobs within five seconds on every worker, and the record alone tells a worker of it. One
// that has heard nothing for outOfTouch must take it that it is told to stop: what is left of the five seconds is for the
// engine to kill. answerWithin bounds one call, so that a connection that hangs leaves the time to ask over another.
const (
	outOfTouch   = 4 * time.Second
	answerWithin = 2 * time.Second
)

// admissionPause is how often a claimed piece of work looks whether the keeper has admitted it.
const admissionPause = 10 * time.Millisecond

// errOutOfTouch says that the record did not answer for so long that nobody knows whether the work may go on.
var errOutOfTouch = errors.New("out of touch with the record")

// beat renews the lease, hands over the keys once the keeper has admitted the work, and cancels it when it is stopped or
// lost, or when the record has not answered for too long.
func (w *Worker) beat(ctx context.Context, c postgres.Claimed, admitted chan<- []byte, cancel context.CancelCauseFunc) {
	handed := false
	heard := w.Now() // when the newest question that was answered was asked: the answer may be as old as that
	for ctx.Err() == nil {
		asked := w.Now()
		left := outOfTouch - asked.Sub(heard)
		if left <= 0 {
			w.Log.ErrorContext(ctx, "the record does not answer: work is given up, to be done again", "work", c.ID, "kind", c.Kind)
			cancel(errOutOfTouch)
			return
		}
		standing, err := w.renew(ctx, c, min(left, answerWithin))
		switch {
		case errors.Is(err, postgres.ErrLost):
			cancel(postgres.ErrLost)
		case err != nil && ctx.Err() == nil:
			w.Log.WarnContext(ctx, "renewing lease failed", "work", c.ID, "err", err)
		case standing.Stop != nil:
			cancel(errStopped)
		case standing.Admitted && !handed:
			handed = true
			admitted <- standing.Keys
		}
		if err == nil {
			heard = asked
		}
		w.untilNext(ctx, err == nil && !handed, asked, heard)
	}
}

// renew extends the lease once. A call that hangs fails in time.
func (w *Worker) renew(ctx context.Context, c postgres.Claimed, within time.Duration) (postgres.Standing, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return w.Queue.Append(ctx, c, "renew", nil, w.Lease)
}

// untilNext waits for the next renewal. A beat counts from question to question: one that hung is asked again at once.
// Nobody waits beyond the moment at which the worker is out of touch.
func (w *Worker) untilNext(ctx context.Context, awaited bool, asked, heard time.Time) {
	if awaited {
		wait(ctx, admissionPause)
		return
	}
	now := w.Now()
	wait(ctx, min(w.Beat-now.Sub(asked), outOfTouch-now.Sub(heard)))
}

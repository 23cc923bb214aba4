package fsck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
)

// Live is what a running instance shows beside what lies still.
type Live struct {
	// Containers lists those of its launcher; nil: its engine does not answer.
	Containers func(ctx context.Context) ([]Container, error)
	// Answers tells whether its gateway does; an answer that it is not ready is one.
	Answers func(ctx context.Context) bool
}

// Container is one the engine holds, and the claim it was made under.
type Container struct {
	ID, Work string
	Fence    int64
	Since    time.Time // when it was made
}

// containers looks at what the engine of a running instance holds: each container must be of claimed work, or so new
// that it may be a canary's of a self-test, which is no work.
func containers(ctx context.Context, s Source, r *Result) error {
	switch {
	case s.Live == nil:
		r.Unchecked = "containers.swept"
		return nil
	case s.Live.Containers == nil:
		r.Unchecked = "containers.silent"
		return nil
	}
	all, err := s.Live.Containers(ctx)
	if err != nil {
		return fmt.Errorf("asking the engine: %w", err)
	}
	for _, c := range all {
		r.Looked++
		live, err := s.held(ctx, c.Work, c.Fence)
		if err != nil {
			return err
		}
		if !live && time.Since(c.Since) > leftWithin {
			r.add("container "+c.ID, "container.left")
		}
	}
	return nil
}

// answers asks the gateway of a running instance.
func answers(ctx context.Context, s Source, r *Result) error {
	if s.Live == nil {
		r.Unchecked = "answers.live"
		return nil
	}
	if r.Looked = 1; !s.Live.Answers(ctx) {
		r.add("serve", "part.silent")
	}
	return ctx.Err()
}

// witnessed holds the log against a checkpoint that somebody kept: its root must be that of the same entries still.
func witnessed(ctx context.Context, s Source, r *Result) error {
	if s.Witness == "" {
		r.Unchecked = "witness.none"
		return nil
	}
	seen, err := s.Keys.Open(s.Witness)
	if err != nil {
		r.add("witness", "witness.unsigned")
		return nil //nolint:nilerr // that is the finding
	}
	r.Looked = seen.Size
	_, err = trace.VerifyLog(ctx, tilestore.NewS3(s.Readers[object.Trace]), s.Keys, seen)
	var fault *trace.Fault
	if errors.As(err, &fault) || errors.Is(err, trace.ErrCheckpoint) {
		r.add(fmt.Sprintf("witness of %d entries", seen.Size), "log.forked")
		return nil
	}
	return err
}

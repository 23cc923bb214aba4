package client

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pause is how often something awaited is looked at.
const pause = 200 * time.Millisecond

// await looks until there is an answer, an error, or the context ends; then the error is the context's.
func await[V any](ctx context.Context, look func() (v V, over bool, err error)) (V, error) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		v, over, err := look()
		if ctx.Err() != nil {
			return v, fmt.Errorf("waiting: %w", ctx.Err())
		}
		if err != nil || over {
			return v, err
		}
		select {
		case <-ctx.Done():
			return v, fmt.Errorf("waiting: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// conflict reports whether an error is the state conflict of a code.
func conflict(err error, code string) bool {
	var p *Problem
	return errors.As(err, &p) && p.Code == code
}

package docker

import (
	"time"

	"github.com/sluicedata/sluice/catalog/task"
)

// Limits bounds one container. Pages of /tmp and of the output directory are charged to Memory, so Memory is
// the work and both of them together.
type Limits struct {
	Memory   int64         // bytes, swap included
	Wall     time.Duration // from start to kill
	OutBytes int64         // bytes of the output directory, and of any one file
	OutFiles int64         // entries of the output directory
	Scratch  int64         // bytes of /tmp
}

const mib = int64(1) << 20

// DefaultLimits is the one table of limits, a row for every verb. The caller owns the result.
func DefaultLimits() map[task.Verb]Limits {
	return map[task.Verb]Limits{
		task.Inspect: {1024 * mib, 10 * time.Minute, 64 * mib, 16, 256 * mib},
		task.Ingest:  {1536 * mib, 10 * time.Minute, 512 * mib, 64, 256 * mib},
		task.Profile: {1024 * mib, 5 * time.Minute, 16 * mib, 16, 128 * mib},
		task.Twin:    {1536 * mib, 10 * time.Minute, 16 * mib, 16, 256 * mib},
		task.Synth:   {1024 * mib, 5 * time.Minute, 128 * mib, 64, 128 * mib},
		task.Preview: {512 * mib, time.Minute, 16 * mib, 16, 64 * mib},
		task.Check:   {512 * mib, time.Minute, 16 * mib, 16, 64 * mib},
		task.Stage:   {1536 * mib, 10 * time.Minute, 512 * mib, 64, 256 * mib},
		task.SQL:     {1536 * mib, 15 * time.Minute, 256 * mib, 256, 256 * mib},
		task.Split:   {1536 * mib, 15 * time.Minute, 16 * mib, 16, 256 * mib},
		task.Screen:  {1536 * mib, 15 * time.Minute, 256 * mib, 256, 256 * mib},
		// The whole of a job's inputs and both halves of every split at once.
		task.Deal:      {1536 * mib, 10 * time.Minute, 512 * mib, 1024, 256 * mib},
		task.Python:    {1536 * mib, 15 * time.Minute, 256 * mib, 64, 256 * mib},
		task.Normalize: {1536 * mib, 10 * time.Minute, 512 * mib, 1024, 256 * mib},
		task.Attach:    {1536 * mib, 15 * time.Minute, 256 * mib, 64, 256 * mib},
		// Of self-tests: small, so that each bound is reached in no time; the clock is for a machine that has none.
		task.TryBounds: {128 * mib, 2 * time.Minute, 4 * mib, 64, 8 * mib},
	}
}

// fileSize is the largest apparent size of a file, the only stop for a sparse one.
func (l Limits) fileSize() int64 { return max(l.OutBytes, l.Scratch) }

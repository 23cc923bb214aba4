// Package sandbox drives work that needs a container: it claims work, hands letters to containers through
// the launcher, collects what trusted containers wrote, and seals the result. It holds no engine socket, no
// long-lived key and no table right; all it may do to the record is claim, append and seal.
package sandbox

import (
	"context"
	"errors"
	"io"

	"github.com/sluicedata/sluice/catalog/task"
)

// Run names one container of one piece of work. It is all a launcher is told besides the template's name:
// paths, image, user and limits come from the template.
type Run struct {
	Work  string    `json:"work"`  // UUID
	Fence int64     `json:"fence"` // of the lease; late effects of an older fence are refused
	Step  int       `json:"step"`  // 1-based position in the work
	Verb  task.Verb `json:"verb"`  // chooses the template
	// Runtime makes the walls; zero for gVisor. The launcher refuses one that its machine does not offer or that is not
	// proved.
	Runtime task.Runtime `json:"runtime,omitempty"`
	// Image is the content digest of an approved image, "sha256:…", for the one verb that runs in such; "" for all
	// others. The launcher starts none it was not given by its administrator, whoever approved it.
	Image string `json:"image,omitempty"`
	// Seconds bounds how long the container may run where that is less than its template lets it; 0 for the template's.
	Seconds int64 `json:"seconds,omitempty"`
}

// Outcome is how a container ended. These four are all anybody outside learns.
type Outcome string

// The closed list of outcomes.
const (
	Success     Outcome = "success"
	Failed      Outcome = "failed"
	Limit       Outcome = "limit"       // memory, time, output bytes or files
	Interrupted Outcome = "interrupted" // by the platform: never the job's own result
)

// ErrBadOutput is why nothing of an output directory is handed out: an entry that is no plain file, or too much.
var ErrBadOutput = errors.New("output not collected")

// Engine runs containers of fixed templates. Every method refuses a run it does not know, and every call has
// a deadline of its own inside: an engine may hang.
type Engine interface {
	// Prepare makes the run's directories and returns the input directory, owned by the caller, empty.
	Prepare(ctx context.Context, r Run) (in string, err error)
	// Run starts the container over the prepared input and returns when it has ended, or kills it when ctx
	// ends or the template's wall clock runs out. The error is about the engine; the outcome about the run.
	Run(ctx context.Context, r Run) (Outcome, error)
	// Collect hands every regular file of the output directory to fn, in name order, bounded by the
	// template. A link, device, socket, FIFO or folder in it is ErrBadOutput and nothing more is handed out.
	Collect(ctx context.Context, r Run, fn func(name string, size int64, body io.Reader) error) error
	// Remove deletes container, mounts and directories. It is idempotent.
	Remove(ctx context.Context, r Run) error
}

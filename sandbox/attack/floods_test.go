//go:build attack

package attack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/docker"
)

// wall is the time a job of S11 has, and late how much later it may be gone, its start aside.
const (
	wall = 3 * time.Second
	late = 3 * time.Second
)

// diskSpare is what the engine writes about a container itself.
const diskSpare = 1 << 20

// each makes vectors that have a container of their own.
func each(see judge, want string, tries ...string) []vector {
	all := make([]vector, 0, len(tries))
	for _, one := range tries {
		all = append(all, vector{try: one, see: see, want: want, alone: true})
	}
	return all
}

// counting are vectors that count how far they came, at most as far as is allowed; or their memory was at its end first.
func counting(want string, most int, tries ...string) []vector {
	all := each(saw, `\d+: (?:`+want+`)|container: limit`, tries...)
	for i := range all {
		all[i].most = most
	}
	return all
}

// orEnded lets the container end too.
func orEnded(all []vector) []vector {
	for i := range all {
		all[i].want += "|container: failed"
	}
	return all
}

// Verbs whose templates stand for a job that has little time, and for one whose memory is not the bound it meets.
const (
	brief = task.Split
	roomy = task.Screen
)

// floods are S04 to S08 and S10, S11: taking more than is allowed of what all jobs share.
func floods() []family {
	const limit = "limit"
	return []family{
		{id: "S04", verb: roomy, also: unchanged, vectors: join(
			counting(noProcess, docker.Processes, "fork and sleep", "daemons"),
			// The runtime's own threads count too: it is often out of them first, and ends as a whole.
			orEnded(counting(noProcess, docker.Processes, "fork children that fork", "bare copies")),
			[]vector{{
				try: "fork and die of it", see: ended, want: "failed", alone: true,
				short: "the engine does not tell of a process that was refused: the outcome is failed where the model says limit",
			}},
			// Threads inside are none of the machine's under gVisor: they cost the job's own memory.
			each(ended, "success|limit", "threads"),
		)},
		{id: "S05", also: unchanged, vectors: each(ended, limit,
			"touch memory", "touch shared memory", "touch memory in a child", "touch memory in children", "read into one buffer")},
		{id: "S06", also: unchanged, vectors: join(
			same(noPlace, "fill /dev/shm"), same(noRoom, "fill scratch"), same(tooLarge, "fill scratch far"),
			same(denied, "message queues", "System V messages", "System V memory", "memory files", "attributes"),
			counting("too many open files", 256, "fifty descriptors"),
			counting("too many open files", 256, "fill pipes", "fill socket buffers"),
			each(saw, `\d+: (?:`+noRoom+`)|\d+: managed|container: limit`, "names in scratch"),
		)},
		{id: "S07", also: within, vectors: each(ended, limit,
			"many files beyond the quota", "one file beyond the quota", "reserve beyond the quota", "pages mapped beyond the quota", "appended beyond the quota")},
		{id: "S08", also: unchanged, vectors: join(
			counting(noRoom, int(bounds().OutFiles), "empty files", "folders", "links"),
			each(saw, `\d+: (?:`+denied+`|`+noRoom+`)`, "second names"),
			each(ended, limit+"|success", "leave many files"),
		)},
		{id: "S10", also: unchanged, vectors: join(
			each(saw, "managed", "print a gibibyte", "print without a line end", "print errors", "print in children"),
			same(noPlace, "print to the kernel", "print to the console"),
		)},
		{id: "S11", verb: brief, also: inTime, vectors: each(ended, limit,
			"spin", "ignore every signal", "stop itself", "daemons that spin", "fork for ever", "print for ever", "write for ever")},
	}
}

// unchanged is nil when the machine's disk holds nothing of the job.
func unchanged(_ *site, r result) error {
	if r.disk > diskSpare {
		return fmt.Errorf("the machine's disk grew by %d bytes", r.disk)
	}
	return nil
}

// within is nil when no more than the quota was stored or collected.
func within(s *site, r result) error {
	err := unchanged(s, r)
	if quota := bounds().OutBytes; r.bytes > quota {
		err = errors.Join(err, fmt.Errorf("%d bytes were collected where %d are allowed", r.bytes, quota))
	}
	if r.collected > collectWithin {
		err = errors.Join(err, fmt.Errorf("collecting took %s", r.collected))
	}
	return err
}

// collectWithin is how long collecting may take.
const collectWithin = 5 * time.Second

// inTime is nil when the run was over, and with it all its processes, soon after its time.
func inTime(s *site, r result) error {
	if over := r.took - wall - s.start; over > late {
		return fmt.Errorf("gone %s after its time", over)
	}
	return unchanged(s, r)
}

// begun waits until a job has told of itself.
func (s *site) begun(t *testing.T, run sandbox.Run) {
	t.Helper()
	report := filepath.Join(s.out(run), task.ReportFile)
	tick, patience := time.NewTicker(10*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for {
		if _, err := os.Stat(report); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-patience:
			t.Fatal("a job did not begin")
		}
	}
}

package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/sandbox/runner/canary"
)

// maxLetter bounds task.json in bytes: code, plans and declared domains fit many times over.
const maxLetter = 64 << 20

// program runs one verb: it reads its own member of the letter and sets its own member of the report.
type program struct {
	asked func(l *task.Letter) bool
	run   func(ctx context.Context, in, out string, l *task.Letter, r *task.Report) error
}

// Run reads in/task.json, runs the verb it names and writes out/report.json, which is the end marker: it
// appears whole or not at all, and after every other file. An error means that there is no report; it names
// what was being done and never a value.
func Run(ctx context.Context, in, out string) error {
	return RunAs(ctx, "", in, out)
}

// RunAs is Run for a container made for one verb: a letter of another verb is refused. The empty verb takes
// any letter.
func RunAs(ctx context.Context, verb task.Verb, in, out string) error {
	l, err := readLetter(filepath.Join(in, task.LetterFile))
	if err != nil {
		return fmt.Errorf("reading letter: %w", err)
	}
	if verb != "" && verb != l.Verb {
		return errors.New("reading letter: its verb is not the container's")
	}
	p, ok := programs()[l.Verb]
	if !ok || !p.asked(l) || members(l) != 1 {
		return errors.New("reading letter: not exactly the member its verb names")
	}
	r := task.Report{Verb: l.Verb}
	if err := p.run(ctx, in, out, l, &r); err != nil {
		return fmt.Errorf("running %s: %w", l.Verb, err)
	}
	if err := writeJSON(filepath.Join(out, task.ReportFile), r); err != nil {
		return fmt.Errorf("writing report: %w", err)
	}
	return nil
}

// of makes the program of a verb from its member of the letter, its function, and its member of the report.
func of[L, R any](
	letter func(*task.Letter) *L,
	run func(ctx context.Context, in, out string, l *L) (*R, error),
	report func(*task.Report) **R,
) program {
	return program{
		asked: func(l *task.Letter) bool { return letter(l) != nil },
		run: func(ctx context.Context, in, out string, l *task.Letter, r *task.Report) (err error) {
			*report(r), err = run(ctx, in, out, letter(l))
			return err
		},
	}
}

// programs is the one table from verb to program.
func programs() map[task.Verb]program {
	return map[task.Verb]program{
		task.Inspect: of(func(l *task.Letter) *task.InspectLetter { return l.Inspect }, inspect,
			func(r *task.Report) **task.InspectReport { return &r.Inspect }),
		task.Ingest: of(func(l *task.Letter) *task.IngestLetter { return l.Ingest }, ingest,
			func(r *task.Report) **task.IngestReport { return &r.Ingest }),
		task.Profile: of(func(l *task.Letter) *task.ProfileLetter { return l.Profile }, profile,
			func(r *task.Report) **task.ProfileReport { return &r.Profile }),
		task.Twin: of(func(l *task.Letter) *task.TwinLetter { return l.Twin }, twin,
			func(r *task.Report) **task.TwinReport { return &r.Twin }),
		task.Synth: of(func(l *task.Letter) *task.SynthLetter { return l.Synth }, synth,
			func(r *task.Report) **task.SynthReport { return &r.Synth }),
		task.Preview: of(func(l *task.Letter) *task.PreviewLetter { return l.Preview }, preview,
			func(r *task.Report) **task.PreviewReport { return &r.Preview }),
		task.Check: of(func(l *task.Letter) *task.CheckLetter { return l.Check }, check,
			func(r *task.Report) **task.CheckReport { return &r.Check }),
		task.Stage: of(func(l *task.Letter) *task.StageLetter { return l.Stage }, stage,
			func(r *task.Report) **task.StageReport { return &r.Stage }),
		task.Split: of(func(l *task.Letter) *task.SplitLetter { return l.Split }, split,
			func(r *task.Report) **task.SplitReport { return &r.Split }),
		task.Screen: of(func(l *task.Letter) *task.ScreenLetter { return l.Screen }, screenOutputs,
			func(r *task.Report) **task.ScreenEvidence { return &r.Screen }),
		task.TryBounds: of(func(l *task.Letter) *task.CanaryLetter { return l.Canary }, canary.Run,
			func(r *task.Report) **task.CanaryReport { return &r.Canary }),
		task.Deal: of(func(l *task.Letter) *task.DealLetter { return l.Deal }, deal,
			func(r *task.Report) **task.DealReport { return &r.Deal }),
		task.Attach: of(func(l *task.Letter) *task.AttachLetter { return l.Attach }, attach,
			func(r *task.Report) **task.AttachReport { return &r.Attach }),
		task.Normalize: {
			asked: func(l *task.Letter) bool { return l.Normalize != nil },
			run: func(ctx context.Context, in, out string, l *task.Letter, r *task.Report) (err error) {
				r.Normalize, r.Failure, err = normalize(ctx, in, out, l.Normalize)
				return err
			}},
		task.SQL: { // the author's code is the one that may fail with a report
			asked: func(l *task.Letter) bool { return l.SQL != nil },
			run: func(ctx context.Context, in, out string, l *task.Letter, r *task.Report) (err error) {
				r.SQL, r.Failure, err = runSQL(ctx, in, out, l.SQL)
				return err
			}},
	}
}

// members counts the verbs a letter carries something for.
func members(l *task.Letter) int {
	n := 0
	for _, p := range programs() {
		if p.asked(l) {
			n++
		}
	}
	return n
}

// readLetter decodes the letter strictly: unknown members and trailing bytes are refused.
func readLetter(path string) (*task.Letter, error) {
	l := new(task.Letter)
	return l, readJSON(path, maxLetter, l)
}

// readJSON decodes one strict JSON value of at most limit bytes from a file.
func readJSON[T any](path string, limit int64, into *T) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening %s: %w", filepath.Base(path), err)
	}
	defer f.Close()
	d := json.NewDecoder(io.LimitReader(f, limit))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("decoding %s: %w", filepath.Base(path), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("decoding %s: bytes after its end", filepath.Base(path))
	}
	return nil
}

// writeJSON writes v as one line of JSON, under a name that appears only when the file is whole and on disk.
func writeJSON[T any](path string, v T) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", filepath.Base(path), err)
	}
	return writeFile(path, append(b, '\n'))
}

// writeFile writes a file under a name that appears only when its bytes are on disk.
func writeFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".writing-*")
	if err != nil {
		return fmt.Errorf("creating %s: %w", filepath.Base(path), err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
)

// piece is one claimed and admitted piece of work: its steps, and what they left.
type piece struct {
	dir    string // folder of this process for collected files
	w      *Worker
	c      postgres.Claimed
	letter work.Letter
	keys   work.Keys
	under  task.Runtime
	until  time.Time // when a job's time is up; zero: each container has its own bound alone

	steps   []Run
	outcome Outcome
	result  work.Result
}

// step is one container: what goes in, what it is told, and what it left.
type step struct {
	p      *piece
	run    Run
	in     string // input directory
	report task.Report
	files  map[string]collected
}

// collected is a file a container left, on this side.
type collected struct {
	path string
	is   object.Content
}

// errEnded stops a piece whose outcome is decided: a container failed, hit a limit or was interrupted.
var errEnded = errors.New("ended")

// run does the work of the letter's kind.
func (p *piece) run(ctx context.Context) error {
	kinds := map[work.Kind]func(context.Context) error{
		work.Inspect: p.inspect, work.Ingest: p.ingest, work.Profile: p.profile, work.Twin: p.twin, work.Preview: p.preview,
		work.Check: p.check, work.Debug: p.debug, work.Run: p.production,
	}
	do, ok := kinds[p.letter.Kind]
	if !ok {
		return fmt.Errorf("work of unknown kind %q", p.letter.Kind)
	}
	p.outcome = Success
	if most := p.letter.Wall(); most > 0 {
		began := p.w.Now()
		p.until = began.Add(most)
		defer func() { p.result.Seconds = int64(math.Ceil(p.w.Now().Sub(began).Seconds())) }()
	}
	err := do(ctx)
	if errors.Is(err, errEnded) {
		return nil
	}
	return err
}

// prepare makes the next step's directories.
func (p *piece) prepare(ctx context.Context, verb task.Verb) (*step, error) {
	return p.prepareIn(ctx, verb, "")
}

// prepareIn is prepare for a step in an approved image. A job whose time is up gets no more steps: it reached a limit.
func (p *piece) prepareIn(ctx context.Context, verb task.Verb, image string) (*step, error) {
	run := Run{Work: p.c.ID, Fence: p.c.Fence, Step: len(p.steps) + 1, Verb: verb, Image: image, Runtime: p.under}
	if !p.until.IsZero() {
		left := p.until.Sub(p.w.Now())
		if left <= 0 {
			p.outcome = Limit
			return nil, errEnded
		}
		run.Seconds = int64((left + time.Second - 1) / time.Second)
	}
	p.steps = append(p.steps, run)
	in, err := p.w.Engine.Prepare(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("preparing %s: %w", verb, err)
	}
	return &step{p: p, run: run, in: in, files: map[string]collected{}}, nil
}

// clean removes every container and directory of the piece, collected files included.
func (p *piece) clean(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, cleanPatience)
	defer cancel()
	for _, run := range p.steps {
		if err := p.w.Engine.Remove(ctx, run); err != nil {
			p.w.Log.WarnContext(ctx, "removing a container failed", "work", run.Work, "step", run.Step, "err", err)
		}
	}
	if err := p.w.closeFolder(p.dir); err != nil {
		p.w.Log.WarnContext(ctx, "removing collected files failed", "work", p.c.ID, "err", err)
	}
}

const cleanPatience = 30 * time.Second

// fetch decrypts an object into the input directory under a path of ours.
func (s *step) fetch(ctx context.Context, ref object.Ref, path string) error {
	return s.fetchAll(ctx, []object.Ref{ref}, path, io.Discard)
}

// gather puts an upload together from its chunks and says whether the whole has its digest.
func (s *step) gather(ctx context.Context, chunks []object.Ref, digest string) (bool, error) {
	sum := sha256.New()
	if err := s.fetchAll(ctx, chunks, rawFile, sum); err != nil {
		return false, err
	}
	return name.DigestSum([sha256.Size]byte(sum.Sum(nil))).String() == digest, nil
}

// fetchAll decrypts objects one after the other into one file, each under its own data key, and to a second writer.
func (s *step) fetchAll(ctx context.Context, refs []object.Ref, path string, also io.Writer) error {
	f, err := s.create(path)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := s.pour(ctx, ref, io.MultiWriter(f, also)); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

// pour decrypts one object into w.
func (s *step) pour(ctx context.Context, ref object.Ref, w io.Writer) error {
	key, err := object.NewDataKey(ref.Key, s.p.keys.Data[ref.Key])
	if err != nil {
		return fmt.Errorf("choosing data key: %w", err)
	}
	if err := s.p.w.Store.Get(ctx, ref, key, w); err != nil {
		return fmt.Errorf("reading object: %w", err)
	}
	return nil
}

// carry moves a file an earlier step left into this step's input.
func (s *step) carry(from *step, file, path string) error {
	in, _, err := from.open(file)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := s.create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(fmt.Errorf("carrying %s: %w", file, err), out.Close())
	}
	return out.Close()
}

func (s *step) create(path string) (*os.File, error) {
	full := filepath.Join(s.in, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return nil, fmt.Errorf("making input folder: %w", err)
	}
	f, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("making input file: %w", err)
	}
	return f, nil
}

// do hands over the letter, runs the container, and collects what it left. It fails with errEnded when the
// outcome is anything but success.
func (s *step) do(ctx context.Context, letter task.Letter) error {
	letter.Verb = s.run.Verb
	if err := s.write(letter); err != nil {
		return err
	}
	outcome, err := s.launch(ctx)
	if err != nil {
		return err
	}
	if outcome == Success {
		if err := s.collect(ctx); err != nil {
			return err
		}
		if s.report.Failure == nil {
			return nil
		}
		outcome, s.p.result.Failure = Failed, s.report.Failure
	}
	s.p.outcome = outcome
	return errEnded
}

// launch runs the container and says how it ended.
func (s *step) launch(ctx context.Context) (Outcome, error) {
	began := s.p.w.Now()
	outcome, err := s.p.w.Engine.Run(ctx, s.run)
	if err != nil {
		return "", fmt.Errorf("running %s: %w", s.run.Verb, err)
	}
	s.p.w.Log.InfoContext(ctx, "step ended", "work", s.run.Work, "verb", s.run.Verb, "outcome", outcome, "took", s.p.w.Now().Sub(began))
	return outcome, nil
}

func (s *step) write(letter task.Letter) error {
	f, err := s.create(task.LetterFile)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(f).Encode(letter); err != nil {
		return errors.Join(fmt.Errorf("writing letter: %w", err), f.Close())
	}
	return f.Close()
}

// collect takes every file a container of ours left, and reads the report. A container without a report has not
// succeeded.
func (s *step) collect(ctx context.Context) error {
	if err := s.gatherFiles(ctx); err != nil {
		return err
	}
	return s.read(task.ReportFile, &s.report)
}

// gatherFiles takes every file the container left into a folder only this process reads.
func (s *step) gatherFiles(ctx context.Context) error {
	dir, err := os.MkdirTemp(s.p.dir, fmt.Sprintf("%s-%d-*", s.run.Work, s.run.Step))
	if err != nil {
		return fmt.Errorf("making collection folder: %w", err)
	}
	err = s.p.w.Engine.Collect(ctx, s.run, func(file string, size int64, body io.Reader) error {
		path := filepath.Join(dir, file)
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("keeping collected file: %w", err)
		}
		meter := object.NewMeter()
		if _, err := io.Copy(io.MultiWriter(out, meter), body); err != nil {
			return errors.Join(fmt.Errorf("keeping collected file: %w", err), out.Close())
		}
		s.files[file] = collected{path, meter.Content()}
		return out.Close()
	})
	if err != nil {
		return fmt.Errorf("collecting from %s: %w", s.run.Verb, err)
	}
	return nil
}

// open opens a file the container left and says what it holds. The caller closes it.
func (s *step) open(file string) (*os.File, object.Content, error) {
	left, ok := s.files[file]
	if !ok {
		return nil, left.is, fmt.Errorf("%s left no %s", s.run.Verb, file)
	}
	f, err := os.Open(left.path)
	if err != nil {
		return nil, left.is, fmt.Errorf("opening collected file: %w", err)
	}
	return f, left.is, nil
}

// read decodes a small JSON file the container left.
func (s *step) read(file string, v any) error {
	f, _, err := s.open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := json.NewDecoder(f).Decode(v); err != nil {
		return fmt.Errorf("decoding %s: %w", file, err)
	}
	return nil
}

// keep stores a collected file under the work's write key.
func (s *step) keep(ctx context.Context, bucket object.Bucket, file string) (object.Ref, error) {
	f, is, err := s.open(file)
	if err != nil {
		return object.Ref{}, err
	}
	defer func() { _ = f.Close() }()
	return s.p.store(ctx, bucket, is, f)
}

// store encrypts bytes under the work's write key. The object says which claim put it.
func (p *piece) store(ctx context.Context, bucket object.Bucket, is object.Content, r io.Reader) (object.Ref, error) {
	if p.keys.Write == nil {
		return object.Ref{}, errors.New("no key to write under")
	}
	key, err := object.NewDataKey(p.keys.Write.ID, p.keys.Write.Secret)
	if err != nil {
		return object.Ref{}, fmt.Errorf("choosing data key: %w", err)
	}
	ref, err := p.w.Store.By(object.Maker{Work: p.c.ID, Fence: p.c.Fence}).PutKnown(ctx, bucket, key, is, r)
	if err != nil {
		return object.Ref{}, fmt.Errorf("storing: %w", err)
	}
	return ref, nil
}

// sameBytes checks that a stored object is what a report said it is.
func sameBytes(ref object.Ref, sha256 string) error {
	if ref.Digest != "sha256:"+sha256 {
		return errors.New("a container's report names other bytes than it left")
	}
	return nil
}

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
)

// made is what a job's code came to: the step that left the relations, and which of them depend on other people's
// rows.
type made struct {
	relations *step
	dependent map[string]bool
}

// make runs a job's code: SQL is executed and repeated by our own program, Python in its image.
func (p *piece) make(ctx context.Context, staged *step, code work.Code) (made, error) {
	if code.Python != nil {
		return p.python(ctx, staged, code, code.Splits, false)
	}
	relations, err := p.execute(ctx, staged, code, false)
	if err != nil {
		return made{}, err
	}
	dependent, err := p.split(ctx, staged, relations, code)
	return made{relations, dependent}, err
}

// makeDebug makes the relations of a debug run: nobody's rows, so nobody's to depend on.
func (p *piece) makeDebug(ctx context.Context, staged *step, code work.Code) (*step, error) {
	if code.Python == nil {
		return p.execute(ctx, staged, code, true)
	}
	m, err := p.python(ctx, staged, code, 0, true)
	return m.relations, err
}

// python runs a Python job over everybody and over the halves of every split, a container each, and believes none of
// them: what they left is normalized, compared, and given measures of the platform's own.
func (p *piece) python(ctx context.Context, staged *step, code work.Code, splits int, synthetic bool) (made, error) {
	dealt, err := p.deal(ctx, staged, code, splits)
	if err != nil {
		return made{}, err
	}
	normal, err := p.prepare(ctx, task.Normalize)
	if err != nil {
		return made{}, err
	}
	runs := dealt.report.Deal.Runs
	for run := range runs {
		whole, err := p.pythonRun(ctx, dealt, normal, code, run, synthetic)
		if err != nil {
			return made{}, err
		}
		if !whole {
			break // the halves that are left out count as broken, like this one
		}
	}
	err = normal.do(ctx, task.Letter{Normalize: &task.NormalizeLetter{
		Runs: runs, Tables: code.Tables, Relations: code.Python.Relations, Files: codeFiles(code.Python.Files), Synthetic: synthetic,
	}})
	if normal.report.Normalize != nil {
		p.result.Relations = normal.report.Normalize.Relations
	}
	if err == nil {
		err = normal.drop(ctx)
	}
	if err != nil {
		return made{}, err
	}
	return p.attach(ctx, staged, normal, code, splits)
}

func (p *piece) deal(ctx context.Context, staged *step, code work.Code, splits int) (*step, error) {
	s, err := p.prepare(ctx, task.Deal)
	if err != nil {
		return nil, err
	}
	if err := s.carryTables(staged, code); err != nil {
		return nil, err
	}
	if err := s.do(ctx, task.Letter{Deal: &task.DealLetter{Tables: code.Tables, Splits: splits, Seed: p.keys.Seed}}); err != nil {
		return nil, err
	}
	return s, s.drop(ctx)
}

// pythonRun runs the code once and carries what it left to be normalized. A half that does not end well is left out,
// which tells on the code, not on the job; everybody's run that does not is the job's outcome.
func (p *piece) pythonRun(ctx context.Context, dealt, normal *step, code work.Code, run int, synthetic bool) (bool, error) {
	s, err := p.prepareIn(ctx, task.Python, code.Python.Image)
	if err != nil {
		return false, err
	}
	for _, t := range code.Tables {
		if err := s.carry(dealt, runFile(run, t.Input+".csv.gz"), t.Input+".csv.gz"); err != nil {
			return false, err
		}
	}
	outcome, failure, err := s.foreign(ctx, *code.Python, task.PythonLetter{Tables: code.Tables, Relations: code.Python.Relations, Synthetic: synthetic})
	switch {
	case err != nil:
		return false, err
	case outcome == Interrupted, outcome != Success && run == 0:
		p.outcome, p.result.Failure = outcome, failure
		return false, errEnded
	case outcome != Success:
		return false, nil
	}
	for file := range s.files {
		if err := normal.carry(s, file, filepath.Join(task.RunsDir, runFile(run, "")[:2], file)); err != nil {
			return false, err
		}
	}
	return true, s.drop(ctx)
}

// foreign hands code over, runs it in its image and collects what it left. Nothing of that is read here; what cannot
// even be collected is a failure of the code's.
func (s *step) foreign(ctx context.Context, code work.PythonCode, letter task.PythonLetter) (Outcome, *task.Failure, error) {
	if err := s.handCode(code, &letter); err != nil {
		return "", nil, err
	}
	outcome, err := s.launch(ctx)
	if err != nil || outcome != Success {
		return outcome, nil, err
	}
	err = s.gatherFiles(ctx)
	if errors.Is(err, ErrBadOutput) {
		return Failed, &task.Failure{Class: task.FailOutput}, nil
	}
	return outcome, nil, err
}

// handCode writes the author's files and the letter that names them.
func (s *step) handCode(code work.PythonCode, letter *task.PythonLetter) error {
	for _, file := range code.Files {
		letter.Files = append(letter.Files, file.Name)
		f, err := s.create(filepath.Join(task.CodeDir, file.Name))
		if err != nil {
			return err
		}
		_, err = io.WriteString(f, file.Text)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("writing a file of code: %w", err)
		}
	}
	return s.write(task.Letter{Verb: s.run.Verb, Python: letter})
}

// drop removes a container once what it left was collected: the pieces of a Python job are many, and each holds memory.
func (s *step) drop(ctx context.Context) error {
	if err := s.p.w.Engine.Remove(ctx, s.run); err != nil {
		return fmt.Errorf("removing a run: %w", err)
	}
	return nil
}

// attach takes the split test and adds the platform's columns.
func (p *piece) attach(ctx context.Context, staged, normal *step, code work.Code, splits int) (made, error) {
	s, err := p.prepare(ctx, task.Attach)
	if err != nil {
		return made{}, err
	}
	if err := s.carryTables(staged, code); err != nil {
		return made{}, err
	}
	for file := range normal.files {
		if strings.HasSuffix(file, ".parquet") {
			if err := s.carry(normal, file, filepath.Join("relations", file)); err != nil {
				return made{}, err
			}
		}
	}
	err = s.do(ctx, task.Letter{Attach: &task.AttachLetter{
		Tables: code.Tables, Relations: code.Relations, Splits: splits, Seed: p.keys.Seed, Broken: normal.report.Normalize.Broken,
	}})
	if err != nil {
		return made{}, err
	}
	dependent := map[string]bool{}
	for _, name := range s.report.Attach.Failed {
		dependent[name] = true
	}
	return made{s, dependent}, nil
}

// checkPython has Python parse the code, and our own program decide with that.
func (p *piece) checkPython(ctx context.Context) error {
	l := p.letter.Check
	s, err := p.prepareIn(ctx, task.Python, l.Python.Image)
	if err != nil {
		return err
	}
	outcome, failure, err := s.foreign(ctx, *l.Python, task.PythonLetter{Syntax: true})
	if err != nil {
		return err
	}
	if p.outcome, p.result.Failure = outcome, failure; outcome != Success {
		return errEnded
	}
	checked, err := p.prepare(ctx, task.Check)
	if err != nil {
		return err
	}
	if err := checked.carry(s, task.ReportFile, task.SyntaxFile); err != nil {
		return err
	}
	letter := l.CheckLetter
	letter.Files = codeFiles(l.Python.Files)
	if err := checked.do(ctx, task.Letter{Check: &letter}); err != nil {
		return err
	}
	p.result.Check = checked.report.Check
	return nil
}

// codeFiles counts the lines of a job's files.
func codeFiles(files []task.SourceFile) (counted []task.CodeFile) {
	for _, f := range files {
		counted = append(counted, task.CodeFile{Name: f.Name, Lines: strings.Count(f.Text, "\n") + 1})
	}
	return counted
}

// runFile names a file of one run, as deal and normalize do.
func runFile(run int, rest string) string { return fmt.Sprintf("%02d-%s", run, rest) }

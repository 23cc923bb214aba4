package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
)

// rawFile is an upload inside a container, put together from its chunks.
const rawFile = "raw"

// otherFile refuses an upload whose whole is not what its sender said, though each chunk was.
func otherFile() []task.BadCell { return []task.BadCell{{Reason: "file.digest"}} }

// inspect looks at an upload nobody has described yet.
func (p *piece) inspect(ctx context.Context) error {
	s, err := p.prepare(ctx, task.Inspect)
	if err != nil {
		return err
	}
	whole, err := s.gather(ctx, p.letter.Inspect.Raw, p.letter.Inspect.Digest)
	if err != nil {
		return err
	}
	if !whole {
		p.result.Inspect = &task.InspectReport{Errors: otherFile()}
		return nil
	}
	if err := s.do(ctx, task.Letter{Inspect: &p.letter.Inspect.InspectLetter}); err != nil {
		return err
	}
	p.result.Inspect = s.report.Inspect
	if s.report.Inspect.File == "" {
		return nil // it cannot be read: the report says why
	}
	return p.keepObject(ctx, s, object.Output, s.report.Inspect.File, s.report.Inspect.Rows)
}

// ingest parses an upload into parts under the version's own key.
func (p *piece) ingest(ctx context.Context) error {
	s, err := p.parse(ctx, p.letter.Ingest)
	if err != nil {
		return err
	}
	return p.keepParts(ctx, s)
}

// parse takes an upload apart in a container and reports the parts it made, or what is wrong with the file.
func (p *piece) parse(ctx context.Context, l *work.IngestLetter) (*step, error) {
	s, err := p.prepare(ctx, task.Ingest)
	if err != nil {
		return nil, err
	}
	whole, err := s.gather(ctx, l.Raw, l.Digest)
	if err != nil {
		return nil, err
	}
	if !whole {
		p.result.Ingest = &task.IngestReport{Errors: otherFile()}
		return s, nil
	}
	if err := s.do(ctx, task.Letter{Ingest: &l.IngestLetter}); err != nil {
		return nil, err
	}
	p.result.Ingest = s.report.Ingest
	return s, nil
}

// keepParts stores the parts a parsed upload came to.
func (p *piece) keepParts(ctx context.Context, parsed *step) error {
	for _, part := range p.result.Ingest.Parts {
		if err := p.keepObject(ctx, parsed, object.Data, part, p.result.Ingest.Rows); err != nil {
			return err
		}
	}
	return nil
}

// twin parses an upload like an ingest, and compares what it came to with the real rows in a container of its
// own: the one that takes foreign bytes apart never holds them.
func (p *piece) twin(ctx context.Context) error {
	l := p.letter.Twin
	parsed, err := p.parse(ctx, &l.IngestLetter)
	if err != nil || len(p.result.Ingest.Parts) == 0 {
		return err
	}
	s, err := p.prepare(ctx, task.Twin)
	if err != nil {
		return err
	}
	if err := s.carry(parsed, partName(0), twinFile); err != nil {
		return err
	}
	for i, part := range l.Parts {
		if err := s.fetch(ctx, part, partName(i)); err != nil {
			return err
		}
	}
	if err := s.do(ctx, task.Letter{Twin: &l.Compare}); err != nil {
		return err
	}
	p.result.Twin = s.report.Twin
	return p.keepParts(ctx, parsed)
}

// twinFile is the part a twin was parsed to, beside the real parts it is compared with.
const twinFile = "twin.parquet"

func (p *piece) keepObject(ctx context.Context, s *step, bucket object.Bucket, file string, rows int64) error {
	ref, err := s.keep(ctx, bucket, file)
	if err != nil {
		return err
	}
	p.result.Objects = append(p.result.Objects, work.Object{Name: file, Ref: ref, Rows: rows})
	return nil
}

func (p *piece) profile(ctx context.Context) error {
	s, err := p.prepare(ctx, task.Profile)
	if err != nil {
		return err
	}
	for i, part := range p.letter.Profile.Parts {
		if err := s.fetch(ctx, part, partName(i)); err != nil {
			return err
		}
	}
	if err := s.do(ctx, task.Letter{Profile: &p.letter.Profile.ProfileLetter}); err != nil {
		return err
	}
	return p.keepObject(ctx, s, object.Output, "profile.json", s.report.Profile.Rows)
}

func (p *piece) preview(ctx context.Context) error {
	in := p.letter.Preview.Input
	staged, err := p.stage(ctx, []work.Input{in})
	if err != nil {
		return err
	}
	s, err := p.prepare(ctx, task.Preview)
	if err != nil {
		return err
	}
	if err := s.carry(staged, in.Input+".parquet", in.Input+".parquet"); err != nil {
		return err
	}
	if err := s.do(ctx, task.Letter{Preview: &task.PreviewLetter{Input: in.Input, Rows: p.letter.Preview.Rows}}); err != nil {
		return err
	}
	return p.keepObject(ctx, s, object.Output, "preview.json", int64(s.report.Preview.Rows))
}

func (p *piece) check(ctx context.Context) error {
	if p.letter.Check.Python != nil {
		return p.checkPython(ctx)
	}
	s, err := p.prepare(ctx, task.Check)
	if err != nil {
		return err
	}
	if err := s.do(ctx, task.Letter{Check: &p.letter.Check.CheckLetter}); err != nil {
		return err
	}
	p.result.Check = s.report.Check
	return nil
}

// stage cuts inputs to scope. The letter carries the run's token key: it goes to the trusted stager only.
func (p *piece) stage(ctx context.Context, inputs []work.Input) (*step, error) {
	s, err := p.prepare(ctx, task.Stage)
	if err != nil {
		return nil, err
	}
	letter := &task.StageLetter{TokenKey: p.keys.Token}
	for _, in := range inputs {
		si := task.StageInput{Scope: in.Scope, UnitKey: p.keys.Units[in.Dataset]}
		for i, part := range in.Parts {
			path := in.Input + "/" + partName(i)
			if err := s.fetch(ctx, part, path); err != nil {
				return nil, err
			}
			si.Parts = append(si.Parts, path)
		}
		letter.Inputs = append(letter.Inputs, si)
	}
	if err := s.do(ctx, task.Letter{Stage: letter}); err != nil {
		return nil, err
	}
	p.result.Staged = s.report.Stage.Inputs
	return s, nil
}

// synth makes the tables of a debug run: from a twin where there is one, else from a signed profile.
func (p *piece) synth(ctx context.Context, d *work.DebugLetter) (*step, error) {
	s, err := p.prepare(ctx, task.Synth)
	if err != nil {
		return nil, err
	}
	letter := &task.SynthLetter{Seed: p.keys.Seed, Rows: d.Rows, TokenKey: p.keys.Token}
	for _, in := range d.Inputs {
		made := task.SynthInput{Scope: in.Scope, Dataset: in.Dataset}
		from, path := in.Profile, in.Input+"/profile.json"
		if in.Twin != nil {
			from, path = in.Twin, in.Input+"/"+partName(0)
			made.Twin = []string{path}
		}
		if err := s.fetch(ctx, *from, path); err != nil {
			return nil, err
		}
		letter.Inputs = append(letter.Inputs, made)
	}
	if err := s.do(ctx, task.Letter{Synth: letter}); err != nil {
		return nil, err
	}
	p.result.Staged = s.report.Synth.Inputs
	return s, nil
}

func (p *piece) debug(ctx context.Context) error {
	d := p.letter.Debug
	staged, err := p.synth(ctx, d)
	if err != nil {
		return err
	}
	relations, err := p.makeDebug(ctx, staged, d.Code)
	if err != nil {
		return err
	}
	s, err := p.screen(ctx, staged, relations, d.Code)
	if err != nil {
		return err
	}
	return p.showTables(s)
}

// showTables hands the tables of a debug run back in the open: all of it is invented.
func (p *piece) showTables(s *step) error {
	p.result.Tables = map[string]string{}
	for _, o := range s.report.Screen.Outputs {
		body, err := os.ReadFile(s.files[o.File].path)
		if err != nil {
			return fmt.Errorf("reading synthetic table: %w", err)
		}
		p.result.Tables[o.Name] = string(body[:min(len(body), maxShown)])
	}
	return nil
}

// maxShown bounds one synthetic table, in bytes.
const maxShown = 64 << 10

// production runs a job on real data: cut to scope, the author's code, the split test, screening.
func (p *piece) production(ctx context.Context) error {
	r := p.letter.Run
	staged, err := p.stage(ctx, r.Inputs)
	if err != nil {
		return err
	}
	m, err := p.make(ctx, staged, r.Code)
	if err != nil {
		return err
	}
	s, err := p.screen(ctx, staged, m.relations, r.Code)
	if err != nil {
		return err
	}
	return p.quarantine(ctx, s, m.dependent)
}

// execute runs the author's statements over the staged tables: the only step their code takes part in.
func (p *piece) execute(ctx context.Context, staged *step, code work.Code, synthetic bool) (*step, error) {
	s, err := p.prepare(ctx, task.SQL)
	if err != nil {
		return nil, err
	}
	if err := s.carryTables(staged, code); err != nil {
		return nil, err
	}
	err = s.do(ctx, task.Letter{SQL: &task.SQLLetter{
		Relations: code.Relations, Tables: code.Tables, MemoryMB: code.MemoryMB, Threads: code.Threads, Synthetic: synthetic,
	}})
	if s.report.SQL != nil { // of code that failed, the relations before it did
		p.result.Relations, p.result.PeakMB = s.report.SQL.Relations, s.report.SQL.PeakMB
	}
	return s, err
}

// split repeats the statements on secret halves. The author's container never saw the splits.
func (p *piece) split(ctx context.Context, staged, relations *step, code work.Code) (map[string]bool, error) {
	s, err := p.prepare(ctx, task.Split)
	if err != nil {
		return nil, err
	}
	if err := s.carryTables(staged, code); err != nil {
		return nil, err
	}
	if err := s.carryRelations(relations, code); err != nil {
		return nil, err
	}
	err = s.do(ctx, task.Letter{Split: &task.SplitLetter{
		Relations: code.Relations, Tables: code.Tables, Splits: code.Splits, Seed: p.keys.Seed, MemoryMB: code.MemoryMB,
	}})
	if err != nil {
		return nil, err
	}
	dependent := map[string]bool{}
	for _, name := range s.report.Split.Failed {
		dependent[name] = true
	}
	return dependent, nil
}

// screen computes the declared tables and the evidence about them; no code of the author runs here.
func (p *piece) screen(ctx context.Context, staged, relations *step, code work.Code) (*step, error) {
	s, err := p.prepare(ctx, task.Screen)
	if err != nil {
		return nil, err
	}
	if err := s.carryTables(staged, code); err != nil {
		return nil, err
	}
	if err := s.carry(staged, "units.parquet", "units.parquet"); err != nil {
		return nil, err
	}
	if err := s.carryRelations(relations, code); err != nil {
		return nil, err
	}
	letter := &task.ScreenLetter{
		Tables: code.Tables, Relations: code.Relations, Output: code.Output, RoundTo: code.RoundTo,
		DigestKey: p.keys.Digest[code.DigestBy], Near: code.Near, Earlier: []task.Earlier{},
	}
	for i, e := range p.keys.Earlier {
		file := fmt.Sprintf("%04d.members", i+1)
		if err := s.fetch(ctx, e.Ref, "earlier/"+file); err != nil {
			return nil, err
		}
		letter.Earlier = append(letter.Earlier, task.Earlier{Name: file, Title: e.Title})
	}
	return s, s.do(ctx, task.Letter{Screen: letter})
}

func (s *step) carryTables(staged *step, code work.Code) error {
	for _, t := range code.Tables {
		if err := s.carry(staged, t.Input+".parquet", t.Input+".parquet"); err != nil {
			return err
		}
	}
	return nil
}

func (s *step) carryRelations(from *step, code work.Code) error {
	for _, r := range code.Relations {
		if err := s.carry(from, r.Relation+".parquet", "relations/"+r.Relation+".parquet"); err != nil {
			return err
		}
	}
	return nil
}

// quarantine stores the tables as they would leave, their memberships, and the evidence with the verdict of
// the split test written into it.
func (p *piece) quarantine(ctx context.Context, s *step, dependent map[string]bool) error {
	found := s.report.Screen
	for i := range found.Facts {
		for j := range found.Facts[i].Relations {
			fact := &found.Facts[i].Relations[j]
			fact.Dependent = dependent[fact.Relation]
		}
	}
	for _, o := range found.Outputs {
		table, err := s.keep(ctx, object.Output, o.File)
		if err != nil {
			return err
		}
		if err := sameBytes(table, o.SHA256); err != nil {
			return err
		}
		members, err := s.keep(ctx, object.Output, o.Membership)
		if err != nil {
			return err
		}
		p.result.Outputs = append(p.result.Outputs, work.Output{Name: o.Name, Rows: int64(o.Rows), Object: table, Membership: members})
	}
	body, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("encoding evidence: %w", err)
	}
	is := object.Content{Digest: name.DigestOf(body).String(), Size: int64(len(body))}
	ref, err := p.store(ctx, object.Output, is, bytes.NewReader(body))
	p.result.Evidence = &ref
	return err
}

func partName(i int) string { return fmt.Sprintf("part-%04d.parquet", i+1) }

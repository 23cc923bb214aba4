package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/policy/screen"
)

// settle draws the consequences of work that has ended: sealed by its worker, stopped, or given up after
// three attempts. An interruption by the platform is never the job's own result.
func (s *Work) settle(ctx context.Context, w postgres.Work, provider KeyProvider) error {
	outcome := text(w.Outcome)
	if w.State != "sealed" {
		outcome = "interrupted"
	}
	return s.c.act(ctx, Keeper(), "work.settle", func(d *deed) error {
		d.detail["kind"], d.detail["outcome"] = w.Kind, outcome
		var result work.Result
		if w.State == "sealed" && w.Result != nil {
			if err := json.Unmarshal(w.Result, &result); err != nil {
				return fmt.Errorf("reading result: %w", err)
			}
		}
		if err := d.consequences(w, outcome, result, provider); err != nil {
			return err
		}
		return d.tx.SettleWork(ctx, w.ID, outcome, d.now)
	})
}

func (d *deed) consequences(w postgres.Work, outcome string, r work.Result, provider KeyProvider) error {
	switch work.Kind(w.Kind) {
	case work.Ingest, work.Profile, work.Twin, work.Preview:
		return d.settleDataset(w, outcome, r)
	case work.Inspect:
		return d.settleInspect(w, outcome, r)
	case work.Check, work.Debug, work.Run:
		return d.settleJob(w, outcome, r, provider)
	}
	return errors.New("work of unknown kind")
}

func (d *deed) settleDataset(w postgres.Work, outcome string, r work.Result) error {
	row, err := d.tx.DatasetByID(d.ctx, w.Subject)
	if err != nil {
		return err
	}
	if err := d.decide(policy.Object{Kind: "dataset", ID: row.ID, Org: row.Org}, row.Slug, policy.Facts{}); err != nil {
		return err
	}
	switch {
	case w.Kind == string(work.Ingest):
		return d.settleIngest(row, *w.Version, outcome, r)
	case w.Kind == string(work.Twin):
		return d.settleTwin(row, *w.Version, outcome, r)
	case w.Kind == string(work.Profile) && outcome == "success" && len(r.Objects) == 1:
		ref, err := json.Marshal(r.Objects[0].Ref)
		if err != nil {
			return fmt.Errorf("encoding reference: %w", err)
		}
		d.refs["profile"] = r.Objects[0].Ref.Digest
		return d.tx.PutProfile(d.ctx, row.ID, *w.Version, ref)
	}
	return nil
}

// settleIngest makes a version available with its manifest, or records why nothing was published.
func (d *deed) settleIngest(row postgres.Dataset, number int, outcome string, r work.Result) error {
	v, err := d.tx.Version(d.ctx, row.ID, number)
	if err != nil {
		return err
	}
	if outcome != "success" || r.Ingest == nil || len(r.Ingest.Errors) > 0 || len(r.Objects) != 1 {
		return d.refuseIngest(row, v, outcome, r)
	}
	parts, refs, err := d.parts(v, r.Objects[0])
	if fault.Of(err) == fault.Conflict {
		r.Ingest.Errors = []dataset.BadCell{{Reason: fault.Code(err)}}
		return d.refuseIngest(row, v, outcome, r)
	}
	if err != nil {
		return err
	}
	to, err := dataset.VersionFlow().Check(state(v.State), "ingest")
	if err != nil {
		return err
	}
	m, err := d.manifest(row, v, parts)
	if err != nil {
		return err
	}
	v.State = string(to)
	if err := d.putManifest(v, m, refs); err != nil {
		return err
	}
	return d.checkDataset(row)
}

// putManifest makes a version available as a manifest says, with where its parts lie.
func (d *deed) putManifest(v postgres.Version, m dataset.Manifest, refs []object.Ref) error {
	body, digest, err := m.Encode()
	if err != nil {
		return fmt.Errorf("encoding manifest: %w", err)
	}
	lie, err := json.Marshal(refs)
	if err != nil {
		return fmt.Errorf("encoding locations: %w", err)
	}
	sum := string(digest)
	v.Manifest, v.ManifestDigest, v.Rows, v.Locations = body, &sum, &m.Rows, lie
	d.refs["manifest"] = sum
	return d.tx.PutManifest(d.ctx, v)
}

// checkDataset moves a dataset on with its first available version; terms that were declared with it catalogue
// it at once.
func (d *deed) checkDataset(row postgres.Dataset) error {
	if row.State != string(dataset.Declared) {
		return nil
	}
	to := dataset.Declared
	for _, act := range []string{"check", "terms"} {
		var err error
		if to, err = dataset.Flow().Check(to, act); err != nil {
			return err
		}
		if row.Terms == nil {
			break
		}
	}
	return d.tx.SetDatasetState(d.ctx, row.ID, string(to))
}

// manifest describes an ingested version: its parts, and the version before it.
func (d *deed) manifest(row postgres.Dataset, v postgres.Version, parts []dataset.Part) (dataset.Manifest, error) {
	home, err := d.tx.Org(d.ctx, row.Org)
	if err != nil {
		return dataset.Manifest{}, fmt.Errorf("reading provider: %w", err)
	}
	m := dataset.Manifest{
		Format: dataset.ManifestFormat, Dataset: name.Slug(row.Slug), Number: v.Number, Provider: name.Number(home.Number),
		Created: v.CreatedAt, Columns: row.Columns, Units: row.Units, RoundTo: row.RoundTo, Parts: parts,
	}
	for _, p := range parts {
		m.Rows += p.Rows
	}
	before, err := d.tx.Versions(d.ctx, row.ID)
	if err != nil {
		return dataset.Manifest{}, fmt.Errorf("reading versions: %w", err)
	}
	for _, b := range before {
		if b.Number < v.Number && b.ManifestDigest != nil {
			m.Previous = name.Digest(*b.ManifestDigest)
		}
	}
	return m, nil
}

func (d *deed) refuseIngest(row postgres.Dataset, v postgres.Version, outcome string, r work.Result) error {
	to, err := dataset.VersionFlow().Check(state(v.State), "refuse")
	if err != nil {
		return err
	}
	refusal := dataset.Refusal{Outcome: outcome, Errors: []dataset.BadCell{}}
	if r.Ingest != nil {
		refusal.Errors, refusal.More = r.Ingest.Errors, r.Ingest.More
		refusal.Difference = dataset.Difference(row.Columns, r.Ingest.Errors)
	}
	body, err := json.Marshal(refusal)
	if err != nil {
		return fmt.Errorf("encoding refusal: %w", err)
	}
	d.detail["version"] = string(to)
	return d.tx.RefuseVersion(d.ctx, row.ID, v.Number, string(to), body)
}

func (d *deed) settleJob(w postgres.Work, outcome string, r work.Result, provider KeyProvider) error {
	found, err := d.tx.JobByID(d.ctx, w.Subject)
	if err != nil {
		return err
	}
	p, _, g, err := d.planned(found, spend)
	if err != nil {
		return err
	}
	row, err := d.tx.LockJob(d.ctx, found.ID)
	if err != nil {
		return err
	}
	if err := d.decide(policy.Object{Kind: "job", ID: row.ID, Org: row.Org}, row.Number, policy.Facts{}); err != nil {
		return err
	}
	switch {
	case flowOf(job.Mode(row.Kind)).Ended(state(row.State)):
		return nil // killed meanwhile: whatever was sealed does not count
	case w.Stop != nil:
		d.detail["stopped"] = *w.Stop
		return d.tx.StopJob(d.ctx, row.ID, string(job.Killed), *w.Stop, d.now)
	case outcome == "interrupted":
		if err := d.giveBack(row, g, p, returned); err != nil {
			return err
		}
		return d.tx.StopJob(d.ctx, row.ID, string(job.Killed), "platform.interrupted", d.now)
	case w.Kind == string(work.Check):
		return d.settleCheck(row, g, p, r)
	case w.Kind == string(work.Debug):
		return d.endDebug(row, endings[outcome], w, r)
	case outcome == "success" && r.Evidence != nil: // a product, not a failed answer
		if err := d.giveBack(row, g, p, unfailing); err != nil {
			return err
		}
	default:
		d.detail["failed_answer"] = "1"
	}
	return d.settleRun(row, outcome, r, provider)
}

// endings maps outcomes to the acts of the job's flow.
var endings = map[string]string{"success": "succeed", "failed": "fail", "limit": "time_out"}

// settleCheck moves a job on with a verified plan, or refuses it with every finding. Of a check it completes the
// answer, with which it ends.
func (d *deed) settleCheck(row postgres.Job, g *ground, p job.Package, r work.Result) error {
	if r.Check == nil {
		return d.failCheck(row, g, p, r)
	}
	for i, f := range r.Check.Findings {
		d.detail[fmt.Sprintf("finding.%02d", i)] = f.Code
	}
	passes := len(r.Check.Findings) == 0
	if row.Kind == string(job.Check) {
		answer, err := d.completed(row, g, p, *r.Check)
		if err != nil {
			return err
		}
		if err := d.putAnswer(row, answer); err != nil {
			return err
		}
		passes = answer.Passes
	}
	if !passes {
		if err := d.giveBack(row, g, p, returned); err != nil {
			return err
		}
	}
	return d.putCheck(row, passes, *r.Check)
}

// putCheck keeps what a check found with the move it leads to.
func (d *deed) putCheck(row postgres.Job, passes bool, r task.CheckReport) error {
	to, table := state(row.State), flowOf(job.Mode(row.Kind))
	var err error
	switch {
	case !passes:
		to, err = table.Check(to, "refuse")
	case row.Kind != string(job.Debug): // of a debug run the check is part of the run
		to, err = table.Check(to, "check")
	}
	if err != nil {
		return err
	}
	plan, err := json.Marshal(r.Relations)
	if err != nil {
		return fmt.Errorf("encoding plan: %w", err)
	}
	findings, err := json.Marshal(r.Findings)
	if err != nil {
		return fmt.Errorf("encoding findings: %w", err)
	}
	var ended *time.Time
	if table.Ended(to) {
		ended = &d.now
	}
	if err := d.tx.PutCheck(d.ctx, row.ID, string(to), plan, findings, ended); err != nil || ended != nil {
		return err
	}
	row.Plan, row.State = plan, string(to)
	return d.afterCheck(row)
}

// failCheck ends a job whose check container failed: the code could not be read at all.
func (d *deed) failCheck(row postgres.Job, g *ground, p job.Package, r work.Result) error {
	if row.Kind == string(job.Debug) {
		return d.endJob(row, "fail", r)
	}
	if err := d.giveBack(row, g, p, returned); err != nil {
		return err
	}
	return d.endJob(row, "refuse", r)
}

// afterCheck queues a debug run at once; a production run waits for its approvals.
func (d *deed) afterCheck(row postgres.Job) error {
	if row.Kind != string(job.Debug) {
		return nil
	}
	letter, err := d.debugLetter(row)
	if fault.Of(err) == fault.Conflict {
		return d.endJob(row, "refuse", work.Result{Failure: &task.Failure{Class: task.FailInput, Message: fault.Code(err)}})
	}
	if err != nil {
		return err
	}
	return d.queue(row.ID, nil, letter)
}

// endDebug ends a debug run. What its inputs were made from is in its letter.
func (d *deed) endDebug(row postgres.Job, act string, w postgres.Work, r work.Result) error {
	var letter work.Letter
	if err := json.Unmarshal(w.Letter, &letter); err != nil || letter.Debug == nil {
		return errors.Join(errors.New("reading letter of a debug run"), err)
	}
	return d.endJob(row, act, r, letter.Debug.Inputs...)
}

// endJob moves a job to an end with what its author may learn.
func (d *deed) endJob(row postgres.Job, act string, r work.Result, invented ...work.Input) error {
	to, err := flowOf(job.Mode(row.Kind)).Check(state(row.State), act)
	if err != nil {
		return err
	}
	failure, usage, err := d.told(row, r, invented...)
	if err != nil {
		return err
	}
	d.detail["state"] = string(to)
	return d.tx.EndJob(d.ctx, row.ID, string(to), failure, usage, &d.now)
}

// settleRun quarantines what a run wrote and judges it at once by the evidence.
func (d *deed) settleRun(row postgres.Job, outcome string, r work.Result, provider KeyProvider) error {
	if outcome != "success" || r.Evidence == nil {
		act := endings[outcome]
		if outcome == "success" {
			act = "fail"
		}
		return d.endJob(row, act, r)
	}
	facts, err := d.evidence(row, *r.Evidence, provider)
	if err != nil {
		return err
	}
	if len(facts) != len(r.Outputs) {
		return errors.New("evidence does not fit the outputs")
	}
	for i, o := range r.Outputs {
		if err := d.quarantine(row, o, facts[i], *r.Evidence); err != nil {
			return err
		}
	}
	to, err := job.Flow().Check(job.Succeeded, "seal")
	if err != nil {
		return err
	}
	_, usage, err := d.told(row, r)
	if err != nil {
		return err
	}
	return d.tx.EndJob(d.ctx, row.ID, string(to), nil, usage, nil)
}

// evidence reads what the screening container measured.
func (d *deed) evidence(row postgres.Job, ref object.Ref, provider KeyProvider) ([]screen.Evidence, error) {
	k := keychain{d: d, provider: provider}
	secret := k.secret(ref.Key)
	if k.err != nil {
		return nil, k.err
	}
	if row.DataKey == nil || *row.DataKey != ref.Key {
		return nil, errors.New("evidence under a foreign key")
	}
	key, err := object.NewDataKey(ref.Key, secret)
	if err != nil {
		return nil, fmt.Errorf("choosing data key: %w", err)
	}
	var body bytes.Buffer
	if err := d.c.Store.Get(d.ctx, ref, key, &body); err != nil {
		return nil, fmt.Errorf("reading evidence: %w", err)
	}
	var found task.ScreenEvidence
	if err := json.Unmarshal(body.Bytes(), &found); err != nil {
		return nil, fmt.Errorf("decoding evidence: %w", err)
	}
	return found.Facts, nil
}

// quarantine stores one output with its findings: blocked ones can only be destroyed or sent back.
func (d *deed) quarantine(row postgres.Job, o work.Output, facts screen.Evidence, evidence object.Ref) error {
	if facts.Output != o.Name || o.Object.Key != *row.DataKey || o.Membership.Key != *row.DataKey {
		return errors.New("evidence does not fit the output")
	}
	findings := screen.Judge(facts, d.c.Rules.Screen())
	act := "screen"
	if len(findings) > 0 {
		act = "block"
	}
	to, err := output.Flow().Check(output.Quarantined, act)
	if err != nil {
		return err
	}
	encoded := make([]json.RawMessage, 5)
	for i, v := range []any{o.Object, o.Membership, evidence, schemaOf(row, o.Name), findings} {
		if encoded[i], err = json.Marshal(v); err != nil {
			return fmt.Errorf("encoding output: %w", err)
		}
	}
	d.refs["output."+o.Name], d.refs["evidence"] = o.Object.Digest, evidence.Digest
	d.detail["blocked."+o.Name] = fmt.Sprint(len(findings))
	return d.tx.InsertOutput(d.ctx, postgres.Output{
		ID: name.NewID().String(), Job: row.ID, Name: o.Name, State: string(to), Digest: o.Object.Digest,
		EvidenceDigest: evidence.Digest, Rows: o.Rows, Object: encoded[0], Membership: encoded[1], Evidence: encoded[2],
		Schema: encoded[3], Findings: encoded[4], Blocked: len(findings), Revision: d.c.Policy.Revision(), CreatedAt: d.now,
	})
}

// schemaOf returns the declared table of an output: what everybody may see of it.
func schemaOf(row postgres.Job, outputName string) *job.Table {
	p, err := packageOf(row)
	if err != nil {
		return nil
	}
	for _, t := range p.Tables() {
		if t.Name == outputName {
			return &t
		}
	}
	return nil
}

func (c *core) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(c.Rand, b); err != nil {
		return nil, fmt.Errorf("drawing random bytes: %w", err)
	}
	return b, nil
}

func joined(names []string) string { return strings.Join(names, ",") }

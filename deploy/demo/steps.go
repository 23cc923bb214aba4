package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
	"github.com/sluicedata/sluice/policy/screen"
)

// slug and purpose are what the whole story is about.
const (
	slug    = "health-visits"
	purpose = "health-policy-statistics"
)

// grantDays is the term of the grant.
const grantDays = 30

// demo is the story under way.
type demo struct {
	options
	*story
	*cast
	server string

	rows        []personYear
	victim      victim
	version     dataset.VersionView
	agreement   agreement.View
	grantNumber string
	released    string // release number
	product     string // digest of the product
	jobD        string // number of job D
	request     string // number of its review
}

// play tells every chapter in order. An error ends the story: what follows would rest on it.
func (d *demo) play(ctx context.Context) error {
	steps := []func(context.Context) error{d.found, d.publish, d.register, d.agree}
	switch {
	case d.freeze != "":
		steps = append(steps, d.debugRun, d.blockedJob, d.refusals, d.release, d.leaveFrozen)
	case !d.keep:
		steps = append(steps, d.debugRun, d.blockedJob, d.refusals, d.attempts, d.release, d.hostileProgram, d.revocations, d.lineage)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// found founds the organizations of the city.
func (d *demo) found(ctx context.Context) error {
	d.chapter(0, "A city: five institutions, a second operator, and their people")
	admin, err := readAdmin(d.data, d.server)
	if err != nil {
		return err
	}
	d.admin = admin
	if err := d.settle(ctx, d.server); err != nil {
		return err
	}
	if err := d.keepProfiles(); err != nil {
		return err
	}
	for _, i := range d.institutions() {
		var who []string
		for _, p := range i.people {
			who = append(who, p.login)
		}
		d.tell("admin", "org.create "+i.name, "ok", "people: "+strings.Join(who, ", "))
	}
	return nil
}

// keepProfiles leaves the people's keys beside an instance that stays up, for the command line: each under its
// login and under its part, so that both `sluice --as kaifa` and `sluice --as developer` speak as them.
func (d *demo) keepProfiles() error {
	if !d.keep {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(d.profilePath("x")), 0o700); err != nil {
		return fmt.Errorf("making the folder of profiles: %w", err)
	}
	for part, p := range d.parts() {
		if err := client.NewProfile(d.server, p.home, p.login, p.key).Save(d.profilePath(p.login)); err != nil {
			return fmt.Errorf("keeping the profile of %s: %w", p.login, err)
		}
		if err := os.Symlink(p.login+".json", d.profilePath(part)); err != nil {
			return fmt.Errorf("naming the profile of %s by its part: %w", p.login, err)
		}
	}
	return nil
}

// profilePath is where a person's profile lies.
func (d *demo) profilePath(login string) string {
	return filepath.Join(d.data, "people", login+".json")
}

// publish publishes the department's table: a bad file first, which registers nothing.
func (d *demo) publish(ctx context.Context) error {
	var err error
	if d.rows, err = table(); err != nil {
		return err
	}
	if d.freeze != "" {
		d.rows = sample(d.rows)
	}
	var ok bool
	if d.victim, ok = findVictim(d.rows); !ok {
		return errors.New("no resident is alone with what an attacker knows")
	}
	var file bytes.Buffer
	if err := writeTable(&file, d.rows); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	if err := keepFile(filepath.Join(d.dir, "input", slug+".csv"), file.Bytes()); err != nil {
		return err
	}
	if _, err := d.steward.Datasets.Declare(ctx, declared()); err != nil {
		return fmt.Errorf("declaring the dataset: %w", err)
	}
	refused, err := d.upload(ctx, misspelt(file.Bytes()))
	if err != nil {
		return err
	}
	d.must(refused.State == string(dataset.Refused) && refused.Refusal != nil && len(refused.Refusal.Errors) > 0,
		"steward", "dataset.publish (one wrong word)", "refused", place(refused.Refusal))
	if d.version, err = d.upload(ctx, file.Bytes()); err != nil {
		return err
	}
	d.must(d.version.State == string(dataset.Available) && d.version.Rows == int64(len(d.rows)),
		"steward", "dataset.publish "+slug, "ok", fmt.Sprintf("version %d, %d rows, %s", d.version.Number, d.version.Rows, short(d.version.Digest)))
	if err := d.otherFile(ctx, file.Bytes()); err != nil {
		return err
	}
	return d.profile(ctx)
}

// misspelt is a table's file with one wrong word.
func misspelt(file []byte) []byte {
	return bytes.Replace(file, []byte(",excellent,"), []byte(",excellant,"), 1) //nolint:misspell // the wrong word is the point
}

// otherFile sends a file whose chunks are what they say and whose whole is not: the container's side finds out.
func (d *demo) otherFile(ctx context.Context, body []byte) error {
	up, err := d.steward.Uploads.Start(ctx, wire.UploadSpec{Dataset: slug, Size: int64(len(body))})
	if err != nil {
		return fmt.Errorf("announcing a file: %w", err)
	}
	if _, err := d.steward.Uploads.SendChunk(ctx, up.ID, 1, body); err != nil {
		return fmt.Errorf("sending a chunk: %w", err)
	}
	lie := wire.Sum{Size: int64(len(body)), Digest: name.DigestOf([]byte("another file"))}
	if _, err := d.steward.Uploads.Complete(ctx, up.ID, lie); err != nil {
		return fmt.Errorf("completing an upload: %w", err)
	}
	v, err := d.steward.Datasets.Publish(ctx, slug, wire.Publication{Upload: up.ID, Mode: dataset.Replace})
	if err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	if v, err = d.steward.Datasets.WaitVersion(ctx, slug, v.Number); err != nil {
		return fmt.Errorf("waiting for the version: %w", err)
	}
	told := v.Refusal != nil && len(v.Refusal.Errors) == 1 && v.Refusal.Errors[0].Reason == "file.digest"
	d.must(v.State == string(dataset.Refused) && told, "steward", "dataset.publish (another file than was said)", "refused", "file.digest")
	return nil
}

func (d *demo) upload(ctx context.Context, body []byte) (dataset.VersionView, error) {
	v, err := d.steward.Datasets.PublishFile(ctx, slug, bytes.NewReader(body))
	if err != nil {
		return v, fmt.Errorf("publishing: %w", err)
	}
	return d.steward.Datasets.WaitVersion(ctx, slug, v.Number)
}

// profile has the profile computed and signed: what debug runs are made from.
func (d *demo) profile(ctx context.Context) error {
	if _, err := d.steward.Datasets.Profile(ctx, slug, d.version.Number); err != nil {
		return fmt.Errorf("asking for the profile: %w", err)
	}
	if _, err := d.steward.Datasets.WaitProfile(ctx, slug, d.version.Number); err != nil {
		return fmt.Errorf("waiting for the profile: %w", err)
	}
	signed, err := d.steward.Datasets.SignProfile(ctx, slug, d.version.Number)
	if err != nil {
		return fmt.Errorf("signing the profile: %w", err)
	}
	d.must(signed.ProfileSigned, "steward", "dataset.profile sign", "ok", "declared domains and rounded counts only")
	return nil
}

// register registers the dataset: apply, accept, notice, code.
func (d *demo) register(ctx context.Context) error {
	digest := name.Digest(d.version.Digest)
	r, err := d.applicant.Registrations.Apply(ctx, slug, registration.Spec{
		Declarations: registration.Declarations{NoStateSecret: true, TradeSecretHandled: true, PersonalHandled: true, RiskAssessed: true},
		Summary:      "居民门诊就诊次数与健康状况（按年）", Commitment: name.DigestOf([]byte("登记承诺书")), Evidence: digest,
	})
	if err != nil {
		return fmt.Errorf("applying for registration: %w", err)
	}
	d.tell("applicant", "registration.apply "+r.Number, "ok", "accept due "+r.AcceptDue.In(calendar.Zone()).Format("2006-01-02"))
	if r, err = d.accepting.Registrations.Accept(ctx, r.Number); err != nil {
		return fmt.Errorf("accepting: %w", err)
	}
	d.tell("registrar", "registration.accept", "ok", "review due "+r.ReviewDue.In(calendar.Zone()).Format("2006-01-02"))
	_, err = d.accepting.Registrations.Notice(ctx, r.Number)
	d.refusedAs(err, "registrar", "registration.notice by who accepted", "approver.accepted_it")
	if r, err = d.examining.Registrations.Notice(ctx, r.Number); err != nil {
		return fmt.Errorf("opening the notice: %w", err)
	}
	d.tell("registrar", "registration.notice", "ok", "this instance's rule set closes notices at once; the city's takes 10 working days")
	if r, err = d.examining.Registrations.Code(ctx, r.Number); err != nil {
		return fmt.Errorf("coding: %w", err)
	}
	d.tell("registrar", "registration.code", "ok", fmt.Sprintf("%s, valid to %s", r.QueryCode, r.ValidTo.Add(-time.Second).In(calendar.Zone()).Format("2006-01-02")))
	return nil
}

// agree signs and files the agreement and grants half of the districts.
func (d *demo) agree(ctx context.Context) error {
	today := calendar.DateOf(time.Now())
	a, err := d.chief.Agreements.Record(ctx, agreement.Spec{
		Operator: d.director.home, From: today, To: today.AddYears(2), Datasets: []name.Slug{slug},
		Document: name.DigestOf([]byte("运营协议")), Decision: agreement.Decision{Document: "渝数运〔2025〕3号", Date: today},
	})
	if err != nil {
		return fmt.Errorf("recording the agreement: %w", err)
	}
	for _, party := range []*persona{d.chief, d.director} {
		if a, err = party.Agreements.Sign(ctx, a.Number); err != nil {
			return fmt.Errorf("signing the agreement: %w", err)
		}
	}
	d.tell("agency", "agreement.sign "+a.Number, "ok", "file due "+a.FileDue.Add(-time.Second).In(calendar.Zone()).Format("2006-01-02"))
	if a, err = d.authority.Agreements.File(ctx, a.Number, "备案〔2026〕1号"); err != nil {
		return fmt.Errorf("filing the agreement: %w", err)
	}
	d.must(a.State == "effective", "authority", "agreement.file", "ok", a.State)
	d.agreement = a
	if d.grantNumber, err = d.granted(ctx, "plan", "health", "limitation", "visits", "chronic", "district"); err != nil {
		return err
	}
	return d.preview(ctx)
}

// preview shows the steward exactly what the grant shows. The story tells columns and districts, no row.
func (d *demo) preview(ctx context.Context) error {
	id, err := d.steward.Datasets.Preview(ctx, slug, d.version.Number, d.grantNumber)
	if err != nil {
		return fmt.Errorf("asking for a preview: %w", err)
	}
	body, err := d.steward.Datasets.WaitPreview(ctx, slug, d.version.Number, id)
	if err != nil {
		return fmt.Errorf("waiting for the preview: %w", err)
	}
	var shown task.PreviewTable
	if err := json.Unmarshal(body, &shown); err != nil {
		return fmt.Errorf("reading the preview: %w", err)
	}
	at, inside := slices.Index(shown.Columns, "district"), len(shown.Rows) > 0
	for _, row := range shown.Rows {
		inside = inside && at >= 0 && slices.Contains(granted(), row[at])
	}
	hidden := !slices.Contains(shown.Columns, "resident_id") && !slices.Contains(shown.Columns, "name") && !slices.Contains(shown.Columns, "phone")
	d.must(inside && hidden, "steward", "dataset.preview under "+d.grantNumber, "ok",
		fmt.Sprintf("%d rows of %s; residents as tokens", len(shown.Rows), strings.Join(shown.Columns, ", ")))
	return nil
}

// granted proposes and approves a grant of columns in the granted districts.
func (d *demo) granted(ctx context.Context, columns ...string) (string, error) {
	g, err := d.developer.Grants.Propose(ctx, d.grantSpec(columns...))
	if err != nil {
		return "", fmt.Errorf("proposing the grant: %w", err)
	}
	if g, err = d.chief.Grants.Approve(ctx, g.Number); err != nil {
		return "", fmt.Errorf("approving the grant: %w", err)
	}
	d.must(g.State == "active", "agency", "grant.approve "+g.Number, "ok",
		fmt.Sprintf("%s in %d of %d districts, %d days", strings.Join(columns, ", "), len(granted()), len(districts()), grantDays))
	return g.Number, nil
}

func (d *demo) grantSpec(columns ...string) grant.Spec {
	today := calendar.DateOf(time.Now())
	return grant.Spec{Agreement: d.agreement.Number, Scope: grant.Scope{
		Dataset: slug, VersionFrom: d.version.Number, VersionTo: d.version.Number, Columns: columns,
		Rows:       grant.Rows{Filters: []grant.RowFilter{{Column: "district", In: granted()}}},
		Operations: []name.Operation{name.OpSQL}, Purposes: []string{purpose}, Outputs: []name.OutputKind{name.OutTable},
		LevelCap: 2, From: today, To: today.AddDays(grantDays), Budget: grant.Budget{Runs: 100, Rows: 100 * int64(len(d.rows)) * 2},
		MinUnits: 10, LawfulBasis: "个人信息保护法第十三条第一款第三项",
	}}
}

// debugRun runs job D on synthetic tables.
func (d *demo) debugRun(ctx context.Context) error {
	d.chapter(1, "A debug run on synthetic data")
	p, err := d.packaged("visits-by-cover")
	if err != nil {
		return err
	}
	j, err := d.developer.Jobs.Debug(ctx, p)
	if err != nil {
		return fmt.Errorf("debugging: %w", err)
	}
	if j, err = d.developer.Jobs.Wait(ctx, j.Number); err != nil {
		return err
	}
	var used job.Usage
	if err := json.Unmarshal(j.Usage, &used); err != nil {
		return fmt.Errorf("reading usage: %w", err)
	}
	d.must(j.State == string(job.Succeeded), "developer", "job.debug "+j.Number, "ok", "synthetic, from the signed profile; nobody's data")
	d.show(used.Tables["visits_by_cover"])
	return nil
}

// blockedJob is job A: forty cells, some with few people.
func (d *demo) blockedJob(ctx context.Context) error {
	d.chapter(2, "Job A: people and mean visits by plan × health × limitation")
	p, err := d.packaged("visits-by-plan")
	if err != nil {
		return err
	}
	j, findings, err := d.runJob(ctx, p)
	if err != nil {
		return err
	}
	small := find(findings, "people.below_threshold")
	d.must(small != nil && len(small.Cells) > 0, "developer", "job.submit A "+j.Number, "blocked", codesOf(findings))
	if small != nil {
		for _, cell := range small.Cells[:min(3, len(small.Cells))] {
			d.show("under 10: " + strings.Join(cell, " × "))
		}
		d.show(fmt.Sprintf("… %d cells in all, named without their values", len(small.Cells)))
	}
	return nil
}

// runJob submits, approves by both seats, and waits; findings are of all outputs.
func (d *demo) runJob(ctx context.Context, p job.Package) (job.View, []screen.Finding, error) {
	j, err := d.developer.Jobs.Submit(ctx, p)
	if err != nil {
		return j, nil, fmt.Errorf("submitting %s: %w", p.Name, err)
	}
	if j, err = d.approved(ctx, j); err != nil || j.State == string(job.Refused) {
		return j, nil, err
	}
	if j, err = d.developer.Jobs.Wait(ctx, j.Number); err != nil {
		return j, nil, err
	}
	outputs, err := d.developer.Outputs.List(ctx, j.Number)
	if err != nil {
		return j, nil, fmt.Errorf("listing outputs: %w", err)
	}
	var all []screen.Finding
	for _, o := range outputs {
		var found []screen.Finding
		if err := json.Unmarshal(o.Findings, &found); err != nil {
			return j, nil, fmt.Errorf("reading findings: %w", err)
		}
		all = append(all, found...)
	}
	return j, all, nil
}

// approved waits for the check and lets both seats consent to the run.
func (d *demo) approved(ctx context.Context, j job.View) (job.View, error) {
	j, err := d.developer.Jobs.WaitState(ctx, j.Number, string(job.Checked))
	if err != nil || j.State != string(job.Checked) {
		return j, err
	}
	if _, err = d.officer.Jobs.Approve(ctx, j.Number); err != nil {
		return j, fmt.Errorf("approving by the operator: %w", err)
	}
	if j, err = d.chief.Jobs.Approve(ctx, j.Number); err != nil {
		return j, fmt.Errorf("approving by the agency: %w", err)
	}
	return j, nil
}

// refusedAs checks that a call was refused for one reason.
func (d *demo) refusedAs(err error, actor, action, code string) {
	var p *client.Problem
	if !errors.As(err, &p) {
		d.must(false, actor, action, "refused", fmt.Sprintf("wanted %s, got %v", code, err))
		return
	}
	d.must(p.Has(code), actor, action, "refused", strings.Join(p.Codes(), ", "))
}

// declared is the dataset as the department declares it.
func declared() dataset.Spec {
	today := calendar.DateOf(time.Now())
	low, high := "0", "100"
	return dataset.Spec{
		Slug: slug, Title: "居民门诊就诊次数与健康状况", Basis: "医疗卫生服务统计职责", Class: dataset.General, RoundTo: 5,
		Columns: []dataset.Column{
			{Name: "resident_id", Title: "居民身份号码", Type: dataset.Text, Level: 4, Role: dataset.Identifier, Mask: dataset.MaskDrop},
			{Name: "name", Title: "姓名", Type: dataset.Text, Level: 3, Role: dataset.Identifier, Mask: dataset.MaskSurname},
			{Name: "phone", Title: "手机号码", Type: dataset.Text, Level: 3, Role: dataset.Identifier, Mask: dataset.MaskPhone},
			{Name: "district", Title: "区县代码", Type: dataset.Text, Level: 2, Role: dataset.Quasi, Domain: districts()},
			{Name: "plan", Title: "保险方案", Type: dataset.Text, Level: 1, Role: dataset.Other, Domain: plans()},
			{Name: "health", Title: "自评健康", Type: dataset.Text, Level: 2, Role: dataset.Sensitive, Domain: healths()},
			{Name: "limitation", Title: "身体受限", Type: dataset.Boolean, Level: 2, Role: dataset.Sensitive},
			{Name: "visits", Title: "年门诊次数", Type: dataset.Integer, Level: 2, Role: dataset.Sensitive, Min: &low, Max: &high},
			{Name: "chronic", Title: "慢性病指数", Type: dataset.Number, Level: 2, Role: dataset.Sensitive, Min: &low, Max: &high},
		},
		Units: []dataset.Unit{{Kind: dataset.Resident, Column: "resident_id"}},
		Terms: dataset.Terms{
			Purposes: []string{purpose}, Columns: []string{"district", "plan", "health", "limitation", "visits", "chronic"},
			Operations: []name.Operation{name.OpSQL}, Outputs: []name.OutputKind{name.OutTable}, MinUnits: 10,
			Approval: dataset.Manual, To: today.AddYears(1),
		},
	}
}

func keepFile(path string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	return os.WriteFile(path, body, 0o644) //nolint:gosec // where the demo's own flags say
}

// place tells where the first fault of a refused upload is.
func place(r *dataset.Refusal) string {
	if r == nil || len(r.Errors) == 0 {
		return "no place told"
	}
	e := r.Errors[0]
	return fmt.Sprintf("row %d, column %s: %s", e.Row, e.Column, e.Reason)
}

func short(digest string) string { return digest[:min(len(digest), 19)] }

func find(findings []screen.Finding, code string) *screen.Finding {
	for i := range findings {
		if findings[i].Code == code {
			return &findings[i]
		}
	}
	return nil
}

func codesOf(findings []screen.Finding) string {
	var codes []string
	for _, f := range findings {
		if !strings.Contains(strings.Join(codes, " "), f.Code) {
			codes = append(codes, f.Code)
		}
	}
	return strings.Join(codes, ", ")
}

package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/client"
)

//go:embed jobs/*
var jobs embed.FS

// packaged reads one of the demo's job packages as the command line does.
func (d *demo) packaged(base string) (job.Package, error) {
	body, err := jobs.ReadFile("jobs/" + base + ".yaml")
	if err != nil {
		return job.Package{}, fmt.Errorf("reading job: %w", err)
	}
	body = []byte(strings.ReplaceAll(string(body), "G-2026-0001", d.grantNumber))
	p, code, err := job.ParsePackage(body)
	if err != nil {
		return job.Package{}, fmt.Errorf("parsing job: %w", err)
	}
	text, err := jobs.ReadFile("jobs/" + code)
	if err != nil {
		return job.Package{}, fmt.Errorf("reading code: %w", err)
	}
	p.Code = string(text)
	return p, nil
}

func input(table, grant string, columns []string) job.Input {
	return job.Input{Name: table, Grant: name.Number(grant), Dataset: slug, Version: firstGood, Columns: columns}
}

// firstGood is the version that was published: the first upload was refused.
const firstGood = 2

// refusals are refused before one row is read.
func (d *demo) refusals(ctx context.Context) error {
	d.chapter(3, "Refused before one row is read")
	plain := []string{"health", "visits"}
	b := attempt{title: "job b", columns: append(plain, "phone"), sql: "-- relation: r\nSELECT resident, health, visits FROM visits", tables: []job.Table{byHealth("r")}}
	_, err := d.developer.Jobs.Submit(ctx, b.pack(d.grantNumber, purpose))
	d.refusedAs(err, "developer", "job.submit B: declares phone", "columns.outside_grant")

	b2 := attempt{title: "job b two", columns: plain, sql: "-- relation: r\nSELECT resident, health, visits, substr(phone, 1, 3) AS prefix FROM visits", tables: []job.Table{byHealth("r")}}
	if err := d.checkRefuses(ctx, b2, "job.submit B2: only its SQL uses phone", "columns.not_declared"); err != nil {
		return err
	}
	_, err = d.developer.Jobs.Submit(ctx, b2.pack(d.grantNumber, "marketing"))
	d.refusedAs(err, "developer", "job.submit C: another purpose", "purpose.outside_grant")
	_, err = d.developer.Grants.Propose(ctx, d.grantSpec("plan", "health", "visits", "phone"))
	d.refusedAs(err, "developer", "grant.propose wider than the terms", "columns.outside_terms")
	return d.ownVote(ctx)
}

// checkRefuses submits code that the check must refuse, naming why.
func (d *demo) checkRefuses(ctx context.Context, a attempt, action, code string) error {
	j, err := d.developer.Jobs.Submit(ctx, a.pack(d.grantNumber, purpose))
	if err != nil {
		return fmt.Errorf("submitting: %w", err)
	}
	if j, err = d.developer.Jobs.WaitState(ctx, j.Number, string(job.Checked)); err != nil {
		return err
	}
	found, err := checked(j)
	if err != nil {
		return err
	}
	named, detail := found.name(code)
	d.must(j.State == string(job.Refused) && named, "developer", action, "refused", detail)
	return nil
}

// ownVote runs job D, opens its review, and has its author vote.
func (d *demo) ownVote(ctx context.Context) error {
	p, err := d.packaged("visits-by-cover")
	if err != nil {
		return err
	}
	j, findings, err := d.runJob(ctx, p)
	if err != nil {
		return err
	}
	d.jobD = j.Number
	if !d.must(len(findings) == 0, "developer", "job.submit D "+j.Number, "ok", "free / shared × health: nothing blocks it"+codesOf(findings)) {
		return errors.New("job D does not pass: the story cannot go on")
	}
	r, err := d.developer.Requests.Open(ctx, output.RequestSpec{
		Job: j.Number, Output: "visits_by_cover", Context: "Visits by cover and health, for the yearly report; 8 cells.",
	})
	if err != nil {
		return fmt.Errorf("opening the review: %w", err)
	}
	d.request = r.Number
	_, err = d.developer.Requests.Vote(ctx, r.Number, output.OperatorSeat, output.Approve)
	d.refusedAs(err, "developer", "review.vote on his own output", "approver.is_author")
	_, err = d.stranger.Requests.Show(ctx, r.Number)
	var unknown *client.Problem
	d.must(errors.As(err, &unknown) && unknown.Status == 404, "stranger", "review.show of another's request", "refused", "as if it were not there")
	return nil
}

// attempts tries the forgeries, and what honest analysts write beside them.
func (d *demo) attempts(ctx context.Context) error {
	d.chapter(4, "Forgeries, and honest statements beside them")
	d.show(fmt.Sprintf("one resident is alone in the granted districts with what an attacker knows: %s", d.victim.where()))
	all := append(forgeries(d.victim), honest())
	tried := make([]func() error, len(all))
	var running sync.WaitGroup
	seats := make(chan struct{}, beside)
	for i, a := range all {
		running.Go(func() {
			seats <- struct{}{}
			defer func() { <-seats }()
			tried[i] = d.try(ctx, a)
		})
	}
	running.Wait()
	for _, tell := range tried {
		if err := tell(); err != nil {
			return err
		}
	}
	return nil
}

// beside is how many attempts are under way at once.
const beside = 3

// try runs one attempt and returns how to tell it: the story keeps the order of the list.
func (d *demo) try(ctx context.Context, a attempt) func() error {
	j, findings, err := d.runJob(ctx, a.pack(d.grantNumber, purpose))
	return func() error {
		if err != nil {
			return fmt.Errorf("%s: %w", a.title, err)
		}
		return d.tellAttempt(a, j, findings)
	}
}

// release lets job D's table out: two seats, a certificate, and every check beside.
func (d *demo) release(ctx context.Context) error {
	d.chapter(5, "Two seats vote on job D; the product leaves")
	r, err := d.officer.Requests.Show(ctx, d.request)
	if err != nil {
		return fmt.Errorf("showing the request: %w", err)
	}
	d.tell("officer", "review.show "+r.Number, "ok", "code, schema and findings; no values")
	_, err = d.officer.Outputs.Fetch(ctx, d.jobD, "visits_by_cover")
	d.refusedAs(err, "officer", "output.fetch before the release", "access.not_permitted")
	body, err := d.reviewer.Outputs.Fetch(ctx, d.jobD, "visits_by_cover")
	if err != nil {
		return fmt.Errorf("fetching values: %w", err)
	}
	d.tell("reviewer", "output.fetch: the agency's seat sees values", "ok", "this view is in the trace")
	d.show(string(body))

	forged, err := d.officer.Requests.Statement(ctx, r.Number, output.OperatorSeat, output.Approve)
	if err != nil {
		return fmt.Errorf("preparing a vote: %w", err)
	}
	forged.Digest = name.DigestOf([]byte("other bytes"))
	_, err = d.officer.Requests.Cast(ctx, r.Number, forged, "")
	d.refusedAs(err, "officer", "review.vote over other bytes", "vote.digest_mismatch")
	if r, err = d.officer.Requests.Vote(ctx, r.Number, output.OperatorSeat, output.Approve); err != nil {
		return fmt.Errorf("voting for the operator: %w", err)
	}
	other, err := d.reviewer.Requests.Show(ctx, r.Number)
	if err != nil {
		return fmt.Errorf("showing the request: %w", err)
	}
	d.must(len(r.Votes) == 1 && len(other.Votes) == 0, "officer", "review.vote approve", "ok", "sealed from the other seat until both are in")
	if _, err = d.reviewer.Requests.Vote(ctx, r.Number, output.AgencySeat, output.Approve); err != nil {
		return fmt.Errorf("voting for the agency: %w", err)
	}
	d.tell("reviewer", "review.vote approve", "ok", "the keeper verifies both votes again")
	return d.receive(ctx)
}

// receive downloads the product and verifies it without the server.
func (d *demo) receive(ctx context.Context) error {
	l, err := d.developer.Releases.WaitFor(ctx, d.request)
	if err != nil {
		return err
	}
	pkg, err := d.developer.Releases.Get(ctx, l.Number)
	if err != nil {
		return fmt.Errorf("downloading the product: %w", err)
	}
	d.released, d.product = l.Number, l.Digest
	if err := d.leave(pkg); err != nil {
		return err
	}
	d.must(l.State == string(output.Released), "keeper", "release.make "+l.Number, "ok", "certificate over the proof of its trace entry")
	root, err := client.ReadRoot(filepath.Join(d.data, "root", "root.pub"))
	if err != nil {
		return err
	}
	d.must(client.VerifyRelease(pkg, root) == nil, "developer", "release.verify, offline", "ok", "product, votes, trace and trust fit the root key")
	flipped := pkg
	flipped.Product = append([]byte(nil), pkg.Product...)
	flipped.Product[len(flipped.Product)/2] ^= 1
	d.must(client.VerifyRelease(flipped, root) != nil, "developer", "release.verify, one byte flipped", "refused", "the digest differs")
	d.show(string(pkg.Product))
	return nil
}

// leave writes what the demo leaves of the product.
func (d *demo) leave(pkg release.Package) error {
	for file, body := range map[string][]byte{
		"product.csv": pkg.Product, "certificate.json": pkg.Certificate, "proof.json": pkg.Proof, "trust.json": pkg.Trust,
		"votes.json": pkg.Votes,
	} {
		if err := keepFile(filepath.Join(d.dir, "release", file), body); err != nil {
			return err
		}
	}
	return nil
}

// tried is one line of the hostile program's report.
type tried struct {
	Attempt string `json:"attempt"`
	Outcome string `json:"outcome"`
}

// probed runs the hostile program and returns its report. It stands beside the instance and dies with its engine: after
// a kill it is run again.
func (d *demo) probed(ctx context.Context) ([]byte, error) {
	for try := 0; ; try++ {
		var told bytes.Buffer
		cmd := exec.CommandContext(ctx, d.sluice, "probe", "--data", d.data, "--program", d.probe) //nolint:gosec // our own program
		cmd.Stderr = &told
		out, err := cmd.Output()
		cut := bytes.Contains(out, []byte(`"interrupted"`))
		if err == nil && (!cut || try >= d.kills) {
			return out, nil
		}
		if try == d.kills {
			return nil, fmt.Errorf("running the hostile program: %w: %s", err, told.String())
		}
		if err := pause(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("waiting: %w", ctx.Err())
	case <-timer.C:
		return nil
	}
}

// hostileProgram puts a program that wants out into the jobs' template, and has honest code fail on real data.
func (d *demo) hostileProgram(ctx context.Context) error {
	d.chapter(6, "A hostile program in the same container template, and an error on real data")
	out, err := d.probed(ctx)
	if err != nil {
		return err
	}
	var report struct {
		Outcome  string  `json:"outcome"`
		Attempts []tried `json:"attempts"`
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return fmt.Errorf("reading what the hostile program did: %w", err)
	}
	managed := []string{}
	for _, t := range report.Attempts {
		if !strings.HasPrefix(t.Outcome, "refused") {
			managed = append(managed, t.Attempt)
		}
	}
	d.must(len(report.Attempts) > 0 && len(managed) == 0 && report.Outcome == "failed", "hostile",
		fmt.Sprintf("%d attempts: network, engine, files, kernel", len(report.Attempts)), "refused", "outcome "+report.Outcome+"; no log, no message"+strings.Join(managed, ", "))
	j, _, err := d.runJob(ctx, castError().pack(d.grantNumber, purpose))
	if err != nil {
		return err
	}
	d.must(j.State == string(job.Failed) && !leaks(j), "developer", "a cast error on real data", "failed", string(j.Failure))
	return nil
}

// leaks looks for any plan's name in what the author is told.
func leaks(j job.View) bool {
	for _, p := range plans() {
		if strings.Contains(string(j.Failure), p) {
			return true
		}
	}
	return len(j.Failure) == 0
}

// longJob keeps a sandbox busy: many relations, each run seventeen times by the split test.
func (d *demo) longJob(grant string) job.Package {
	const relations = 60
	var sql strings.Builder
	for i := range relations {
		fmt.Fprintf(&sql, "-- relation: r%d\nSELECT resident, min(health) AS state, sum(visits) AS visits_all FROM visits GROUP BY resident\n", i)
	}
	a := attempt{title: "long run", columns: []string{"health", "visits"}, sql: sql.String(), tables: []job.Table{byState("r0")}}
	return a.pack(grant, purpose)
}

// revocations end running jobs: by a revoked grant, and by the department's freeze.
func (d *demo) revocations(ctx context.Context) error {
	d.chapter(7, "Rights end during a run")
	second, err := d.granted(ctx, "health", "visits")
	if err != nil {
		return err
	}
	err = d.stopped(ctx, second, "agency", "grant.revoke "+second, "grant.not_active", func() error {
		_, err := d.chief.Grants.Revoke(ctx, second)
		return err
	})
	if err != nil {
		return err
	}
	return d.stopped(ctx, d.grantNumber, "steward", "dataset.freeze "+slug, "dataset.frozen", func() error {
		_, err := d.steward.Datasets.Freeze(ctx, slug)
		return err
	})
}

// deadline is how soon a run must be dead after its right ended.
const deadline = 5 * time.Second

func (d *demo) stopped(ctx context.Context, grant, actor, action, reason string, end func() error) error {
	j, err := d.developer.Jobs.Submit(ctx, d.longJob(grant))
	if err != nil {
		return fmt.Errorf("submitting the long run: %w", err)
	}
	if j, err = d.approved(ctx, j); err != nil {
		return err
	}
	if j, err = d.developer.Jobs.WaitState(ctx, j.Number, string(job.Running)); err != nil {
		return err
	}
	if err := end(); err != nil {
		return fmt.Errorf("ending a right: %w", err)
	}
	began := time.Now()
	if j, err = d.developer.Jobs.Wait(ctx, j.Number); err != nil {
		return err
	}
	gone, err := d.emptied(ctx, j.Number, deadline)
	if err != nil {
		return err
	}
	took := time.Since(began)
	d.must(j.State == string(job.Killed) && gone, actor, action, "killed", fmt.Sprintf("%s and its container were gone after %.1f s: %s", j.Number, took.Seconds(), j.Stopped))
	_, err = d.developer.Jobs.Submit(ctx, d.longJob(grant))
	d.refusedAs(err, "developer", "job.submit afterwards", reason)
	return nil
}

// emptied waits until the instance's engine holds no container of ours.
func (d *demo) emptied(ctx context.Context, _ string, within time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := filepath.Glob(filepath.Join(d.data, "launcher", "runs", "*"))
		if err != nil {
			return false, fmt.Errorf("looking for run folders: %w", err)
		}
		if len(left) == 0 {
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-tick.C:
		}
	}
}

// lineage follows the product back to its bytes and verifies the trace without the server.
func (d *demo) lineage(ctx context.Context) error {
	d.chapter(8, "From the product's digest back to its bytes")
	chains, err := d.steward.Trace.Lineage(ctx, d.product)
	if err != nil {
		return fmt.Errorf("following the product: %w", err)
	}
	if !d.must(len(chains) == 1 && len(chains[0].Inputs) == 1, "steward", "trace.lineage "+short(d.product), "ok", fmt.Sprintf("%d job", len(chains))) {
		return nil
	}
	c := chains[0]
	for _, o := range c.Outputs {
		d.show(fmt.Sprintf("product %s ← %s %s ← votes %s", o.Release, c.Job, o.Name, seats(o.Votes)))
	}
	in := c.Inputs[0]
	d.show(fmt.Sprintf("code %s ← grant %s ← agreement %s ← registration %s", short(c.Code), in.Grant, in.Agreement, in.Registration))
	d.show(fmt.Sprintf("dataset %s version %d, manifest %s, part %s", in.Dataset, in.Version, short(in.Manifest), short(in.Parts[0])))
	forward, err := d.steward.Trace.Lineage(ctx, in.Parts[0])
	if err != nil {
		return fmt.Errorf("following the part: %w", err)
	}
	d.must(reaches(forward, d.released), "steward", "trace.lineage "+short(in.Parts[0]), "ok", fmt.Sprintf("forward: %d jobs read this part, %s among what left", len(forward), d.released))
	root, err := client.ReadRoot(filepath.Join(d.data, "root", "root.pub"))
	if err != nil {
		return err
	}
	trust, err := os.ReadFile(filepath.Join(d.dir, "release", "trust.json"))
	if err != nil {
		return fmt.Errorf("reading trust.json: %w", err)
	}
	size, err := d.auditor.Trace.Verify(ctx, trust, root)
	d.must(err == nil && size > 0, "auditor", "trace.verify", "ok", fmt.Sprintf("%d entries, every leaf and tile under the signed checkpoint", size))
	return d.count(ctx)
}

// count tells how much of everything there is: neither more nor less than the story made.
func (d *demo) count(ctx context.Context) error {
	jobs, err := d.developer.Jobs.List(ctx)
	if err != nil {
		return fmt.Errorf("counting jobs: %w", err)
	}
	grants, err := d.developer.Grants.List(ctx)
	if err != nil {
		return fmt.Errorf("counting grants: %w", err)
	}
	requests, err := d.reviewer.Requests.List(ctx)
	if err != nil {
		return fmt.Errorf("counting requests: %w", err)
	}
	releases, err := d.reviewer.Releases.List(ctx)
	if err != nil {
		return fmt.Errorf("counting releases: %w", err)
	}
	d.must(len(releases) == 1, "agency", "the record", "ok", fmt.Sprintf("%d jobs, %d grants, %d review requests, %d release",
		len(jobs), len(grants), len(requests), len(releases)))
	return nil
}

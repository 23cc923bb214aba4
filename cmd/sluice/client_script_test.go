package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// scene is a running instance a script plays in: real database, real store, real keeper. Only the containers
// are not there: the script says what the work would have come to.
type scene struct {
	*gatewaytest.Instance
	worker *handWorker
}

// TestScripts plays every script against an instance of its own. The program runs under its own name, in a
// process of its own.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the instance's log:\n%s", s.Log)
				}
			})
			testscript.Run(t, testscript.Params{
				Files: []string{file}, RequireExplicitExec: true, Setup: s.setup, Cmds: s.commands(),
			})
		})
	}
}

func newScene(t *testing.T) *scene {
	i := gatewaytest.Start(t)
	return &scene{Instance: i, worker: &handWorker{
		queue: postgres.NewQueue(pgtest.Open(t, i.DB.Worker)), store: i.Store.Open(t, object.Worker), owner: i.Owner,
	}}
}

// person is somebody a script may act as, with --profile LOGIN.json.
type scripted struct {
	home  string
	login string
	roles []org.Role
}

// setup founds the organizations of every script, and gives each person a profile file.
func (s *scene) setup(env *testscript.Env) error {
	env.Setenv("SLUICE_SERVER", s.URL)
	python, err := filepath.Abs("../../gateway/client/python")
	if err != nil {
		return err
	}
	env.Setenv("PYTHONPATH", python)
	env.Setenv("PYTHONIOENCODING", "utf-8")
	env.Setenv("SLUICE_PROFILE", filepath.Join(env.WorkDir, "developer.json"))
	env.Setenv("TODAY", calendar.DateOf(time.Now()).String())
	env.Setenv("LATER", calendar.DateOf(time.Now()).AddDays(30).String())
	if err := os.WriteFile(filepath.Join(env.WorkDir, "root.pub"), []byte(hex.EncodeToString(s.Root)+"\n"), 0o600); err != nil {
		return err
	}
	if err := s.saveAdmin(env.WorkDir); err != nil {
		return err
	}
	homes := map[string]string{}
	for _, o := range []struct {
		title      string
		capacities []org.Capacity
	}{
		{"provider", []org.Capacity{org.DataProvider, org.Registrant}}, {"registrar", []org.Capacity{org.Registrar}},
		{"authority", []org.Capacity{org.DataAuthority}}, {"agency", []org.Capacity{org.ImplementingAgency}},
		{"operator", []org.Capacity{org.Operator}},
	} {
		number, err := s.found(o.title, o.capacities)
		if err != nil {
			return err
		}
		homes[o.title] = number
		env.Setenv(strings.ToUpper(o.title), number)
	}
	for _, p := range []scripted{
		{"provider", "steward", []org.Role{org.OrgAdmin, org.DataSteward}}, {"provider", "applicant", []org.Role{org.Applicant}},
		{"registrar", "accepting", []org.Role{org.OrgAdmin, org.Approver}}, {"registrar", "examining", []org.Role{org.Approver}},
		{"authority", "filing", []org.Role{org.OrgAdmin, org.Approver}},
		{"agency", "chief", []org.Role{org.OrgAdmin, org.Approver}}, {"agency", "reviewer", []org.Role{org.OutputReviewer}},
		{"operator", "director", []org.Role{org.OrgAdmin, org.Approver}}, {"operator", "developer", []org.Role{org.Developer}},
		{"operator", "officer", []org.Role{org.SecurityOfficer}},
	} {
		if err := s.enter(env.WorkDir, homes[p.home], p); err != nil {
			return err
		}
	}
	if err := s.enter(env.WorkDir, gatewaytest.Platform, scripted{"platform", "guard", []org.Role{org.SecurityAdmin}}); err != nil {
		return err
	}
	return s.enter(env.WorkDir, gatewaytest.Platform, scripted{"platform", "auditor", []org.Role{org.AuditAdmin}})
}

// saveAdmin gives the script a second administrator of the platform as admin.json: the first one's key stays
// with the instance.
func (s *scene) saveAdmin(dir string) error {
	return s.enter(dir, gatewaytest.Platform, scripted{"platform", "admin2", []org.Role{org.OrgAdmin, org.SystemAdmin}})
}

func (s *scene) found(title string, capacities []org.Capacity) (string, error) {
	ctx := context.Background()
	home, err := s.Admin.Orgs.Create(ctx, org.Spec{Name: title})
	for _, c := range capacities {
		if err == nil {
			_, err = s.Admin.Orgs.GrantCapacity(ctx, home.Number, org.CapacitySpec{Capacity: c, Document: "a document"})
		}
	}
	return home.Number, err
}

// enter adds a person with an admitted key, and writes their profile. The platform's administrator may admit
// administrators of other organizations only, and those admit the rest.
func (s *scene) enter(dir, home string, p scripted) error {
	ctx := context.Background()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	by, err := s.administrator(dir, home, p)
	if err != nil {
		return err
	}
	if _, err := by.Members.Invite(ctx, home, org.MemberSpec{Login: p.login, Name: p.login, Roles: p.roles}); err != nil {
		return err
	}
	print, err := client.New(s.URL, key).Keys.Offer(ctx, home, p.login)
	if err != nil {
		return err
	}
	if _, err := by.Keys.Admit(ctx, print); err != nil {
		return err
	}
	if err := client.NewProfile(s.URL, home, p.login, key).Save(filepath.Join(dir, p.login+".json")); err != nil {
		return err
	}
	if slices.Contains(p.roles, org.OrgAdmin) {
		return client.NewProfile(s.URL, home, p.login, key).Save(filepath.Join(dir, "lead-"+home+".json"))
	}
	return nil
}

// administrator opens who may add a person: their organization's first one, or the platform's.
func (s *scene) administrator(dir, home string, p scripted) (*client.Client, error) {
	if home == gatewaytest.Platform || slices.Contains(p.roles, org.OrgAdmin) {
		return s.Admin, nil
	}
	profile, err := client.LoadProfile(filepath.Join(dir, "lead-"+home+".json"))
	if err != nil {
		return nil, err
	}
	key, err := profile.PrivateKey()
	return client.New(s.URL, key), err
}

// commands are what scripts may do beside running the program.
func (s *scene) commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"work":       s.work,
		"noticeover": s.noticeOver,
		"take":       take,
		"fill":       fill,
		"flip":       flip,
		"exits":      exits,
		"tamper":     tamper,
		"logkey":     logKey,
		"released":   s.released,
	}
}

// work plays the worker once: work KIND [VARIANT].
func (s *scene) work(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: work KIND [VARIANT]")
	}
	ts.Check(s.worker.do(args[0], strings.Join(args[1:], " ")))
}

// noticeOver lets a registration's public notice have begun long ago: noticeover R-2026-0001.
func (s *scene) noticeOver(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(s.Owner.InTx(context.Background(), func(tx *postgres.Tx) error {
		r, err := tx.LockRegistration(context.Background(), args[0])
		if err != nil {
			return err
		}
		long := r.NoticedAt.AddDate(0, -2, 0)
		r.NoticedAt = &long
		return tx.PutRegistration(context.Background(), r)
	}))
}

// take sets a variable to what a pattern's group holds in the last output: take NAME PATTERN.
func take(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: take NAME PATTERN")
	}
	found := regexp.MustCompile(`(?m)` + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("no match for %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}

// fill puts the values of variables into files: fill FILE…
func fill(ts *testscript.TestScript, _ bool, args []string) {
	for _, file := range args {
		text := os.Expand(ts.ReadFile(file), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o600))
	}
}

// flip changes one bit in the middle of a file.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	body := []byte(ts.ReadFile(args[0]))
	body[len(body)/2] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), body, 0o600))
}

// exits runs a command that must end with one code: exits CODE PROGRAM ARGUMENT…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT…")
	}
	err := ts.Exec(args[1], args[2:]...)
	var code interface{ ExitCode() int }
	got := "0"
	if err != nil {
		got = "signal"
	}
	if asExit(err, &code) {
		got = itoa(code.ExitCode())
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// tamper changes one byte of the first entry of a log's copy: tamper DIR.
func tamper(ts *testscript.TestScript, _ bool, args []string) {
	bundles, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "tile", "entries", "000*"))
	ts.Check(err)
	for _, path := range bundles {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			inner, err := filepath.Glob(filepath.Join(path, "*"))
			ts.Check(err)
			bundles = append(bundles, inner...)
		}
	}
	for _, path := range bundles {
		body, err := os.ReadFile(path)
		if err != nil {
			continue // a folder of partial bundles
		}
		body[10] ^= 1
		ts.Check(os.WriteFile(path, body, 0o600))
	}
}

// released waits until the keeper has let out what a request asks for.
func (s *scene) released(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(until("the release", func(ctx context.Context) (is bool, err error) {
		err = s.Owner.InTx(ctx, func(tx *postgres.Tx) error {
			r, err := tx.Request(ctx, args[0])
			is = r.State == "released"
			return err
		})
		return is, err
	}))
}

// logKey sets LOGKEY to the checkpoint key of a trust.json: logkey FILE.
func logKey(ts *testscript.TestScript, _ bool, args []string) {
	var signed envelope.Envelope
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &signed))
	var document trust.Document
	ts.Check(json.Unmarshal(signed.Payload, &document))
	ts.Setenv("LOGKEY", hex.EncodeToString(checkpointKeys(document)[0]))
}

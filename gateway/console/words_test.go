package console

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/platform"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/gateway/messages"
	"github.com/sluicedata/sluice/policy/screen"
)

// written finds every text that pages and code name.
func written(t *testing.T) []string {
	t.Helper()
	var keys []string
	for pattern, expression := range map[string]string{
		"pages/*.html": `(?:\bt |"(?:Text|Button|Search|Title)" )"([a-z_.]+)"`,
		"*.go":         `(?:\bTitle|\bLabel|\bKind|\bWhy|\.Why) ?(?:=|:) *"([a-z_.]+)"|words\.say\("([a-z_.]+)"`,
	} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no file %s: %v", pattern, err)
		}
		for _, path := range found {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(string(body), -1) {
				keys = append(keys, slices.DeleteFunc(m[1:], func(key string) bool { return key == "" })...)
			}
		}
	}
	return keys
}

// made lists the texts whose key is put together.
func made(t *testing.T) []string {
	t.Helper()
	var keys []string
	add := func(prefix string, names ...string) {
		for _, name := range names {
			keys = append(keys, prefix+"."+name)
		}
	}
	for _, s := range sections() {
		add("menu", s.name)
	}
	for _, p := range append(pages(), publicPages()...) {
		keys = append(keys, p.name+".title")
	}
	add("stat", texted([]job.Stat{job.StatUnits, job.StatRows, job.StatSum, job.StatMean, job.StatRatio})...)
	add("rule", screen.Codes()...)
	add("tab", "table", "chart", "code", "earlier", "columns", "versions", "profile", "terms", "compare", "scope", "progress", "manifest", "product", "verify", "results", "inputs", "log")
	keys = append(keys, "facet.provider", "facet.level")
	add("job.made_from", texted([]job.MadeFrom{job.FromTwin, job.FromProfile})...)
	for _, kind := range []string{"entry", "certificate", "release"} {
		keys = append(keys, "verify.how_"+kind)
		add("verify", checks(kind)...)
	}
	for _, check := range platform.CheckNames() {
		keys = append(keys, "check."+check, "check."+check+".remedy")
	}
	for _, a := range acts() {
		keys = append(keys, "act."+string(a.verb))
		if p, _ := pageOf(a.page); p.name == "confirm" {
			keys = append(keys, "ask."+string(a.verb))
		}
	}
	// Buttons that can be off, and why: their verbs are those the pages offer.
	add("why", "job.check", "job.debug", "job.submit", "job.approve", "job.refuse", "job.cancel", "output.destroy", "release.recall", "grant.propose", "grant.approve", "grant.allow", "grant.refuse", "grant.revoke",
		"dataset.publish", "dataset.declare", "dataset.freeze", "dataset.thaw", "dataset.retire", "dataset.withdraw", "dataset.profile", "dataset.terms",
		"upload.start", "member.invite", "member.role", "member.remove", "member.link", "member.recover", "key.revoke", "identity.revoke", "registration.apply", "registration.accept",
		"registration.notice", "registration.code", "agreement.record", "agreement.sign", "agreement.file", "review.open", "review.withdraw", "review.resubmit", "review.comment")
	add("why", "ended", "not_now") // late
	add("act", "password.change", "session.end", "member.link", "member.recover")
	add("ask", "member.recover")
	add("allowance", "columns", "filters", "to", "runs", "rows")
	add("duty", "agreement_sign", "agreement_file")
	add("law", "apply", "accept", "notice", "code", "record", "sign", "file", "effect")
	add("declare", declarations()...)
	add("form", texted(release.Forms())...)
	add("tab", "grants", "usage", "members", "keys", "identities")
	add("budget", string(budget.Grant), string(budget.Dataset), string(budget.Org))
	add("work", texted([]work.Kind{work.Inspect, work.Ingest, work.Profile, work.Twin, work.Preview, work.Check, work.Debug, work.Run})...)
	add("work", "queued", "claimed", "sealed")
	add("gate", "debug", "dataset", "agreement", "grant", "terms", "registration", "debug.needed", "debug.done")
	add("part", "added", "gone", "kept")
	add("drift", "missing", "unknown", "duplicate", "other_type")
	add("suspicion", "resident_id", "credit_code", "bank_card", "mobile", "passport", "email", "plate", "person_name", "address", "health",
		"income", "origin", "birth", "sex", "age", "postcode", "record_id")
	add("step", stages(job.Production, job.Submitted)...)
	add("standing", "done", "current", "failed", "later")
	for _, m := range []dataset.Mode{dataset.Replace, dataset.Append, dataset.Correct} {
		add("mode", string(m))
	}
	for _, c := range []task.FailureClass{
		task.FailCast, task.FailOverflow, task.FailDivision, task.FailMemory, task.FailSyntax, task.FailBind, task.FailInput, task.FailOutput,
		task.FailModel, task.FailOther,
	} {
		add("failure", string(c))
	}
	return keys
}

// TestEveryWordHasItsText: what pages say is in both files, nothing else is, and both take the same arguments.
func TestEveryWordHasItsText(t *testing.T) {
	used := append(written(t), made(t)...)
	both := map[messages.Language]texts{}
	for _, l := range messages.Languages() {
		all, err := readTexts(l)
		if err != nil {
			t.Fatal(err)
		}
		both[l] = all
		for _, key := range used {
			if !all.has(key) {
				t.Errorf("%s has no text in %s", key, l)
			}
		}
		for key := range all {
			if !slices.Contains(used, key) {
				t.Errorf("%s in %s is said nowhere", key, l)
			}
		}
	}
	verb := regexp.MustCompile(`%(?:\[\d\])?([a-z])`)
	kinds := func(text string) string {
		var all []string
		for _, m := range verb.FindAllStringSubmatch(text, -1) {
			all = append(all, m[1])
		}
		return fmt.Sprint(slices.Compact(all))
	}
	for key, text := range both[messages.Chinese] {
		if en := both[messages.English][key]; kinds(text) != kinds(en) {
			t.Errorf("%s takes %s in Chinese and %s in English", key, kinds(text), kinds(en))
		}
	}
}

// TestStagesFollowTheFlows: every state of every flow has its place in the step bar, and no bar has two steps now.
func TestStagesFollowTheFlows(t *testing.T) {
	for mode, states := range map[job.Mode][]string{
		job.Production: texted(job.Flow().States), job.Debug: texted(job.DebugFlow().States), "check": texted(job.CheckFlow().States),
	} {
		for _, state := range states {
			all := stagesOf(job.View{Mode: mode, State: state, Approvals: []string{"operator", "agency"}})
			moving := 0
			for _, s := range all {
				if s.Standing == "current" || s.Standing == "failed" {
					moving++
				}
			}
			if len(all) < 2 || all[0].Standing != "done" || moving != 1 {
				t.Errorf("%s %s: %v", mode, state, all)
			}
		}
	}
	now := time.Now()
	for _, tt := range []struct {
		released []string
		want     string
	}{{nil, "failed"}, {[]string{"counts"}, "done"}} {
		closed := stagesOf(job.View{Mode: job.Production, State: "closed", EndedAt: &now, Released: tt.released})
		if closed[3].Standing != "done" || closed[4].Standing != tt.want {
			t.Errorf("closed with %v released: %v", tt.released, closed)
		}
	}
	stopped := stagesOf(job.View{Mode: job.Production, State: "killed", Approvals: []string{"operator"}})
	if stopped[1].Standing != "failed" || stopped[2].Standing != "later" {
		t.Errorf("stopped before it ran: %v", stopped)
	}
}

func texted[S ~string](list []S) (all []string) {
	for _, s := range list {
		all = append(all, string(s))
	}
	return all
}

// TestInside: nobody is led out of the console.
func TestInside(t *testing.T) {
	for address, want := range map[string]string{
		"/console/jobs?state=checked": "/console/jobs?state=checked", "": Prefix, "/console": Prefix, "//evil.example/console/": Prefix,
		"https://evil.example/console/": Prefix, "/console/../api": Prefix, "/consoles": Prefix, `/console/\evil`: Prefix,
		"/console/%2e%2e/x": Prefix, "javascript:alert(1)": Prefix, "/console/a\r\nX: y": Prefix,
	} {
		if got := inside(address); got != want {
			t.Errorf("%q leads to %q", address, got)
		}
	}
}

package console

import (
	"net/url"
	"slices"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/policy"
)

// section is one entry of the menu, for those who may do its act.
type section struct {
	name string
	path string // below Prefix
	act  policy.Action
}

func sections() []section {
	return []section{
		{"home", "", ""},
		{"datasets", "/datasets", "dataset.list"},
		{"registrations", "/registrations", "registration.list"},
		{"agreements", "/agreements", "agreement.list"},
		{"grants", "/grants", "grant.list"},
		{"jobs", "/jobs", "job.list"},
		{"reviews", "/reviews", "review.list"},
		{"releases", "/releases", "release.list"},
		{"trace", "/trace", readTrace},
		{"health", "/health", "platform.status"},
		{"people", "/people", "member.list"},
	}
}

// readTrace is the act behind every object's log, readProfile that behind a profile's bytes, readUsage that behind who used
// a dataset, listOutputs that behind what a run left, readLineage that behind where a digest comes from and went.
const (
	readTrace   policy.Action = "trace.query"
	readProfile policy.Action = "dataset.profile"
	readUsage   policy.Action = "dataset.usage"
	listOutputs policy.Action = "output.list"
	readLineage policy.Action = "trace.lineage"
)

// menuActs are the acts a page asks about before it offers them.
func menuActs() []policy.Action {
	acts := []policy.Action{readTrace, readProfile, readUsage, listOutputs, readLineage}
	for _, s := range sections() {
		if s.act != "" {
			acts = append(acts, s.act)
		}
	}
	return acts
}

// pages is the whole site.
func pages() []page {
	return []page{
		{"", "home", "home", "sluice whoami", home},
		{"/datasets", "datasets", "datasets", "sluice dataset list", listDatasets},
		{"/datasets/new", "file", "datasets", "sluice dataset publish -f dataset.yaml --data FILE", sendFile},
		{"/datasets/{slug}", "dataset", "datasets", "sluice dataset show {slug}", showDataset},
		{"/datasets/{slug}/terms", "terms", "datasets", "sluice dataset terms {slug} -f terms.yaml", draftTerms},
		{"/datasets/{slug}/freeze", "confirm", "datasets", "sluice dataset freeze {slug}", confirmDataset("dataset.freeze")},
		{"/datasets/{slug}/retire", "confirm", "datasets", "sluice dataset retire {slug}", confirmDataset("dataset.retire")},
		{"/datasets/{slug}/versions/{version}", "version", "datasets", "sluice dataset version {slug} --version {version}", showVersion},
		{previewPath, "preview", "datasets", "sluice dataset preview {slug} --version {version} --grant GRANT", showPreview},
		{"/datasets/{slug}/versions/{version}/withdraw", "confirm", "datasets", "sluice dataset withdraw {slug} --version {version}", confirmWithdraw},
		{"/uploads/{upload}", "upload", "datasets", "sluice upload show {upload}", showUpload},
		{"/registrations", "registrations", "registrations", "sluice registration list", list(registration.Flow(), registrations, button{Verb: "registration.apply", Label: "registrations.new", Path: Prefix + "/registrations/new", Ask: true, Main: true})},
		{"/registrations/new", "apply", "registrations", "sluice registration apply -f application.yaml", draftApplication},
		{"/registrations/{number}", "registration", "registrations", "sluice registration show {number}", showRegistration},
		{"/agreements", "agreements", "agreements", "sluice agreement list", list(agreement.Flow(), agreements, button{Verb: "agreement.record", Label: "agreements.new", Path: Prefix + "/agreements/new", Ask: true, Main: true})},
		{"/agreements/new", "record", "agreements", "sluice agreement record -f agreement.yaml", draftAgreement},
		{"/agreements/{number}", "agreement", "agreements", "sluice agreement show {number}", showAgreement},
		{"/grants", "grants", "grants", "sluice grant list", list(grant.Flow(), grants, button{Verb: "grant.propose", Label: "grants.new", Path: Prefix + "/grants/new", Ask: true, Main: true})},
		{"/grants/new", "proposal", "grants", "sluice grant propose -f grant.yaml", draftGrant},
		{"/grants/{number}", "grant", "grants", "sluice grant compare {number}", showGrant},
		{"/grants/{number}/allow", "allowance", "grants", "sluice grant allow {number} --runs 1", draftAllowance},
		{"/grants/{number}/refuse", "confirm", "grants", "sluice grant refuse {number} --reason TEXT", askRefuseGrant},
		{"/grants/{number}/revoke", "confirm", "grants", "sluice grant revoke {number}", confirmRevoke},
		{"/jobs", "jobs", "jobs", "sluice job list", list(job.Flow(), jobs, button{Verb: "job.submit", Label: "jobs.new", Path: Prefix + "/jobs/new", Ask: true, Main: true})},
		{"/jobs/new", "draft", "jobs", "sluice job check -f job.yaml", draftJob},
		{"/jobs/{number}", "job", "jobs", "sluice job watch {number}", showJob},
		{"/jobs/{number}/outputs/{output}/review", "ask", "jobs", "sluice review open --job {number} --output {output} --context TEXT", askReview},
		{"/jobs/{number}/outputs/{output}/destroy", "confirm", "jobs", "sluice output destroy {number} {output}", confirmDestroy},
		{"/reviews", "reviews", "reviews", "sluice review list", showReviews},
		{"/reviews/{number}/resubmit", "resubmit", "reviews", "sluice review resubmit {number} --context TEXT", askResubmit},
		{"/reviews/{number}", "review", "reviews", "sluice review show {number}", showReview},
		{"/profile", "profile", "", "sluice key list --mine", showProfile},
		{"/keys", "keys", "", "sluice key list --mine", showKeys},
		{"/releases", "releases", "releases", "sluice release list", list(release.Flow(), releases, button{})},
		{"/releases/{number}", "release", "releases", "sluice release get {number}", showRelease},
		{"/releases/{number}/recall", "confirm", "releases", "sluice release recall {number} --reason REASON", confirmRecall},
		{"/trace", "trace", "trace", "sluice trace query", queryTrace},
		{lineagePath, "lineage", "trace", "sluice trace lineage {digest}", traceLineage},
		{"/trace/{entry}", "entry", "trace", "sluice trace prove {entry}", showEntry},
		{"/health", "health", "health", "sluice platform status", showHealth},
		{"/jobs/{number}/refuse", "confirm", "jobs", "sluice job refuse {number} --reason TEXT", askRefuseJob},
		{"/jobs/{number}/cancel", "confirm", "jobs", "sluice job cancel {number}", confirmCancel},
		{"/people", "people", "people", "sluice member list", listPeople},
		{"/people/{login}", "member", "people", "sluice member role {login} --role ROLE", showMember},
		{"/people/{login}/remove", "confirm", "people", "sluice member remove {login}", confirmRemove},
		{"/people/{login}/recover", "confirm", "people", "sluice member recover {login}", confirmRecover},
		{"/people/{login}/keys/{fingerprint}/revoke", "confirm", "people", "sluice key revoke {fingerprint}", confirmKey},
		{"/people/{login}/identities/{identity}/revoke", "confirm", "people", "sluice identity revoke {identity}", confirmIdentity},
	}
}

func grants(c call, p catalog.Page) (catalog.Listed[grant.View], error) {
	return c.cat.Grants.List(c.ctx, c.who, p)
}

func jobs(c call, p catalog.Page) (catalog.Listed[job.View], error) {
	return c.cat.Jobs.List(c.ctx, c.who, p)
}

// Commands lists what the pages tell to type instead, with the parameters in braces.
func Commands() []string {
	all := []string{"sluice factor prove"}
	for _, p := range append(pages(), publicPages()...) {
		all = append(all, p.command)
	}
	return all
}

// Pages lists every page there is to people with a session, Public those to everybody, as patterns of http.ServeMux.
func Pages() []string {
	var all []string
	for _, p := range pages() {
		all = append(all, Prefix+p.path)
	}
	return all
}

// Public lists the pages nobody needs to sign in for.
func Public() []string {
	var all []string
	for _, p := range publicPages() {
		all = append(all, Prefix+p.path)
	}
	return all
}

// part is one part of a list, and how it was asked for.
type part[V any] struct {
	Items    []V
	Match    string
	Facets   []facet
	State    string
	States   []flow.State // that there are, in the order of a life
	Filtered bool
	Buttons  []button
	footing
}

// list makes a page of a list verb: newest first, filters in the address.
// Its button leads to where another is made, for those who may.
func list[V any](states flow.Table, verb func(call, catalog.Page) (catalog.Listed[V], error), add button) func(call) (answer, error) {
	return func(c call) (answer, error) {
		p, err := partOf(c, states, catalog.Page{}, verb)
		if err != nil {
			return answer{}, err
		}
		p.Buttons, err = c.offer(false, add)
		p.Buttons = slices.DeleteFunc(p.Buttons, func(b button) bool { return b.Why != "" })
		return answer{Body: p}, err
	}
}

// partOf reads the part of a list that the address asks for, of what page leaves.
func partOf[V any](c call, states flow.Table, page catalog.Page, verb func(call, catalog.Page) (catalog.Listed[V], error)) (part[V], error) {
	asked := c.r.URL.Query()
	p := part[V]{Match: asked.Get("q"), State: asked.Get("state"), States: states.States}
	rows, err := c.rows()
	if err != nil {
		return p, err
	}
	page.After, page.Limit, page.State, page.Facets.Match = asked.Get("after"), rows, p.State, p.Match
	found, err := verb(c, page)
	if err != nil {
		return p, err
	}
	p.Items = found.Items
	for name := range asked {
		if asked.Get(name) == "" || name == "after" || name == "size" {
			asked.Del(name)
		}
	}
	p.Filtered = len(asked) > 0
	var older url.Values
	if found.Next != "" {
		older = asked
		older.Set("after", found.Next)
	}
	p.footing = footOf(c, rows, older)
	return p, nil
}

package console

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
)

// maxDraft bounds the form of a job, in bytes: its package and its code, as a form spells them.
const maxDraft = 1 << 20

// codeFile and codeFolder are the names a package gives its code here: the code is in fields beside it.
const (
	codeFile   = "main.sql"
	codeFolder = "code"
)

// fileField begins the names of the fields that hold the files of a Python job beside its main one.
const fileField = "file."

// maxShown bounds how many datasets of a package are read for one page.
const maxShown = 8

// draftPage is where a job is written: the package and its code, with what is granted beside them.
type draftPage struct {
	Package string
	Code    string           // the SQL, or the main file of a Python job
	Files   []job.SourceFile // of a Python job, beside its main one
	Grants  []grant.View     // in force
	Of      string           // number of the grant that is shown in full
	Dataset *dataset.View
	Shown   map[string]dataset.View // datasets whose columns are known here, by slug: that of the grant, and the package's
	From    string                  // number of the job this began from
	Check   *live                   // what was told of it before
	Buttons []button
}

func draftJob(k call) (answer, error) {
	var p draftPage
	var err error
	if p.Buttons, err = k.offer(false,
		button{Verb: "job.check", Path: Prefix + "/jobs/check", Main: true},
		button{Verb: "job.debug", Path: Prefix + "/jobs/debug"},
		button{Verb: "job.submit", Path: Prefix + "/jobs/submit"}); err != nil {
		return answer{}, err
	}
	q := k.r.URL.Query()
	if p.Of = q.Get("grant"); k.form != nil {
		p.Package, p.Code, p.Of, p.Files = k.form.Get("package"), k.form.Get("code"), k.form.Get("grant"), filesOf(k.form)
	}
	if p.From = q.Get("from"); p.From != "" {
		if err := p.begin(k); err != nil {
			return answer{}, err
		}
	}
	if err := p.readGrants(k); err != nil {
		return answer{}, err
	}
	if p.Package == "" && p.Dataset != nil {
		if err := p.skeleton(job.Engine(q.Get("engine"))); err != nil {
			return answer{}, err
		}
	}
	return answer{Body: p}, nil
}

// begin takes over an earlier job, and what a check told of it.
func (p *draftPage) begin(k call) error {
	before, err := k.cat.Jobs.Package(k.ctx, k.who, p.From)
	if err != nil {
		return err
	}
	if len(before.Inputs) > 0 && p.Of == "" {
		p.Of = string(before.Inputs[0].Grant)
	}
	if err := p.fill(before); err != nil {
		return err
	}
	view, err := k.cat.Jobs.Show(k.ctx, k.who, p.From)
	if err != nil || view.Mode != job.Check {
		return err
	}
	told, err := liveOf(view)
	p.Check = &told
	return err
}

func (p *draftPage) fill(pkg job.Package) error {
	at := codeFile
	p.Code = pkg.Code
	if pkg.Engine == job.EnginePython {
		at = codeFolder
		for _, f := range pkg.Files {
			if f.Name == job.MainFile {
				p.Code = f.Text
			} else {
				p.Files = append(p.Files, f)
			}
		}
	}
	text, err := pkg.YAML(at)
	p.Package = string(text)
	return err
}

// readGrants lists what is granted, and reads the columns of the one that is chosen, the first when none is, and of those
// the package names.
func (p *draftPage) readGrants(k call) error {
	if !k.may["grant.list"] {
		return nil
	}
	found, err := k.cat.Grants.List(k.ctx, k.who, catalog.Page{State: string(grant.Active), Limit: catalog.MaxPage})
	if err != nil {
		return err
	}
	p.Grants = found.Items
	at := slices.IndexFunc(p.Grants, func(g grant.View) bool { return g.Number == p.Of })
	if at < 0 {
		at = 0
	}
	if len(p.Grants) == 0 {
		return nil
	}
	p.Of = p.Grants[at].Number
	shown, err := k.cat.Datasets.Show(k.ctx, k.who, p.Grants[at].Dataset)
	if fault.Of(err) == fault.Unknown { // grants are shown to more people than what they are of
		return nil
	}
	if err != nil {
		return err
	}
	p.Dataset, p.Shown = &shown, map[string]dataset.View{shown.Slug: shown}
	return p.readNamed(k)
}

// readNamed reads the datasets of the grants that the package names, as far as it can be read.
func (p *draftPage) readNamed(k call) error {
	written, _, _ := job.ParsePackage([]byte(p.Package)) // what is wrong with it is told when it is handed in
	for _, g := range p.Grants {
		named := slices.ContainsFunc(written.Inputs, func(in job.Input) bool { return string(in.Grant) == g.Number })
		if _, known := p.Shown[g.Dataset]; known || !named || len(p.Shown) == maxShown {
			continue
		}
		view, err := k.cat.Datasets.Show(k.ctx, k.who, g.Dataset)
		if fault.Of(err) == fault.Unknown {
			continue
		}
		if err != nil {
			return err
		}
		p.Shown[g.Dataset] = view
	}
	return nil
}

// Python tells whether the package names Python as its engine.
func (p draftPage) Python() bool {
	written, _, _ := job.ParsePackage([]byte(p.Package))
	return written.Engine == job.EnginePython
}

// skeleton begins a package over the chosen grant, in SQL unless Python is asked for and granted: one table of counts by
// the first column that can be one.
func (p *draftPage) skeleton(engine job.Engine) error {
	at := slices.IndexFunc(p.Grants, func(g grant.View) bool { return g.Number == p.Of })
	g, token := p.Grants[at], "token"
	if len(p.Dataset.Units) > 0 {
		token = p.Dataset.Units[0].Kind
	}
	by := g.Scope.Columns[0]
	dimension := job.Dimension{Column: by, Values: []string{}}
	for _, c := range p.Dataset.Columns {
		if slices.Contains(g.Scope.Columns, c.Name) && len(c.Domain) > 0 {
			by, dimension = c.Name, job.Dimension{Column: c.Name, Values: c.Domain}
			break
		}
	}
	const table = "granted"
	made := job.Package{
		Name: "counts-by-" + by[:min(len(by), 40)], Purpose: g.Scope.Purposes[0], Engine: job.EngineSQL,
		Inputs:  []job.Input{{Name: table, Grant: name.Number(g.Number), Dataset: name.Slug(g.Dataset), Version: newest(*p.Dataset, g), Columns: g.Scope.Columns}},
		Code:    "-- relation: r\nSELECT " + token + ", " + by + "\nFROM " + table + "\n",
		Outputs: []job.Output{{Table: &job.Table{Name: "counts", From: "r", By: []job.Dimension{dimension}, Measures: []job.Measure{{Name: "people", Stat: job.StatUnits}}}}},
	}
	if engine == job.EnginePython && slices.Contains(g.Scope.Operations, name.OpPython) {
		made.Engine, made.Code = engine, ""
		made.Relations = []job.Relation{{Name: "r", Of: table, Labels: []string{}}}
		made.Files = []job.SourceFile{{Name: job.MainFile, Text: "import sluice\n\n" + table + " = sluice.table(\"" + table + "\")\nsluice.relation(\"r\", " + table + ")\n"}}
	}
	return p.fill(made)
}

// newest is the newest version a grant reads; its first when none is there yet.
func newest(d dataset.View, g grant.View) int {
	at := g.Scope.VersionFrom
	for _, v := range d.Versions {
		within := v.Number >= g.Scope.VersionFrom && (g.Scope.VersionTo == 0 || v.Number <= g.Scope.VersionTo)
		if within && v.State == string(dataset.Available) {
			at = max(at, v.Number)
		}
	}
	return at
}

// packageOf reads the form of a job.
func packageOf(k call) (job.Package, error) {
	p, _, err := job.ParsePackage([]byte(k.form.Get("package")))
	if p.Engine == job.EnginePython {
		p.Files = append([]job.SourceFile{{Name: job.MainFile, Text: k.form.Get("code")}}, filesOf(k.form)...)
		return p, err
	}
	p.Code = k.form.Get("code")
	return p, err
}

// filesOf reads the fields of files beside the main one, by name.
func filesOf(form url.Values) (all []job.SourceFile) {
	for _, field := range slices.Sorted(maps.Keys(form)) {
		if file, found := strings.CutPrefix(field, fileField); found {
			all = append(all, job.SourceFile{Name: file, Text: form.Get(field)})
		}
	}
	return all
}

// checkJob goes on at the same form, with the answer beside it.
func checkJob(k call) (string, error) {
	p, err := packageOf(k)
	if err != nil {
		return "", err
	}
	view, err := k.cat.Jobs.Check(k.ctx, k.who, p)
	return Prefix + "/jobs/new?from=" + view.Number, err
}

func debugJob(k call) (string, error) {
	p, err := packageOf(k)
	if err != nil {
		return "", err
	}
	view, err := k.cat.Jobs.Debug(k.ctx, k.who, p)
	return jobPath(view.Number), err
}

func submitJob(k call) (string, error) {
	p, err := packageOf(k)
	if err != nil {
		return "", err
	}
	view, err := k.cat.Jobs.Submit(k.ctx, k.who, p)
	return jobPath(view.Number), err
}

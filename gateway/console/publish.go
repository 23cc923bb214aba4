package console

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/upload"
)

// maxDeclaration bounds the form of a declaration, in bytes: a dataset may have hundreds of columns.
const maxDeclaration = 512 << 10

func publishActs() []act {
	const page = "/uploads/{upload}"
	return []act{
		{path: page + "/publish", page: page, verb: "dataset.publish", most: maxDeclaration, do: publishUpload},
		{path: page + "/inspect", page: page, verb: "upload.inspect", do: onUpload((*catalog.Uploads).Inspect)},
		{path: page + "/drop", page: page, verb: "upload.drop", do: dropUpload},
	}
}

func onUpload(verb oneVerb[*catalog.Uploads, upload.View]) func(call) (string, error) {
	return func(k call) (string, error) {
		view, err := verb(k.cat.Uploads, k.ctx, k.who, k.arg("upload"))
		return Prefix + "/uploads/" + view.ID, err
	}
}

func dropUpload(k call) (string, error) {
	_, err := onUpload((*catalog.Uploads).Drop)(k)
	return Prefix + "/datasets/new", err
}

// filePage is where a file is sent, for a new dataset or for a new version of one.
type filePage struct {
	Choice   choice // of the reader's organization's
	Dataset  string // chosen; "": a new one
	Encoding string
	Sheet    string
	Waiting  []upload.View // that were not published yet
	Offer    button
	Target   string // where the form goes but for what makes it count once
}

func sendFile(k call) (answer, error) {
	q := k.r.URL.Query()
	p := filePage{Dataset: q.Get("dataset"), Encoding: q.Get("encoding"), Sheet: q.Get("sheet")}
	offered, err := k.offer(false, button{Verb: "upload.start"})
	if err != nil {
		return answer{}, err
	}
	if p.Offer = offered[0]; p.Offer.Why != "" {
		return answer{Body: p}, nil
	}
	p.Target = Prefix + "/uploads?" + url.Values{"dataset": {p.Dataset}, "encoding": {p.Encoding}, "sheet": {p.Sheet}}.Encode()
	if p.Choice, err = chooseOwn(k, ""); err != nil {
		return answer{}, err
	}
	if p.Dataset != "" {
		if err := p.Choice.keep(k, p.Dataset); err != nil {
			return answer{}, err
		}
	}
	p.Waiting, err = waitingUploads(k)
	return answer{Body: p}, err
}

// waitingUploads lists the newest files of the reader's organization of which no version was made yet.
func waitingUploads(k call) ([]upload.View, error) {
	found, err := k.cat.Uploads.List(k.ctx, k.who, catalog.Page{Limit: pageSize})
	return slices.DeleteFunc(found.Items, func(u upload.View) bool { return u.Published }), err
}

// uploadPage shows what a file looks like, and asks for what is still to be said of it.
type uploadPage struct {
	upload.View
	Found   *task.Inspection
	Digest  name.Digest // of what was found
	Looking bool
	Dataset *dataset.View // it is a version of; nil: it becomes a new dataset
	Labels  []string      // of the newest version's parts, to correct one of them
	Form    filled
	Offer   button
	Declare button
	// The protected unit that the file suggests; "" for none.
	UnitKind, UnitColumn string
	Roles                []dataset.Role
	Types                []dataset.Type
	Masks                []dataset.Mask
}

func showUpload(k call) (answer, error) {
	view, err := k.cat.Uploads.Show(k.ctx, k.who, k.arg("upload"))
	if err != nil {
		return answer{}, err
	}
	p := uploadPage{
		View: view, Form: filled(k.form), Roles: []dataset.Role{dataset.Identifier, dataset.Quasi, dataset.Sensitive, dataset.Other},
		Types: []dataset.Type{dataset.Text, dataset.Integer, dataset.Number, dataset.Boolean, dataset.Date},
		Masks: []dataset.Mask{dataset.MaskNone, dataset.MaskSurname, dataset.MaskPhone, dataset.MaskDrop},
	}
	offered, err := k.offer(!k.sits(org.DataProvider), button{Verb: "dataset.publish"}, button{Verb: "dataset.declare"})
	if err != nil {
		return answer{}, err
	}
	p.Offer, p.Declare = offered[0], offered[1]
	if err := p.look(k); err != nil {
		return answer{}, err
	}
	if view.Dataset != "" {
		if err := p.readDataset(k); err != nil {
			return answer{}, err
		}
	}
	return answer{Object: short(view.ID), State: view.State, Body: p, Waits: p.Looking}, nil
}

// look reads what was found in the file. Each look is traced: it shows the first rows.
func (p *uploadPage) look(k call) error {
	if p.State != string(upload.Complete) {
		return nil
	}
	body, err := k.cat.Uploads.ShowInspection(k.ctx, k.who, p.ID)
	switch fault.Code(err) {
	case "work.under_way":
		p.Looking = true
		return nil
	case "inspection.missing", "work.failed":
		return nil
	}
	if err != nil {
		return err
	}
	p.Found, p.Digest = new(task.Inspection), name.DigestOf(body)
	if err := json.Unmarshal(body, p.Found); err != nil {
		return fmt.Errorf("reading inspection: %w", err)
	}
	if len(p.Found.Units) > 0 {
		p.UnitKind, p.UnitColumn = p.Found.Units[0].Kind, p.Found.Units[0].Column
	}
	return nil
}

func (p *uploadPage) readDataset(k call) error {
	view, err := k.cat.Datasets.Show(k.ctx, k.who, p.View.Dataset)
	if err != nil {
		return err
	}
	p.Dataset = &view
	at := 0
	for _, v := range view.Versions {
		if v.State == string(dataset.Available) {
			at = max(at, v.Number)
		}
	}
	if at == 0 {
		return nil
	}
	v, err := k.cat.Datasets.ShowVersion(k.ctx, k.who, view.Slug, at)
	for _, part := range v.Parts {
		p.Labels = append(p.Labels, part.Label)
	}
	return err
}

// publishUpload publishes a file: as a version of the dataset it was sent for, else as the first of a new one. Both
// halves of the latter count once: who sends the form again after half of it failed goes on there.
func publishUpload(k call) (string, error) {
	view, err := k.cat.Uploads.Show(k.ctx, k.who, k.arg("upload"))
	if err != nil {
		return "", err
	}
	slug, p := view.Dataset, dataset.Publication{
		Upload: view.ID, Mode: dataset.Mode(k.form.Get("mode")), Label: k.form.Get("label"), Corrects: k.form.Get("corrects"),
	}
	if slug == "" {
		p.Mode = dataset.Replace
		if slug, err = declare(k, view); err != nil {
			return "", err
		}
	}
	v, err := k.cat.Datasets.Publish(k.ctx, k.who, slug, p)
	return versionPath(slug, v.Number), err
}

// declare makes the dataset a form describes. What the inspection suspects must be confirmed where it is declared less
// carefully.
func declare(k call, view upload.View) (string, error) {
	page := uploadPage{View: view}
	if err := page.look(k); err != nil {
		return "", err
	}
	if page.Found == nil {
		return "", fault.New(fault.Conflict, "inspection.missing")
	}
	spec, err := specOf(k.form, page)
	if err != nil {
		return "", err
	}
	ctx, err := k.once("dataset.declare")
	if err != nil {
		return "", err
	}
	made, err := k.cat.Datasets.Declare(ctx, k.who, spec)
	return made.Slug, err
}

// specOf reads the declaration from a form.
func specOf(form url.Values, p uploadPage) (dataset.Spec, error) {
	n := numbers{form: form}
	spec := dataset.Spec{
		Slug: form.Get("slug"), Title: form.Get("title"), Basis: form.Get("basis"), Class: dataset.General,
		RoundTo: int(n.of("round_to")), Inspection: p.Digest,
		Terms: dataset.Terms{
			Purposes: listed(form, "purposes"), Columns: ticked[string](form, "granted"), Operations: []name.Operation{name.OpSQL},
			Outputs: []name.OutputKind{name.OutTable}, MinUnits: int(n.of("min_units")), Approval: dataset.Manual, To: n.day("to"),
		},
	}
	for _, k := range p.Found.Columns {
		c := dataset.Column{
			Name: k.Name, Title: form.Get("title." + k.Name), Type: dataset.Type(form.Get("type." + k.Name)),
			Level: int(n.of("level." + k.Name)), Role: dataset.Role(form.Get("role." + k.Name)), Mask: dataset.Mask(form.Get("mask." + k.Name)),
			Domain: listed(form, "domain."+k.Name),
		}
		spec.Columns = append(spec.Columns, c)
		if k.Careless(c) {
			n.bad.Require(form.Has("confirm."+k.Name), "form.confirm."+k.Name, "suspicion.unconfirmed")
			spec.Confirmed = append(spec.Confirmed, k.Name)
		}
	}
	if kind := form.Get("unit_kind"); kind != "" {
		spec.Units = []dataset.Unit{{Kind: kind, Column: form.Get("unit_column")}}
	}
	return spec, n.bad.Err("request.invalid")
}

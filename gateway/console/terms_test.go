package console_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// TestTerms: the provider's steward changes the ceiling over every grant, on what they saw; others find no such page.
func TestTerms(t *testing.T) {
	w := newTown(t)
	if err := w.Owner.InTx(t.Context(), func(tx *postgres.Tx) error { return authorize(t, tx) }); err != nil {
		t.Fatal(err)
	}
	const set, path = "/datasets/" + theDataset, "/datasets/" + theDataset + "/terms"
	steward := w.signedIn(t, "steward").strong(t, "steward")
	steward.get(t, set).shows(t, "the dataset", `href="/console`+path+`"`, "修改提供条款")
	page := steward.get(t, path)
	page.shows(t, "the form", `name="column.visits" checked`, `name="operation.sql" checked`, `name="output.table" checked`, `name="min_units" inputmode="numeric" required value="10"`)
	if strings.Contains(page.body, "column.resident_id") || strings.Contains(page.body, `name="operation.python" checked`) {
		t.Error("the form offers a column that is always dropped, or ticks what is not allowed")
	}
	narrower := []string{"column.plan", "on", "purposes", "statistics, research", "operation.sql", "on", "output.table", "on", "approval", "manual", "min_units", "20", "to", day(90).String(), "retention", "3"}
	form := with(page.form(t, path), narrower...)
	steward.act(t, path, with(page.form(t, path), append(narrower, "min_units", "many")...)).refused(t, "no number", 422, "form.min_units", "statistics, research", `value="many"`)
	steward.act(t, path, with(steward.get(t, path).form(t, path), append(narrower, "column.nothing", "on")...)).refused(t, "no such column", 422, "column.unknown")
	steward.act(t, path, with(page.form(t, path), append(narrower, "retention", "0")...)).refused(t, "no version kept", 422, "retention")
	steward.act(t, path, form).leads(t, "the change", "/datasets/"+theDataset+"?tab=terms")
	steward.get(t, set+"?tab=terms").shows(t, "the terms", "<dd>plan</dd>", "statistics, research", "<dd>20</dd>", "<dd>3</dd>", day(90).String())
	steward.act(t, path, with(form, "once", "another-key-of-the-form")).refused(t, "terms that were changed meanwhile", 412)
	for _, login := range []string{"developer", "chief", "rival"} {
		w.signedIn(t, login).get(t, path).refused(t, login, 404)
	}
}

// TestProfileIsSigned: the steward's passkey signs the profile they read, once; not other bytes, and nobody else is asked.
func TestProfileIsSigned(t *testing.T) {
	w := newTown(t)
	w.profiled(t)
	const tab, path = "/datasets/" + theDataset + "?tab=profile", "/datasets/" + theDataset + "/versions/1/profile/sign"
	steward, d := w.seated(t, "steward", "platform")
	page := steward.get(t, tab)
	page.shows(t, "the profile", "签署概况", "sluice dataset profile sign "+theDataset+" --version 1")
	ask, payload := steward.ask(t, path+"/ask", url.Values{})
	answer := string(d.Get(t, ask))
	form := func(pairs ...string) url.Values {
		return with(steward.get(t, tab).form(t, path+"?tab=profile"), pairs...)
	}
	steward.act(t, path+"?tab=profile", form("payload", "e30=", "answer", answer)).refused(t, "other bytes", 422, "signature.invalid", "签署概况")
	steward.act(t, path+"?tab=profile", form("payload", payload, "answer", answer)).leads(t, "the signature", "/datasets/"+theDataset+"?tab=profile")
	signed := steward.get(t, tab)
	signed.shows(t, "what was done", "签署概况")
	if strings.Contains(steward.get(t, tab).body, "签署概况") {
		t.Error("a signed profile can be signed")
	}
	steward.get(t, "/datasets/"+theDataset+"?tab=versions").shows(t, "the versions", "已签署")
	if got := w.signedIn(t, "rival").act(t, path+"/ask", url.Values{}); got.status != 404 {
		t.Errorf("another operator is asked to sign: %d %s", got.status, got.body)
	}
}

// profiled gives the town's version a profile.
func (w *town) profiled(t *testing.T) {
	t.Helper()
	ctx, key := t.Context(), w.dataKey(t)
	ref, err := w.Store.Open(t, object.Worker).Put(ctx, object.Output, key, bytes.NewReader([]byte(`{"version":1,"rows":100,"units":[],"columns":[]}`)))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := json.Marshal(ref)
	if err != nil {
		t.Fatal(err)
	}
	spec, part := datasetSpec(), name.Digest(ref.Digest)
	manifest, digest, err := dataset.Manifest{
		Format: dataset.ManifestFormat, Dataset: theDataset, Number: 1, Provider: name.Number(w.homes[string(org.DataProvider)]), Created: w.Now(),
		Columns: spec.Columns, Units: spec.Units, RoundTo: spec.RoundTo, Rows: 1,
		Parts: []dataset.Part{{Digest: part, Size: ref.Size, Rows: 1, Label: "2026", Version: 1, AddedAt: w.Now().UTC().Truncate(time.Second)}},
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, w.DB.Owner, fmt.Sprintf("update dataset_version set state = 'available', data_key = '%s', rows = 1, manifest = '%s', manifest_digest = '%s', profile = '%s'", key.ID, manifest, digest, profile))
}

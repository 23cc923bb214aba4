package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/upload"
	"github.com/sluicedata/sluice/catalog/work"
)

// started announces a file of a text.
func (c *city) started(text string) upload.View {
	c.t.Helper()
	up, err := c.serve.Uploads.Start(c.ctx, c.steward.Subject, upload.Spec{Dataset: slug, Size: int64(len(text)), Digest: name.DigestOf([]byte(text))})
	c.must(err)
	return up
}

func (c *city) chunk(up upload.View, number int, text string) error {
	_, err := c.serve.Uploads.Send(c.ctx, c.steward.Subject, up.ID, number, name.DigestOf([]byte(text)), strings.NewReader(text))
	return err
}

// uploaded uploads a text of one chunk whole.
func (c *city) uploaded(text string) upload.View {
	c.t.Helper()
	up := c.started(text)
	c.must(c.chunk(up, 1, text))
	up, err := c.serve.Uploads.Complete(c.ctx, c.steward.Subject, up.ID, upload.Sum{Size: int64(len(text)), Digest: name.DigestOf([]byte(text))})
	c.must(err)
	return up
}

// published asks for a version from a text.
func (c *city) published(p dataset.Publication, text string) (dataset.VersionView, error) {
	c.t.Helper()
	p.Upload = c.uploaded(text).ID
	return c.serve.Datasets.Publish(c.ctx, c.steward.Subject, slug, p)
}

// feed publishes a text and has it ingested to a part of 100 rows with the same bytes. It returns the version as
// its ingest left it.
func (c *city) feed(p dataset.Publication, text string) dataset.VersionView {
	c.t.Helper()
	v, err := c.published(p, text)
	c.must(err)
	c.work(func(_ work.Letter, keys work.Keys) (string, work.Result) { return "success", c.part(keys, text) })
	v, err = c.serve.Datasets.ShowVersion(c.ctx, c.steward.Subject, slug, v.Number)
	c.must(err)
	return v
}

func (c *city) part(keys work.Keys, text string) work.Result {
	ref := c.put(keys, object.Data, []byte(text))
	return work.Result{
		Ingest:  &task.IngestReport{Rows: 100, Parts: []string{"part-0001.parquet"}},
		Objects: []work.Object{{Name: "part-0001.parquet", Ref: ref, Rows: 100}},
	}
}

// labels returns the labels of a version's parts, in order.
func labels(v dataset.VersionView) []string {
	var all []string
	for _, p := range v.Parts {
		all = append(all, p.Label)
	}
	return all
}

// TestUploadIsWhatWasSaid sends chunks that are not what they should be: nothing of them is kept.
func TestUploadIsWhatWasSaid(t *testing.T) {
	c := newCity(t, plenty())
	const text = "a,b\n1,2\n"
	up := c.started(text)
	for what, try := range map[string]struct {
		id     string
		number int
		said   string
		body   io.Reader
		want   string
	}{
		"other bytes":     {up.ID, 1, text, strings.NewReader("a,b\n1,3\n"), "chunk.invalid"},
		"too few":         {up.ID, 1, text, strings.NewReader(text[1:]), "chunk.invalid"},
		"too many":        {up.ID, 1, text, strings.NewReader(text + "x"), "chunk.invalid"},
		"a broken line":   {up.ID, 1, text, io.MultiReader(strings.NewReader("a"), broken{}), "internal"},
		"number 0":        {up.ID, 0, text, strings.NewReader(text), "chunk.out_of_range"},
		"past the end":    {up.ID, 2, text, strings.NewReader(text), "chunk.out_of_range"},
		"another upload":  {name.NewID().String(), 1, text, strings.NewReader(text), "unknown"},
		"no upload's id":  {"1", 1, text, strings.NewReader(text), "unknown"},
		"not yet a whole": {"", 0, "", nil, "upload.incomplete"},
	} {
		var err error
		if try.id == "" {
			_, err = c.serve.Uploads.Complete(c.ctx, c.steward.Subject, up.ID, upload.Sum{Size: int64(len(text)), Digest: up.Digest})
		} else {
			_, err = c.serve.Uploads.Send(c.ctx, c.steward.Subject, try.id, try.number, name.DigestOf([]byte(try.said)), try.body)
		}
		if code(err) != try.want {
			t.Errorf("%s: got %v, want %s", what, err, try.want)
		}
	}
	shown, err := c.serve.Uploads.Show(c.ctx, c.steward.Subject, up.ID)
	c.must(err)
	if len(shown.Received) != 0 || c.chunks(up) != 0 {
		t.Fatalf("kept %+v", shown.Received)
	}
}

// broken is a line that breaks.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// TestChunksCanBeSentAgain: the same chunk succeeds any number of times and is there once; another one of its
// number does not replace it.
func TestChunksCanBeSentAgain(t *testing.T) {
	c := newCity(t, plenty())
	up := c.started("abc")
	for range 3 {
		c.must(c.chunk(up, 1, "abc"))
	}
	if got := code(c.chunk(up, 1, "abd")); got != "chunk.differs" {
		t.Errorf("another chunk of one number: got %q", got)
	}
	if n := c.chunks(up); n != 1 {
		t.Errorf("%d rows of one chunk", n)
	}
	for range 2 { // its answer may be lost on the way
		_, err := c.serve.Uploads.Complete(c.ctx, c.steward.Subject, up.ID, upload.Sum{Size: 3, Digest: up.Digest})
		c.must(err)
	}
	_, err := c.serve.Uploads.Complete(c.ctx, c.steward.Subject, up.ID, upload.Sum{Size: 3, Digest: name.DigestOf(nil)})
	if code(err) != "upload.incomplete" {
		t.Errorf("another sum: got %v", err)
	}
	if got := code(c.chunk(up, 1, "abc")); got != "upload.move_not_allowed" {
		t.Errorf("a chunk after the end: got %q", got)
	}
}

// TestUploadsAreTheirOrganizations: nobody else sees an upload, and it cannot be published as another's.
func TestUploadsAreTheirOrganizations(t *testing.T) {
	c := newCity(t, plenty())
	up := c.uploaded("abc")
	for _, p := range []person{c.developer, c.chief, c.admin, c.applicant} {
		if _, err := c.serve.Uploads.Show(c.ctx, p.Subject, up.ID); err == nil {
			t.Errorf("somebody with roles %v saw an upload", p.Roles)
		}
	}
	foreign := c.steward.Subject
	foreign.Org, foreign.Member = c.chief.Org, c.chief.Member // a steward of another organization
	if _, err := c.serve.Uploads.Show(c.ctx, foreign, up.ID); fault.Of(err) != fault.Unknown {
		t.Errorf("another organization's steward: got %v", err)
	}
	if _, err := c.serve.Uploads.Start(c.ctx, foreign, upload.Spec{Dataset: slug, Size: 1}); fault.Of(err) != fault.Unknown {
		t.Errorf("a file for another's dataset: got %v", err)
	}
}

// TestUploadsEnd: an upload is forgotten after its hours, a dropped one at once, and what was published from it
// stays.
func TestUploadsEnd(t *testing.T) {
	c := newCity(t, plenty())
	old, dropped := c.uploaded("old"), c.uploaded("dropped")
	_, err := c.serve.Uploads.Drop(c.ctx, c.steward.Subject, dropped.ID)
	c.must(err)
	c.turns()
	if n := c.chunks(dropped); n != 0 {
		t.Errorf("%d chunks of a dropped upload", n)
	}
	c.mu.Lock()
	c.now = old.ExpiresAt
	c.mu.Unlock()
	c.turns()
	for id, want := range map[string]string{old.ID: "expired", dropped.ID: "dropped"} {
		shown, err := c.serve.Uploads.Show(c.ctx, c.steward.Subject, id)
		c.must(err)
		if shown.State != want || len(shown.Received) != 0 {
			t.Errorf("got %s with %d chunks, want %s", shown.State, len(shown.Received), want)
		}
	}
	_, err = c.serve.Datasets.Publish(c.ctx, c.steward.Subject, slug, dataset.Publication{Upload: old.ID, Mode: dataset.Replace})
	if code(err) != "upload.not_complete" {
		t.Errorf("publishing an expired upload: got %v", err)
	}
	if v, err := c.serve.Datasets.ShowVersion(c.ctx, c.steward.Subject, slug, 1); err != nil || v.State != "available" {
		t.Errorf("the version published before is %s, %v", v.State, err)
	}
}

// TestWorkCountsWhatItFetches: the queue knows how much of the scratch disk a piece of work will take, by the bytes of
// the upload or of the parts it reads.
func TestWorkCountsWhatItFetches(t *testing.T) {
	c := newCity(t, plenty())
	up := c.uploaded("health,visits\ngood,1\n")
	_, err := c.serve.Uploads.Inspect(c.ctx, c.steward.Subject, up.ID)
	c.must(err)
	if got := c.claimedBytes(); got != up.Size {
		t.Errorf("inspecting fetches %d bytes of %d", got, up.Size)
	}
	_, err = c.serve.Datasets.Profile(c.ctx, c.steward.Subject, slug, 1)
	c.must(err)
	if got := c.claimedBytes(); got != int64(len("part")) {
		t.Errorf("profiling fetches %d bytes of the part", got)
	}
}

// claimedBytes claims the oldest work and returns what it fetches.
func (c *city) claimedBytes() int64 {
	c.t.Helper()
	claimed, ok, err := c.queue.Claim(c.ctx, "test", make([]byte, 32), time.Hour, []task.Runtime{task.GVisor})
	c.must(err)
	if !ok {
		c.t.Fatal("no work to claim")
	}
	var row postgres.Work
	c.tx(func(tx *postgres.Tx) (err error) {
		row, err = tx.WorkByID(c.ctx, claimed.ID)
		return err
	})
	return row.Bytes
}

// TestIngestGetsTheKeysOfItsChunks: the worker's keys open the chunks in order and nothing else of the intake.
func TestIngestGetsTheKeysOfItsChunks(t *testing.T) {
	c := newCity(t, plenty())
	c.uploaded("another file")
	_, err := c.published(dataset.Publication{Mode: dataset.Replace}, "raw bytes")
	c.must(err)
	c.work(func(letter work.Letter, keys work.Keys) (string, work.Result) {
		if len(letter.Ingest.Raw) != 1 || letter.Ingest.Digest != name.DigestOf([]byte("raw bytes")).String() || len(keys.Data) != 1 {
			t.Errorf("got %+v and %d keys", letter.Ingest, len(keys.Data))
		}
		key, err := object.NewDataKey(letter.Ingest.Raw[0].Key, keys.Data[letter.Ingest.Raw[0].Key])
		c.must(err)
		var body bytes.Buffer
		c.must(c.store.Get(c.ctx, letter.Ingest.Raw[0], key, &body))
		if body.String() != "raw bytes" {
			t.Errorf("got %q", body.String())
		}
		return "success", c.part(keys, "raw bytes")
	})
}

// TestFeed appends and corrects: each version is a manifest of parts, and no version before changes.
func TestFeed(t *testing.T) {
	c := newCity(t, plenty())
	first, err := c.serve.Datasets.ShowVersion(c.ctx, c.steward.Subject, slug, 1)
	c.must(err)
	second := c.feed(dataset.Publication{Mode: dataset.Append, Label: "2026-11"}, "november")
	third := c.feed(dataset.Publication{Mode: dataset.Correct, Corrects: "v1"}, "late")
	c.refersToWhatIs(t)
	for _, tt := range []struct {
		v      dataset.VersionView
		labels []string
		rows   int64
		added  []int
	}{
		{first, []string{"v1"}, 100, []int{1}},
		{second, []string{"v1", "2026-11"}, 200, []int{1, 2}},
		{third, []string{"v1", "2026-11"}, 200, []int{3, 2}},
	} {
		var added []int
		for _, p := range tt.v.Parts {
			added = append(added, p.Version)
		}
		if diff := cmp.Diff([]any{tt.labels, tt.rows, tt.added}, []any{labels(tt.v), tt.v.Rows, added}); diff != "" {
			t.Errorf("version %d (-want +got):\n%s", tt.v.Number, diff)
		}
	}
	if again, err := c.serve.Datasets.ShowVersion(c.ctx, c.steward.Subject, slug, 1); err != nil || again.Digest != first.Digest {
		t.Errorf("version 1 changed from %s to %s, %v", first.Digest, again.Digest, err)
	}
	if third.Parts[1].Digest != second.Parts[1].Digest || third.Parts[0].Digest == first.Parts[0].Digest {
		t.Error("a correction changed another part, or not its own")
	}
}

// TestFeedRefuses names what a part cannot be.
func TestFeedRefuses(t *testing.T) {
	c := newCity(t, plenty())
	for what, tt := range map[string]struct {
		p    dataset.Publication
		text string
		want string
	}{
		"the same bytes":     {dataset.Publication{Mode: dataset.Append}, "part", "part.duplicate"},
		"a taken label":      {dataset.Publication{Mode: dataset.Append, Label: "v1"}, "x", "label.taken"},
		"nothing to correct": {dataset.Publication{Mode: dataset.Correct, Corrects: "v9"}, "y", "part.unknown"},
		"an unchanged part":  {dataset.Publication{Mode: dataset.Correct, Corrects: "v1"}, "part", "part.duplicate"},
	} {
		v := c.feed(tt.p, tt.text)
		if v.State != "refused" || v.Refusal == nil || len(v.Refusal.Errors) != 1 || v.Refusal.Errors[0].Reason != tt.want {
			t.Errorf("%s: got %s %+v, want %s", what, v.State, v.Refusal, tt.want)
		}
	}
	if _, err := c.published(dataset.Publication{Mode: dataset.Append, Base: 2}, "z"); code(err) != "base.not_available" {
		t.Errorf("a refused base: got %v", err)
	}
	_, err := c.published(dataset.Publication{Mode: dataset.Append}, "w")
	c.must(err)
	if _, err := c.published(dataset.Publication{Mode: dataset.Append}, "u"); code(err) != "version.under_way" {
		t.Errorf("two parts at once: got %v", err)
	}
	_, err = c.serve.Datasets.Withdraw(c.ctx, c.steward.Subject, slug, 1) // the base goes while the part is read
	c.must(err)
	c.work(func(_ work.Letter, keys work.Keys) (string, work.Result) { return "success", c.part(keys, "w") })
	v, err := c.serve.Datasets.ShowVersion(c.ctx, c.steward.Subject, slug, 6)
	c.must(err)
	if v.Refusal == nil || v.Refusal.Errors[0].Reason != "base.not_available" {
		t.Errorf("a withdrawn base: got %s %+v", v.State, v.Refusal)
	}
}

// TestForeignPartsAreNotTaken: a worker that names another's key for its part gets nothing published.
func TestForeignPartsAreNotTaken(t *testing.T) {
	c := newCity(t, plenty())
	_, err := c.published(dataset.Publication{Mode: dataset.Append}, "more")
	c.must(err)
	foreign := name.NewID().String()
	c.sealed(func(_ work.Letter, keys work.Keys) (string, work.Result) {
		r := c.part(keys, "more")
		r.Objects[0].Ref.Key = foreign
		return "success", r
	})
	if _, err := c.keeper.Turn(c.ctx); err == nil || !strings.Contains(err.Error(), "foreign key") {
		t.Fatalf("got %v", err)
	}
	if v, err := c.serve.Datasets.ShowVersion(c.ctx, c.steward.Subject, slug, 2); err != nil || v.State != "ingesting" {
		t.Fatalf("the version is %s, %v", v.State, err)
	}
}

// TestRunReadsSharedParts: a run on a fed version gets the keys of every version its parts came with.
func TestRunReadsSharedParts(t *testing.T) {
	c := newCity(t, plenty())
	v := c.feed(dataset.Publication{Mode: dataset.Append}, "more")
	p := c.pack(c.grant.Number)
	p.Inputs[0].Version = v.Number
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, p)
	c.must(err)
	c.work(func(work.Letter, work.Keys) (string, work.Result) {
		return "success", work.Result{Check: &task.CheckReport{Relations: []task.RelationPlan{{Statement: task.Statement{Relation: "r"}}}}}
	})
	for _, who := range []person{c.officer, c.chief} {
		_, err = c.serve.Jobs.Approve(c.ctx, who.Subject, j.Number)
		c.must(err)
	}
	c.work(func(letter work.Letter, keys work.Keys) (string, work.Result) {
		var read []string
		for _, ref := range letter.Run.Inputs[0].Parts {
			key, err := object.NewDataKey(ref.Key, keys.Data[ref.Key])
			c.must(err)
			var body bytes.Buffer
			c.must(c.store.Get(c.ctx, ref, key, &body))
			read = append(read, body.String())
		}
		if diff := cmp.Diff([]string{"part", "more"}, read); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		return "success", c.outputs(keys, j.Number)
	})
}

// TestRefusalTellsTheDifference: other columns than the declared ones are told as a difference, without values.
func TestRefusalTellsTheDifference(t *testing.T) {
	c := newCity(t, plenty())
	_, err := c.published(dataset.Publication{Mode: dataset.Append}, "other columns")
	c.must(err)
	c.work(func(work.Letter, work.Keys) (string, work.Result) {
		return "success", work.Result{Ingest: &task.IngestReport{Errors: []task.BadCell{
			{Line: 1, Column: "health", Reason: "column.missing"}, {Line: 1, Column: "#2", Reason: "column.unknown"},
			{Row: 1, Column: "visits", Reason: "value.not_integer"}, {Row: 2, Column: "visits", Reason: "value.not_integer"},
			{Row: 3, Column: "visits", Reason: "value.below_min"},
		}}}
	})
	v, err := c.serve.Datasets.ShowVersion(c.ctx, c.steward.Subject, slug, 2)
	c.must(err)
	want := []dataset.Drift{
		{Column: "health", Expected: "text", Found: "missing"}, {Column: "#2", Found: "unknown"},
		{Column: "visits", Expected: "integer", Found: "other_type"},
	}
	if diff := cmp.Diff(want, v.Refusal.Difference); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

// TestRetention: the keeper withdraws what the terms no longer keep, but nothing a job still reads.
func TestRetention(t *testing.T) {
	c := newCity(t, plenty())
	j, err := c.serve.Jobs.Submit(c.ctx, c.developer.Subject, c.pack(c.grant.Number)) // reads version 1
	c.must(err)
	c.work(func(work.Letter, work.Keys) (string, work.Result) {
		return "success", work.Result{Check: &task.CheckReport{Relations: []task.RelationPlan{{Statement: task.Statement{Relation: "r"}}}}}
	})
	terms := c.spec().Terms
	terms.Retention = &dataset.Retention{Versions: 1}
	if _, err := c.serve.Datasets.SetTerms(c.ctx, c.steward.Subject, slug, terms); code(err) != "terms.invalid" {
		t.Errorf("below the rule set's floor: got %v", err)
	}
	terms.Retention.Versions = 2
	_, err = c.serve.Datasets.SetTerms(c.ctx, c.steward.Subject, slug, terms)
	c.must(err)
	for _, text := range []string{"b", "c", "d"} {
		c.feed(dataset.Publication{Mode: dataset.Append}, text)
	}
	if diff := cmp.Diff([]string{"available", "withdrawn", "available", "available"}, c.states()); diff != "" {
		t.Errorf("while a job reads version 1 (-want +got):\n%s", diff)
	}
	_, err = c.serve.Jobs.Cancel(c.ctx, c.developer.Subject, j.Number)
	c.must(err)
	c.turns()
	if diff := cmp.Diff([]string{"withdrawn", "withdrawn", "available", "available"}, c.states()); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
	if n := c.withdrawals(); n != 2 {
		t.Errorf("%d entries name the rule", n)
	}
}

// withdrawals counts the entries of the keeper's withdrawals that name their rule.
func (c *city) withdrawals() (n int) {
	c.t.Helper()
	auditor := c.admin.Subject
	auditor.Roles = []string{"audit_admin"}
	found, err := c.serve.Trace.Query(c.ctx, auditor, trace.Filter{Act: "dataset.withdraw"})
	c.must(err)
	for _, e := range found {
		body, err := trace.DecodeBody(e.Body)
		c.must(err)
		if body.Actor.Process == "keeper" && body.Detail["rule"] == "terms.retention" && body.Detail["kept"] == "2" {
			n++
		}
	}
	return n
}

// states lists the states of all versions.
func (c *city) states() []string {
	c.t.Helper()
	shown, err := c.serve.Datasets.Show(c.ctx, c.steward.Subject, slug)
	c.must(err)
	var all []string
	for _, v := range shown.Versions {
		all = append(all, v.State)
	}
	return all
}

// chunks counts an upload's chunks in the record.
func (c *city) chunks(up upload.View) (n int) {
	c.t.Helper()
	c.tx(func(tx *postgres.Tx) error {
		rows, err := tx.Chunks(c.ctx, up.ID)
		n = len(rows)
		return err
	})
	return n
}

// TestLongUploadKeepsItsChunksInOrder sends a file of three chunks backwards.
func TestLongUploadKeepsItsChunksInOrder(t *testing.T) {
	c := newCity(t, plenty())
	size := c.serve.Uploads.ChunkBytes()
	whole := bytes.Repeat([]byte("0123456789abcdef"), int(2*size/16)+1)
	sum := upload.Sum{Size: int64(len(whole)), Digest: name.DigestOf(whole)}
	up, err := c.serve.Uploads.Start(c.ctx, c.steward.Subject, upload.Spec{Size: sum.Size})
	c.must(err)
	for n := up.Plan().Chunks(); n >= 1; n-- {
		length, _ := up.Plan().SizeOf(n)
		body := whole[int64(n-1)*size:][:length]
		_, err := c.serve.Uploads.Send(c.ctx, c.steward.Subject, up.ID, n, name.DigestOf(body), bytes.NewReader(body))
		c.must(err)
	}
	up, err = c.serve.Uploads.Complete(c.ctx, c.steward.Subject, up.ID, sum)
	c.must(err)
	_, err = c.serve.Datasets.Publish(c.ctx, c.steward.Subject, slug, dataset.Publication{Upload: up.ID, Mode: dataset.Replace})
	c.must(err)
	c.work(func(letter work.Letter, keys work.Keys) (string, work.Result) {
		var all bytes.Buffer
		for _, ref := range letter.Ingest.Raw {
			key, err := object.NewDataKey(ref.Key, keys.Data[ref.Key])
			c.must(err)
			c.must(c.store.Get(c.ctx, ref, key, &all))
		}
		if !bytes.Equal(all.Bytes(), whole) {
			t.Error("the chunks are not the file")
		}
		return "success", c.part(keys, "long")
	})
}

// TestInspection: what a container found in an upload is the steward's to see, each time traced, and nobody else's.
func TestInspection(t *testing.T) {
	c := newCity(t, plenty())
	up := c.uploaded("a,b\n1,2\n")
	if _, err := c.serve.Uploads.ShowInspection(c.ctx, c.steward.Subject, up.ID); code(err) != "inspection.missing" {
		t.Errorf("before it was asked for: got %v", err)
	}
	for range 2 { // a second one changes nothing
		_, err := c.serve.Uploads.Inspect(c.ctx, c.steward.Subject, up.ID)
		c.must(err)
	}
	if _, err := c.serve.Uploads.ShowInspection(c.ctx, c.steward.Subject, up.ID); code(err) != "work.under_way" {
		t.Errorf("while it is under way: got %v", err)
	}
	c.work(func(letter work.Letter, keys work.Keys) (string, work.Result) {
		if len(keys.Data) != 1 || letter.Inspect.Digest != string(up.Digest) || letter.Inspect.Rows != 20 {
			t.Errorf("got %+v and %d keys", letter.Inspect, len(keys.Data))
		}
		return "success", work.Result{
			Inspect: &task.InspectReport{Rows: 1, File: "inspection.json"},
			Objects: []work.Object{{Name: "inspection.json", Ref: c.put(keys, object.Output, []byte(`{"version":1}`)), Rows: 1}},
		}
	})
	_, err := c.serve.Uploads.Inspect(c.ctx, c.steward.Subject, up.ID)
	c.must(err)
	private, err := keyring.NewPrivateKey()
	c.must(err)
	if _, more, err := c.queue.Claim(c.ctx, "test", private.Public().Bytes(), time.Hour, []task.Runtime{task.GVisor}); err != nil || more {
		t.Errorf("inspected twice: %v", err)
	}
	stop := c.keeping()
	defer stop()
	found, err := c.serve.Uploads.ShowInspection(c.ctx, c.steward.Subject, up.ID)
	if err != nil || string(found) != `{"version":1}` {
		t.Errorf("got %s, %v", found, err)
	}
	for _, p := range []person{c.developer, c.chief, c.reviewer, c.admin} {
		if _, err := c.serve.Uploads.ShowInspection(c.ctx, p.Subject, up.ID); err == nil {
			t.Errorf("somebody with roles %v saw an inspection", p.Roles)
		}
	}
}

// keeping lets the keeper work beside the test until it is stopped.
func (c *city) keeping() (stop func()) {
	ctx, cancel := context.WithCancel(c.ctx)
	ended := make(chan struct{})
	k := *c.keeper
	k.Pause = 10 * time.Millisecond
	go func() {
		defer close(ended)
		_ = k.Serve(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// TestUnreadableFilesSayWhy: an inspection that found nothing to read tells every reason, and may be asked for
// again.
func TestUnreadableFilesSayWhy(t *testing.T) {
	c := newCity(t, plenty())
	up := c.uploaded("\xff\xfe")
	for range 2 {
		_, err := c.serve.Uploads.Inspect(c.ctx, c.steward.Subject, up.ID)
		c.must(err)
		c.work(func(work.Letter, work.Keys) (string, work.Result) {
			return "success", work.Result{Inspect: &task.InspectReport{Errors: []task.BadCell{{Reason: "file.utf16"}, {Line: 3, Column: "#2", Reason: "column.duplicate"}}}}
		})
		_, err = c.serve.Uploads.ShowInspection(c.ctx, c.steward.Subject, up.ID)
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != "file.unreadable" {
			t.Fatalf("got %v", err)
		}
		want := []fault.Place{{Location: "file", Code: "file.utf16"}, {Location: "line 3, column #2", Code: "column.duplicate"}}
		if diff := cmp.Diff(want, f.Places); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

package console

import (
	"strconv"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/org"
)

func datasetActs() []act {
	const version = "/datasets/{slug}/versions/{version}"
	return []act{
		{path: "/datasets/{slug}/freeze", page: "/datasets/{slug}/freeze", verb: "dataset.freeze", typed: "slug", do: onDataset((*catalog.Datasets).Freeze)},
		{path: "/datasets/{slug}/thaw", page: "/datasets/{slug}", verb: "dataset.thaw", do: onDataset((*catalog.Datasets).Thaw)},
		{path: "/datasets/{slug}/retire", page: "/datasets/{slug}/retire", verb: "dataset.retire", typed: "slug", do: onDataset((*catalog.Datasets).Retire)},
		{path: version + "/withdraw", page: version + "/withdraw", verb: "dataset.withdraw", typed: "slug", do: withdrawVersion},
		{path: version + "/preview", page: version, verb: "dataset.preview", do: previewVersion},
		{path: version + "/profile", page: version, verb: "dataset.profile", do: profileVersion},
		{path: version + "/profile/sign", page: "/datasets/{slug}", verb: "dataset.profile", told: "act.profile.sign", do: signProfile},
		{path: "/datasets/{slug}/terms", page: "/datasets/{slug}/terms", verb: "dataset.terms", do: setTerms},
	}
}

// onDataset is an act on one dataset.
func onDataset(verb oneVerb[*catalog.Datasets, dataset.View]) func(call) (string, error) {
	return func(k call) (string, error) {
		view, err := verb(k.cat.Datasets, k.ctx, k.who, k.arg("slug"))
		return datasetPath(view.Slug), err
	}
}

func datasetPath(slug string) string { return Prefix + "/datasets/" + slug }

func versionPath(slug string, number int) string {
	return datasetPath(slug) + "/versions/" + strconv.Itoa(number)
}

// version returns the number of the version a page is about; what is none names nothing.
func (k call) version() (int, error) {
	text := k.arg("version")
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || strconv.Itoa(n) != text {
		return 0, fault.NotFound()
	}
	return n, nil
}

// datasetButtons are the acts a dataset waits for. They are its provider's: nobody else is shown them.
func datasetButtons(k call, view dataset.View) ([]button, error) {
	if !k.sits(org.DataProvider) {
		return nil, nil
	}
	seen, err := catalog.Tag(view)
	if err != nil {
		return nil, err
	}
	life, path := dataset.Flow(), datasetPath(view.Slug)
	var all []button
	if !life.Ended(flow.State(view.State)) {
		all = append(all, button{Verb: "dataset.publish", Path: Prefix + "/datasets/new?dataset=" + view.Slug, Ask: true, Main: true})
	}
	if allows(life, view.State, "terms") {
		all = append(all, button{Verb: "dataset.terms", Path: path + "/terms", Ask: true})
	}
	if allows(life, view.State, "thaw") {
		all = append(all, button{Verb: "dataset.thaw", Path: path + "/thaw", Seen: seen})
	}
	for _, act := range []string{"freeze", "retire"} {
		if allows(life, view.State, act) {
			all = append(all, button{Verb: "dataset." + act, Path: path + "/" + act, Ask: true})
		}
	}
	return k.offer(false, all...)
}

// versionButtons are the acts of a version, its provider's too.
func versionButtons(k call, v dataset.VersionView) ([]button, error) {
	if !k.sits(org.DataProvider) {
		return nil, nil
	}
	path := versionPath(v.Dataset, v.Number)
	var all []button
	if v.State == string(dataset.Available) && v.Profile == "" {
		all = append(all, button{Verb: "dataset.profile", Path: path + "/profile"})
	}
	if allows(dataset.VersionFlow(), v.State, "withdraw") {
		all = append(all, button{Verb: "dataset.withdraw", Path: path + "/withdraw", Ask: true})
	}
	return k.offer(false, all...)
}

// confirmDataset asks before an act that ends what runs on a dataset. What would stop is the provider's to see.
func confirmDataset(verb string) func(call) (answer, error) {
	return func(k call) (answer, error) {
		view, err := k.cat.Datasets.Show(k.ctx, k.who, k.arg("slug"))
		if err != nil {
			return answer{}, err
		}
		stops, err := k.cat.Datasets.Stops(k.ctx, k.who, view.Slug)
		if err != nil {
			return answer{}, err
		}
		return confirm(k, view, view.State, false, confirmPage{Verb: verb, Life: dataset.Flow(), Typed: view.Slug, Until: datasetPath(view.Slug), Stops: stops, Counted: true})
	}
}

func confirmWithdraw(k call) (answer, error) {
	number, err := k.version()
	if err != nil {
		return answer{}, err
	}
	v, err := k.cat.Datasets.ShowVersion(k.ctx, k.who, k.arg("slug"), number)
	if err != nil {
		return answer{}, err
	}
	stops, err := k.cat.Datasets.VersionStops(k.ctx, k.who, v.Dataset, number)
	if err != nil {
		return answer{}, err
	}
	return confirm(k, nil, v.State, false, confirmPage{Verb: "dataset.withdraw", Life: dataset.VersionFlow(), Typed: v.Dataset, Until: versionPath(v.Dataset, number), Stops: stops, Counted: true})
}

func withdrawVersion(k call) (string, error) {
	number, err := k.version()
	if err != nil {
		return "", err
	}
	v, err := k.cat.Datasets.Withdraw(k.ctx, k.who, k.arg("slug"), number)
	return versionPath(v.Dataset, number), err
}

func profileVersion(k call) (string, error) {
	number, err := k.version()
	if err != nil {
		return "", err
	}
	v, err := k.cat.Datasets.Profile(k.ctx, k.who, k.arg("slug"), number)
	return versionPath(v.Dataset, number), err
}

// versionPage is what the page of one version shows: its parts, and how they differ from the version before.
type versionPage struct {
	dataset.VersionView
	Before  int // number of the version it is held against; 0: none
	Added   []dataset.Part
	Gone    []dataset.Part
	Kept    []dataset.Part
	Rows    int64 // more than before; negative when there are fewer
	Buttons []button

	Readable bool // its profile is the reader's to read
	Follow   bool // digests lead to their lineage
	Log      bool // the log of its dataset is the reader's to see
	Preview  *previewing
}

func showVersion(k call) (answer, error) {
	number, err := k.version()
	if err != nil {
		return answer{}, err
	}
	v, err := k.cat.Datasets.ShowVersion(k.ctx, k.who, k.arg("slug"), number)
	if err != nil {
		return answer{}, err
	}
	p := versionPage{VersionView: v, Added: v.Parts, Readable: k.may[readProfile], Follow: k.may[readLineage], Log: k.may[readTrace]}
	if err := p.compare(k); err != nil {
		return answer{}, err
	}
	if p.Preview, err = offerPreview(k, v); err != nil {
		return answer{}, err
	}
	p.Buttons, err = versionButtons(k, v)
	return answer{Object: v.Dataset + "@" + strconv.Itoa(number), State: v.State, Body: p, Waits: v.State == string(dataset.Ingesting)}, err
}

// compare holds a version against the newest available one before it.
func (p *versionPage) compare(k call) error {
	for n := p.Number - 1; n > 0 && p.Before == 0; n-- {
		before, err := k.cat.Datasets.ShowVersion(k.ctx, k.who, p.Dataset, n)
		if err != nil {
			return err
		}
		if before.State == string(dataset.Available) {
			p.Before, p.Rows = n, p.VersionView.Rows-before.Rows
			p.Kept, p.Added, p.Gone = parted(before.Parts, p.Parts)
		}
	}
	return nil
}

// parted tells of two lists of parts which are in both, which only in the second, which only in the first.
func parted(before, after []dataset.Part) (kept, added, gone []dataset.Part) {
	there := map[string]bool{}
	for _, part := range before {
		there[string(part.Digest)] = true
	}
	for _, part := range after {
		if there[string(part.Digest)] {
			kept = append(kept, part)
			delete(there, string(part.Digest))
		} else {
			added = append(added, part)
		}
	}
	for _, part := range before {
		if there[string(part.Digest)] {
			gone = append(gone, part)
		}
	}
	return kept, added, gone
}

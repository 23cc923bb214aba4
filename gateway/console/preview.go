package console

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/task"
)

// previewPath is where a steward sees what a grant shows of a version: cut and masked as every run's copy is.
const previewPath = "/datasets/{slug}/versions/{version}/previews/{preview}"

// previewing is the form by which the first rows under a grant are asked for.
type previewing struct {
	Path   string
	Grants []grant.View // that hold, and cover the version
	Offer  button
}

// offerPreview offers the form to the provider, when there is a grant to look through.
func offerPreview(k call, v dataset.VersionView) (*previewing, error) {
	if !k.sits(org.DataProvider) || !k.may["grant.list"] || v.State != string(dataset.Available) {
		return nil, nil
	}
	all, err := covering(k, v.Dataset)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(g grant.View) bool {
		return g.State != string(grant.Active) || v.Number < g.Scope.VersionFrom || g.Scope.VersionTo > 0 && v.Number > g.Scope.VersionTo
	})
	if len(all) == 0 {
		return nil, nil
	}
	offered, err := k.offer(false, button{Verb: "dataset.preview"})
	if err != nil {
		return nil, err
	}
	return &previewing{Path: versionPath(v.Dataset, v.Number) + "/preview", Grants: all, Offer: offered[0]}, nil
}

func previewVersion(k call) (string, error) {
	number, err := k.version()
	if err != nil {
		return "", err
	}
	id, err := k.cat.Datasets.Preview(k.ctx, k.who, k.arg("slug"), number, k.form.Get("grant"))
	return versionPath(k.arg("slug"), number) + "/previews/" + id, err
}

// previewPage shows the rows, once they are cut.
type previewPage struct {
	Version string // its page
	Again   string // this page
	task.PreviewTable
	Cutting bool
}

// showPreview reads the rows. Each look is traced: they are the department's own.
func showPreview(k call) (answer, error) {
	number, err := k.version()
	if err != nil {
		return answer{}, err
	}
	p := previewPage{Version: versionPath(k.arg("slug"), number), Again: k.path}
	body, err := k.cat.Datasets.ShowPreview(k.ctx, k.who, k.arg("slug"), number, k.arg("preview"))
	if p.Cutting = fault.Code(err) == "work.under_way"; err != nil && !p.Cutting {
		return answer{}, err
	}
	if err == nil {
		if err := json.Unmarshal(body, &p.PreviewTable); err != nil {
			return answer{}, fmt.Errorf("reading a preview: %w", err)
		}
	}
	return answer{Object: k.arg("slug") + "@" + strconv.Itoa(number), Body: p, Waits: p.Cutting}, nil
}

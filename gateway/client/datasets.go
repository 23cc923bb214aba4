package client

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/gateway/wire"
)

// Datasets is what departments publish.
type Datasets struct{ c *Client }

// Declare adds a dataset without data.
func (d Datasets) Declare(ctx context.Context, spec wire.DatasetSpec) (wire.Dataset, error) {
	return send[wire.Dataset](ctx, d.c, spec, "datasets")
}

// Show returns a dataset.
func (d Datasets) Show(ctx context.Context, slug string) (wire.Dataset, error) {
	return get[wire.Dataset](ctx, d.c, "datasets", slug)
}

// List returns the datasets.
func (d Datasets) List(ctx context.Context, by ...Narrow) ([]wire.Dataset, error) {
	return narrowed[wire.Dataset](ctx, d.c, by, "datasets")
}

// SetTerms replaces the provider's terms.
func (d Datasets) SetTerms(ctx context.Context, slug string, terms wire.Terms) (wire.Dataset, error) {
	return send[wire.Dataset](ctx, d.c, terms, "datasets", slug, "terms")
}

// Freeze stops every use of a dataset.
func (d Datasets) Freeze(ctx context.Context, slug string) (wire.Dataset, error) {
	return act[wire.Dataset](ctx, d.c, "datasets", slug, "freeze")
}

// Retire ends a dataset for good.
func (d Datasets) Retire(ctx context.Context, slug string) (wire.Dataset, error) {
	return act[wire.Dataset](ctx, d.c, "datasets", slug, "retire")
}

// Stops lists the jobs that would end with a dataset.
func (d Datasets) Stops(ctx context.Context, slug string) ([]wire.Stop, error) {
	return list[wire.Stop](ctx, d.c, "datasets", slug, "stops")
}

// VersionStops lists the jobs that would end with a version.
func (d Datasets) VersionStops(ctx context.Context, slug string, number int) ([]wire.Stop, error) {
	return list[wire.Stop](ctx, d.c, version(slug, number, "stops")...)
}

// Columns returns what a dataset's rows are made of.
func (d Datasets) Columns(ctx context.Context, slug string) ([]wire.Column, error) {
	return list[wire.Column](ctx, d.c, "datasets", slug, "columns")
}

// Thaw ends a freeze.
func (d Datasets) Thaw(ctx context.Context, slug string) (wire.Dataset, error) {
	return act[wire.Dataset](ctx, d.c, "datasets", slug, "thaw")
}

// Publish makes a new version from a complete upload (Uploads.Send). The version is ingested later: WaitVersion.
func (d Datasets) Publish(ctx context.Context, slug string, p wire.Publication) (wire.Version, error) {
	return send[wire.Version](ctx, d.c, p, "datasets", slug, "versions")
}

// PublishFile uploads a CSV file and publishes it as the whole of a new version. What another call has begun to
// upload of the same file is gone on with.
func (d Datasets) PublishFile(ctx context.Context, slug string, file File) (wire.Version, error) {
	sent, err := d.c.Uploads.Send(ctx, wire.UploadSpec{Dataset: slug}, file, nil)
	if err != nil {
		return wire.Version{}, err
	}
	return d.Publish(ctx, slug, wire.Publication{Upload: sent.ID, Mode: dataset.Replace})
}

func version(slug string, number int, more ...string) []string {
	return append([]string{"datasets", slug, "versions", strconv.Itoa(number)}, more...)
}

// ShowVersion returns one version.
func (d Datasets) ShowVersion(ctx context.Context, slug string, number int) (wire.Version, error) {
	return get[wire.Version](ctx, d.c, version(slug, number)...)
}

// WaitVersion waits until a version's bytes were taken or refused.
func (d Datasets) WaitVersion(ctx context.Context, slug string, number int) (wire.Version, error) {
	return await(ctx, func() (wire.Version, bool, error) {
		v, err := d.ShowVersion(ctx, slug, number)
		return v, v.State != string(dataset.Ingesting), err
	})
}

// Withdraw ends a version for good.
func (d Datasets) Withdraw(ctx context.Context, slug string, number int) (wire.Version, error) {
	return act[wire.Version](ctx, d.c, version(slug, number, "withdraw")...)
}

// Profile asks for a version's profile: WaitProfile.
func (d Datasets) Profile(ctx context.Context, slug string, number int) (wire.Version, error) {
	return act[wire.Version](ctx, d.c, version(slug, number, "profile")...)
}

// WaitProfile waits until a version has a profile.
func (d Datasets) WaitProfile(ctx context.Context, slug string, number int) (wire.Version, error) {
	return await(ctx, func() (wire.Version, bool, error) {
		v, err := d.ShowVersion(ctx, slug, number)
		return v, v.Profile != "", err
	})
}

// ShowProfile returns the profile's bytes.
func (d Datasets) ShowProfile(ctx context.Context, slug string, number int) ([]byte, error) {
	return d.c.do(ctx, message{method: http.MethodGet, path: version(slug, number, "profile")})
}

// SignProfile signs a version's profile as its bytes are now, with the steward's own key: from then on debug
// runs may use it. Whoever calls it has looked at ShowProfile.
func (d Datasets) SignProfile(ctx context.Context, slug string, number int) (wire.Version, error) {
	bytes, err := d.ShowProfile(ctx, slug, number)
	if err != nil {
		return wire.Version{}, err
	}
	v, steward, now, err := d.signing(ctx, slug, number)
	if err != nil {
		return wire.Version{}, err
	}
	statement := dataset.ProfileStatement{
		Dataset: name.Slug(slug), Number: number, Manifest: name.Digest(v.Digest), Profile: name.DigestOf(bytes),
		Steward: steward, At: now,
	}
	if d.c.rehearsing {
		return wire.Version{}, d.c.unsigned(ctx, statement, version(slug, number, "profile", "sign")...)
	}
	signed, err := envelope.Sign(dataset.ProfileType, d.c.fingerprint, d.c.key, statement)
	if err != nil {
		return wire.Version{}, fmt.Errorf("signing profile: %w", err)
	}
	return send[wire.Version](ctx, d.c, signed, version(slug, number, "profile", "sign")...)
}

// signing gathers what a steward's statement about a version says besides its subject.
func (d Datasets) signing(ctx context.Context, slug string, number int) (v wire.Version, steward name.ID, now time.Time, err error) {
	if v, err = d.ShowVersion(ctx, slug, number); err != nil {
		return v, "", now, err
	}
	me, err := d.c.Whoami(ctx)
	if err != nil {
		return v, "", now, err
	}
	now, err = d.c.clock(ctx)
	return v, name.ID(me.Member), now.UTC(), err
}

// Twin gives a version a twin from a complete upload (Uploads.Send), and declares with the steward's own key that
// the rows of that file are invented. It counts once it was compared with the real rows: WaitTwin.
func (d Datasets) Twin(ctx context.Context, slug string, number int, up wire.Upload) (wire.Version, error) {
	v, steward, now, err := d.signing(ctx, slug, number)
	if err != nil {
		return wire.Version{}, err
	}
	statement := dataset.TwinStatement{
		Dataset: name.Slug(slug), Number: number, Manifest: name.Digest(v.Digest), File: up.Digest, Steward: steward, At: now,
	}
	if d.c.rehearsing {
		return wire.Version{}, d.c.unsigned(ctx, statement, version(slug, number, "twin")...)
	}
	signed, err := envelope.Sign(dataset.TwinType, d.c.fingerprint, d.c.key, statement)
	if err != nil {
		return wire.Version{}, fmt.Errorf("signing declaration: %w", err)
	}
	return send[wire.Version](ctx, d.c, wire.TwinSpec{Upload: up.ID, Declaration: signed}, version(slug, number, "twin")...)
}

// WaitTwin waits until the twin sent last was accepted or refused, or went with its version.
func (d Datasets) WaitTwin(ctx context.Context, slug string, number int) (wire.Version, error) {
	return await(ctx, func() (wire.Version, bool, error) {
		v, err := d.ShowVersion(ctx, slug, number)
		return v, v.Twin == nil || v.Twin.State != string(dataset.TwinChecking), err
	})
}

// Preview asks what a grant shows of a version and returns the preview's id: WaitPreview.
func (d Datasets) Preview(ctx context.Context, slug string, number int, grant string) (string, error) {
	p, err := send[wire.Preview](ctx, d.c, wire.PreviewSpec{Grant: grant}, version(slug, number, "preview")...)
	return p.ID, err
}

// ShowPreview returns the rows of a preview as JSON.
func (d Datasets) ShowPreview(ctx context.Context, slug string, number int, id string) ([]byte, error) {
	return d.c.do(ctx, message{method: http.MethodGet, path: version(slug, number, "preview", id)})
}

// WaitPreview waits for the rows of a preview.
func (d Datasets) WaitPreview(ctx context.Context, slug string, number int, id string) ([]byte, error) {
	return await(ctx, func() ([]byte, bool, error) {
		rows, err := d.ShowPreview(ctx, slug, number, id)
		if conflict(err, "work.under_way") {
			return nil, false, nil
		}
		return rows, true, err
	})
}

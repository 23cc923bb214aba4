package console

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/policy"
)

// sealed is what the reader's passkey signed of a statement, as a form brings it.
func (k call) sealed(t envelope.Type, form url.Values) (envelope.Envelope, error) {
	payload, err := base64.StdEncoding.DecodeString(form.Get("payload"))
	if err != nil || len(payload) == 0 {
		return envelope.Envelope{}, fault.Bad("request.invalid", fault.Place{Location: "form.payload", Code: "signature.invalid"})
	}
	return k.cat.Passkeys.Sealed(k.ctx, k.who, t, payload, []byte(form.Get("answer")))
}

// signing is the form by which a passkey signs the profile of a version.
type signing struct {
	Path  string
	Offer button
}

// offerSigning offers the signature to who reads a profile that has none.
func (p *datasetPage) offerSigning(c call) error {
	for _, v := range p.Versions {
		if v.Number == p.Version && !v.ProfileSigned {
			offered, err := c.offer(false, button{Verb: "dataset.profile", Label: "act.profile.sign"})
			if err != nil {
				return err
			}
			p.Sign = &signing{Path: versionPath(p.Slug, v.Number) + "/profile/sign", Offer: offered[0]}
		}
	}
	return nil
}

// signatureAsks is what a steward's passkey is asked for.
func (c *Console) signatureAsks() []own {
	return []own{{"/datasets/{slug}/versions/{version}/profile/sign/ask", c.askedBy(c.askProfile)}}
}

// askProfile writes the steward's statement about a version's profile, and what their passkey is asked to sign it.
func (c *Console) askProfile(_ http.ResponseWriter, r *http.Request, who policy.Subject) (any, error) {
	k := call{ctx: r.Context(), cat: c.Catalog, who: who, r: r}
	number, err := k.version()
	if err != nil {
		return nil, err
	}
	v, err := k.cat.Datasets.ShowVersion(k.ctx, who, k.arg("slug"), number)
	if err != nil {
		return nil, err
	}
	ds, err := k.cat.Datasets.Show(k.ctx, who, v.Dataset)
	if err != nil {
		return nil, err
	}
	if home, err := k.home(); err != nil || home != ds.Provider { // others see the version; its profile is not theirs to vouch for
		return nil, errors.Join(err, fault.NotFound())
	}
	if v.Profile == "" {
		return nil, fault.New(fault.Conflict, "profile.missing")
	}
	return k.cat.Passkeys.Ask(k.ctx, who, dataset.ProfileType, dataset.ProfileStatement{
		Dataset: name.Slug(v.Dataset), Number: v.Number, Manifest: name.Digest(v.Digest), Profile: name.Digest(v.Profile),
		Steward: name.ID(who.Member), At: c.Now(),
	})
}

// signProfile keeps what the steward's passkey signed.
func signProfile(k call) (string, error) {
	number, err := k.version()
	if err != nil {
		return "", err
	}
	signed, err := k.sealed(dataset.ProfileType, k.form)
	if err != nil {
		return "", err
	}
	v, err := k.cat.Datasets.SignProfile(k.ctx, k.who, k.arg("slug"), number, signed)
	return datasetPath(v.Dataset) + "?tab=profile", err
}

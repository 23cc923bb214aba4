package catalog_test

import (
	"encoding/json"
	"testing"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// replayed plays a certificate that another record made on this one.
func (c *city) replayed(certificate destruction.Certificate) (did bool) {
	c.t.Helper()
	body, err := json.Marshal(envelope.Envelope{Type: destruction.CertificateType, Key: "another's", Payload: []byte("{}")})
	c.must(err)
	c.tx(func(tx *postgres.Tx) error {
		did, err = catalog.Replay(c.ctx, tx, catalog.Replayed{
			Certificate: certificate, Package: destruction.Package{Certificate: body, Proof: json.RawMessage("{}")},
		}, c.clock())
		return err
	})
	return did
}

// A record from before a destruction learns of it: the keys are gone at once, the keeper ends the rest and traces it,
// and the certificate stays the one there was.
func TestReplayDestroysAgain(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	left := c.ran(c.grant.Number)
	v := c.version(1)
	certificate := destruction.Certificate{
		Dataset: slug, Version: 1, Manifest: name.Digest(*v.ManifestDigest), Keys: []name.ID{name.ID(v.DataKey)},
		Reason: destruction.ReasonOrder, Asked: destruction.Deed{At: c.clock()}, Approved: destruction.Deed{At: c.clock()},
	}
	if !c.replayed(certificate) || c.replayed(certificate) {
		t.Error("a replay counts otherwise than once")
	}
	if !c.key(v.DataKey).Erased() || c.version(1).State != string(dataset.Destroying) {
		t.Fatalf("before the keeper's turn the version is %s", c.version(1).State)
	}
	c.turns()
	pkg, err := c.serve.Destructions.Get(c.ctx, c.steward.Subject, slug, 1)
	c.must(err)
	var kept envelope.Envelope
	if c.must(json.Unmarshal(pkg.Certificate, &kept)); kept.Key != "another's" || c.version(1).State != string(dataset.Destroyed) {
		t.Errorf("certified by %q, the version is %s", kept.Key, c.version(1).State)
	}
	if len(c.entries("destruction.erase")) != 1 {
		t.Errorf("%d entries of the erasure", len(c.entries("destruction.erase")))
	}
	all, err := c.serve.Outputs.List(c.ctx, c.developer.Subject, left.Number)
	if err != nil || len(all) != 1 || all[0].State != "destroyed" {
		t.Errorf("what a run left is %+v, %v", all, err)
	}
}

// Of a version that is another one on this record, only the keys are erased.
func TestReplayKnowsVersionsByTheirManifest(t *testing.T) {
	c := newCity(t, grant.Budget{Runs: 10, Rows: 10_000})
	did := c.replayed(destruction.Certificate{
		Dataset: slug, Version: 1, Manifest: name.DigestOf([]byte("other")), Keys: []name.ID{name.NewID()}, Reason: destruction.ReasonOrder,
	})
	if v := c.version(1); did || v.State != string(dataset.Available) || c.key(v.DataKey).Erased() {
		t.Errorf("the version is %s", v.State)
	}
	if did := c.replayed(destruction.Certificate{Dataset: "unknown", Version: 1, Keys: []name.ID{name.NewID()}}); did {
		t.Error("what this record never knew is said to be destroyed")
	}
}

package client

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/passkey"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trust"
)

// Errors of verifying a release, beside those of the parts.
var (
	// ErrProduct says that the certificate is about other bytes.
	ErrProduct = errors.New("the certificate is about other bytes")
	// ErrEntry says that the proof is of another entry of the trace than the certificate names.
	ErrEntry = errors.New("the proof is of another trace entry than the certificate's")
	// ErrVotes says that the votes are not the two that the certificate names, both for this product.
	ErrVotes = errors.New("the votes are not those of the certificate")
)

// VerifyRelease checks a product offline, with nothing but the instance's root public key: trust.json under the
// root key, the certificate under a key it vouches for, the product's digest, both votes under the voters' own keys,
// and that the intent to release it was in the signed trace before it left.
func VerifyRelease(pkg release.Package, root ed25519.PublicKey) error {
	doc, err := trust.Verify(pkg.Trust, root)
	if err != nil {
		return err
	}
	certificate, err := openCertificate(pkg.Certificate, doc)
	if err != nil {
		return err
	}
	if !certificate.Describes(pkg.Product) {
		return ErrProduct
	}
	if _, err := OpenVotes(pkg.Votes, certificate); err != nil {
		return err
	}
	return verifyEntry(pkg.Proof, certificate.Trace, certificate.Issued, doc)
}

// OpenVotes verifies the votes of a package under the keys they came with, and returns what they say: the two that the
// certificate names, of different seats, people and keys, each for the product. No votes are none: the package is of
// before they were handed out. Whose a key is, who knows its fingerprint can tell.
func OpenVotes(raw json.RawMessage, c release.Certificate) (votes []output.Vote, err error) {
	if raw == nil {
		return nil, nil
	}
	var signed []release.SignedVote
	if err := json.Unmarshal(raw, &signed); err != nil {
		return nil, fmt.Errorf("reading votes: %w", err)
	}
	if len(signed) != 2 || len(c.Votes) != 2 {
		return nil, ErrVotes
	}
	for i, s := range signed {
		cast, err := openVote(s, c.Votes[i])
		if err != nil {
			return nil, err
		}
		if cast.Decision != output.Approve || cast.Digest != c.Product {
			return nil, ErrVotes
		}
		votes = append(votes, cast)
	}
	if votes[0].Seat != output.OperatorSeat || votes[1].Seat != output.AgencySeat || votes[0].Voter == votes[1].Voter ||
		votes[0].Request != votes[1].Request || bytes.Equal(signed[0].PublicKey, signed[1].PublicKey) {
		return nil, ErrVotes
	}
	return votes, nil
}

// openVote opens the vote of a digest.
func openVote(s release.SignedVote, named name.Digest) (cast output.Vote, err error) {
	digest, err := s.Envelope.Digest()
	if err != nil {
		return cast, fmt.Errorf("digesting vote: %w", err)
	}
	if digest != named {
		return cast, ErrVotes
	}
	return output.OpenVote(s.Envelope, passkey.Verifier(s.Envelope.Scheme, s.Origin, s.PublicKey))
}

// VerifyRecall finds the statement that takes a product back among those the keeper signed. ok is false when there is
// none: as far as the server tells. A statement that does not verify is an error: somebody else made it.
func VerifyRecall(statements []envelope.Envelope, product []byte, document []byte, root ed25519.PublicKey) (found release.Recall, ok bool, err error) {
	doc, err := trust.Verify(document, root)
	if err != nil {
		return found, false, err
	}
	for _, e := range statements {
		r, err := openRecall(e, doc)
		if err != nil {
			return found, false, err
		}
		if r.Product == name.DigestOf(product) {
			found, ok = r, true
		}
	}
	return found, ok, nil
}

func openRecall(e envelope.Envelope, doc trust.Document) (release.Recall, error) {
	i := slices.IndexFunc(doc.Keys, func(k trust.Key) bool { return k.ID == e.Key })
	if i < 0 {
		return release.Recall{}, fmt.Errorf("finding the recall's key: %w", trust.ErrUnknown)
	}
	r, err := release.OpenRecall(e, doc.Keys[i].Public)
	if err != nil {
		return release.Recall{}, err
	}
	if _, err := doc.Key(e.Key, trust.Certificate, r.Issued); err != nil {
		return release.Recall{}, fmt.Errorf("checking the recall's key: %w", err)
	}
	return r, nil
}

// openCertificate verifies a certificate under the key it names, which must have been good for certificates
// when it was issued.
func openCertificate(raw []byte, doc trust.Document) (release.Certificate, error) {
	var e envelope.Envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return release.Certificate{}, fmt.Errorf("reading certificate: %w", err)
	}
	i := slices.IndexFunc(doc.Keys, func(k trust.Key) bool { return k.ID == e.Key })
	if i < 0 {
		return release.Certificate{}, fmt.Errorf("finding certificate key: %w", trust.ErrUnknown)
	}
	c, err := release.Open(e, doc.Keys[i].Public)
	if err != nil {
		return release.Certificate{}, err
	}
	if _, err := doc.Key(e.Key, trust.Certificate, c.Issued); err != nil {
		return release.Certificate{}, fmt.Errorf("checking certificate key: %w", err)
	}
	return c, nil
}

// verifyEntry checks that the entry a certificate names is in the log that the checkpoint keys signed when it was
// issued.
func verifyEntry(raw []byte, named release.Entry, issued time.Time, doc trust.Document) error {
	proof, err := trace.ParseProof(raw)
	if err != nil {
		return err
	}
	keys, err := checkpointKeysAt(doc, issued)
	if err != nil {
		return err
	}
	_, head, err := trace.VerifyInclusion(proof, keys)
	if err != nil {
		return err
	}
	proven := release.Entry{
		Origin: head.Origin, Index: proof.Index, Leaf: trace.LeafHash(proof.Leaf), Size: head.Size,
		Root: name.Digest("sha256:" + hex.EncodeToString(head.Root[:])),
	}
	if proven != named {
		return ErrEntry
	}
	return nil
}

// checkpointKeysAt are the log's keys that were good at a time, those revoked since among them.
func checkpointKeysAt(doc trust.Document, at time.Time) (trace.Keys, error) {
	return checkpointKeys(doc, func(k trust.Key) bool {
		_, err := doc.Key(k.ID, trust.Checkpoint, at)
		return err == nil
	})
}

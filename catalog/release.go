package catalog

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/policy"
)

// Signer is what the keeper brings to a release: its certificate key, and the proof of a sequenced entry.
type Signer struct {
	KeyID string
	Key   ed25519.PrivateKey
	// Prove returns where an entry stands in the signed log, and its proof as JSON.
	Prove func(ctx context.Context, leafID string) (release.Entry, json.RawMessage, error)
}

// Decide settles one request whose two seats have voted: the worse vote wins. Two approvals become the
// intent to release, on record and waiting to be sequenced, after the keeper has verified both votes itself
// and asked policy again. It returns false when no request waits.
func (s *Releases) Decide(ctx context.Context) (bool, error) {
	worked := false
	var open postgres.Request
	err := s.c.act(ctx, Keeper(), "release.make", func(d *deed) error {
		r, err := d.tx.DecidedRequest(ctx)
		if absent(err) {
			return errNothing
		}
		if err != nil {
			return fmt.Errorf("looking for a decided request: %w", err)
		}
		worked, open = true, r
		return d.decideRelease(r)
	})
	if errors.Is(err, errNothing) {
		return false, nil
	}
	if refused(err) {
		return worked, s.end(ctx, open, output.Reject)
	}
	var said choiceError
	if errors.As(err, &said) {
		return worked, s.end(ctx, open, output.Choice(said))
	}
	return worked, err
}

// errNothing says that there was nothing to do.
var errNothing = errors.New("nothing to do")

// choiceError carries the outcome of votes that did not approve.
type choiceError string

// Error implements error.
func (c choiceError) Error() string { return "votes say " + string(c) }

// decideRelease verifies the votes, asks policy and records the intent.
func (d *deed) decideRelease(r postgres.Request) error {
	row, o, p, err := d.underReview(r)
	if err != nil {
		return err
	}
	votes, verified, err := d.verifiedVotes(r, o)
	if err != nil {
		return err
	}
	if choice, _ := output.Result(votes); choice != output.Approve && verified {
		return choiceError(choice)
	}
	if err := d.releasable(r, row, o, p); err != nil {
		return err
	}
	to, err := output.Flow().Check(state(o.State), "approve")
	if err != nil {
		return err
	}
	if to, err = output.Flow().Check(to, "release"); err != nil {
		return err
	}
	number, err := d.newNumber(name.Release)
	if err != nil {
		return err
	}
	d.number, d.refs["output"], d.refs["code"] = number, o.Digest, row.CodeDigest
	d.detail["request"] = r.Number
	if err := d.moveOutput(o, to); err != nil {
		return err
	}
	if err := d.tx.MoveRequest(d.ctx, r.ID, string(output.Approved), nil); err != nil {
		return err
	}
	product, err := d.productOf(o)
	if err != nil {
		return err
	}
	return d.tx.InsertRelease(d.ctx, postgres.Release{
		ID: name.NewID().String(), Number: number, Request: r.ID, Output: o.ID, Digest: o.Digest,
		State: string(output.Releasing), Leaf: d.leaf, Object: product, CreatedAt: d.now,
	})
}

// productOf chooses where an output's product will lie: under a key of its own, since whoever downloads it gets the key of
// nothing else. It is on record with the intent, so that a copy whose keeper died is found, and not made beside it.
func (d *deed) productOf(o postgres.Output) (json.RawMessage, error) {
	var reviewed object.Ref
	if err := json.Unmarshal(o.Object, &reviewed); err != nil {
		return nil, fmt.Errorf("reading reference: %w", err)
	}
	own, err := d.newDataKey("release")
	if err != nil {
		return nil, err
	}
	return json.Marshal(object.Ref{Bucket: object.Release, Key: own.ID, Digest: o.Digest, Size: reviewed.Size})
}

// underReview reads what a request is about, and locks what its release rests on in lock order.
func (d *deed) underReview(r postgres.Request) (row postgres.Job, o postgres.Output, p job.Package, err error) {
	if o, err = d.tx.Output(d.ctx, r.Output); err != nil {
		return row, o, p, err
	}
	if row, err = d.tx.JobByID(d.ctx, o.Job); err != nil {
		return row, o, p, err
	}
	p, err = packageOf(row)
	return row, o, p, err
}

// verifiedVotes opens both votes under the voters' own keys as they are admitted now. The rows' states count
// for nothing here.
func (d *deed) verifiedVotes(r postgres.Request, o postgres.Output) ([]output.Vote, bool, error) {
	rows, err := d.tx.Votes(d.ctx, r.ID)
	if err != nil {
		return nil, false, fmt.Errorf("reading votes: %w", err)
	}
	var votes []output.Vote
	all := len(rows) == 2
	for _, v := range rows {
		cast, ok, err := d.verifiedVote(r, o, v)
		if err != nil {
			return nil, false, err
		}
		all = all && ok
		votes = append(votes, cast)
	}
	return votes, all, nil
}

func (d *deed) verifiedVote(r postgres.Request, o postgres.Output, v postgres.Vote) (output.Vote, bool, error) {
	key, err := d.tx.ShareKey(d.ctx, v.MemberKey) // shared: it must not end before the release is on record
	if err != nil {
		return output.Vote{}, false, fmt.Errorf("reading voter's key: %w", err)
	}
	var signed envelope.Envelope
	if err := json.Unmarshal(v.Envelope, &signed); err != nil {
		return output.Vote{}, false, fmt.Errorf("reading vote: %w", err)
	}
	cast, err := output.OpenVote(signed, verifier(key))
	ok := err == nil && keyCounts(key, d.now) && key.Member == v.Voter && string(cast.Voter) == v.Voter &&
		string(cast.Seat) == v.Seat && cast.Fits(d.subjectOf(r, o), d.now)
	return cast, ok, nil
}

// releasable asks policy whether an output may leave now: votes, findings, and every scope dimension of its
// job, with everything revocable locked until this transaction ends.
func (d *deed) releasable(r postgres.Request, row postgres.Job, o postgres.Output, p job.Package) error {
	g, err := d.groundOf(p.Inputs, row.Org, share)
	if err != nil {
		return err
	}
	review, err := d.reviewFacts(row, o)
	if err != nil {
		return err
	}
	if review.Votes, err = d.votesAsFacts(r, o); err != nil {
		return err
	}
	scope := g.scope(p, false)
	facts := policy.Facts{Scope: scope, Review: review}
	return d.decide(policy.Object{Kind: "release", ID: o.ID, Org: row.Org}, r.Number, facts)
}

func (d *deed) votesAsFacts(r postgres.Request, o postgres.Output) ([]policy.VoteFacts, error) {
	rows, err := d.tx.Votes(d.ctx, r.ID)
	if err != nil {
		return nil, fmt.Errorf("reading votes: %w", err)
	}
	var facts []policy.VoteFacts
	for _, v := range rows {
		cast, ok, err := d.verifiedVote(r, o, v)
		if err != nil {
			return nil, err
		}
		voter, err := d.tx.Member(d.ctx, v.Voter)
		if err != nil {
			return nil, fmt.Errorf("reading voter: %w", err)
		}
		facts = append(facts, policy.VoteFacts{
			Seat: v.Seat, Voter: v.Voter, Org: voter.Org, Approve: cast.Decision == output.Approve,
			Verified: ok && sits(voter, cast.Seat),
		})
	}
	return facts, nil
}

// end closes a request that does not become a release. Between the decision and this, a key may have ended and the
// request gone another way: then there is nothing to close.
func (s *Releases) end(ctx context.Context, decided postgres.Request, choice output.Choice) error {
	err := s.c.act(ctx, Keeper(), "work.settle", func(d *deed) error {
		r, err := d.tx.StillDecided(ctx, decided.ID)
		if absent(err) {
			return errNothing
		}
		if err != nil {
			return fmt.Errorf("locking a decided request: %w", err)
		}
		row, o, _, err := d.underReview(r)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "review", ID: r.ID, Org: row.Org}, r.Number, policy.Facts{}); err != nil {
			return err
		}
		to, err := output.Flow().Check(state(o.State), string(choice))
		if err != nil {
			return err
		}
		closed, err := output.RequestFlow().Check(state(r.State), string(choice))
		if err != nil {
			return err
		}
		d.detail["choice"] = string(choice)
		if err := d.moveOutput(o, to); err != nil {
			return err
		}
		return d.tx.MoveRequest(ctx, r.ID, string(closed), &d.now)
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}

// Finish completes one release whose intent has been sequenced and checkpointed: the bytes are copied to the
// delivery area under their digest, the certificate is signed over the intent's proof, and policy is asked a
// last time in the transaction that makes it downloadable. A right that ended meanwhile stops it.
func (s *Releases) Finish(ctx context.Context, provider KeyProvider, signer Signer) (bool, error) {
	worked := false
	var found postgres.Release
	err := s.c.act(ctx, Keeper(), "release.make", func(d *deed) error {
		l, err := d.tx.SequencedRelease(ctx)
		if absent(err) {
			return errNothing
		}
		if err != nil {
			return fmt.Errorf("looking for a sequenced release: %w", err)
		}
		worked, found = true, l
		return d.finishRelease(l, provider, signer)
	})
	if errors.Is(err, errNothing) {
		return false, nil
	}
	if refused(err) {
		return worked, s.stop(ctx, found)
	}
	return worked, err
}

func (d *deed) finishRelease(l postgres.Release, provider KeyProvider, signer Signer) error {
	r, err := d.tx.RequestByID(d.ctx, l.Request)
	if err != nil {
		return err
	}
	row, o, p, err := d.underReview(r)
	if err != nil {
		return err
	}
	if err := d.releasable(r, row, o, p); err != nil {
		return err
	}
	d.number = l.Number
	delivered, err := d.deliver(l, row, o, provider)
	if err != nil {
		return err
	}
	certificate, err := d.certificate(l, r, row, o, p, delivered.Size, signer)
	if err != nil {
		return err
	}
	to, err := output.Flow().Check(state(o.State), "deliver")
	if err != nil {
		return err
	}
	if l.Object, err = json.Marshal(delivered); err != nil {
		return fmt.Errorf("encoding reference: %w", err)
	}
	l.State, l.Certificate, l.ReleasedAt = string(output.Released), certificate, &d.now
	d.refs["product"], d.refs["code"] = o.Digest, row.CodeDigest
	if err := d.tx.FinishRelease(d.ctx, l); err != nil {
		return err
	}
	if err := d.tx.MoveRequest(d.ctx, r.ID, string(output.Released), &d.now); err != nil {
		return err
	}
	return d.moveOutput(o, to)
}

// deliver copies an output to the place in the delivery area that its intent chose. Reading verifies its digest, writing
// is write-once under it, so reviewed bytes and released bytes are the same bytes.
func (d *deed) deliver(l postgres.Release, row postgres.Job, o postgres.Output, provider KeyProvider) (object.Ref, error) {
	var ref object.Ref
	if err := json.Unmarshal(o.Object, &ref); err != nil {
		return ref, fmt.Errorf("reading reference: %w", err)
	}
	if ref.Digest != o.Digest || row.DataKey == nil || ref.Key != *row.DataKey {
		return ref, errors.New("output names other bytes than were sealed")
	}
	key, err := d.openedKey(ref.Key, provider)
	if err != nil {
		return ref, err
	}
	body, err := d.c.Store.OpenVerified(d.ctx, ref, key)
	if err != nil {
		return ref, fmt.Errorf("reading output: %w", err)
	}
	defer func() { _ = body.Close() }()
	own, err := d.productKey(l, provider)
	if err != nil {
		return ref, err
	}
	copied, err := d.c.Store.PutKnown(d.ctx, object.Release, own, object.Content{Digest: ref.Digest, Size: ref.Size}, body)
	if err != nil {
		return ref, fmt.Errorf("writing product: %w", err)
	}
	return copied, nil
}

// productKey opens the key of the place an intent chose.
func (d *deed) productKey(l postgres.Release, provider KeyProvider) (object.DataKey, error) {
	if l.Object == nil { // an intent from before places were chosen with it
		return d.providedKey(provider, "release")
	}
	var product object.Ref
	if err := json.Unmarshal(l.Object, &product); err != nil {
		return object.DataKey{}, fmt.Errorf("reading reference: %w", err)
	}
	return d.openedKey(product.Key, provider)
}

// openedKey opens a data key of the record.
func (d *deed) openedKey(id string, provider KeyProvider) (object.DataKey, error) {
	k := keychain{d: d, provider: provider}
	secret := k.secret(id)
	if k.err != nil {
		return object.DataKey{}, k.err
	}
	return object.NewDataKey(id, secret)
}

// signed is what a release keeps: the certificate with its proof.
type signed struct {
	Certificate envelope.Envelope `json:"certificate"`
	Proof       json.RawMessage   `json:"proof"`
}

func (d *deed) certificate(l postgres.Release, r postgres.Request, row postgres.Job, o postgres.Output, p job.Package, size int64, signer Signer) (json.RawMessage, error) {
	entry, proof, err := signer.Prove(d.ctx, l.Leaf)
	if err != nil {
		return nil, fmt.Errorf("proving the intent: %w", err)
	}
	c := release.Certificate{
		Format: release.CertificateFormat, Release: name.Number(l.Number), Output: o.Name, Product: name.Digest(o.Digest),
		Size: size, Job: name.Number(row.Number), Code: name.Digest(row.CodeDigest), Policy: o.Revision, RuleSet: row.RuleSet,
		Trace: entry, Issued: d.now,
	}
	if c.Votes, err = d.voteDigests(r); err != nil {
		return nil, err
	}
	for _, in := range p.Inputs {
		ds, err := d.tx.Dataset(d.ctx, string(in.Dataset))
		if err != nil {
			return nil, fmt.Errorf("reading dataset: %w", err)
		}
		v, err := d.tx.Version(d.ctx, ds.ID, in.Version)
		if err != nil {
			return nil, fmt.Errorf("reading version: %w", err)
		}
		c.Inputs = append(c.Inputs, release.Input{
			Dataset: in.Dataset, Version: in.Version, Manifest: name.Digest(text(v.ManifestDigest)), Grant: in.Grant,
		})
	}
	sealed, err := c.Sign(signer.KeyID, signer.Key)
	if err != nil {
		return nil, fmt.Errorf("signing certificate: %w", err)
	}
	return json.Marshal(signed{Certificate: sealed, Proof: proof})
}

// voteDigests names the two votes, operator's seat first.
func (d *deed) voteDigests(r postgres.Request) ([]name.Digest, error) {
	votes, err := d.signedVotes(r.ID)
	if err != nil {
		return nil, err
	}
	return each(votes, func(v release.SignedVote) (name.Digest, error) { return v.Envelope.Digest() })
}

// signedVotes reads the votes of a request as they were signed, in the order in which certificates name them.
func (d *deed) signedVotes(request string) ([]release.SignedVote, error) {
	rows, err := d.tx.Votes(d.ctx, request)
	if err != nil {
		return nil, fmt.Errorf("reading votes: %w", err)
	}
	return each(operatorFirst(rows), func(v postgres.Vote) (signed release.SignedVote, err error) {
		key, err := d.tx.KeyByID(d.ctx, v.MemberKey)
		if err != nil {
			return signed, fmt.Errorf("reading voter's key: %w", err)
		}
		if err := json.Unmarshal(v.Envelope, &signed.Envelope); err != nil {
			return signed, fmt.Errorf("reading vote: %w", err)
		}
		signed.PublicKey, signed.Origin = key.PublicKey, key.Origin
		return signed, nil
	})
}

// operatorFirst orders votes as certificates name them.
func operatorFirst(rows []postgres.Vote) []postgres.Vote {
	slices.SortFunc(rows, func(a, b postgres.Vote) int { return compare(b.Seat, a.Seat) })
	return rows
}

// stop ends a release whose rights ended before delivery.
func (s *Releases) stop(ctx context.Context, l postgres.Release) error {
	return s.c.act(ctx, Keeper(), "work.settle", func(d *deed) error {
		r, err := d.tx.RequestByID(ctx, l.Request)
		if err != nil {
			return err
		}
		row, o, _, err := d.underReview(r)
		if err != nil {
			return err
		}
		if err := d.decide(policy.Object{Kind: "release", ID: l.ID, Org: row.Org}, l.Number, policy.Facts{}); err != nil {
			return err
		}
		to, err := output.Flow().Check(state(o.State), "reject")
		if err != nil {
			return err
		}
		l.State = "stopped"
		if err := d.tx.FinishRelease(ctx, l); err != nil {
			return err
		}
		if err := d.tx.MoveRequest(ctx, r.ID, "rejected", &d.now); err != nil {
			return err
		}
		return d.moveOutput(o, to)
	})
}

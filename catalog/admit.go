package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy"
)

// Work is the keeper's side of the queue: it admits claimed work after asking policy again, and settles what
// was sealed. Only the keeper's role can do either, and only the keeper can unwrap keys.
type Work struct{ c *core }

// QueueSetting is the public fact under which claims find the rule set's caps on one organization's running work.
const QueueSetting = "queue"

// Announce mirrors the rule set's queue values to where claims read them. The keeper calls it when it starts: what
// a worker may hold is not the worker's to say.
func (s *Work) Announce(ctx context.Context) error {
	q := s.c.Rules.Queue
	body, err := json.Marshal(map[string]int64{
		"running": int64(q.Running()), "scratch": int64(q.OrgScratchMB) << 20, "piece": int64(q.PieceScratchMB) << 20,
	})
	if err != nil {
		return fmt.Errorf("encoding queue values: %w", err)
	}
	return s.c.DB.InTx(ctx, func(tx *postgres.Tx) error { return tx.PutSetting(ctx, QueueSetting, body) })
}

// KeyProvider holds the wrapping keys and uses them where they lie: key files, a token behind PKCS#11, a key service
// with a suite of its own. No wrapping key leaves it. What it wraps is bound to info.
type KeyProvider interface {
	// Describe tells of a key by its id; "" is the one in force. keyring.ErrAway: it is not to be had now.
	Describe(ctx context.Context, id string) (keyring.Description, error)
	// Wrap wraps a secret to the key in force.
	Wrap(ctx context.Context, info string, secret []byte) (keyring.Wrapped, error)
	// Unwrap opens what was wrapped. keyring.ErrAway: its key is not to be had now, and trying again may help;
	// keyring.ErrGone: its key was erased, and nothing helps. Any other error: these are not bytes it wrapped.
	Unwrap(ctx context.Context, info string, w keyring.Wrapped) ([]byte, error)
}

// Keeper is the subject the keeper acts as.
func Keeper() policy.Subject { return policy.Subject{Process: "keeper"} }

// Next does the one oldest piece of work that needs the keeper: admission, settling, or ending what nobody
// runs any more. It returns false when there was nothing to do.
func (s *Work) Next(ctx context.Context, provider KeyProvider) (bool, error) {
	var w postgres.Waiting
	err := s.c.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
		w, err = tx.NextWork(ctx)
		return err
	})
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for work: %w", err)
	}
	do := s.settle
	if w.State == "claimed" && !w.Admitted && w.Stop == nil && !w.LeaseOver {
		do = s.admit
	}
	if err := do(ctx, w.Work, provider); err != nil {
		return true, errors.Join(err, s.putOff(ctx, w.ID))
	}
	return true, nil
}

// retryPause is how long work waits after the keeper failed at it.
const retryPause = 5 * time.Second

// putOff lets other work go first.
func (s *Work) putOff(ctx context.Context, id string) error {
	return s.c.DB.InTx(context.WithoutCancel(ctx), func(tx *postgres.Tx) error { return tx.DeferWork(ctx, id, retryPause) })
}

// claims names the act a claim of each kind is decided as: work on a department's own data, or a job.
var claims = map[work.Kind]policy.Action{
	work.Inspect: "work.claim", work.Ingest: "work.claim", work.Profile: "work.claim", work.Twin: "work.claim", work.Preview: "work.claim",
	work.Check: "job.claim", work.Debug: "job.claim", work.Run: "job.claim",
}

// admit asks policy again and seals the keys of one claim to its worker. A refusal stops the work.
func (s *Work) admit(ctx context.Context, w postgres.Work, provider KeyProvider) error {
	err := s.c.act(ctx, Keeper(), claims[work.Kind(w.Kind)], func(d *deed) error {
		var letter work.Letter
		if err := json.Unmarshal(w.Letter, &letter); err != nil {
			return fmt.Errorf("reading letter: %w", err)
		}
		keys, err := d.admission(w, letter, provider)
		if err != nil {
			return err
		}
		return d.handOver(w, keys)
	})
	if refused(err) || fault.Of(err) == fault.Conflict {
		return s.refuse(ctx, w, fault.Code(err))
	}
	return err
}

// admission decides one claim and gathers the keys it needs. A read's entry commits with the keys, before
// the first byte can be read.
func (d *deed) admission(w postgres.Work, letter work.Letter, provider KeyProvider) (work.Keys, error) {
	d.detail["kind"] = w.Kind
	switch letter.Kind {
	case work.Run, work.Debug, work.Check:
		return d.admitJob(w, letter, provider)
	case work.Ingest, work.Profile, work.Twin, work.Preview:
		return d.admitDataset(w, letter, provider)
	case work.Inspect:
		return d.admitUpload(w, provider)
	}
	return work.Keys{}, fmt.Errorf("work of unknown kind")
}

// admitDataset hands out the keys of a department's own version.
func (d *deed) admitDataset(w postgres.Work, letter work.Letter, provider KeyProvider) (work.Keys, error) {
	row, err := d.tx.DatasetByID(d.ctx, w.Subject)
	if err != nil {
		return work.Keys{}, err
	}
	if err := d.decide(policy.Object{Kind: "dataset", ID: row.ID, Org: row.Org}, row.Slug, policy.Facts{}); err != nil {
		return work.Keys{}, err
	}
	v, err := d.tx.Version(d.ctx, row.ID, *w.Version)
	if err != nil {
		return work.Keys{}, err
	}
	k := keychain{d: d, provider: provider, keys: work.Keys{Data: map[string][]byte{}, Units: map[string][]byte{}, Digest: map[string][]byte{}}}
	if letter.Kind == work.Twin {
		return d.admitTwin(&k, v)
	}
	k.write(v.DataKey)
	if letter.Kind == work.Ingest {
		k.raw(v.Raw)
		return k.keys, k.err
	}
	k.parts(v)
	if letter.Kind == work.Preview {
		k.dataset(row)
		k.random()
	}
	return k.keys, k.err
}

// admitJob decides a claim of a job against every scope dimension again, and moves the job.
func (d *deed) admitJob(w postgres.Work, letter work.Letter, provider KeyProvider) (work.Keys, error) {
	found, err := d.tx.JobByID(d.ctx, w.Subject)
	if err != nil {
		return work.Keys{}, err
	}
	p, _, g, err := d.planned(found, share)
	if err != nil {
		return work.Keys{}, err
	}
	row, err := d.tx.LockJob(d.ctx, found.ID)
	if err != nil {
		return work.Keys{}, err
	}
	facts := policy.Facts{Scope: g.scope(p, row.Kind == string(job.Debug))}
	if row.Kind == string(job.Check) { // empty tables: nobody's data is read, whatever was granted
		d.action, facts = "work.claim", policy.Facts{}
	}
	if err := d.decide(policy.Object{Kind: "job", ID: row.ID, Org: row.Org}, row.Number, facts); err != nil {
		return work.Keys{}, err
	}
	d.refs["code"] = row.CodeDigest
	if err := d.stillPictured(p); err != nil {
		return work.Keys{}, err
	}
	k := keychain{d: d, provider: provider, keys: work.Keys{Data: map[string][]byte{}, Units: map[string][]byte{}, Digest: map[string][]byte{}}}
	if letter.Kind == work.Check {
		return k.keys, d.startCheck(row)
	}
	return d.startJob(&k, row, p, g, letter)
}

// startJob moves a job into its run and fills the key chain.
func (d *deed) startJob(k *keychain, row postgres.Job, p job.Package, g *ground, letter work.Letter) (work.Keys, error) {
	to := state(row.State)
	if to != job.Running { // a second attempt, and a debug run after its check, find it running
		var err error
		if to, err = job.Flow().Check(to, "claim"); err != nil {
			return work.Keys{}, err
		}
	}
	for _, in := range p.Inputs {
		ds, _ := g.datasetNamed(string(in.Dataset))
		v := g.versions[versionKey(ds.ID, in.Version)]
		d.refs["input."+in.Name] = text(v.ManifestDigest)
		d.detail["columns."+in.Name] = joined(in.Columns)
		if letter.Kind == work.Run {
			k.parts(v)
		}
		k.dataset(ds)
	}
	if letter.Kind == work.Debug {
		k.standIns(p, g, letter.Debug)
	}
	compared, err := k.earlier(p, g, row.ID, letter.Kind)
	if err != nil {
		return work.Keys{}, err
	}
	k.random()
	out := k.output(row)
	if k.err != nil {
		return work.Keys{}, k.err
	}
	return k.keys, d.tx.StartJob(d.ctx, row.ID, string(to), out, compared)
}

// startCheck moves a debug run into its run: its check is part of it.
func (d *deed) startCheck(row postgres.Job) error {
	if row.Kind != string(job.Debug) || row.State == string(job.Running) {
		return nil
	}
	to, err := job.DebugFlow().Check(state(row.State), "claim")
	if err != nil {
		return err
	}
	return d.tx.MoveJob(d.ctx, row.ID, string(to), nil)
}

// handOver seals the keys to the worker's key, bound to work and fence.
func (d *deed) handOver(w postgres.Work, keys work.Keys) error {
	public, err := keyring.ParsePublicKey(w.WorkerKey)
	if err != nil {
		return fmt.Errorf("reading worker key: %w", err)
	}
	plain, err := json.Marshal(keys)
	if err != nil {
		return fmt.Errorf("encoding keys: %w", err)
	}
	sealed, err := keyring.Seal(public, work.SealInfo(w.ID, w.Fence), plain)
	if err != nil {
		return fmt.Errorf("sealing keys: %w", err)
	}
	err = d.tx.AdmitWork(d.ctx, w.ID, w.Fence, sealed)
	if absent(err) {
		return fault.New(fault.Conflict, "work.lost")
	}
	return err
}

// refuse stops work that policy does not allow any more, and with it its job.
func (s *Work) refuse(ctx context.Context, w postgres.Work, code string) error {
	return s.c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		if err := tx.StopWork(ctx, w.Subject, code); err != nil {
			return fmt.Errorf("stopping refused work: %w", err)
		}
		tx.Notify("worker", "stop")
		return nil
	})
}

// keychain gathers keys and keeps the first error.
type keychain struct {
	d        *deed
	provider KeyProvider
	keys     work.Keys
	err      error
}

func (k *keychain) secret(id string) []byte {
	if k.err != nil {
		return nil
	}
	row, err := k.d.tx.DataKey(k.d.ctx, id)
	if err != nil {
		k.err = fmt.Errorf("reading data key: %w", err)
		return nil
	}
	secret, err := unwrapped(k.d.ctx, k.provider, row)
	if err != nil {
		k.err = fmt.Errorf("unwrapping data key: %w", err)
	}
	return secret
}

// unwrapped opens a data key. One that was erased is gone, whatever the provider holds.
func unwrapped(ctx context.Context, provider KeyProvider, row postgres.DataKey) ([]byte, error) {
	if row.Erased() {
		return nil, fault.New(fault.Conflict, "key.destroyed")
	}
	secret, err := provider.Unwrap(ctx, KeyInfo(row.ID), row.Sealed())
	switch {
	case errors.Is(err, keyring.ErrGone):
		return nil, fault.New(fault.Conflict, "key.destroyed")
	case errors.Is(err, keyring.ErrAway):
		return nil, &fault.Error{Kind: fault.Unavailable, Code: "key.away", Cause: err}
	}
	return secret, err
}

func (k *keychain) data(id string)  { k.keys.Data[id] = k.secret(id) }
func (k *keychain) write(id string) { k.keys.Write = &work.WriteKey{ID: id, Secret: k.secret(id)} }

// parts adds the keys the parts of a version lie under: its own, and those of older versions it shares parts with.
func (k *keychain) parts(v postgres.Version) {
	refs, err := partsOf(v)
	k.refs(refs, err)
}

// raw adds the keys of the chunks a version or its twin is made from.
func (k *keychain) raw(raw json.RawMessage) {
	var refs []object.Ref
	err := json.Unmarshal(raw, &refs)
	k.refs(refs, err)
}

func (k *keychain) refs(refs []object.Ref, err error) {
	if k.err == nil {
		k.err = err
	}
	for _, r := range refs {
		if k.keys.Data[r.Key] == nil {
			k.data(r.Key)
		}
	}
}

// dataset adds the unit and digest keys of a dataset, derived from its master.
func (k *keychain) dataset(row postgres.Dataset) {
	master := k.secret(row.SecretKey)
	if k.err != nil {
		return
	}
	k.keys.Units[row.ID] = keyring.Derive(master, "unit")
	k.keys.Digest[row.ID] = keyring.Derive(master, "digest")
}

// random adds what is drawn anew for each run: token key and seed.
func (k *keychain) random() {
	for _, to := range []*[]byte{&k.keys.Token, &k.keys.Seed} {
		if k.err == nil {
			*to, k.err = k.d.c.random(32)
		}
	}
}

// output makes the data key of a job's outputs, or takes the one an earlier attempt made.
func (k *keychain) output(row postgres.Job) string {
	if k.err != nil {
		return ""
	}
	if row.DataKey != nil {
		k.write(*row.DataKey)
		return *row.DataKey
	}
	made, err := k.d.providedKey(k.provider, "job")
	if err != nil {
		k.err = err
		return ""
	}
	k.write(made.ID)
	return made.ID
}

// earlier adds the memberships a run must be told apart from, with their keys.
func (k *keychain) earlier(p job.Package, g *ground, jobID string, kind work.Kind) ([]string, error) {
	compared := []string{}
	if kind != work.Run {
		return compared, nil
	}
	for _, in := range p.Inputs {
		ds, _ := g.datasetNamed(string(in.Dataset))
		rows, err := k.d.tx.EarlierOutputs(k.d.ctx, ds.ID, jobID)
		if err != nil {
			return nil, fmt.Errorf("reading earlier outputs: %w", err)
		}
		for _, r := range rows {
			if slices.Contains(compared, r.ID) {
				continue
			}
			compared = append(compared, r.ID)
			var ref object.Ref
			if err := json.Unmarshal(r.Membership, &ref); err != nil {
				return nil, fmt.Errorf("reading membership reference: %w", err)
			}
			k.keys.Earlier = append(k.keys.Earlier, work.Earlier{Title: r.Job + " " + r.Name, Ref: ref})
			k.data(r.DataKey)
		}
	}
	return compared, nil
}

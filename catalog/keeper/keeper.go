// Package keeper is the keeper's loop: it sequences the trace, admits and settles work, hands out data keys,
// re-verifies votes, signs checkpoints and certificates, and releases. It has no listener: everything it acts
// on lies in the record, and it is woken by the record's notifications.
//
// Its keys never leave its process. What it decides it decides through package catalog, like everybody else;
// nothing here bypasses policy or trace.
package keeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trust"
)

// Keeper holds the keys of an instance. One runs per instance, which the instance's lock sees to: a second one would lose
// every race it enters, but might give out a key while the first deletes what was left under it.
type Keeper struct {
	Catalog *catalog.Catalog
	DB      *postgres.DB
	Keys    Keys
	Log     *slog.Logger
	// Sequencer makes the trace longer; Origin is its name.
	Sequencer *trace.Sequencer
	Origin    string
	// Pause is how long the keeper waits for a notification before it looks by itself.
	Pause time.Duration
	Now   func() time.Time

	swept   time.Time // when the store was last looked through
	cleared time.Time // when what ended was last looked at
}

// sweepEvery is how often the store is looked through for objects nobody names: that reads its whole list.
const sweepEvery = time.Hour

// clearEvery is how often what ended work left in the store is looked for.
const clearEvery = 20 * time.Second

// Keys are the private keys of the keeper's uid.
type Keys struct {
	Wrap        keyring.Key
	Certificate keyring.Key
	// RetiredWrap are wrapping keys before today's: data keys that were sealed to them are opened with them.
	RetiredWrap []keyring.Key
}

// Serve works until ctx ends. An error of one turn is logged and the turn repeated: every step is idempotent.
func (k *Keeper) Serve(ctx context.Context) error {
	if err := k.Catalog.Work.Announce(ctx); err != nil {
		return fmt.Errorf("announcing queue values: %w", err)
	}
	wake := make(chan struct{}, 1)
	go k.listen(ctx, wake)
	for ctx.Err() == nil {
		worked, err := k.Turn(ctx)
		if err != nil && ctx.Err() == nil {
			k.Log.ErrorContext(ctx, "keeper's turn failed", "err", err)
		}
		if !worked || err != nil {
			await(ctx, wake, k.Pause)
		}
	}
	return nil
}

// listen turns notifications into wake-ups, and opens a lost connection again.
func (k *Keeper) listen(ctx context.Context, wake chan<- struct{}) {
	for ctx.Err() == nil {
		err := k.DB.Listen(ctx, "keeper", func() {
			select {
			case wake <- struct{}{}:
			default:
			}
		})
		if ctx.Err() == nil {
			k.Log.WarnContext(ctx, "listening failed", "err", err)
			await(ctx, nil, k.Pause)
		}
	}
}

func await(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

// Turn does one of everything that waits, and tells whether there was anything.
func (k *Keeper) Turn(ctx context.Context) (bool, error) {
	provider, err := keyring.NewFileProvider(k.Keys.Wrap, k.Keys.RetiredWrap...)
	if err != nil {
		return false, err
	}
	signer, err := k.signer()
	if err != nil {
		return false, err
	}
	worked := false
	var errs []error
	for _, step := range []func() (bool, error){
		func() (bool, error) { return k.Catalog.Work.Next(ctx, provider) },
		func() (bool, error) { return k.Catalog.Work.Answer(ctx, provider) },
		func() (bool, error) { return k.Catalog.Releases.Decide(ctx) },
		func() (bool, error) { return k.Catalog.Trace.Sequence(ctx, k.Sequencer) },
		func() (bool, error) { return k.Catalog.Releases.Finish(ctx, provider, signer) },
		func() (bool, error) { return k.Catalog.Releases.SignRecall(ctx, signer) },
		func() (bool, error) { return k.Catalog.Grants.Expire(ctx) },
		func() (bool, error) { return k.Catalog.Uploads.Expire(ctx) },
		func() (bool, error) { return k.Catalog.Datasets.Retain(ctx) },
		func() (bool, error) { return k.Catalog.SelfTests.Trace(ctx) },
		func() (bool, error) { return k.Catalog.Destructions.Erase(ctx) },
		func() (bool, error) { return k.Catalog.Destructions.Certify(ctx, signer) },
		func() (bool, error) { return k.Catalog.Destructions.Clear(ctx) },
		func() (bool, error) { return false, k.sweep(ctx) },
	} {
		did, err := step() // one that fails must not keep the others from their turn
		errs = append(errs, err)
		worked = worked || did
	}
	return worked, errors.Join(errs...)
}

// sweep looks through the store when it is time, the first time at once: a killed process may have left something.
func (k *Keeper) sweep(ctx context.Context) error {
	now := k.Now()
	if now.Sub(k.cleared) >= clearEvery {
		k.cleared = now
		if err := k.Catalog.Stored.SweepEnded(ctx); err != nil {
			return err
		}
	}
	if now.Sub(k.swept) < sweepEvery {
		return nil
	}
	k.swept = now
	return k.Catalog.Stored.Sweep(ctx)
}

// signer signs certificates over the proof of a sequenced entry.
func (k *Keeper) signer() (catalog.Signer, error) {
	key, err := k.Keys.Certificate.Signing()
	if err != nil {
		return catalog.Signer{}, fmt.Errorf("taking certificate key: %w", err)
	}
	return catalog.Signer{KeyID: trust.KeyID(trust.Certificate, k.Keys.Certificate.Public()), Key: key, Prove: k.prove}, nil
}

func (k *Keeper) prove(ctx context.Context, leafID string) (release.Entry, json.RawMessage, error) {
	checkpoint, proof, err := k.Catalog.Trace.Prover(ctx, leafID)
	if err != nil {
		return release.Entry{}, nil, fmt.Errorf("proving entry: %w", err)
	}
	body, err := json.Marshal(proof)
	if err != nil {
		return release.Entry{}, nil, fmt.Errorf("encoding proof: %w", err)
	}
	return release.Entry{
		Origin: k.Origin, Index: proof.Index, Leaf: trace.LeafHash(proof.Leaf), Size: checkpoint.Size,
		Root: name.Digest(fmt.Sprintf("sha256:%x", checkpoint.Root[:])),
	}, body, nil
}

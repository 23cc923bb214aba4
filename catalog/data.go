package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/work"
	"github.com/sluicedata/sluice/policy"
)

// WrapSetting is the public fact under which the keeper's wrapping public key is found.
const WrapSetting = "wrap_key"

// KeyInfo binds a wrapped data key to its id.
func KeyInfo(id string) string { return "sluice/data-key/" + id }

// FetchInfo binds keys sealed for a fetch to its request.
func FetchInfo(id string) string { return "sluice/fetch/" + id }

// dataKey makes a data key and wraps it to the keeper at once: whoever made it forgets it with the call.
func (c *core) dataKey(ctx context.Context, purpose string) (key object.DataKey, row postgres.DataKey, err error) {
	err = c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		key, row, err = c.makeDataKey(ctx, tx, purpose)
		return err
	})
	return key, row, err
}

// newDataKey makes and keeps a wrapped key whose secret only the keeper will ever open.
func (d *deed) newDataKey(purpose string) (postgres.DataKey, error) {
	_, row, err := d.c.makeDataKey(d.ctx, d.tx, purpose)
	if err != nil {
		return postgres.DataKey{}, err
	}
	if err := d.tx.InsertDataKey(d.ctx, row); err != nil {
		return postgres.DataKey{}, fmt.Errorf("keeping data key: %w", err)
	}
	return row, nil
}

// providedKey makes and keeps a data key that the keeper's own provider wraps.
func (d *deed) providedKey(provider KeyProvider, purpose string) (object.DataKey, error) {
	key, row, err := d.c.drawDataKey(purpose, func(info string, secret []byte) (keyring.Wrapped, error) {
		return provider.Wrap(d.ctx, info, secret)
	})
	if err != nil {
		return object.DataKey{}, err
	}
	if err := d.tx.InsertDataKey(d.ctx, row); err != nil {
		return object.DataKey{}, fmt.Errorf("keeping data key: %w", err)
	}
	return key, nil
}

// makeDataKey draws a data key and seals it to the public half the provider has made known: whoever takes bytes in
// holds no wrapping key.
func (c *core) makeDataKey(ctx context.Context, tx *postgres.Tx, purpose string) (object.DataKey, postgres.DataKey, error) {
	public, err := wrapKey(ctx, tx)
	if err != nil {
		return object.DataKey{}, postgres.DataKey{}, err
	}
	return c.drawDataKey(purpose, func(info string, secret []byte) (keyring.Wrapped, error) {
		return keyring.WrapTo(public, info, secret)
	})
}

// drawDataKey draws a data key and has it wrapped, bound to its id.
func (c *core) drawDataKey(
	purpose string, wrap func(info string, secret []byte) (keyring.Wrapped, error),
) (object.DataKey, postgres.DataKey, error) {
	fail := func(err error) (object.DataKey, postgres.DataKey, error) {
		return object.DataKey{}, postgres.DataKey{}, fmt.Errorf("making data key: %w", err)
	}
	secret, err := c.random(32)
	if err != nil {
		return fail(err)
	}
	key, err := object.NewDataKey(name.NewID().String(), secret)
	if err != nil {
		return fail(err)
	}
	w, err := wrap(KeyInfo(key.ID), key.Secret[:])
	if err != nil {
		return fail(err)
	}
	return key, postgres.DataKey{
		ID: key.ID, Purpose: purpose, Suite: w.Suite, Wrapped: w.Bytes, WrapKey: optional(w.Key), CreatedAt: c.Now(),
	}, nil
}

func wrapKey(ctx context.Context, tx *postgres.Tx) (keyring.PublicKey, error) {
	raw, err := tx.Setting(ctx, WrapSetting)
	if err != nil {
		return keyring.PublicKey{}, fmt.Errorf("reading wrapping key: %w", err)
	}
	var encoded []byte
	if err := json.Unmarshal(raw, &encoded); err != nil {
		return keyring.PublicKey{}, fmt.Errorf("decoding wrapping key: %w", err)
	}
	return keyring.ParsePublicKey(encoded)
}

// How long a fetch waits for the keeper, and how often it looks: somebody waits for the page meanwhile, and a look is less
// than the keeper's answer takes.
const (
	fetchPatience = 10 * time.Second
	fetchPause    = 4 * time.Millisecond
)

// fetch reads one object whole: the keeper asks policy again and seals its key to a key of this call only.
// For the small objects people look at: profiles, previews, tables under review, products.
func (c *core) fetch(ctx context.Context, caller policy.Subject, act string, obj string, version *int, ref object.Ref) ([]byte, error) {
	private, err := keyring.NewPrivateKey()
	if err != nil {
		return nil, fmt.Errorf("making fetch key: %w", err)
	}
	id := name.NewID().String()
	if err := c.askKeys(ctx, caller, act, obj, version, id, private.Public()); err != nil {
		return nil, err
	}
	sealed, err := c.awaitKeys(ctx, id)
	if err != nil {
		return nil, err
	}
	return c.open(ctx, private, id, sealed, ref)
}

func (c *core) askKeys(ctx context.Context, caller policy.Subject, act, obj string, version *int, id string, public keyring.PublicKey) error {
	subject, err := json.Marshal(caller)
	if err != nil {
		return fmt.Errorf("encoding subject: %w", err)
	}
	return c.DB.InTx(ctx, func(tx *postgres.Tx) error {
		err := tx.InsertKeyRequest(ctx, postgres.KeyRequest{
			ID: id, Subject: subject, Act: act, Object: obj, Version: version, PublicKey: public.Bytes(), CreatedAt: c.Now(),
		})
		if err != nil {
			return fmt.Errorf("asking for keys: %w", err)
		}
		tx.Notify("keeper", "keys")
		return nil
	})
}

// awaitKeys waits for the keeper's answer; silence is a denial.
func (c *core) awaitKeys(ctx context.Context, id string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchPatience)
	defer cancel()
	tick := time.NewTicker(fetchPause)
	defer tick.Stop()
	for {
		var k postgres.KeyRequest
		err := c.DB.InTx(ctx, func(tx *postgres.Tx) (err error) {
			k, err = tx.KeyRequest(ctx, id)
			return err
		})
		if err == nil && k.State != "asked" {
			return answered(k)
		}
		select {
		case <-ctx.Done():
			return nil, fault.New(fault.Unavailable, "keeper.silent")
		case <-tick.C:
		}
	}
}

func answered(k postgres.KeyRequest) ([]byte, error) {
	if k.State == "sealed" {
		return k.Keys, nil
	}
	var d policy.Decision
	if err := json.Unmarshal(k.Refusal, &d); err != nil || len(d.Reasons) == 0 {
		return nil, fault.NotFound()
	}
	return nil, fault.Refused(d)
}

func (c *core) open(ctx context.Context, private keyring.PrivateKey, id string, sealed []byte, ref object.Ref) ([]byte, error) {
	plain, err := keyring.Open(private, FetchInfo(id), sealed)
	if err != nil {
		return nil, fmt.Errorf("opening sealed keys: %w", err)
	}
	var keys work.Keys
	if err := json.Unmarshal(plain, &keys); err != nil {
		return nil, fmt.Errorf("reading sealed keys: %w", err)
	}
	key, err := object.NewDataKey(ref.Key, keys.Data[ref.Key])
	if err != nil {
		return nil, fmt.Errorf("choosing data key: %w", err)
	}
	var body bytes.Buffer
	if err := c.Store.Get(ctx, ref, key, &body); err != nil {
		return nil, fmt.Errorf("reading object: %w", err)
	}
	return body.Bytes(), nil
}

// queue adds work in the transaction of the act that needs it.
func (d *deed) queue(subject string, version *int, letter work.Letter) error {
	return d.queueAs(name.NewID().String(), subject, version, letter)
}

func (d *deed) queueAs(id, subject string, version *int, letter work.Letter) error {
	body, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("encoding letter: %w", err)
	}
	w := postgres.Work{ID: id, Kind: string(letter.Kind), Subject: subject, Version: version, Letter: body, QueuedAt: d.now,
		Bytes: letter.Bytes(), Runtimes: letter.Allowed()}
	if err := d.tx.InsertWork(d.ctx, w); err != nil {
		return fmt.Errorf("queueing work: %w", err)
	}
	d.tx.Notify("worker", string(letter.Kind))
	return nil
}

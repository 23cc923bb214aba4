package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/keeper"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/passkey"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/ruleset"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/trace/tilestore"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/gateway/admin"
	"github.com/sluicedata/sluice/policy/bundle"
)

// keeperPause is how long the keeper waits for a notification before it looks by itself.
const keeperPause = 500 * time.Millisecond

// runKeeper sequences, admits, settles, signs and releases.
func runKeeper(ctx context.Context, in surroundings) error {
	opened, err := in.openCatalog(ctx, "keeper", object.Keeper)
	if err != nil {
		return err
	}
	defer opened.db.Close()
	keys, err := in.keeperKeys()
	if err != nil {
		return err
	}
	origin, err := opened.origin(ctx)
	if err != nil {
		return err
	}
	signing, err := keys.checkpoint.Signing()
	if err != nil {
		return failed("up.key", "purpose", keyring.Checkpoint).because(err)
	}
	signer, err := trace.NewSigner(origin, signing)
	if err != nil {
		return failed("up.key", "purpose", keyring.Checkpoint).because(err)
	}
	before, err := trace.NewKeys(origin, keys.retired...)
	if err != nil {
		return failed("up.retired_keys").because(err)
	}
	k := &keeper.Keeper{
		Catalog: opened.catalog, DB: opened.db, Keys: keys.Keys, Log: in.log, Origin: origin, Pause: keeperPause, Now: in.now,
		Sequencer: trace.NewSequencer(tilestore.NewS3(opened.store), signer, before),
	}
	closing, err := in.openAdmin(ctx, &admin.Admin{Metrics: opened.metrics, Checks: opened.checks(opened.metrics)})
	if err != nil {
		return err
	}
	if err := in.ready(); err != nil {
		return err
	}
	return errors.Join(k.Serve(ctx), closing())
}

// allKeys are the keys of the keeper's uid.
type allKeys struct {
	keeper.Keys
	checkpoint keyring.Key
	retired    []ed25519.PublicKey // checkpoint keys before today's: the log's head may still be signed by one
}

func (in surroundings) keeperKeys() (allKeys, error) {
	var keys allKeys
	for purpose, to := range map[keyring.Purpose]*keyring.Key{
		keyring.Wrap: &keys.Wrap, keyring.Certificate: &keys.Certificate, keyring.Checkpoint: &keys.checkpoint,
	} {
		key, err := keyring.Load(keyPath(in.home, purpose), purpose)
		if err != nil {
			return allKeys{}, failed("up.key", "purpose", purpose).because(err)
		}
		*to = key
	}
	return keys, in.retiredKeys(&keys)
}

// retiredKeys reads the keys that `sluice trust rotate` put aside.
func (in surroundings) retiredKeys(keys *allKeys) error {
	for purpose, add := range map[keyring.Purpose]func(keyring.Key){
		keyring.Wrap:       func(k keyring.Key) { keys.RetiredWrap = append(keys.RetiredWrap, k) },
		keyring.Checkpoint: func(k keyring.Key) { keys.retired = append(keys.retired, k.Public()) },
	} {
		paths, err := filepath.Glob(filepath.Join(in.home, "keys", string(purpose)+"-*.key"))
		if err != nil {
			return failed("up.retired_keys").because(err)
		}
		for _, path := range paths {
			key, err := keyring.Load(path, purpose)
			if err != nil {
				return failed("up.key", "purpose", purpose).because(err)
			}
			add(key)
		}
	}
	return in.retiredHalves(keys)
}

// publicSuffix ends the file of a lost key's public half.
const publicSuffix = ".pub"

// retiredHalves reads the public halves of checkpoint keys that were lost (`sluice trust rotate --lost`).
func (in surroundings) retiredHalves(keys *allKeys) error {
	paths, err := filepath.Glob(filepath.Join(in.home, "keys", string(keyring.Checkpoint)+"-*"+publicSuffix))
	if err != nil {
		return failed("up.retired_keys").because(err)
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			return failed("up.retired_keys").because(err)
		}
		public, err := rootKey(raw)
		if err != nil {
			return failed("up.retired_keys").because(err)
		}
		keys.retired = append(keys.retired, public)
	}
	return nil
}

// keyPath is where the keeper's key of a purpose lies.
func keyPath(home string, p keyring.Purpose) string {
	return filepath.Join(home, "keys", string(p)+".key")
}

// openedCatalog is the front door as one process opened it.
type openedCatalog struct {
	catalog *catalog.Catalog
	db      *postgres.DB
	store   *object.Store
	policy  catalog.Policy
	metrics *admin.Metrics
}

// openCatalog opens the front door under a process's own role and credential.
func (in surroundings) openCatalog(ctx context.Context, role string, account object.Account) (openedCatalog, error) {
	o := openedCatalog{metrics: admin.NewMetrics()}
	conf, err := in.law()
	if err != nil {
		return o, err
	}
	if o.db, err = in.openDatabase(ctx, role, o.metrics); err != nil {
		return o, err
	}
	if o.store, err = in.openStore(account, o.metrics); err != nil {
		return o, err
	}
	secret, err := instance.ReadSecret(filepath.Join(in.secrets, "person"))
	if err != nil {
		return o, err
	}
	if conf.PersonKey, err = base64.RawURLEncoding.DecodeString(secret); err != nil {
		return o, failed("up.key", "purpose", "person").because(err)
	}
	o.policy = countedPolicy{conf.Policy, o.metrics}
	conf.Policy = o.policy
	if site, err := passkey.NewSite(in.baseURL); err == nil {
		conf.Passkeys = site // at an address without a name there are none, and people are told so
	}
	conf.DB, conf.Store, conf.Now, conf.Rand, conf.FactorKey = o.db, o.store, in.now, rand.Reader, in.factors
	o.catalog, err = catalog.New(ctx, conf)
	return o, err
}

// law opens what decides: the policy bundle, the rule set in force and the working days.
func (in surroundings) law() (catalog.Config, error) {
	var conf catalog.Config
	rules, err := in.ruleSet()
	if err != nil {
		return conf, failed("up.rules", "path", in.rules).because(err)
	}
	days, err := calendar.Default()
	if err != nil {
		return conf, failed("up.inside_file").because(err)
	}
	policy, err := bundle.Embedded()
	if err != nil {
		return conf, failed("up.inside_file").because(err)
	}
	conf.Rules, conf.Calendar, conf.Policy = rules, days, policy
	return conf, nil
}

// ruleSet is the city's, or the site's own file.
func (in surroundings) ruleSet() (ruleset.RuleSet, error) {
	if in.rules == "" {
		return ruleset.Default()
	}
	data, err := os.ReadFile(in.rules)
	if err != nil {
		return ruleset.RuleSet{}, err
	}
	return ruleset.Load(data)
}

// origin names the instance's log.
func (o openedCatalog) origin(ctx context.Context) (origin string, err error) {
	err = o.db.InTx(ctx, func(tx *postgres.Tx) error {
		raw, err := tx.Setting(ctx, originSetting)
		if err != nil {
			return failed("up.no_trust").because(err)
		}
		return json.Unmarshal(raw, &origin)
	})
	return origin, err
}

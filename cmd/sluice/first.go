package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/keyring"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trust"
	"github.com/sluicedata/sluice/gateway/client"
)

// originSetting is the public fact under which the name of the instance's log is found.
const originSetting = "origin"

// keyYears is how long the first keys are valid.
const keyYears = 10

// first makes what a new instance needs, once: the offline root key, the keeper's keys and trust.json over
// them, the key behind people's hashes, and one administrator. The root key and the administrator's profile
// are written where only root reads; they belong into a safe.
func first(ctx context.Context, in *opened, tell io.Writer) error {
	db, err := postgres.Open(ctx, in.owner)
	if err != nil {
		return err
	}
	defer db.Close()
	if made, err := begun(ctx, db); err != nil || made {
		return err
	}
	for _, part := range []string{"serve", "keeper"} {
		if err := in.personKey(part); err != nil {
			return err
		}
	}
	document, settings, err := in.makeKeys(time.Now().UTC().Truncate(time.Second))
	if err != nil {
		return err
	}
	settings[catalog.TrustSetting] = document
	if err := in.administrator(ctx, db, settings); err != nil {
		return err
	}
	_, err = fmt.Fprintln(tell, textsOf(ctx).Say("up.first", "path", filepath.Join(in.Data, "root")))
	return err
}

// begun tells whether an earlier start has made everything: the settings are written last.
func begun(ctx context.Context, db *postgres.DB) (bool, error) {
	err := db.InTx(ctx, func(tx *postgres.Tx) error {
		_, err := tx.Setting(ctx, catalog.TrustSetting)
		return err
	})
	if errors.Is(err, postgres.ErrNone) {
		return false, nil
	}
	return err == nil, err
}

// personKey gives gateway and keeper the same key for people's hashes.
func (in *opened) personKey(part string) error {
	secret, err := in.Secret(in.users, "serve", "person")
	if err != nil {
		return err
	}
	if part == "serve" {
		return nil
	}
	return in.KeepSecret(in.users, part, "person", []byte(secret+"\n"))
}

// makeKeys makes root and keeper keys, and signs trust.json over the latter.
func (in *opened) makeKeys(now time.Time) (document json.RawMessage, settings map[string]any, err error) {
	root, err := keyring.LoadOrCreate(filepath.Join(in.Root(), "root.key"), keyring.Root)
	if err != nil {
		return nil, nil, failed("up.making", "path", filepath.Join(in.Root(), "root.key")).because(err)
	}
	public := hex.EncodeToString(root.Public())
	if err := os.WriteFile(filepath.Join(in.Root(), "root.pub"), []byte(public+"\n"), 0o644); err != nil {
		return nil, nil, failed("up.writing", "path", filepath.Join(in.Root(), "root.pub")).because(err)
	}
	origin := "sluice/" + public[:16]
	doc := trust.Document{Format: trust.Format, Origin: origin, Serial: 1, Issued: now}
	settings = map[string]any{originSetting: origin}
	for _, p := range []keyring.Purpose{keyring.Checkpoint, keyring.Certificate, keyring.Wrap} {
		key, err := in.keeperKey(p)
		if err != nil {
			return nil, nil, err
		}
		doc.Keys = append(doc.Keys, trusted(key, now))
		if p == keyring.Wrap {
			settings[catalog.WrapSetting] = key.Public()
		}
	}
	signing, err := root.Signing()
	if err != nil {
		return nil, nil, failed("up.first_keys").because(err)
	}
	document, err = doc.Sign(signing)
	return document, settings, err
}

// trusted is a key's line in trust.json.
func trusted(key keyring.Key, now time.Time) trust.Key {
	p, alg := trust.Purpose(key.Purpose()), trust.Ed25519
	if p == trust.Wrap {
		alg = trust.X25519
	}
	return trust.Key{
		ID: trust.KeyID(p, key.Public()), Purpose: p, Alg: alg, Public: key.Public(),
		NotBefore: now, NotAfter: now.AddDate(keyYears, 0, 0),
	}
}

// keeperKey makes one key in the keeper's folder and hands it to the keeper's uid.
func (in *opened) keeperKey(p keyring.Purpose) (keyring.Key, error) {
	path := keyPath(in.Home("keeper"), p)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return keyring.Key{}, failed("up.making", "path", filepath.Dir(path)).because(err)
	}
	key, err := in.keyFile(path, p)
	if err != nil {
		return keyring.Key{}, failed("up.making", "path", path).because(err)
	}
	return key, in.handToKeeper(filepath.Dir(path), path)
}

// handToKeeper gives files to the keeper's user.
func (in *opened) handToKeeper(paths ...string) error {
	as := in.users.As("keeper")
	if as == nil {
		return nil
	}
	for _, path := range paths {
		if err := os.Chown(path, int(as.UID), int(as.GID)); err != nil {
			return failed("up.writing", "path", path).because(err)
		}
	}
	return nil
}

// keyFile makes a key, again when an earlier first start did not come to its end: nothing was signed or
// sealed with that one.
func (in *opened) keyFile(path string, p keyring.Purpose) (keyring.Key, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return keyring.Key{}, err
	}
	return keyring.Create(path, p)
}

// administrator writes the platform's own organization, its first person and their key, and last the
// settings that say that all is done.
func (in *opened) administrator(ctx context.Context, db *postgres.DB, settings map[string]any) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return failed("up.first_keys").because(err)
	}
	profile := client.Profile{Org: "ORG-0001", Login: "admin", Key: base64.StdEncoding.EncodeToString(private.Seed())}
	body, err := json.MarshalIndent(profile, "", "  ")
	if err != nil {
		return failed("up.first_keys").because(err)
	}
	if err := os.WriteFile(filepath.Join(in.Root(), "admin.json"), append(body, '\n'), 0o600); err != nil {
		return failed("up.writing", "path", filepath.Join(in.Root(), "admin.json")).because(err)
	}
	return db.InTx(ctx, func(tx *postgres.Tx) error {
		if err := foundPlatform(ctx, tx, public, time.Now()); err != nil {
			return err
		}
		for key, value := range settings {
			encoded, err := json.Marshal(value)
			if err != nil {
				return failed("up.first_record").because(err)
			}
			if err := tx.PutSetting(ctx, key, encoded); err != nil {
				return failed("up.first_record").because(err)
			}
		}
		return nil
	})
}

// foundPlatform adds the first organization, with the one person whom nobody had to admit.
func foundPlatform(ctx context.Context, tx *postgres.Tx, key ed25519.PublicKey, now time.Time) error {
	if _, err := tx.NextNumber(ctx, string(name.Organization), 0); err != nil {
		return failed("up.first_record").because(err)
	}
	home := postgres.Org{ID: name.NewID().String(), Number: "ORG-0001", Name: "Sluice", CreatedAt: now}
	if err := tx.InsertOrg(ctx, home); err != nil {
		return failed("up.first_record").because(err)
	}
	if err := tx.InsertCapacity(ctx, home.ID, string(org.Platform), "first start", now); err != nil {
		return failed("up.first_record").because(err)
	}
	admin := postgres.Member{
		ID: name.NewID().String(), Org: home.ID, Login: "admin", Name: "Administrator",
		Roles: org.RoleNames([]org.Role{org.OrgAdmin, org.SystemAdmin}), State: string(org.Active), CreatedAt: now,
	}
	if err := tx.InsertMember(ctx, admin); err != nil {
		return failed("up.first_record").because(err)
	}
	expires := now.AddDate(1, 0, 0)
	return tx.InsertKey(ctx, postgres.MemberKey{
		ID: name.NewID().String(), Fingerprint: org.Fingerprint(key), Member: admin.ID, PublicKey: key,
		State: string(org.Admitted), OfferedAt: now, AdmittedAt: &now, AdmittedBy: &admin.ID, ExpiresAt: &expires,
	})
}

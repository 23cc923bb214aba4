package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newKey() *cobra.Command {
	return noun(text{
		use: "key", short: "The keys people prove themselves and vote with",
		example: "  sluice key list\n  sluice key admit sha256:…",
	}, keyAdmit(), keyRevoke(), keyRotate(), keyList())
}

func keyFields() []field[wire.Key] {
	return []field[wire.Key]{
		{"fingerprint", func(k wire.Key) string { return k.Fingerprint }},
		{"login", func(k wire.Key) string { return k.Login }},
		{"state", func(k wire.Key) string { return k.State }},
		{"offered", func(k wire.Key) string { return when(k.OfferedAt) }},
		{"admitted", func(k wire.Key) string { return whenever(k.AdmittedAt) }},
		{"expires", func(k wire.Key) string { return whenever(k.ExpiresAt) }},
		{"last used", func(k wire.Key) string { return whenever(k.LastUsed) }},
		{"certificate", func(k wire.Key) string { return orDash(k.Certificate) }},
	}
}

func keyAdmit() *cobra.Command {
	return command(text{
		use: "admit FINGERPRINT", short: "Let a key in that you compared with its owner",
		long: `Admits an offered key. Compare the whole fingerprint with its owner by voice or in person first: the gateway
could have shown you another one. Nobody admits their own key. Of a program's key, compare the certificate's digest too.
The key lasts as long as the rules say; its owner puts a new one in its place with ` + "`sluice key rotate`" + `.`,
		example: "  sluice key admit sha256:0f3c…",
	}, func(c *call) error {
		admitted, err := c.Keys.Admit(c.ctx, c.args[0])
		return one(c, admitted, err, keyFields())
	})
}

func keyRevoke() *cobra.Command {
	return command(text{
		use: "revoke FINGERPRINT", short: "End a key; its tokens and its unreleased votes stop counting at once",
		example: "  sluice key revoke sha256:0f3c…",
	}, func(c *call) error {
		revoked, err := c.Keys.Revoke(c.ctx, c.args[0])
		return one(c, revoked, err, keyFields())
	})
}

func keyList() *cobra.Command {
	var mine bool
	cmd := ofOrg(command(text{
		use: "list", short: "List the keys of your organization's people",
		example: "  sluice key list\n  sluice key list --mine",
	}, func(c *call) error {
		if mine {
			all, err := c.Keys.Mine(c.ctx)
			return many(c, all, err, keyFields())
		}
		all, err := c.Keys.List(c.ctx, c.org())
		return many(c, all, err, keyFields())
	}))
	cmd.Flags().BoolVar(&mine, "mine", false, "only your own, which everybody may list")
	return cmd
}

func keyRotate() *cobra.Command {
	return command(text{
		use: "rotate", short: "Put a new key in the place of your own",
		long: `Makes a new key and puts it in the place of the profile's: the old one vouches for it and ends at once, with its
tokens and with the votes that were not released yet; vote again. The new key is written beside the profile before
anything else, and takes the profile's place once it has proven to work: run the command again if it was interrupted.`,
		example: "  sluice key rotate\n  sluice key rotate --profile kaifa.json",
	}, rotateKey)
}

func rotateKey(c *call) error {
	path, err := profilePath(c.flag("profile"))
	if err != nil {
		return err
	}
	beside := path + ".new"
	next, err := c.nextProfile(beside)
	if err != nil {
		return err
	}
	server := serverAddress(c.flag("server"), c.profile.Server)
	fresh, err := next.Client(server)
	if err != nil {
		return err
	}
	if _, err := fresh.Whoami(c.ctx); err != nil { // it does not count yet, unless an earlier try got that far
		if err := c.rotateTo(next); err != nil {
			return c.unrotated(beside, err)
		}
		if _, err := fresh.Whoami(c.ctx); err != nil {
			return fmt.Errorf("the new key does not work yet; it is in %s: run the command again: %w", beside, err)
		}
	}
	if err := os.Rename(beside, path); err != nil {
		return fmt.Errorf("the new key counts; it is in %s: %w", beside, err)
	}
	mine, err := fresh.Keys.Mine(c.ctx)
	return many(c, mine, err, keyFields())
}

// nextProfile is the profile with a new key, written beside the old one: a key must be on disk before it counts.
func (c *call) nextProfile(path string) (client.Profile, error) {
	next, err := client.LoadProfile(path)
	if !errors.Is(err, os.ErrNotExist) {
		return next, err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return next, fmt.Errorf("making a key: %w", err)
	}
	next = client.NewProfile(c.profile.Server, c.profile.Org, c.profile.Login, key)
	if c.profile.Certificate != "" {
		if next, err = certified(next, key); err != nil {
			return next, err
		}
	}
	return next, next.Save(path)
}

// certified gives a program's profile a certificate over its key.
func certified(p client.Profile, key ed25519.PrivateKey) (client.Profile, error) {
	der, err := client.SelfSigned(key, time.Now())
	p.Certificate = base64.StdEncoding.EncodeToString(der)
	return p, err
}

func (c *call) rotateTo(next client.Profile) error {
	key, err := next.PrivateKey()
	if err != nil {
		return err
	}
	der, err := base64.StdEncoding.DecodeString(next.Certificate)
	if err != nil {
		return errors.New("the profile's certificate cannot be read")
	}
	_, err = c.Keys.Rotate(c.ctx, key, der)
	return err
}

// unrotated drops a new key that was refused. Of one whose answer was lost nobody knows: it is kept.
func (c *call) unrotated(beside string, err error) error {
	var refused *client.Problem
	if errors.As(err, &refused) && refused.Status < 500 {
		return errors.Join(err, os.Remove(beside))
	}
	return fmt.Errorf("whether the new key counts is not known; it is in %s: run the command again: %w", beside, err)
}

package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newKey() *cobra.Command {
	return noun(text{
		use:     "key",
		example: "  sluice key list\n  sluice key admit sha256:…",
	}, keyAdmit(), keyRevoke(), keyEnd(), keyRotate(), keyList())
}

func keyFields(c *call) []field[wire.Key] {
	return []field[wire.Key]{
		{"fingerprint", func(k wire.Key) string { return k.Fingerprint }},
		{"login", func(k wire.Key) string { return k.Login }},
		{"state", func(k wire.Key) string { return word(c, k.State) }},
		{"offered", func(k wire.Key) string { return when(k.OfferedAt) }},
		{"admitted", func(k wire.Key) string { return whenever(k.AdmittedAt) }},
		{"expires", func(k wire.Key) string { return whenever(k.ExpiresAt) }},
		{"last used", func(k wire.Key) string { return whenever(k.LastUsed) }},
		{"certificate", func(k wire.Key) string { return orDash(k.Certificate) }},
	}
}

func keyAdmit() *cobra.Command {
	return change(text{
		use:     "admit FINGERPRINT",
		example: "  sluice key admit sha256:0f3c…",
	}, func(c *call) error {
		admitted, err := c.Keys.Admit(c.ctx, c.args[0])
		return one(c, admitted, err, keyFields(c))
	})
}

func keyRevoke() *cobra.Command {
	return change(text{
		use:     "revoke FINGERPRINT",
		example: "  sluice key revoke sha256:0f3c…",
	}, func(c *call) error {
		revoked, err := c.Keys.Revoke(c.ctx, c.args[0])
		return one(c, revoked, err, keyFields(c))
	})
}

func keyEnd() *cobra.Command {
	return change(text{
		use:     "end FINGERPRINT",
		example: "  sluice key end sha256:0f3c…",
	}, func(c *call) error {
		ended, err := c.Keys.End(c.ctx, c.args[0])
		return one(c, ended, err, keyFields(c))
	})
}

func keyList() *cobra.Command {
	var mine bool
	cmd := byState(ofOrg(command(text{
		use:     "list",
		example: "  sluice key list --state admitted\n  sluice key list --mine",
	}, func(c *call) error {
		if mine && c.flag("state") != "" {
			return usage("key.mine_all")
		}
		if mine {
			all, err := c.Keys.Mine(c.ctx)
			return many(c, all, err, keyFields(c))
		}
		all, err := c.Keys.List(c.ctx, c.org(), c.narrow()...)
		return many(c, all, err, keyFields(c))
	})))
	cmd.Flags().BoolVar(&mine, "mine", false, "")
	return cmd
}

func keyRotate() *cobra.Command {
	return change(text{
		use:     "rotate",
		example: "  sluice key rotate\n  sluice key rotate --profile kaifa.json",
	}, rotateKey)
}

func rotateKey(c *call) error {
	path, err := c.profilePath()
	if err != nil {
		return err
	}
	beside := path + ".new"
	next, there, err := c.nextProfile(beside)
	if err != nil {
		return err
	}
	if c.rehearses() {
		return c.rotateTo(next)
	}
	if !there { // a key must be on disk before it counts
		if err := next.Save(beside); err != nil {
			return failed("profile.not_written", "path", beside).because(err)
		}
	}
	return c.rotateBy(path, beside, next)
}

// rotateBy puts the key of the profile beside into force, and the profile in the place of the old one.
func (c *call) rotateBy(path, beside string, next client.Profile) error {
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
			return failed("rotate.not_yet", "path", beside).because(c.explain(err))
		}
	}
	if err := os.Rename(beside, path); err != nil {
		return failed("rotate.not_moved", "path", beside).because(err)
	}
	mine, err := fresh.Keys.Mine(c.ctx)
	return many(c, mine, err, keyFields(c))
}

// nextProfile is the profile with a new key: the one an interrupted rotation left behind, or one that is not written
// yet.
func (c *call) nextProfile(path string) (next client.Profile, isThere bool, err error) {
	next, err = client.LoadProfile(path)
	if !errors.Is(err, os.ErrNotExist) {
		return next, true, err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return next, false, texts.Wrong("up.drawing").Because(err)
	}
	next = client.NewProfile(c.profile.Server, c.profile.Org, c.profile.Login, key)
	if c.profile.Certificate != "" {
		next, err = certified(next, key)
	}
	return next, false, err
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
		return failed("profile.certificate").because(err)
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
	return failed("rotate.unsure", "path", beside).because(c.explain(err))
}

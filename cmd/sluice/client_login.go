package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

// newLogin makes a key on the person's side and offers it.
func newLogin() *cobra.Command {
	cmd := rehearsable(offline(text{
		use: "login --org ORG --login LOGIN --server URL",
		example: "  sluice login --server http://127.0.0.1:8420 --org ORG-0002 --login kaifa\n" +
			"  sluice login --server https://sluice.example.org --org ORG-0002 --login kaifa --profile kaifa\n" +
			"  sluice login --server https://sluice.example.org --oidc",
	}, login))
	cmd.Flags().String("org", "", "")
	cmd.Flags().String("login", "", "")
	cmd.Flags().Bool("oidc", false, "")
	cmd.Flags().Bool("machine", false, "")
	return cmd
}

// offered is what login tells.
type offered struct {
	Fingerprint string `json:"fingerprint"`
	Profile     string `json:"profile"`
}

func login(c *call) error {
	if c.flag("oidc") == "true" {
		return loginOIDC(c)
	}
	if err := c.given("--org", c.flag("org"), "--login", c.flag("login")); err != nil {
		return err
	}
	path, err := c.profilePath()
	if err != nil {
		return err
	}
	server := serverAddress(c.flag("server"), "")
	if server == "" {
		return usage("flag.needed", "flag", "--server URL", "command", c.cmd.CommandPath())
	}
	want := client.Profile{Server: server, Org: c.flag("org"), Login: c.flag("login")}
	profile, there, err := ownProfile(path, want, c.flag("machine") == "true")
	if err != nil {
		return err
	}
	isNew := !there && !c.rehearses()
	if isNew {
		if err := profile.Save(path); err != nil {
			return failed("profile.not_written", "path", path).because(err)
		}
	}
	fingerprint, err := c.offer(path, server, profile)
	if err != nil {
		if isNew {
			err = errors.Join(err, os.Remove(path)) // a key nobody knows of is of no use
		}
		return err
	}
	c.note("login.tell", "org", profile.Org, "fingerprint", fingerprint)
	return one(c, offered{fingerprint, path}, nil, []field[offered]{
		{"fingerprint", func(o offered) string { return o.Fingerprint }},
		{"profile file", func(o offered) string { return o.Profile }},
	})
}

// offer hands in the public half of a profile's key.
func (c *call) offer(path, server string, profile client.Profile) (string, error) {
	if err := c.open(path, server, profile); err != nil {
		return "", err
	}
	return c.Keys.Offer(c.ctx, profile.Org, profile.Login)
}

// ownProfile returns the profile that is there for a login, or one with a new key that is not written yet.
func ownProfile(path string, want client.Profile, machine bool) (profile client.Profile, isThere bool, err error) {
	there, err := client.LoadProfile(path)
	if err == nil {
		if there.Org != want.Org || there.Login != want.Login {
			return there, true, usage("login.other_login", "path", path)
		}
		if there.Server != "" && there.Server != want.Server {
			return there, true, usage("login.other_server", "path", path)
		}
		return there, true, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return there, false, failed("profile.unreadable", "path", path).because(err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return want, false, texts.Wrong("up.drawing").Because(err)
	}
	want = client.NewProfile(want.Server, want.Org, want.Login, key)
	if machine {
		want, err = certified(want, key)
	}
	return want, false, err
}

// newWhoami shows the caller to themselves.
func newWhoami() *cobra.Command {
	return command(text{
		use:     "whoami",
		example: "  sluice whoami\n  sluice whoami --profile kaifa.json -o json",
	}, func(c *call) error {
		me, err := c.Whoami(c.ctx)
		if me.KeyExpiresSoon {
			c.note("key.expires_soon", "at", whenever(me.KeyExpiresAt))
		}
		return one(c, me, err, meFields(c))
	})
}

func meFields(c *call) []field[wire.Me] {
	return []field[wire.Me]{
		{"login", func(m wire.Me) string { return m.Login }},
		{"name", func(m wire.Me) string { return m.Name }},
		{"organization", func(m wire.Me) string { return m.Org + " " + m.OrgName }},
		{"roles", func(m wire.Me) string { return words(c, m.Roles) }},
		{"capacities", func(m wire.Me) string { return words(c, m.Capacities) }},
		{"session", c.strength},
		{"key expires", func(m wire.Me) string { return whenever(m.KeyExpiresAt) }},
	}
}

// strength tells how strong a session is, and what it was opened by.
func (c *call) strength(m wire.Me) string {
	return c.Say("session.strength", "strength", word(c, m.Strength), "method", word(c, m.Method))
}

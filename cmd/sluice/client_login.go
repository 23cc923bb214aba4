package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

// newLogin makes a key on the person's side and offers it.
func newLogin() *cobra.Command {
	cmd := offline(text{
		use:   "login --org ORG --login LOGIN --server URL",
		short: "Make a key of your own and offer it to your organization",
		long: `Makes a key on this machine, writes it to the profile file (mode 0600), and offers its public half to the gateway.
The key counts once an administrator of your organization has compared the fingerprint with the one printed here
and admitted it. Where the profile has a key for this login already, that key is offered again.

With --oidc there is no key: a browser proves who you are at the server's identity provider. The first time, --org and
--login say who you are here, and an administrator admits that (` + "`sluice identity admit`" + `). Such a session decides nothing
until you prove a second factor (` + "`sluice factor prove`" + `).`,
		example: "  sluice login --server http://127.0.0.1:8420 --org ORG-0002 --login kaifa\n" +
			"  sluice login --server https://sluice.example.org --org ORG-0002 --login kaifa --profile kaifa.json",
	}, login)
	cmd.Flags().String("org", "", "number of your organization (needed without --oidc)")
	cmd.Flags().String("login", "", "your login there (needed without --oidc)")
	cmd.Flags().Bool("oidc", false, "log in through the server's identity provider instead: no key, and a session of minutes")
	cmd.Flags().Bool("machine", false, "for a program: make a certificate over its key, which must come with every call")
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
	if c.flag("org") == "" || c.flag("login") == "" {
		return usageError{errors.New("--org and --login are needed; see `sluice login --help`")}
	}
	path, err := profilePath(c.flag("profile"))
	if err != nil {
		return err
	}
	server := serverAddress(c.flag("server"), "")
	if server == "" {
		return usageError{errors.New("--server URL is needed; see `sluice login --help`")}
	}
	want := client.Profile{Server: server, Org: c.flag("org"), Login: c.flag("login")}
	profile, made, err := ownProfile(path, want, c.flag("machine") == "true")
	if err != nil {
		return err
	}
	own, err := profile.Client(server)
	if err != nil {
		return err
	}
	fingerprint, err := own.Keys.Offer(c.ctx, profile.Org, profile.Login)
	if err != nil {
		if made {
			err = errors.Join(err, os.Remove(path)) // a key nobody knows of is of no use
		}
		return err
	}
	c.note("Tell an administrator of %s this fingerprint; they compare it and run: sluice key admit %s", profile.Org, fingerprint)
	return one(c, offered{fingerprint, path}, nil, []field[offered]{
		{"fingerprint", func(o offered) string { return o.Fingerprint }},
		{"profile", func(o offered) string { return o.Profile }},
	})
}

// ownProfile makes a profile with a new key, or returns the one that is there for the same login.
func ownProfile(path string, want client.Profile, machine bool) (profile client.Profile, made bool, err error) {
	there, err := client.LoadProfile(path)
	if err == nil {
		if there.Org != want.Org || there.Login != want.Login {
			return there, false, usageError{fmt.Errorf("%s is the profile of another login: give --profile FILE", path)}
		}
		if there.Server != "" && there.Server != want.Server {
			return there, false, usageError{fmt.Errorf("%s is the profile for another server: give --profile FILE", path)}
		}
		return there, false, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return there, false, err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return want, false, fmt.Errorf("making a key: %w", err)
	}
	want = client.NewProfile(want.Server, want.Org, want.Login, key)
	if machine {
		if want, err = certified(want, key); err != nil {
			return want, false, err
		}
	}
	return want, true, want.Save(path)
}

// newWhoami shows the caller to themselves.
func newWhoami() *cobra.Command {
	return command(text{
		use:     "whoami",
		short:   "Show who you are here: organization, roles, capacities",
		example: "  sluice whoami\n  sluice whoami --profile kaifa.json -o json",
	}, func(c *call) error {
		me, err := c.Whoami(c.ctx)
		if me.KeyExpiresSoon {
			c.note("Your key ends on %s: put a new one in its place with `sluice key rotate`.", whenever(me.KeyExpiresAt))
		}
		return one(c, me, err, meFields())
	})
}

func meFields() []field[wire.Me] {
	return []field[wire.Me]{
		{"login", func(m wire.Me) string { return m.Login }},
		{"name", func(m wire.Me) string { return m.Name }},
		{"organization", func(m wire.Me) string { return m.Org + " " + m.OrgName }},
		{"roles", func(m wire.Me) string { return strings.Join(m.Roles, ", ") }},
		{"capacities", func(m wire.Me) string { return strings.Join(m.Capacities, ", ") }},
		{"session", func(m wire.Me) string { return m.Strength + ", by " + m.Method }},
		{"key expires", func(m wire.Me) string { return whenever(m.KeyExpiresAt) }},
	}
}

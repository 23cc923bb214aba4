package main

import (
	"crypto/ed25519"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/client"
)

// kept is a profile as it is shown: never its key.
type kept struct {
	Name        string `json:"name"`
	Used        bool   `json:"used"`
	Server      string `json:"server,omitempty"`
	Org         string `json:"org"`
	Login       string `json:"login"`
	Fingerprint string `json:"fingerprint"`
	Problem     string `json:"problem,omitempty"` // why the file is none
}

func newProfiles() *cobra.Command {
	return noun(text{
		use: "profile", example: "  sluice profile list\n  sluice profile use kaifa",
	}, profileList(), profileUse(), profileShow(), profileRemove())
}

func keptFields(c *call) []field[kept] {
	return []field[kept]{
		{"profile name", func(k kept) string { return k.Name }},
		{"in use", func(k kept) string { return c.yesNo(k.Used) }},
		{"server", func(k kept) string { return k.Server }},
		{"organization", func(k kept) string { return k.Org }},
		{"login", func(k kept) string { return k.Login }},
		{"fingerprint", func(k kept) string { return k.Fingerprint }},
		{"problem", func(k kept) string { return k.Problem }},
	}
}

// readKept reads one profile. A file that is none is shown with what is wrong, so that a list is never short.
func (c *call) readKept(folder, name string) kept {
	out := kept{Name: name, Used: name == profileInUse(folder)}
	p, err := client.LoadProfile(profileFile(folder, name))
	var key ed25519.PrivateKey
	if err == nil {
		key, err = p.PrivateKey()
	}
	if err != nil {
		out.Problem = worded(c.Texts, err)
		return out
	}
	public, _ := key.Public().(ed25519.PublicKey)
	out.Server, out.Org, out.Login, out.Fingerprint = p.Server, p.Org, p.Login, org.Fingerprint(public)
	return out
}

func profileList() *cobra.Command {
	return offline(text{
		use: "list", example: "  sluice profile list -o json",
	}, func(c *call) error {
		folder, err := configFolder()
		var all []kept
		for _, name := range profilesIn(profilesFolder(folder)) {
			all = append(all, c.readKept(folder, name))
		}
		return many(c, all, err, keptFields(c))
	})
}

// ownProfileNamed checks that there is a profile of a name, and returns the folder of all.
func ownProfileNamed(name string) (folder string, err error) {
	if !profileName(name) {
		return "", usage("profile.bad_name", "name", name)
	}
	if folder, err = configFolder(); err != nil {
		return "", err
	}
	if _, err := os.Stat(profileFile(folder, name)); errors.Is(err, os.ErrNotExist) {
		return folder, unknown("profile.unknown", "name", name)
	}
	return folder, nil
}

func profileUse() *cobra.Command {
	return rehearsable(offline(text{
		use: "use NAME", example: "  sluice profile use kaifa",
	}, func(c *call) error {
		folder, err := ownProfileNamed(c.args[0])
		if err != nil {
			return err
		}
		if c.rehearses() {
			c.note("profile.would_use", "name", c.args[0])
		} else if err := os.WriteFile(useFile(folder), []byte(c.args[0]+"\n"), 0o600); err != nil {
			return failed("profile.not_written", "path", useFile(folder)).because(err)
		}
		return one(c, c.readKept(folder, c.args[0]), nil, keptFields(c))
	}))
}

func profileShow() *cobra.Command {
	return offline(text{
		use: "show NAME", example: "  sluice profile show kaifa",
	}, func(c *call) error {
		folder, err := ownProfileNamed(c.args[0])
		if err != nil {
			return err
		}
		return one(c, c.readKept(folder, c.args[0]), nil, keptFields(c))
	})
}

func profileRemove() *cobra.Command {
	return rehearsable(offline(text{
		use: "remove NAME", example: "  sluice profile remove kaifa --dry-run\n  sluice profile remove kaifa",
	}, func(c *call) error {
		folder, err := ownProfileNamed(c.args[0])
		if err != nil {
			return err
		}
		removed := c.readKept(folder, c.args[0])
		if c.rehearses() {
			c.note("profile.would_remove", "path", profileFile(folder, c.args[0]))
			return one(c, removed, nil, keptFields(c))
		}
		if err := os.Remove(profileFile(folder, c.args[0])); err != nil {
			return failed("profile.not_written", "path", profileFile(folder, c.args[0])).because(err)
		}
		return one(c, removed, nil, keptFields(c))
	}))
}

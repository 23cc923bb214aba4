package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/sluicedata/sluice/gateway/client"
)

// A frozen deployment is what a story leaves, kept so that later code can be tried on it: a backup and, because its
// city is invented, every key beside it. deploy/frozen/README.md says what lies where.
const (
	frozenPassphrase = "a frozen city keeps no secrets\n" //nolint:gosec // public on purpose
	frozenPeople     = "people"
	frozenRelease    = "release"
	frozenStory      = "story.jsonl"
)

// frozenResidents is how many residents of each kind a frozen table keeps: enough for job D, and small.
const frozenResidents = 30

// frozenRules are the demo's rules, but people's keys do not end: they log in as long as anybody tries.
func frozenRules() ([]byte, error) {
	const year, century = "keys:\n  days: 365\n", "keys:\n  days: 36500\n"
	if !bytes.Contains(rules, []byte(year)) {
		return nil, errors.New("the demo's rule set says otherwise how long keys last")
	}
	return bytes.Replace(rules, []byte(year), []byte(century), 1), nil
}

// sample keeps the first residents of each cell of job D, inside and outside the granted districts.
func sample(rows []personYear) (kept []personYear) {
	type kind struct {
		inside, free bool
		health       string
	}
	taken := map[kind]map[string]bool{}
	for _, r := range rows {
		k := kind{slices.Contains(granted(), r.district), r.plan == "free", r.health}
		if taken[k] == nil {
			taken[k] = map[string]bool{}
		}
		if len(taken[k]) < frozenResidents {
			taken[k][r.resident] = true
		}
		if taken[k][r.resident] {
			kept = append(kept, r)
		}
	}
	return kept
}

// leaveFrozen backs up the running instance, and puts beside it what a test needs to act in it. The folder takes its
// name last: a frozen deployment is whole or not there.
func (d *demo) leaveFrozen(ctx context.Context) error {
	d.chapter(9, "Frozen as it is now")
	made := filepath.Join(d.dir, "frozen")
	if err := os.RemoveAll(made); err != nil {
		return fmt.Errorf("clearing what did not come to its end: %w", err)
	}
	if err := keepFile(filepath.Join(made, "passphrase"), []byte(frozenPassphrase)); err != nil {
		return err
	}
	if err := d.backUp(ctx, made); err != nil {
		return err
	}
	if err := d.leaveBeside(made); err != nil {
		return err
	}
	if err := os.Rename(made, d.freeze); err != nil {
		return fmt.Errorf("naming the frozen deployment: %w", err)
	}
	return nil
}

// leaveBeside adds people's profiles, the product, and the story so far to a backup.
func (d *demo) leaveBeside(made string) error {
	for _, p := range d.people() {
		profile := client.NewProfile("", p.home, p.login, p.key)
		if err := profile.Save(filepath.Join(made, frozenPeople, p.login+".json")); err != nil {
			return fmt.Errorf("keeping the profile of %s: %w", p.login, err)
		}
	}
	if err := os.CopyFS(filepath.Join(made, frozenRelease), os.DirFS(filepath.Join(d.dir, "release"))); err != nil {
		return fmt.Errorf("keeping the product: %w", err)
	}
	d.tell("admin", "sluice backup", "ok", "database, objects, signed log; the city is invented, so its keys lie beside them")
	told, err := os.ReadFile(filepath.Join(d.dir, "story.jsonl"))
	if err != nil {
		return fmt.Errorf("reading the story: %w", err)
	}
	return keepFile(filepath.Join(made, frozenStory), told)
}

// backUp runs `sluice backup` with the keys in the same folder: nobody does that to a real instance.
func (d *demo) backUp(ctx context.Context, made string) error {
	cmd := exec.CommandContext(ctx, d.sluice, "backup", "--data", d.data, "--out", made, //nolint:gosec // our own program
		"--keys", filepath.Join(made, "keys.age"), "--passphrase-file", filepath.Join(made, "passphrase"))
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("backing up: %w: %s", err, said)
	}
	return nil
}

// people are all who have a key of the story's making: everybody but the first administrator.
func (c *cast) people() []*persona {
	all := []*persona{c.auditor}
	for _, i := range c.institutions() {
		all = append(all, i.people...)
	}
	return all
}

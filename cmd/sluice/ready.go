package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
)

// readyPatience bounds asking one process: its own checks take two seconds at most.
const readyPatience = 5 * time.Second

// newReady makes the command that asks every process of a running instance whether it can do its work.
func newReady() *cobra.Command {
	cmd := lists(offline(text{
		use: "ready --data DIR", example: "  sluice ready --data /var/lib/sluice\n  sluice ready --config /etc/sluice/sluice.yaml",
	}, func(c *call) error {
		loaded, err := loadConfig(c.cmd)
		if err == nil {
			err = c.given("--data DIR", loaded.Data)
		}
		if err != nil {
			return err
		}
		return showReady(c, loaded.Config)
	}))
	addConfigFlags(cmd)
	return cmd
}

// checkOf is one check of one process.
type checkOf struct {
	Part string `json:"part"`
	check
}

func showReady(c *call, o config.Config) error {
	layout, err := instance.NewLayout(o.Data, instance.RuntimeDir(os.Geteuid(), os.Getenv))
	if err != nil {
		return err
	}
	var all []checkOf
	fail := 0
	for _, part := range []struct{ name, at string }{
		{name: "serve", at: o.AdminListen}, {name: "keeper", at: o.KeeperAdminListen}, {name: "worker", at: o.WorkerAdminListen},
	} {
		for _, row := range c.askReady(layout, part.name, part.at) {
			all = append(all, checkOf{part.name, row})
			if !row.OK {
				fail++
			}
		}
	}
	if err := many(c, all, nil, readyFields(c)); err != nil {
		return err
	}
	if fail > 0 {
		return failed("ready.not", "n", fail)
	}
	return nil
}

func readyFields(c *call) []field[checkOf] {
	return []field[checkOf]{
		{"part", func(r checkOf) string { return r.Part }},
		{"check", func(r checkOf) string { return r.Name }},
		{"state", func(r checkOf) string {
			if r.OK {
				return c.Say("ready.ok")
			}
			return c.Say("ready.fails")
		}},
		{"what helps", func(r checkOf) string { return remedyOf(c, r) }},
	}
}

// remedyOf words what helps in the reader's language. A check of another version is told in its own words.
func remedyOf(c *call, r checkOf) string {
	key := "remedy." + r.Name
	text := c.Say("remedy."+r.Name, "part", r.Part)
	if r.Remedy == "" || text == key {
		return r.Remedy
	}
	return text
}

// check is one line of a process's answer.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Remedy string `json:"remedy"`
}

// silent is the check that a process which does not answer fails.
const silent = "answers"

// askReady returns a process's checks; one that does not answer fails the check "answers".
func (c *call) askReady(layout instance.Layout, part, at string) []check {
	ctx, cancel := context.WithTimeout(c.ctx, readyPatience)
	defer cancel()
	network, address := "tcp", at
	if at == "" {
		network, address = "unix", filepath.Join(layout.Socket(part), adminSocket)
	}
	mute := []check{{Name: silent, Remedy: remedyInEnglish(silent, part)}}
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+part+"/readyz", nil)
	if err != nil {
		return mute
	}
	answer, err := web.Do(request)
	if err != nil {
		return mute
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		Status string  `json:"status"`
		Checks []check `json:"checks"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return mute
	}
	if said.Status == "draining" {
		said.Checks = append(said.Checks, check{Name: "stays", Remedy: remedyInEnglish("stays", part)})
	}
	return said.Checks
}

package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
)

// onInstance makes a command about an instance of this machine, running or stopped, which its configuration names.
func onInstance(said text, do func(c *call, o config.Config, layout instance.Layout) error) *cobra.Command {
	cmd := lists(offline(said, func(c *call) error {
		loaded, err := loadConfig(c.cmd)
		if err == nil {
			err = c.given("--data DIR", loaded.Data)
		}
		if err != nil {
			return err
		}
		layout, err := instance.NewLayout(loaded.Data, instance.RuntimeDir(os.Geteuid(), os.Getenv))
		if err != nil {
			return err
		}
		if _, err := os.Stat(layout.Lock()); err != nil {
			return failed("instance.none", "path", loaded.Data)
		}
		return do(c, loaded.Config, layout)
	}))
	addConfigFlags(cmd)
	return cmd
}

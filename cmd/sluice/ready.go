package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/cmd/sluice/config"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
)

// readyPatience bounds asking one process: its own checks take two seconds at most.
const readyPatience = 5 * time.Second

// newReady makes the command that asks every process of a running instance whether it can do its work.
func newReady() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ready --data DIR", Short: "Ask every process of a running instance whether it can do its work",
		Long: `Asks gateway, keeper and worker for /readyz where the configuration says they answer, and prints each check with the
remedy of those that fail. Exit code 1 when one fails.`,
		Example: "  sluice ready --data /var/lib/sluice\n  sluice ready --config /etc/sluice/sluice.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			if loaded.Data == "" {
				return usageError{errors.New("--data DIR is needed")}
			}
			return printReady(cmd, loaded.Config)
		},
	}
	addConfigFlags(cmd)
	return cmd
}

func printReady(cmd *cobra.Command, o config.Config) error {
	layout, err := instance.NewLayout(o.Data, instance.RuntimeDir(os.Geteuid(), os.Getenv))
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "PART\tCHECK\tSTATE\tREMEDY")
	failed := 0
	for _, part := range []struct{ name, at string }{
		{"serve", o.AdminListen}, {"keeper", o.KeeperAdminListen}, {"worker", o.WorkerAdminListen},
	} {
		for _, row := range askReady(cmd.Context(), layout, part.name, part.at) {
			state := "ok"
			if !row.OK {
				state = "FAILS"
				failed++
			}
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", part.name, row.Name, state, row.Remedy)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("not ready: %d check(s) fail", failed)
	}
	return nil
}

// check is one line of a process's answer.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Remedy string `json:"remedy"`
}

// askReady returns a process's checks; one that does not answer fails the check "answers".
func askReady(ctx context.Context, layout instance.Layout, part, at string) []check {
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	network, address := "tcp", at
	if at == "" {
		network, address = "unix", filepath.Join(layout.Socket(part), adminSocket)
	}
	silent := []check{{Name: "answers", Remedy: "the process is away: look into log/" + part + ".log"}}
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+part+"/readyz", nil)
	if err != nil {
		return silent
	}
	answer, err := web.Do(request)
	if err != nil {
		return silent
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		Status string  `json:"status"`
		Checks []check `json:"checks"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return silent
	}
	if said.Status == "draining" {
		said.Checks = append(said.Checks, check{Name: "stays", Remedy: "it was told to stop"})
	}
	return said.Checks
}

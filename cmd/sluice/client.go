package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/sluicedata/sluice/gateway/client"
)

// clientCommands returns the commands that speak to a gateway.
func clientCommands() []*cobra.Command {
	all := []*cobra.Command{
		newLogin(), newWhoami(), newToken(), newOrg(), newMember(), newKey(), newIdentity(), newFactor(), newDataset(), newUpload(),
		newRegistration(), newAgreement(), newGrant(), newJob(), newUsage(), newOutput(), newReview(), newRelease(), newTrace(),
	}
	for _, cmd := range all {
		f := cmd.PersistentFlags()
		f.String("profile", "", "profile file; default: $SLUICE_PROFILE, else "+filepath.Join("~", ".config", "sluice", "profile.json"))
		f.String("server", "", "address of the gateway; default: $SLUICE_SERVER, else the profile's")
		f.StringP("format", "o", formTable, "form of the result: table, json or yaml")
	}
	return all
}

// text is what people read about a command.
type text struct {
	use     string
	short   string
	long    string
	example string
}

// call is one execution of a client command.
type call struct {
	ctx  context.Context
	cmd  *cobra.Command
	args []string
	out  io.Writer // data
	tell io.Writer // all else
	form string    // table, json or yaml
	// Not of offline commands:
	profile client.Profile
	*client.Client
}

// noun groups the verbs of one noun.
func noun(t text, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: t.use, Short: t.short, Long: t.long, Example: t.example, Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(verbs...)
	return cmd
}

// command makes a command that speaks to the gateway under a profile. It takes exactly the arguments its use
// line names in capitals before any flag.
func command(t text, run func(c *call) error) *cobra.Command {
	return offline(t, func(c *call) error {
		if err := c.connect(); err != nil {
			return err
		}
		return run(c)
	})
}

// offline makes a command that needs no gateway.
func offline(t text, run func(c *call) error) *cobra.Command {
	return &cobra.Command{
		Use: t.use, Short: t.short, Long: t.long, Example: t.example, Args: named(t.use),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := &call{ctx: cmd.Context(), cmd: cmd, args: args, out: cmd.OutOrStdout(), tell: cmd.ErrOrStderr()}
			if c.form = c.flag("format"); !knownForm(c.form) {
				return usageError{errors.New("-o is table, json or yaml")}
			}
			return explain(run(c))
		},
	}
}

// named checks that the arguments a use line names are there, and no others.
func named(use string) cobra.PositionalArgs {
	var want []string
	for _, word := range strings.Fields(use)[1:] {
		if strings.HasPrefix(word, "-") || strings.HasPrefix(word, "[") {
			break
		}
		want = append(want, word)
	}
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(want) {
			return nil
		}
		return usageError{fmt.Errorf("usage: %s; see `%s --help`", cmd.UseLine(), cmd.CommandPath())}
	}
}

// need makes a flag one that must be given. A flag that is not there is a fault of this program.
func need(cmd *cobra.Command, flags ...string) *cobra.Command {
	inner := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, name := range flags {
			if !cmd.Flags().Changed(name) {
				return usageError{fmt.Errorf("--%s is needed; see `%s --help`", name, cmd.CommandPath())}
			}
		}
		return inner(cmd, args)
	}
	return cmd
}

// flag returns the text of a flag, "" when the command has none of that name.
func (c *call) flag(name string) string {
	if f := c.cmd.Flags().Lookup(name); f != nil {
		return f.Value.String()
	}
	return ""
}

// connect reads the profile and opens a client for its key.
func (c *call) connect() error {
	path, err := profilePath(c.flag("profile"))
	if err != nil {
		return err
	}
	if c.profile, err = client.LoadProfile(path); errors.Is(err, os.ErrNotExist) {
		return c.resume(path)
	}
	if err != nil {
		return err
	}
	server := serverAddress(c.flag("server"), c.profile.Server)
	if server == "" {
		return usageError{errors.New("the profile names no server: give --server URL or SLUICE_SERVER")}
	}
	c.Client, err = c.profile.Client(server)
	return err
}

// resume opens a client for the session of a login through a provider, where there is no key.
func (c *call) resume(path string) error {
	kept, err := loadSession(path, time.Now())
	if errors.Is(err, errNoSession) {
		return usageError{fmt.Errorf("there is no profile %s: `sluice login` makes one", path)}
	}
	if err != nil {
		return err
	}
	c.Client = client.New(kept.Server, nil).Use(kept.Token)
	me, err := c.Whoami(c.ctx)
	c.profile = client.Profile{Server: kept.Server, Org: me.Org, Login: me.Login}
	return err
}

// org is the organization a command is about: another one only when a flag says so.
func (c *call) org() string {
	if org := c.flag("org"); org != "" {
		return org
	}
	return c.profile.Org
}

// profilePath picks the profile file: flag, environment, the user's configuration folder.
func profilePath(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if path := os.Getenv("SLUICE_PROFILE"); path != "" {
		return path, nil
	}
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", usageError{fmt.Errorf("finding the profile: %w; give --profile FILE", err)}
	}
	return filepath.Join(folder, "sluice", "profile.json"), nil
}

// serverAddress picks the gateway: flag, environment, profile. A slash at the end does not count.
func serverAddress(flag, profile string) string {
	for _, address := range []string{flag, os.Getenv("SLUICE_SERVER"), profile} {
		if address != "" {
			return strings.TrimRight(address, "/")
		}
	}
	return ""
}

// terminal says whether somebody watches what is told.
func (c *call) terminal() bool {
	f, ok := c.tell.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// progress tells one line of progress, only on a terminal.
func (c *call) progress(format string, args ...any) {
	if c.terminal() {
		c.note(format, args...)
	}
}

// note tells the person something that is not data. What cannot be told is not worth failing for.
func (c *call) note(format string, args ...any) {
	_, _ = fmt.Fprintln(c.tell, printable(fmt.Sprintf(format, args...)))
}

// Times of waiting commands.
const (
	patience = 10 * time.Minute
	pause    = 300 * time.Millisecond
)

// waits gives a command the flag that bounds its waiting.
func waits(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().Duration("timeout", patience, "how long to wait; past it the exit code is 5 and the work goes on")
	return cmd
}

// bounded returns a context that ends with the command's patience.
func (c *call) bounded() (context.Context, context.CancelFunc) {
	limit, err := c.cmd.Flags().GetDuration("timeout")
	if err != nil {
		limit = patience
	}
	return context.WithTimeout(c.ctx, limit)
}

// await looks again and again until state says that it is over, and tells each new state on a terminal.
func await[T any](c *call, look func(context.Context) (T, error), state func(T) (now string, over bool)) (T, error) {
	ctx, cancel := c.bounded()
	defer cancel()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	last := ""
	for {
		seen, err := look(ctx)
		if err != nil {
			return seen, late(ctx, last, err)
		}
		now, over := state(seen)
		if now != last {
			c.progress("%s", now)
		}
		if last = now; over {
			return seen, nil
		}
		select {
		case <-ctx.Done():
			return seen, late(ctx, last, ctx.Err())
		case <-tick.C:
		}
	}
}

// late says what was last seen when patience ended.
func late(ctx context.Context, last string, err error) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("waited long enough; last seen: %s; it goes on without this command: %w", orDash(last), context.DeadlineExceeded)
}

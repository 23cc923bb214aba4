package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/messages"
)

// clientCommands returns the commands that speak to a gateway, or about one.
func clientCommands() []*cobra.Command {
	all := []*cobra.Command{
		newLogin(), newWhoami(), newToken(), newProfiles(), newOrg(), newMember(), newKey(), newIdentity(), newFactor(),
		newDataset(), newDestruction(), newUpload(), newRegistration(), newAgreement(), newGrant(), newImage(), newJob(), newUsage(), newOutput(),
		newReview(), newRelease(), newTrace(), newPlatform(),
	}
	for _, cmd := range all {
		markClient(cmd)
	}
	return all
}

// markClient marks a command and all below it as ones that the global flags are for.
func markClient(cmd *cobra.Command) {
	cmd.Annotations = map[string]string{"client": "yes"}
	for _, child := range cmd.Commands() {
		markClient(child)
	}
}

// lists marks a command that is none of the client but prints a result: the flags of its form are for it too.
func lists(cmd *cobra.Command) *cobra.Command {
	cmd.Annotations = map[string]string{"lists": "yes"}
	return cmd
}

// globalFlags are those of every command of the client: whose profile, which gateway, and how answers look.
func globalFlags(f *pflag.FlagSet) {
	f.String("profile", "", "")
	f.String("as", "", "")
	f.String("server", "", "")
	f.StringP("format", "o", formTable, "")
	f.Bool("no-headers", false, "")
	f.String("lang", "", "")
}

// text is what of a command's help is the same in every language; the rest is in package texts, under the
// command's path.
type text struct {
	use     string
	example string
}

// call is one execution of a client command.
type call struct {
	texts.Texts
	ctx  context.Context
	now  func() time.Time
	cmd  *cobra.Command
	args []string
	out  io.Writer // data
	tell io.Writer // all else
	form string    // table, json or yaml
	// drawn says that a line of status stands on the terminal.
	drawn bool
	// Not of offline commands:
	profile client.Profile
	*client.Client
}

// noun groups the verbs of one noun.
func noun(t text, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: t.use, Example: t.example, Args: noCommand,
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

// change is command for one that changes something: it can be rehearsed.
func change(t text, run func(c *call) error) *cobra.Command {
	return rehearsable(command(t, run))
}

// offline makes a command that needs no gateway.
func offline(t text, run func(c *call) error) *cobra.Command {
	return &cobra.Command{
		Use: t.use, Example: t.example, Args: named(t.use),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := newCall(cmd, args)
			if err := c.checkGlobals(); err != nil {
				return err
			}
			return c.explain(run(c))
		},
	}
}

func newCall(cmd *cobra.Command, args []string) *call {
	c := &call{
		Texts: textsOf(cmd.Context()), ctx: cmd.Context(), now: time.Now, cmd: cmd, args: args,
		out: cmd.OutOrStdout(), tell: cmd.ErrOrStderr(),
	}
	c.form = c.flag("format")
	return c
}

// checkGlobals checks the flags that every command has.
func (c *call) checkGlobals() error {
	switch lang := c.flag("lang"); {
	case !knownForm(c.form):
		return usage("form.unknown")
	case lang != "" && !slices.Contains(messages.Languages(), messages.Language(lang)):
		return usage("lang.unknown")
	case c.flag("as") != "" && c.flag("profile") != "":
		return usage("profile.twice")
	}
	return nil
}

// named checks that the arguments a use line names are there, and no others but those in brackets.
func named(use string) cobra.PositionalArgs {
	want := arguments(use)
	more := strings.Count(use, "[")
	return func(cmd *cobra.Command, args []string) error {
		if len(want) <= len(args) && len(args) <= len(want)+more {
			return nil
		}
		line := strings.TrimSuffix(cmd.UseLine(), " [flags]")
		return usage("arguments.wrong", "line", line, "command", cmd.CommandPath())
	}
}

// need makes a flag one that must be given, and not empty. A flag that is not there is a fault of this program.
func need(cmd *cobra.Command, flags ...string) *cobra.Command {
	inner := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, name := range flags {
			if f := cmd.Flags().Lookup(name); !f.Changed || f.Value.String() == "" {
				return usage("flag.needed", "flag", "--"+name, "command", cmd.CommandPath())
			}
		}
		return inner(cmd, args)
	}
	return cmd
}

// given says which of the flags a command cannot do without is missing. Pairs are a flag, as its use line has it,
// and its value.
func (c *call) given(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return usage("flag.needed", "flag", pairs[i], "command", c.cmd.CommandPath())
		}
	}
	return nil
}

// flag returns the text of a flag, "" when the command has none of that name.
func (c *call) flag(name string) string {
	if f := c.cmd.Flags().Lookup(name); f != nil {
		return f.Value.String()
	}
	return ""
}

// connect picks the profile and opens a client for its key.
func (c *call) connect() error {
	path, err := c.profilePath()
	if err != nil {
		return err
	}
	if c.profile, err = client.LoadProfile(path); errors.Is(err, os.ErrNotExist) {
		return c.resume(path)
	}
	if err != nil {
		return failed("profile.unreadable", "path", path).because(err)
	}
	server := serverAddress(c.flag("server"), c.profile.Server)
	if server == "" {
		return usage("server.none")
	}
	return c.open(path, server, c.profile)
}

// open opens a client for the key of a profile, which lies at path.
func (c *call) open(path, server string, profile client.Profile) error {
	own, err := profile.Client(server)
	if err != nil {
		return failed("profile.no_key", "path", path)
	}
	c.speakBy(own)
	return nil
}

// speakBy makes a client that of the command: it answers in the language of the texts, and rehearses when the
// command does.
func (c *call) speakBy(own *client.Client) {
	c.Client = own.In(string(c.Language))
	if c.rehearses() {
		c.Rehearse()
	}
}

// resume opens a client for the session of a login through a provider, where there is no key.
func (c *call) resume(path string) error {
	kept, err := loadSession(path, c.now())
	if errors.Is(err, errNoSession) {
		return usage("profile.none", "path", path)
	}
	if err != nil {
		return err
	}
	c.speakBy(client.New(kept.Server, nil).Use(kept.Token))
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

// serverAddress picks the gateway: flag, environment, profile. A slash at the end does not count.
func serverAddress(flag, profile string) string {
	for _, address := range []string{flag, os.Getenv("SLUICE_SERVER"), profile} {
		if address != "" {
			return strings.TrimRight(address, "/")
		}
	}
	return ""
}

// Times of waiting commands.
const (
	patience = 10 * time.Minute
	pause    = 300 * time.Millisecond
)

// waits gives a command the flag that bounds its waiting.
func waits(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().Duration("timeout", patience, "")
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

// awaits gives a command that starts work the choice to wait for its end.
func awaits(cmd *cobra.Command, wait *bool) *cobra.Command {
	cmd.Flags().BoolVar(wait, "wait", false, "")
	return waits(cmd)
}

// await looks again and again until state says that it is over, and shows the state on a terminal meanwhile.
func await[T any](c *call, look func(context.Context) (T, error), state func(T) (now string, over bool)) (T, error) {
	ctx, cancel := c.bounded()
	defer cancel()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	defer c.wipe()
	last := ""
	for {
		seen, err := look(ctx)
		if err != nil {
			return seen, waited(ctx, last, err)
		}
		now, over := state(seen)
		if now != last {
			c.status(now)
		}
		if last = now; over {
			return seen, nil
		}
		select {
		case <-ctx.Done():
			return seen, waited(ctx, last, ctx.Err())
		case <-tick.C:
		}
	}
}

// waited says what was last seen when patience ended.
func waited(ctx context.Context, last string, err error) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	return late("waited", "state", orDash(last))
}

package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/image"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/org"
	votes "github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/catalog/upload"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

// byState gives a list the flag that leaves what is in one state.
func byState(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("state", "", "")
	return cmd
}

// byFacet gives the list of datasets the flags that only it knows.
func byFacet(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("match", "", "")
	cmd.Flags().String("provider", "", "")
	cmd.Flags().Int("level", 0, "")
	return byState(cmd)
}

// narrow is how the flags of a list narrow it. What may stand behind one the server says: it may know more.
func (c *call) narrow() []client.Narrow {
	by := []client.Narrow{client.InState(c.flag("state")), client.Matching(c.flag("match")), client.OfProvider(c.flag("provider"))}
	if c.cmd.Flags().Changed("level") {
		if level, err := c.cmd.Flags().GetInt("level"); err == nil {
			by = append(by, client.AtLevel(level))
		}
	}
	return by
}

// livesOf are the tables of states of what a command lists.
func livesOf(path string) []flow.Table {
	return map[string][]flow.Table{
		"dataset.list": {dataset.Flow()}, "upload.list": {upload.Flow()}, "registration.list": {registration.Flow()},
		"agreement.list": {agreement.Flow()}, "grant.list": {grant.Flow()}, "image.list": {image.Flow()},
		"job.list": {job.Flow(), job.DebugFlow(), job.CheckFlow()}, "review.list": {votes.RequestFlow()},
		"release.list": {release.Flow()}, "member.list": {org.MemberFlow()}, "key.list": {org.KeyFlow()},
	}[path]
}

func stateChoices(c *call) []choice { return codeChoices(c, flow.States(livesOf(textPath(c.cmd))...)) }

func levelChoices(c *call) []choice {
	var all []choice
	for n := 1; n <= dataset.MaxLevel; n++ {
		all = append(all, choice{strconv.Itoa(n), c.Say("level", "n", n)})
	}
	return all
}

// providerChoices lists whose datasets the caller is shown.
func providerChoices(c *call) []choice {
	all, err := c.Datasets.List(c.ctx)
	slices.SortFunc(all, func(a, b wire.Dataset) int { return strings.Compare(a.Provider, b.Provider) })
	all = slices.CompactFunc(all, func(a, b wire.Dataset) bool { return a.Provider == b.Provider })
	return choices(all, err, func(d wire.Dataset) choice { return choice{d.Provider, d.ProviderName} })
}

package main

import (
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/gateway/wire"
	"github.com/sluicedata/sluice/policy/bundle"
)

// What completion offers for each kind of object: its id, and its name and state beside it.

// beside joins what is known of a choice.
func beside(texts ...string) string { return strings.TrimSpace(strings.Join(texts, " ")) }

func jobChoices(c *call) []choice {
	all, err := c.Jobs.List(c.ctx)
	return choices(all, err, func(j wire.Job) choice {
		return choice{j.Number, beside(j.Name, word(c, j.Mode), word(c, j.State))}
	})
}

// outputChoices lists the outputs of the job that stands before, as an argument or behind --job.
func outputChoices(c *call) []choice {
	number := c.flag("job")
	if number == "" && len(c.args) > 0 {
		number = c.args[0]
	}
	all, err := c.Outputs.List(c.ctx, number)
	return choices(all, err, func(o wire.Output) choice { return choice{o.Name, word(c, o.State)} })
}

func datasetChoices(c *call) []choice {
	all, err := c.Datasets.List(c.ctx)
	return choices(all, err, func(d wire.Dataset) choice { return choice{d.Slug, beside(d.Title, word(c, d.State))} })
}

func versionChoices(c *call) []choice {
	if len(c.args) == 0 {
		return nil
	}
	d, err := c.Datasets.Show(c.ctx, c.args[0])
	return choices(d.Versions, err, func(v wire.Version) choice {
		return choice{strconv.Itoa(v.Number), beside(word(c, v.State), when(v.CreatedAt))}
	})
}

func grantChoices(c *call) []choice {
	all, err := c.Grants.List(c.ctx)
	return choices(all, err, func(g wire.Grant) choice {
		return choice{g.Number, beside(g.Dataset, word(c, g.State), g.Scope.To.String())}
	})
}

func agreementChoices(c *call) []choice {
	all, err := c.Agreements.List(c.ctx)
	return choices(all, err, func(a wire.Agreement) choice {
		return choice{a.Number, beside(a.Operator, word(c, a.State), a.To.String())}
	})
}

func registrationChoices(c *call) []choice {
	all, err := c.Registrations.List(c.ctx)
	return choices(all, err, func(r wire.Registration) choice { return choice{r.Number, beside(r.Dataset, word(c, r.State))} })
}

func requestChoices(c *call) []choice {
	all, err := c.Requests.List(c.ctx)
	return choices(all, err, func(r wire.Request) choice {
		return choice{r.Number, beside(r.Output.Job, r.Output.Name, word(c, r.State))}
	})
}

func releaseChoices(c *call) []choice {
	all, err := c.Releases.List(c.ctx)
	return choices(all, err, func(r wire.Release) choice {
		return choice{r.Number, beside(r.Job, r.Output, word(c, r.State))}
	})
}

// orgChoices lists all organizations to who may see them; to others, their own.
func orgChoices(c *call) []choice {
	all, err := c.Orgs.List(c.ctx)
	if err != nil {
		var own wire.Org
		own, err = c.Orgs.Show(c.ctx, c.profile.Org)
		all = []wire.Org{own}
	}
	return choices(all, err, func(o wire.Org) choice { return choice{o.Number, o.Name} })
}

func memberChoices(c *call) []choice {
	all, err := c.Members.List(c.ctx, c.org())
	return choices(all, err, func(m wire.Member) choice {
		return choice{m.Login, beside(m.Name, words(c, m.Roles), word(c, m.State))}
	})
}

func keyChoices(c *call) []choice {
	all, err := c.Keys.List(c.ctx, c.org())
	return choices(all, err, func(k wire.Key) choice { return choice{k.Fingerprint, beside(k.Login, word(c, k.State))} })
}

func uploadChoices(c *call) []choice {
	all, err := c.Uploads.List(c.ctx)
	return choices(all, err, func(u wire.Upload) choice {
		return choice{u.ID, beside(u.Dataset, sourceText(u.Source), word(c, u.State), when(u.ExpiresAt))}
	})
}

func identityChoices(c *call) []choice {
	all, err := c.Identities.List(c.ctx, c.org())
	return choices(all, err, func(i wire.Identity) choice { return choice{i.ID, beside(i.Login, i.Label, word(c, i.State))} })
}

// reasonChoices lists the reasons there are for an act; others are told in words of one's own.
func reasonChoices(c *call) []choice {
	switch textPath(c.cmd) {
	case "review.return":
		return returnReasons(c)
	case "release.recall":
		return codeChoices(c, release.Reasons())
	case "destruction.propose":
		return codeChoices(c, destruction.Reasons())
	}
	return nil
}

// codeChoices lists codes with what each means.
func codeChoices[S ~string](c *call, codes []S) []choice {
	return choices(codes, nil, func(code S) choice { return choice{string(code), c.meaning(string(code))} })
}

func imageChoices(c *call) []choice {
	all, err := c.Images.List(c.ctx)
	return choices(all, err, func(i wire.Image) choice { return choice{i.Name, word(c, i.State)} })
}

// actChoices lists the acts this build's policy knows; a server of another version may know others.
func actChoices(c *call) []choice {
	rules, err := bundle.Embedded()
	if err != nil {
		return nil
	}
	return codeChoices(c, rules.Actions())
}

// objectChoices lists what the act behind --act may have been done to; without one there is no telling.
func objectChoices(c *call) []choice {
	kind, _, _ := strings.Cut(c.flag("act"), ".")
	list, ok := map[string]source{
		"job": jobChoices, "output": jobChoices, "dataset": datasetChoices, "destruction": datasetChoices, "grant": grantChoices,
		"agreement": agreementChoices, "registration": registrationChoices, "review": requestChoices, "release": releaseChoices,
		"image": imageChoices, "org": orgChoices,
	}[kind]
	if !ok {
		return nil
	}
	return list(c)
}

// columnChoices lists the columns that the grant which stands before asks for.
func columnChoices(c *call) []choice {
	if len(c.args) == 0 {
		return nil
	}
	g, err := c.Grants.Show(c.ctx, c.args[0])
	return choices(g.Scope.Columns, err, func(name string) choice { return choice{name, ""} })
}

func formChoices(c *call) []choice {
	return codeChoices(c, release.Forms())
}

// entryChoices lists the newest entries of the trace.
func entryChoices(c *call) []choice {
	all, err := c.Trace.Query(c.ctx, trace.Filter{})
	return choices(all, err, func(e wire.TraceEntry) choice {
		read, err := readEntry(e)
		if err != nil {
			return choice{e.ID, ""}
		}
		return choice{e.ID, beside(read.body.Act, entryObject(read), word(c, read.body.Decision))}
	})
}

// digestChoices lists the digests of products, which a lineage most often begins with.
func digestChoices(c *call) []choice {
	all, err := c.Releases.List(c.ctx)
	return choices(all, err, func(r wire.Release) choice { return choice{r.Digest, beside(r.Number, r.Output)} })
}

func profileChoices(c *call) []choice {
	folder, err := configFolder()
	if err != nil {
		return nil
	}
	return choices(profilesIn(profilesFolder(folder)), nil, func(name string) choice {
		k := c.readKept(folder, name)
		return choice{name, beside(k.Org, k.Login, k.Server, k.Problem)}
	})
}

func personaChoices(c *call) []choice {
	return choices(profilesIn(peopleFolder()), nil, func(login string) choice { return choice{login, ""} })
}

func capacityChoices(c *call) []choice {
	return codeChoices(c, org.Capacities())
}

func roleChoices(c *call) []choice {
	return codeChoices(c, org.Roles())
}

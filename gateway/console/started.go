package console

import (
	"slices"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/org"
)

// starters are the seats that begin things others then wait for, and what of theirs has not ended.
func starters() []source {
	return []source{
		{org.Operator, org.Developer, startedJobs},
		{org.Operator, org.Developer, startedGrants},
		{org.DataProvider, org.DataSteward, startedUploads},
	}
}

// started lists what the reader's organization began and what is still under way, newest first. The record's lists do
// not tell who of it did.
func started(c call) ([]duty, error) {
	var all []duty
	for _, s := range starters() {
		if !c.sits(s.capacity) || !slices.Contains(c.who.Roles, string(s.role)) {
			continue
		}
		found, err := s.duties(c)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b duty) int { return b.At.Compare(a.At) })
	return all, nil
}

func startedJobs(c call) (all []duty, err error) {
	found, err := jobs(c, catalog.Page{Limit: catalog.MaxPage})
	for _, j := range found.Items {
		if j.EndedAt != nil || j.Mode == job.Check {
			continue
		}
		d := duty{Kind: "started.job", Object: j.Number, Path: jobPath(j.Number), From: j.Name, At: j.CreatedAt, State: j.State}
		if j.Mode == job.Production && j.State == string(job.Checked) {
			d.Waits = waitsFor(j)
		}
		all = append(all, d)
	}
	return all, err
}

func startedGrants(c call) (all []duty, err error) {
	found, err := grants(c, catalog.Page{State: string(grant.Proposed), Limit: catalog.MaxPage})
	for _, g := range found.Items {
		all = append(all, duty{
			Kind: "started.grant", Object: g.Number, Path: grantPath(g.Number), From: g.Dataset, At: g.CreatedAt, State: g.State,
			Waits: string(org.ImplementingAgency),
		})
	}
	return all, err
}

func startedUploads(c call) (all []duty, err error) {
	waiting, err := waitingUploads(c)
	for _, u := range waiting {
		all = append(all, duty{
			Kind: "started.upload", Object: short(u.ID), Path: Prefix + "/uploads/" + u.ID, From: u.Dataset, At: u.CreatedAt, State: u.State,
			Due: &u.ExpiresAt,
		})
	}
	return all, err
}

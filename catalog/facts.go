package catalog

import (
	"fmt"
	"slices"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/policy"
)

// ground is everything one job's inputs rest on, read and locked in one transaction in the order
// agreement → grant → dataset, so that nothing of it changes before the act commits.
type ground struct {
	grants     map[string]postgres.Grant // by number
	agreements map[string]postgres.Agreement
	datasets   map[string]postgres.Dataset // by id
	versions   map[string]postgres.Version // by id and number
	legal      map[string]postgres.Registration
}

// locking says how a grant is read: shared to rest on it, exclusively to spend its budget.
type locking bool

const (
	share locking = false
	spend locking = true
)

// groundOf reads what the inputs of a package rest on. A grant that is not there, or is another operator's,
// stays absent: the decision then says grant.unknown.
func (d *deed) groundOf(inputs []job.Input, operator string, how locking) (*ground, error) {
	g := &ground{
		grants: map[string]postgres.Grant{}, agreements: map[string]postgres.Agreement{},
		datasets: map[string]postgres.Dataset{}, versions: map[string]postgres.Version{},
		legal: map[string]postgres.Registration{},
	}
	named, err := d.namedGrants(inputs, operator)
	if err != nil {
		return nil, err
	}
	if err := d.lockAgreements(g, named); err != nil {
		return nil, err
	}
	if err := d.lockGrants(g, named, how); err != nil {
		return nil, err
	}
	return g, d.lockDatasets(g, inputs)
}

// namedGrants finds the grants inputs name, without locks, ordered by id.
func (d *deed) namedGrants(inputs []job.Input, operator string) ([]postgres.Grant, error) {
	var named []postgres.Grant
	for _, in := range inputs {
		row, err := d.tx.Grant(d.ctx, string(in.Grant))
		if absent(err) || err == nil && row.Operator != operator {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading grant: %w", err)
		}
		named = append(named, row)
	}
	slices.SortFunc(named, func(a, b postgres.Grant) int { return compare(a.ID, b.ID) })
	return slices.CompactFunc(named, func(a, b postgres.Grant) bool { return a.ID == b.ID }), nil
}

func (d *deed) lockAgreements(g *ground, named []postgres.Grant) error {
	ids := make([]string, 0, len(named))
	for _, row := range named {
		ids = append(ids, row.Agreement)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		a, err := d.tx.ShareAgreement(d.ctx, id)
		if err != nil {
			return fmt.Errorf("reading agreement: %w", err)
		}
		g.agreements[id] = a
	}
	return nil
}

func (d *deed) lockGrants(g *ground, named []postgres.Grant, how locking) error {
	read := d.tx.ShareGrant
	if how == spend {
		read = d.tx.LockGrant
	}
	for _, n := range named {
		row, err := read(d.ctx, n.ID)
		if err != nil {
			return fmt.Errorf("locking grant: %w", err)
		}
		g.grants[row.Number] = row
	}
	return nil
}

func (d *deed) lockDatasets(g *ground, inputs []job.Input) error {
	sorted := slices.Clone(inputs)
	slices.SortFunc(sorted, func(a, b job.Input) int { return compare(string(a.Dataset), string(b.Dataset)) })
	for _, in := range sorted {
		found, err := d.tx.Dataset(d.ctx, string(in.Dataset))
		if absent(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading dataset: %w", err)
		}
		if err := d.lockDataset(g, found.ID, in.Version); err != nil {
			return err
		}
	}
	return nil
}

func (d *deed) lockDataset(g *ground, id string, version int) error {
	row, err := d.tx.ShareDataset(d.ctx, id)
	if err != nil {
		return fmt.Errorf("locking dataset: %w", err)
	}
	g.datasets[id] = row
	v, err := d.tx.ShareVersion(d.ctx, id, version)
	if err == nil {
		g.versions[versionKey(id, version)] = v
	} else if !absent(err) {
		return fmt.Errorf("reading version: %w", err)
	}
	r, err := d.tx.DatasetRegistration(d.ctx, id)
	if err == nil {
		g.legal[id] = r
	} else if !absent(err) {
		return fmt.Errorf("reading registration: %w", err)
	}
	return nil
}

func versionKey(id string, version int) string { return fmt.Sprintf("%s/%d", id, version) }

// datasetNamed finds a dataset of the ground by slug.
func (g *ground) datasetNamed(slug string) (postgres.Dataset, bool) {
	for _, row := range g.datasets {
		if row.Slug == slug {
			return row, true
		}
	}
	return postgres.Dataset{}, false
}

// scope says all of it as facts for a decision.
func (g *ground) scope(p job.Package, synthetic bool) *policy.ScopeFacts {
	facts := &policy.ScopeFacts{
		Operation: string(p.Operation()), Purpose: p.Purpose, Outputs: policy.Set{}, Synthetic: synthetic, Inputs: []policy.InputFacts{},
	}
	for _, o := range p.Outputs {
		facts.Outputs[string(o.Kind())] = true
	}
	distinct := map[string]bool{}
	for _, in := range p.Inputs {
		distinct[string(in.Dataset)] = true
		facts.Inputs = append(facts.Inputs, g.input(in))
	}
	facts.Datasets = len(distinct)
	return facts
}

func (g *ground) input(in job.Input) policy.InputFacts {
	facts := policy.InputFacts{Input: in.Name, Version: in.Version, Columns: set(in.Columns)}
	row, known := g.datasetNamed(string(in.Dataset))
	if known {
		v := g.versions[versionKey(row.ID, in.Version)]
		facts.Dataset = datasetFacts(row, v.State)
		facts.Terms = termsFacts(row.Terms)
		if v.Rows != nil {
			facts.Rows = *v.Rows
		}
		if r, ok := g.legal[row.ID]; ok {
			facts.Registration = registrationFacts(r)
		}
	}
	grant, ok := g.grants[string(in.Grant)]
	if !ok || grant.Dataset != row.ID {
		return facts
	}
	facts.Grant = grantFacts(grant)
	facts.Agreement = agreementFacts(g.agreements[grant.Agreement], grant.Dataset)
	return facts
}

func datasetFacts(row postgres.Dataset, versionState string) *policy.DatasetFacts {
	facts := &policy.DatasetFacts{
		Org: row.Org, State: row.State, VersionState: versionState, Protected: len(row.Units) > 0, Class: row.Class,
		Columns: map[string]policy.ColumnFacts{},
	}
	for _, c := range row.Columns {
		facts.Columns[c.Name] = policy.ColumnFacts{
			Level: c.Level, Personal: dataset.Personal(c, row.Units), Dropped: c.Mask == dataset.MaskDrop,
		}
	}
	return facts
}

func termsFacts(t *dataset.Terms) *policy.TermsFacts {
	if t == nil {
		return nil
	}
	return &policy.TermsFacts{
		Purposes: set(t.Purposes), Columns: set(t.Columns), Outputs: set(t.Outputs), Operations: set(t.Operations),
		MinUnits: t.MinUnits, To: t.To.End().Unix(),
	}
}

func grantFacts(g postgres.Grant) *policy.GrantFacts {
	s := g.Scope
	return &policy.GrantFacts{
		State: g.State, Operator: g.Operator, Purposes: set(s.Purposes), Columns: set(s.Columns),
		Operations: set(s.Operations), Outputs: set(s.Outputs), RowsScoped: s.Rows.Scoped(), LevelCap: s.LevelCap,
		VersionFrom: s.VersionFrom, VersionTo: s.VersionTo, From: s.From.Start().Unix(), To: s.To.End().Unix(),
		RunsLeft: g.RunsLeft, RowsLeft: g.RowsLeft, FailedLeft: g.FailedLeft, LawfulBasis: s.LawfulBasis != "", MinUnits: s.MinUnits,
	}
}

func agreementFacts(a postgres.Agreement, datasetID string) *policy.AgreementFacts {
	return &policy.AgreementFacts{
		State: a.State, Operator: a.Operator, From: a.TermFrom.Unix(), To: a.TermTo.Unix(),
		Covered: slices.Contains(a.Datasets, datasetID),
	}
}

func registrationFacts(r postgres.Registration) *policy.RegistrationFacts {
	facts := &policy.RegistrationFacts{State: r.State}
	if r.State == string(registration.Completed) && r.ValidTo != nil { // a completed case is a valid record
		facts.State, facts.To = string(registration.Valid), r.ValidTo.Unix()
	}
	return facts
}

func set[S ~string](names []S) policy.Set {
	out := policy.Set{}
	for _, n := range names {
		out[string(n)] = true
	}
	return out
}

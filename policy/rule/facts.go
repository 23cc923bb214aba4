package rule

import (
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/sluicedata/sluice/policy"
)

// words lists what nearly every request says: its members, and the states things are in when all is well.
func words() []string {
	return []string{
		"subject", "action", "object", "facts", "member", "org", "capacities", "roles", "process", "strength", "method",
		"proven_at", "strong",
		"kind", "id", "now", "scope", "grant", "review", "person", "operation", "purpose", "outputs", "synthetic",
		"inputs", "datasets", "join_decided", "input", "version", "columns", "rows", "agreement", "registration",
		"dataset", "terms", "state", "operator", "from", "to", "covered", "version_state", "protected", "class",
		"level", "personal", "dropped", "purposes", "operations", "min_units", "rows_scoped", "level_cap",
		"version_from", "version_to", "runs_left", "rows_left", "failed_left", "lawful_basis", "budgets", "runs", "failed",
		"effective", "valid", "authorizable", "available", "general", "active", "sql", "table", "job", "key",
	}
}

func (e *encoder) request(q policy.Request) ast.Value {
	return ast.NewObject(
		e.member("subject", e.subject(q.Subject)), e.text("action", string(q.Action)),
		e.member("object", e.object(q.Object)), e.member("facts", e.facts(q.Facts)),
	)
}

func (e *encoder) subject(s policy.Subject) *ast.Term {
	pairs := []pair{
		e.text("member", s.Member), e.text("org", s.Org), e.list("capacities", s.Capacities), e.list("roles", s.Roles),
	}
	pairs = e.some(pairs, "process", s.Process)
	pairs = e.some(pairs, "strength", s.Strength)
	pairs = e.some(pairs, "method", s.Method)
	if s.ProvenAt != 0 {
		pairs = append(pairs, e.whole("proven_at", s.ProvenAt))
	}
	return ast.ObjectTerm(pairs...)
}

func (e *encoder) object(o policy.Object) *ast.Term {
	pairs := e.some([]pair{e.text("kind", o.Kind)}, "id", o.ID)
	return ast.ObjectTerm(e.some(pairs, "org", o.Org)...)
}

func (e *encoder) facts(f policy.Facts) *ast.Term {
	pairs := []pair{e.whole("now", f.Now)}
	if f.Scope != nil {
		pairs = append(pairs, e.member("scope", e.scope(f.Scope)))
	}
	if f.Grant != nil {
		pairs = append(pairs, e.member("grant", e.bounds(f.Grant)))
	}
	if f.Review != nil {
		pairs = append(pairs, e.member("review", e.review(f.Review)))
	}
	if f.Person != nil {
		pairs = append(pairs, e.member("person", ast.ObjectTerm(e.text("first", f.Person.First))))
	}
	return ast.ObjectTerm(pairs...)
}

func (e *encoder) scope(s *policy.ScopeFacts) *ast.Term {
	inputs := make([]*ast.Term, 0, len(s.Inputs))
	for i := range s.Inputs {
		inputs = append(inputs, e.input(&s.Inputs[i]))
	}
	pairs := []pair{
		e.text("operation", s.Operation), e.text("purpose", s.Purpose), e.set("outputs", s.Outputs),
		e.member("inputs", ast.ArrayTerm(inputs...)), e.whole("datasets", int64(s.Datasets)), e.flag("join_decided", s.JoinDecided),
	}
	if len(s.Budgets) > 0 {
		pairs = append(pairs, e.member("budgets", e.budgets(s.Budgets)))
	}
	return ast.ObjectTerm(e.raised(pairs, "synthetic", s.Synthetic)...)
}

func (e *encoder) budgets(budgets []policy.BudgetFacts) *ast.Term {
	terms := make([]*ast.Term, 0, len(budgets))
	for _, b := range budgets {
		terms = append(terms, ast.ObjectTerm(
			e.text("scope", b.Scope), e.whole("runs", b.Runs), e.whole("rows", b.Rows), e.whole("failed", b.Failed),
			e.whole("runs_left", b.RunsLeft), e.whole("rows_left", b.RowsLeft), e.whole("failed_left", b.FailedLeft),
		))
	}
	return ast.ArrayTerm(terms...)
}

func (e *encoder) input(i *policy.InputFacts) *ast.Term {
	known := columnNames(i.Dataset)
	return ast.ObjectTerm(
		e.text("input", i.Input), e.whole("version", int64(i.Version)), e.columnSet("columns", i.Columns, known),
		e.whole("rows", i.Rows), e.member("agreement", e.agreement(i.Agreement)),
		e.member("registration", e.registration(i.Registration)), e.member("dataset", e.dataset(i.Dataset, known)),
		e.member("terms", e.terms(i.Terms, known)), e.member("grant", e.grant(i.Grant, known)),
	)
}

// columnNames makes one term a column: terms, grant and request name the same ones.
func columnNames(d *policy.DatasetFacts) map[string]*ast.Term {
	if d == nil {
		return nil
	}
	known := make(map[string]*ast.Term, len(d.Columns))
	for name := range d.Columns {
		known[name] = ast.StringTerm(name)
	}
	return known
}

func (e *encoder) agreement(a *policy.AgreementFacts) *ast.Term {
	if a == nil {
		return e.null
	}
	return ast.ObjectTerm(
		e.text("state", a.State), e.text("operator", a.Operator), e.whole("from", a.From), e.whole("to", a.To),
		e.flag("covered", a.Covered),
	)
}

func (e *encoder) registration(r *policy.RegistrationFacts) *ast.Term {
	if r == nil {
		return e.null
	}
	return ast.ObjectTerm(e.text("state", r.State), e.whole("to", r.To))
}

func (e *encoder) dataset(d *policy.DatasetFacts, known map[string]*ast.Term) *ast.Term {
	if d == nil {
		return e.null
	}
	columns := make([]pair, 0, len(d.Columns))
	for name, c := range d.Columns {
		columns = append(columns, pair{known[name], e.column(c)})
	}
	return ast.ObjectTerm(
		e.text("org", d.Org), e.text("state", d.State), e.text("version_state", d.VersionState),
		e.flag("protected", d.Protected), e.text("class", d.Class), e.member("columns", ast.ObjectTerm(columns...)),
	)
}

func (e *encoder) terms(t *policy.TermsFacts, known map[string]*ast.Term) *ast.Term {
	if t == nil {
		return e.null
	}
	return ast.ObjectTerm(
		e.set("purposes", t.Purposes), e.columnSet("columns", t.Columns, known), e.set("outputs", t.Outputs),
		e.set("operations", t.Operations), e.whole("min_units", int64(t.MinUnits)), e.whole("to", t.To),
	)
}

func (e *encoder) grant(g *policy.GrantFacts, known map[string]*ast.Term) *ast.Term {
	if g == nil {
		return e.null
	}
	return ast.ObjectTerm(
		e.text("state", g.State), e.text("operator", g.Operator), e.set("purposes", g.Purposes),
		e.columnSet("columns", g.Columns, known), e.set("operations", g.Operations), e.set("outputs", g.Outputs),
		e.flag("rows_scoped", g.RowsScoped), e.whole("level_cap", int64(g.LevelCap)),
		e.whole("version_from", int64(g.VersionFrom)), e.whole("version_to", int64(g.VersionTo)),
		e.whole("from", g.From), e.whole("to", g.To), e.whole("runs_left", g.RunsLeft), e.whole("rows_left", g.RowsLeft),
		e.whole("failed_left", g.FailedLeft), e.flag("lawful_basis", g.LawfulBasis), e.whole("min_units", int64(g.MinUnits)),
	)
}

func (e *encoder) bounds(b *policy.GrantBounds) *ast.Term {
	known := columnNames(b.Dataset)
	return ast.ObjectTerm(
		e.member("grant", e.grant(&b.Grant, known)), e.member("terms", e.terms(b.Terms, known)),
		e.member("agreement", e.agreement(b.Agreement)), e.member("dataset", e.dataset(b.Dataset, known)),
	)
}

func (e *encoder) review(r *policy.ReviewFacts) *ast.Term {
	pairs := []pair{
		e.text("state", r.State), e.whole("blocked", int64(r.Blocked)), e.text("author", r.Author),
		e.text("operator", r.Operator), e.text("agency", r.Agency),
	}
	pairs = e.some(pairs, "seat", r.Seat)
	pairs = e.some(pairs, "opener", r.Opener)
	pairs = e.raised(pairs, "seat_taken", r.SeatTaken)
	pairs = e.raised(pairs, "digest_ok", r.DigestOK)
	pairs = e.raised(pairs, "fresh_vote", r.FreshVote)
	pairs = e.raised(pairs, "values", r.Values)
	pairs = e.raised(pairs, "released", r.Released)
	if len(r.Votes) > 0 {
		pairs = append(pairs, e.member("votes", e.votes(r.Votes)))
	}
	return ast.ObjectTerm(pairs...)
}

func (e *encoder) votes(votes []policy.VoteFacts) *ast.Term {
	terms := make([]*ast.Term, 0, len(votes))
	for _, v := range votes {
		terms = append(terms, ast.ObjectTerm(
			e.text("seat", v.Seat), e.text("voter", v.Voter), e.text("org", v.Org), e.flag("approve", v.Approve),
			e.flag("verified", v.Verified),
		))
	}
	return ast.ArrayTerm(terms...)
}

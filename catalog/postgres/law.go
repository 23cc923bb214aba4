package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/registration"
)

// Registration is a row of registration: application and record in one, by state.
type Registration struct {
	ID          string
	Number      string
	Org         string
	Dataset     string
	State       string
	RuleSet     string
	Application registration.Application
	AppliedAt   time.Time
	AppliedBy   string
	AcceptDue   time.Time
	AcceptedAt  *time.Time
	AcceptedBy  *string
	ReviewDue   *time.Time
	NoticedAt   *time.Time
	NoticeEnds  *time.Time
	CodedAt     *time.Time
	QueryCode   *string
	ValidTo     *time.Time
}

// InsertRegistration adds an application.
func (t *Tx) InsertRegistration(ctx context.Context, r Registration) error {
	return t.exec(ctx, `insert into registration
		(id, number, org, dataset, state, rule_set, application, applied_at, applied_by, accept_due)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		r.ID, r.Number, r.Org, r.Dataset, r.State, r.RuleSet, r.Application, r.AppliedAt, r.AppliedBy, r.AcceptDue)
}

// Registration reads one by number.
func (t *Tx) Registration(ctx context.Context, number string) (Registration, error) {
	return one[Registration](ctx, t, "select * from registration where number = $1", number)
}

// LockRegistration reads one for update.
func (t *Tx) LockRegistration(ctx context.Context, number string) (Registration, error) {
	return one[Registration](ctx, t, "select * from registration where number = $1 for update", number)
}

// Registrations lists an organization's, or all when org is "".
func (t *Tx) Registrations(ctx context.Context, org string, w Window) ([]Registration, error) {
	return listed[Registration](ctx, t, w, "select * from registration where $1 = '' or org::text = $1", org)
}

// OpenRegistration tells whether a dataset has an application under way or a valid registration.
func (t *Tx) OpenRegistration(ctx context.Context, dataset string) (bool, error) {
	return value[bool](ctx, t, `select exists (select from registration where dataset = $1
		and state in ('submitted', 'accepted', 'in_notice', 'completed'))`, dataset)
}

// DatasetRegistration reads the newest registration of a dataset so that nobody changes it before this
// transaction ends.
func (t *Tx) DatasetRegistration(ctx context.Context, dataset string) (Registration, error) {
	return one[Registration](ctx, t, `select * from registration where dataset = $1
		order by applied_at desc limit 1 for share`, dataset)
}

// PutRegistration writes what the moves change.
func (t *Tx) PutRegistration(ctx context.Context, r Registration) error {
	return t.touch(ctx, `update registration set state = $2, accepted_at = $3, accepted_by = $4, review_due = $5,
		noticed_at = $6, notice_ends = $7, coded_at = $8, query_code = $9, valid_to = $10 where id = $1`,
		r.ID, r.State, r.AcceptedAt, r.AcceptedBy, r.ReviewDue, r.NoticedAt, r.NoticeEnds, r.CodedAt, r.QueryCode, r.ValidTo)
}

// Agreement is a row of agreement.
type Agreement struct {
	ID         string
	Number     string
	Agency     string
	Operator   string
	Authority  *string
	State      string
	RuleSet    string
	Document   agreement.Agreement
	TermFrom   time.Time
	TermTo     time.Time
	Datasets   []string
	Signatures map[string]string
	SignedAt   *time.Time
	FileDue    *time.Time
	FiledAt    *time.Time
	FiledLate  bool
	Receipt    *string
	CreatedAt  time.Time
}

// InsertAgreement adds a decided agreement.
func (t *Tx) InsertAgreement(ctx context.Context, a Agreement) error {
	return t.exec(ctx, `insert into agreement
		(id, number, agency, operator, state, rule_set, document, term_from, term_to, datasets, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		a.ID, a.Number, a.Agency, a.Operator, a.State, a.RuleSet, a.Document, a.TermFrom, a.TermTo, a.Datasets, a.CreatedAt)
}

// Agreement reads one by number.
func (t *Tx) Agreement(ctx context.Context, number string) (Agreement, error) {
	return one[Agreement](ctx, t, "select * from agreement where number = $1", number)
}

// LockAgreement reads one by number for update.
func (t *Tx) LockAgreement(ctx context.Context, number string) (Agreement, error) {
	return one[Agreement](ctx, t, "select * from agreement where number = $1 for update", number)
}

// ShareAgreement reads one by id so that nobody changes it before this transaction ends.
func (t *Tx) ShareAgreement(ctx context.Context, id string) (Agreement, error) {
	return one[Agreement](ctx, t, "select * from agreement where id = $1 for share", id)
}

// Agreements lists those an organization is a party to, or all when org is "".
func (t *Tx) Agreements(ctx context.Context, org string, w Window) ([]Agreement, error) {
	return listed[Agreement](ctx, t, w, `select * from agreement
		where $1 = '' or agency::text = $1 or operator::text = $1`, org)
}

// PutAgreement writes what the moves change.
func (t *Tx) PutAgreement(ctx context.Context, a Agreement) error {
	return t.touch(ctx, `update agreement set state = $2, signatures = $3, signed_at = $4, file_due = $5,
		filed_at = $6, filed_late = $7, receipt = $8, authority = $9 where id = $1`,
		a.ID, a.State, a.Signatures, a.SignedAt, a.FileDue, a.FiledAt, a.FiledLate, a.Receipt, a.Authority)
}

// Grant is a row of data_grant.
type Grant struct {
	ID         string
	Number     string
	Agreement  string
	Operator   string
	Dataset    string
	State      string
	Scope      grant.Scope
	Asked      *grant.Scope // what was proposed, when less is allowed
	RuleSet    string
	RunsLeft   int64
	RowsLeft   int64
	FailedLeft int64
	EndsAt     time.Time
	ProposedBy string
	ApprovedBy *string
	Refused    *flow.Handled
	EndedAt    *time.Time
	CreatedAt  time.Time
}

// RefuseGrant writes that a grant was refused.
func (t *Tx) RefuseGrant(ctx context.Context, id, state string, refused *flow.Handled, ended time.Time) error {
	return t.touch(ctx, "update data_grant set state = $2, refused = $3, ended_at = $4 where id = $1", id, state, refused, ended)
}

// InsertGrant adds a proposed grant.
func (t *Tx) InsertGrant(ctx context.Context, g Grant) error {
	return t.exec(ctx, `insert into data_grant (id, number, agreement, operator, dataset, state, scope, rule_set,
		runs_left, rows_left, failed_left, ends_at, proposed_by, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		g.ID, g.Number, g.Agreement, g.Operator, g.Dataset, g.State, g.Scope, g.RuleSet, g.RunsLeft, g.RowsLeft,
		g.FailedLeft, g.EndsAt, g.ProposedBy, g.CreatedAt)
}

// AllowGrant makes a part of a proposed grant active.
func (t *Tx) AllowGrant(ctx context.Context, g Grant) error {
	return t.touch(ctx, `update data_grant set state = $2, approved_by = $3, scope = $4, asked = $5, runs_left = $6, rows_left = $7, ends_at = $8
		where id = $1`, g.ID, g.State, g.ApprovedBy, g.Scope, g.Asked, g.RunsLeft, g.RowsLeft, g.EndsAt)
}

// Grant reads one by number.
func (t *Tx) Grant(ctx context.Context, number string) (Grant, error) {
	return one[Grant](ctx, t, "select * from data_grant where number = $1", number)
}

// ShownGrant is a grant with what its parties are called.
type ShownGrant struct {
	Grant
	AgreementNumber string
	Agency          string // organization
	DatasetSlug     string
	Provider        string // organization
	OperatorNumber  string
	OperatorName    string
}

// ShownGrant reads a grant and the names of what it rests on, in one statement.
func (t *Tx) ShownGrant(ctx context.Context, number string) (ShownGrant, error) {
	return one[ShownGrant](ctx, t, `select g.*, a.number as agreement_number, a.agency, d.slug as dataset_slug,
			d.org as provider, o.number as operator_number, o.name as operator_name
		from data_grant g join agreement a on a.id = g.agreement join dataset d on d.id = g.dataset join org o on o.id = g.operator
		where g.number = $1`, number)
}

// GrantByID reads one.
func (t *Tx) GrantByID(ctx context.Context, id string) (Grant, error) {
	return one[Grant](ctx, t, "select * from data_grant where id = $1", id)
}

// LockGrant reads one by id for update: budgets are spent under this lock.
func (t *Tx) LockGrant(ctx context.Context, id string) (Grant, error) {
	return one[Grant](ctx, t, "select * from data_grant where id = $1 for update", id)
}

// ShareGrant reads one by id so that nobody ends it before this transaction ends.
func (t *Tx) ShareGrant(ctx context.Context, id string) (Grant, error) {
	return one[Grant](ctx, t, "select * from data_grant where id = $1 for share", id)
}

// Grants lists the grants an organization is a party to, as operator, as provider, as agency: all, or those over the dataset
// of a slug.
func (t *Tx) Grants(ctx context.Context, org, slug string, w Window) ([]Grant, error) {
	return listed[Grant](ctx, t, w, `select g.* from data_grant g join dataset d on d.id = g.dataset
		join agreement a on a.id = g.agreement where $1 in (g.operator, d.org, a.agency) and ($2 = '' or d.slug = $2)`, org, slug)
}

// Granted tells whether a grant that has not ended refers to a dataset.
func (t *Tx) Granted(ctx context.Context, dataset string) (bool, error) {
	return value[bool](ctx, t, `select exists (select from data_grant where dataset = $1 and state in ('active', 'suspended'))`, dataset)
}

// MoveGrant writes a grant's state, approver and end.
func (t *Tx) MoveGrant(ctx context.Context, id, state string, approver *string, ended *time.Time) error {
	return t.touch(ctx, `update data_grant set state = $2, approved_by = coalesce($3, approved_by),
		ended_at = coalesce($4, ended_at) where id = $1`, id, state, approver, ended)
}

// EndGrant writes a grant's end: the keeper's part of MoveGrant.
func (t *Tx) EndGrant(ctx context.Context, id, state string, ended time.Time) error {
	return t.touch(ctx, "update data_grant set state = $2, ended_at = $3 where id = $1", id, state, ended)
}

// SpendGrant takes runs, rows and failed answers from a locked grant; negative figures give them back, failed
// answers never above the budget: runs of before they were counted took none.
func (t *Tx) SpendGrant(ctx context.Context, id string, runs, rows, failed int64) error {
	return t.touch(ctx, `update data_grant set runs_left = runs_left - $2, rows_left = rows_left - $3,
		failed_left = least(failed_left - $4, (scope -> 'budget' ->> 'failed')::bigint) where id = $1`, id, runs, rows, failed)
}

// ExpiredGrants lists active grants whose term has ended.
func (t *Tx) ExpiredGrants(ctx context.Context, now time.Time) ([]Grant, error) {
	return many[Grant](ctx, t, `select * from data_grant where state in ('active', 'suspended')
		and ends_at <= $1`, now)
}

// Decision is a row of decision.
type Decision struct {
	ID       string // of its entry
	Request  json.RawMessage
	Allow    bool
	Reasons  json.RawMessage
	Revision string
	At       time.Time
}

// Decisions reads recorded decisions for replay, oldest first.
func (t *Tx) Decisions(ctx context.Context, limit int) ([]Decision, error) {
	return many[Decision](ctx, t, "select * from decision order by at limit $1", limit)
}

// KeepBundle stores a policy bundle by its revision, once.
func (t *Tx) KeepBundle(ctx context.Context, revision string, files map[string][]byte, at time.Time) error {
	return t.exec(ctx, `insert into policy_bundle (revision, files, seen_at) values ($1, $2, $3)
		on conflict do nothing`, revision, files, at)
}

// Bundle reads the files of a policy bundle that was kept, by name: what was decided under it can be decided again.
// ErrNone when no bundle of that revision was in force here.
func (t *Tx) Bundle(ctx context.Context, revision string) (map[string][]byte, error) {
	return value[map[string][]byte](ctx, t, "select files from policy_bundle where revision = $1", revision)
}

package postgres

import (
	"context"
	"time"
)

// Org is a row of org.
type Org struct {
	ID         string
	Number     string
	Name       string
	CreditCode *string
	CreatedAt  time.Time
}

// Member is a row of member.
type Member struct {
	ID        string
	Org       string
	Login     string
	Name      string
	Roles     []string
	State     string
	CreatedAt time.Time
	Machine   bool
}

// InsertOrg adds an organization.
func (t *Tx) InsertOrg(ctx context.Context, o Org) error {
	return t.exec(ctx, `insert into org (id, number, name, credit_code, created_at) values ($1, $2, $3, $4, $5)`,
		o.ID, o.Number, o.Name, o.CreditCode, o.CreatedAt)
}

// Org reads an organization by id.
func (t *Tx) Org(ctx context.Context, id string) (Org, error) {
	return one[Org](ctx, t, "select * from org where id = $1", id)
}

// OrgByNumber reads an organization by number.
func (t *Tx) OrgByNumber(ctx context.Context, number string) (Org, error) {
	return one[Org](ctx, t, "select * from org where number = $1", number)
}

// Orgs lists all organizations.
func (t *Tx) Orgs(ctx context.Context, w Window) ([]Org, error) {
	return listed[Org](ctx, t, w, "select * from org")
}

// InsertCapacity gives an organization a capacity from a moment on.
func (t *Tx) InsertCapacity(ctx context.Context, org, capacity, document string, since time.Time) error {
	return t.exec(ctx, `insert into capacity (org, capacity, document, since) values ($1, $2, $3, $4)`,
		org, capacity, document, since)
}

// EndCapacity ends a capacity in force; ErrNone when there is none.
func (t *Tx) EndCapacity(ctx context.Context, org, capacity string, at time.Time) error {
	return t.touch(ctx, `update capacity set ended_at = $3 where org = $1 and capacity = $2 and ended_at is null`,
		org, capacity, at)
}

// LockCapacities lets one transaction after the other give an organization capacities: what excludes one may not be
// there yet, so no row could be locked.
func (t *Tx) LockCapacities(ctx context.Context, org string) error {
	return t.exec(ctx, "select pg_advisory_xact_lock(hashtextextended('capacity ' || $1, 0))", org)
}

// Designation is a row of capacity in force.
type Designation struct {
	Capacity string
	Document string
	Since    time.Time
}

// Designations lists what an organization is at a moment, and on what each rests.
func (t *Tx) Designations(ctx context.Context, org string, at time.Time) ([]Designation, error) {
	return many[Designation](ctx, t, `select capacity, document, since from capacity
		where org = $1 and since <= $2 and (ended_at is null or ended_at > $2) order by capacity`, org, at)
}

// OrgsWith lists the organizations that hold a capacity at a moment.
func (t *Tx) OrgsWith(ctx context.Context, capacity string, at time.Time) ([]string, error) {
	return values[string](ctx, t, `select org::text from capacity
		where capacity = $1 and since <= $2 and (ended_at is null or ended_at > $2) order by since`, capacity, at)
}

// InsertMember adds a person to an organization.
func (t *Tx) InsertMember(ctx context.Context, m Member) error {
	return t.exec(ctx, `insert into member (id, org, login, name, roles, state, created_at, machine)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, m.ID, m.Org, m.Login, m.Name, m.Roles, m.State, m.CreatedAt, m.Machine)
}

// Member reads a person by id.
func (t *Tx) Member(ctx context.Context, id string) (Member, error) {
	return one[Member](ctx, t, "select * from member where id = $1", id)
}

// MemberByLogin reads a person of an organization.
func (t *Tx) MemberByLogin(ctx context.Context, org, login string) (Member, error) {
	return one[Member](ctx, t, "select * from member where org = $1 and login = $2", org, login)
}

// LockMember reads a person for update, so that two acts on them do not pass each other.
func (t *Tx) LockMember(ctx context.Context, org, login string) (Member, error) {
	return one[Member](ctx, t, "select * from member where org = $1 and login = $2 for update", org, login)
}

// Members lists the people of an organization.
func (t *Tx) Members(ctx context.Context, org string, w Window) ([]Member, error) {
	return listed[Member](ctx, t, w, "select * from member where org = $1", org)
}

// SetMember changes roles and state.
func (t *Tx) SetMember(ctx context.Context, id string, roles []string, state string) error {
	return t.touch(ctx, "update member set roles = $2, state = $3 where id = $1", id, roles, state)
}

package postgres

import (
	"context"
	"time"
)

// PublicRelease is a release as everybody may know of it.
type PublicRelease struct {
	Number     string
	Output     string
	Operator   string
	Agency     string
	State      string
	ReleasedAt time.Time
}

const publicRelease = `select l.number, o.name as output, op.name as operator, ag.name as agency,
	case when exists (select from recall where release = l.id) then 'recalled' else 'released' end as state, l.released_at
	from release l join output o on o.id = l.output join request r on r.id = l.request
	join org op on op.id = r.operator join org ag on ag.id = r.agency
	where l.released_at is not null`

// PublicReleases lists what left, newest first.
func (t *Tx) PublicReleases(ctx context.Context, limit int) ([]PublicRelease, error) {
	return many[PublicRelease](ctx, t, publicRelease+" order by l.released_at desc, l.number desc limit $1", limit)
}

// PublicRelease reads one that left.
func (t *Tx) PublicRelease(ctx context.Context, number string) (PublicRelease, error) {
	return one[PublicRelease](ctx, t, publicRelease+" and l.number = $1", number)
}

// PublicNotice is a registration as everybody may know of it.
type PublicNotice struct {
	Number     string
	Title      string
	Summary    string
	Registrant string
	State      string
	NoticedAt  time.Time
	NoticeEnds time.Time
	QueryCode  string
	ValidTo    *time.Time
}

const publicNotice = `select r.number, d.title, coalesce(r.application ->> 'summary', '') as summary, o.name as registrant, r.state, r.noticed_at, r.notice_ends,
	coalesce(r.query_code, '') as query_code, r.valid_to
	from registration r join dataset d on d.id = r.dataset join org o on o.id = r.org`

// PublicNotices lists the registrations in notice, the one that ends first at the top.
func (t *Tx) PublicNotices(ctx context.Context, limit int) ([]PublicNotice, error) {
	return many[PublicNotice](ctx, t, publicNotice+" where r.state = 'in_notice' order by r.notice_ends, r.number limit $1", limit)
}

// PublicCode reads the registration of a query code.
func (t *Tx) PublicCode(ctx context.Context, code string) (PublicNotice, error) {
	return one[PublicNotice](ctx, t, publicNotice+" where r.query_code = $1", code)
}

// CountActs counts the entries of the trace that let an act on an object be done.
func (t *Tx) CountActs(ctx context.Context, act, object string) (int64, error) {
	return value[int64](ctx, t, "select count(*) from trace_leaf where act = $1 and object = $2 and decision = 'allow'", act, object)
}

package postgres

import (
	"context"
	"fmt"
)

// Question is one thing asked of the whole record: how much it is about, and every place where the record is not as
// it should be, with a code of what is wrong. Neither holds a value.
type Question struct {
	Name  string
	Count string
	Find  string // columns place, code
}

// entered are the acts on record, whether or not they have their place in the log yet.
const entered = `entered (id, act, object, decision, at) as (
	select id, act, object, decision, at from trace_leaf
	union all select id, convert_from(body, 'UTF8')::jsonb ->> 'act', convert_from(body, 'UTF8')::jsonb #>> '{object,name}',
		convert_from(body, 'UTF8')::jsonb ->> 'decision', at from trace_pending)`

// Questions are the invariants that the record alone can answer (security.md D.1), one or more each.
func Questions() []Question {
	return append(append(aboutReleases(), aboutJobs()...), aboutDestructions())
}

// aboutReleases are the questions of what left, and of the trace before it.
func aboutReleases() []Question {
	return []Question{
		{
			Name:  "release.votes",
			Count: `select count(*) from release where state <> 'stopped'`,
			Find: `select r.number as place, 'votes.persons' as code from release r where r.state <> 'stopped'
				and (select count(distinct v.voter) from vote v where v.request = r.request and v.statement ->> 'decision' = 'approve') < 2
			union all select r.number, 'votes.seats' from release r where r.state <> 'stopped'
				and (select count(distinct v.seat) from vote v where v.request = r.request) < 2
			union all select distinct r.number, 'votes.bytes' from release r join vote v on v.request = r.request
				where r.state <> 'stopped' and v.statement ->> 'digest' is distinct from r.digest
			union all select distinct r.number, 'votes.author' from release r join vote v on v.request = r.request
				join output o on o.id = r.output join job j on j.id = o.job where r.state <> 'stopped' and v.voter = j.author
			union all select distinct r.number, 'votes.key' from release r join vote v on v.request = r.request
				left join member_key k on k.id = v.member_key and k.member = v.voter
				where r.state <> 'stopped' and (k.admitted_at is null or k.admitted_at > v.cast_at)
			order by place, code`,
		},
		{
			Name:  "release.bytes",
			Count: `select count(*) from release where state in ('released', 'recalled')`,
			Find: `select r.number as place, 'digest.reviewed' as code from release r join output o on o.id = r.output
				where r.digest <> o.digest
			union all select r.number, 'digest.stored' from release r
				where r.state in ('released', 'recalled') and r.object ->> 'digest' is distinct from r.digest
			order by place, code`,
		},
		{
			Name: "trace.intents",
			Count: `select (select count(*) from decision) + (select count(*) from release) + (select count(*) from once)
				+ (select count(*) from work where admitted)`,
			Find: `with ` + entered + `
			select 'decision ' || d.id as place, 'entry.missing' as code from decision d
				where not exists (select from entered e where e.id = d.id)
			union all select r.number, 'intent.missing' from release r where not exists (select from entered e where e.id = r.leaf)
			union all select r.number, 'intent.late' from release r join entered e on e.id = r.leaf where e.at > r.released_at
			union all select 'entry ' || e.id, 'intent.open' from entered e where e.act = 'release.make' and e.decision = 'allow'
				and not exists (select from release r join request q on q.id = r.request where e.object in (q.number, r.number))
			union all select 'entry ' || o.leaf, 'entry.missing' from once o where not exists (select from entered e where e.id = o.leaf)
			union all select j.number, 'read.untraced' from work w join job j on j.id = w.subject where w.admitted
				and not exists (select from entered e where e.object = j.number and e.decision = 'allow'
					and e.act = case j.kind when 'check' then 'work.claim' else 'job.claim' end) -- a check reads nobody's data
			order by place, code`,
		},
	}
}

// aboutJobs are the questions of what was asked for, and how it ended.
func aboutJobs() []Question {
	return []Question{
		{
			Name:  "job.ends",
			Count: `select count(*) from job`,
			Find: `select j.number as place, 'job.lost' as code from job j where j.state in ('submitted', 'queued', 'running')
				and not exists (select from work w where w.subject = j.id and w.state <> 'settled')
			union all select j.number, 'job.end_unknown' from job j
				where j.state in ('refused', 'failed', 'timed_out', 'killed', 'closed') and j.ended_at is null
			union all select j.number, 'job.works_on' from job j join work w on w.subject = j.id
				where j.state in ('refused', 'failed', 'timed_out', 'killed', 'closed') and w.state in ('queued', 'claimed') and w.stop is null
			union all select j.number, 'job.unclosed' from job j where j.state = 'output_quarantined'
				and exists (select from output o where o.job = j.id)
				and not exists (select from output o where o.job = j.id and o.state not in ('released', 'rejected', 'destroyed'))
			union all select distinct j.number, 'job.closed_early' from job j join output o on o.job = j.id
				where j.state = 'closed' and o.state not in ('released', 'rejected', 'destroyed')
			union all select coalesce(o.answer ->> 'number', 'entry ' || o.leaf), 'answer.lost' from once o
				where o.answer ->> 'number' like 'J-%' and not exists (select from job j where j.number = o.answer ->> 'number')
			order by place, code`,
		},
		{
			Name:  "doubt.denies",
			Count: `select (select count(*) from decision) + (select count(*) from release)`,
			Find: `select 'decision ' || d.id as place, 'allow.reasons' as code from decision d
				where d.allow and d.reasons not in ('null'::jsonb, '[]'::jsonb)
			union all select r.number, 'release.undecided' from release r
				where not exists (select from decision d where d.id = r.leaf and d.allow)
			union all select r.number, 'release.blocked' from release r join output o on o.id = r.output
				where r.state <> 'stopped' and o.blocked > 0
			order by place, code`,
		},
		{
			Name:  "once",
			Count: `select (select count(*) from once) + (select count(*) from release)`,
			Find: `select 'entry ' || min(o.leaf::text) as place, 'key.twice' as code from once o group by o.member, o.key having count(*) > 1
			union all select min(r.number), 'release.twice' from release r where r.state <> 'stopped' group by r.request having count(*) > 1
			union all select min(r.number), 'release.twice' from release r where r.state <> 'stopped'
				group by r.output having count(*) > 1 and count(distinct r.request) > 1
			order by place, code`,
		},
		{
			Name:  "orgs.apart",
			Count: `select (select count(*) from job_input) + (select count(*) from request)`,
			Find: `select distinct j.number as place, 'grant.foreign' as code from job_input i join job j on j.id = i.job
				join data_grant g on g.id = i.data_grant where g.operator <> j.org or g.dataset <> i.dataset
			union all select q.number, 'review.foreign' from request q join output o on o.id = q.output join job j on j.id = o.job
				where q.operator <> j.org
			order by place, code`,
		},
		{
			Name:  "interruptions",
			Count: `select count(*) from work where outcome = 'interrupted'`,
			Find: `select j.number as place, 'interruption.charged' as code from job j
				join lateral (select outcome from work w where w.subject = j.id and w.kind in ('run', 'debug', 'check')
					order by w.queued_at desc limit 1) w on true
				where w.outcome = 'interrupted' and (j.state in ('failed', 'timed_out') or j.failure is not null)
			order by place, code`,
		},
	}
}

// aboutDestructions is the question of what must not be readable any more, and of what must be. A certificate that the
// keeper is about to sign is not missing yet.
func aboutDestructions() Question {
	return Question{
		Name:  "destructions",
		Count: `select count(*) from dataset_version where state in ('destroying', 'destroyed')`,
		Find: `with named as (select v.*, d.slug || ' version ' || v.number as place from dataset_version v join dataset d on d.id = v.dataset)
			select v.place, 'key.usable' as code from named v join data_key k on k.id = v.data_key
				where v.state = 'destroyed' and k.erased_at is null
			union select v.place, 'key.usable' from named v join destruction x on x.dataset = v.dataset and x.version = v.number
				join data_key k on k.id = any(x.keys) where k.erased_at is null
			union select v.place, 'certificate.missing' from named v where v.state = 'destroyed'
				and not exists (select from destruction x where x.dataset = v.dataset and x.version = v.number
					and (x.state = 'certified' or x.state = 'erased' and x.erased_at > now() - interval '1 minute'))
			union select v.place, 'version.standing' from named v join destruction x on x.dataset = v.dataset and x.version = v.number
				where x.certificate is not null and v.state not in ('destroying', 'destroyed')
			union select v.place, 'part.lost' from named v join data_key k
				on v.data_key = k.id or v.locations @> jsonb_build_array(jsonb_build_object('key', k.id::text))
				where k.erased_at is not null and v.state not in ('destroying', 'destroyed', 'ingesting', 'refused')
			order by place, code`,
	}
}

// Place is where something is not as it should be.
type Place struct{ Place, Code string }

// Ask puts a question: found is called with every place, one after the other, and the number of things looked at
// is returned. Memory does not grow with the answer.
func (t *Tx) Ask(ctx context.Context, q Question, found func(Place)) (looked int64, err error) {
	if looked, err = value[int64](ctx, t, q.Count); err != nil {
		return 0, fmt.Errorf("counting for %s: %w", q.Name, err)
	}
	var p Place
	if err := each(ctx, t, q.Find, []any{&p.Place, &p.Code}, func() error { found(p); return nil }); err != nil {
		return looked, fmt.Errorf("asking %s: %w", q.Name, err)
	}
	return looked, nil
}

// SignedVote is a vote of a release with the key it must be signed by.
type SignedVote struct {
	Release   string
	Envelope  []byte
	Scheme    string // of the voter's key
	Origin    string // of a passkey
	PublicKey []byte
}

// EachVote reads every vote that a release rests on.
func (t *Tx) EachVote(ctx context.Context, do func(SignedVote) error) error {
	var v SignedVote
	return each(ctx, t, `select r.number, v.envelope, k.scheme, k.origin, k.public_key from release r join vote v on v.request = r.request
		join member_key k on k.id = v.member_key where r.state <> 'stopped' order by r.number, v.seat`,
		[]any{&v.Release, &v.Envelope, &v.Scheme, &v.Origin, &v.PublicKey}, func() error { return do(v) })
}

// EachReference reads every object the record refers to, as References lists them.
func (t *Tx) EachReference(ctx context.Context, do func(Reference) error) error {
	var r Reference
	return each(ctx, t, references, []any{&r.Bucket, &r.Key, &r.Digest, &r.Size, &r.CipherSHA256}, func() error { return do(r) })
}

// ReleasedAs counts the releases whose product is an object.
func (t *Tx) ReleasedAs(ctx context.Context, key, digest string) (int64, error) {
	return value[int64](ctx, t, `select count(*) from release
		where object ->> 'key' = $1 and object ->> 'digest' = $2 and state <> 'stopped'`, key, digest)
}

// Claims tells whether a piece of work is claimed under a fence, now or within the last minute.
func (t *Tx) Claims(ctx context.Context, id string, fence int64) (bool, error) {
	return value[bool](ctx, t, `select exists (select from work where id::text = $1 and fence = $2
		and (state = 'claimed' and lease_until > now() - interval '1 minute'
			or state <> 'claimed' and coalesce(settled_at, now()) > now() - interval '1 minute'))`, id, fence)
}

// Gave tells whether a claim of a piece of work may ever have had a fence: they are given upwards from one.
func (t *Tx) Gave(ctx context.Context, id string, fence int64) (bool, error) {
	return value[bool](ctx, t, `select exists (select from work where id::text = $1 and $2 between 1 and fence)`, id, fence)
}

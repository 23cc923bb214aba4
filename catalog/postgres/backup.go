package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// InSnapshot runs do in one read-only transaction that sees one moment, whose name pg_dump takes
// (--snapshot): what do reads and what is dumped meanwhile are the same.
func (db *DB) InSnapshot(ctx context.Context, do func(tx *Tx, snapshot string) error) error {
	return db.inTx(ctx, "begin isolation level repeatable read read only", func(t *Tx) error {
		name, err := value[string](ctx, t, "select pg_export_snapshot()")
		if err != nil {
			return fmt.Errorf("exporting snapshot: %w", err)
		}
		return do(t, name)
	})
}

// Reference is one object the record refers to. Size and CipherSHA256 are absent where the record does not have
// them.
type Reference struct {
	Bucket       string
	Key          string
	Digest       string
	Size         *int64
	CipherSHA256 *string `db:"cipher_sha256"`
}

// References lists every object the record refers to and somebody could open, each once: where a column holds a
// reference, at whatever depth, and the parts of dataset versions. What lies under an erased key is nobody's.
func (t *Tx) References(ctx context.Context) ([]Reference, error) {
	return many[Reference](ctx, t, references)
}

const references = `with ` + named + `
		select bucket, key, digest, max(size) as size, max(cipher_sha256) as cipher_sha256
		from named where not exists (select from data_key k where k.id::text = named.key and k.erased_at is not null)
		group by bucket, key, digest order by bucket, key, digest`

// named are the references of the record's columns.
const named = `held (j) as (
			select raw from dataset_version union all select profile from dataset_version
			union all select locations from dataset_version
			union all select raw from twin union all select object from twin
			union all select letter from work union all select result from work
			union all select object from output union all select membership from output union all select evidence from output
			union all select object from release where state in ('released', 'recalled')),
		named as (
			select r->>'bucket' as bucket, r->>'key' as key, r->>'digest' as digest, (r->>'size')::bigint as size,
				nullif(r->>'cipher_sha256', '') as cipher_sha256
			from held, jsonb_path_query(j, 'strict $.** ? (@.bucket.type() == "string" && @.key.type() == "string" && @.digest.type() == "string")', silent => true) r
			union all
			select 'data', v.data_key::text, p->>'digest', (p->>'size')::bigint, null
			from dataset_version v, json_array_elements(v.manifest->'parts') p where v.locations is null)`

// Named is an object of one bucket that the record, or an upload under way, refers to.
type Named struct{ Key, Digest string }

// EachNamed reads what is named in a bucket, in the order of keys and digests, byte by byte.
func (t *Tx) EachNamed(ctx context.Context, bucket string, do func(Named) error) error {
	var n Named
	return each(ctx, t, `with `+named+`
		select key collate "C", digest collate "C" from named where bucket = $1
		union select object->>'key' collate "C", object->>'digest' collate "C" from upload_chunk where object->>'bucket' = $1
		order by 1, 2`, []any{&n.Key, &n.Digest}, func() error { return do(n) }, bucket)
}

// EndedKey is a data key under which work wrote for a subject, none of whose work goes on.
type EndedKey struct{ Subject, Key string }

// EndedKeys lists the data keys under which work wrote that ended otherwise than well since lately, or after more than
// one attempt since earlier: an attempt that was cut may write even later. At most limit of them.
func (t *Tx) EndedKeys(ctx context.Context, lately, earlier time.Time, limit int) ([]EndedKey, error) {
	return many[EndedKey](ctx, t, `with ended as (select subject, version from work w where state = 'settled' and settled_at > $2
				and (attempts > 1 or settled_at > $1 and outcome is distinct from 'success')
				and not exists (select from work o where o.subject = w.subject and o.state <> 'settled'))
		select e.subject, data_key::text as key from job j join ended e on e.subject = j.id where j.data_key is not null
		union select e.subject, data_key::text from upload u join ended e on e.subject = u.id
		union select e.subject, data_key::text from dataset_version v join ended e on e.subject = v.dataset and e.version = v.number
		union select e.subject, data_key::text from twin w join ended e on e.subject = w.dataset and e.version = w.version
		limit $3`, lately, earlier, limit)
}

// NamedBy lists the digests of what a subject's own rows name in a bucket under a key. Others may name some of it too.
func (t *Tx) NamedBy(ctx context.Context, bucket string, of EndedKey) ([]string, error) {
	return values[string](ctx, t, `with held (j) as (
			select letter from work where subject = $3 union all select result from work where subject = $3
			union all select object from output where job = $3 union all select membership from output where job = $3
			union all select evidence from output where job = $3
			union all select profile from dataset_version where dataset = $3 union all select locations from dataset_version where dataset = $3
			union all select raw from twin where dataset = $3 union all select object from twin where dataset = $3)
		select r->>'digest' from held, jsonb_path_query(j, 'strict $.** ? (@.bucket == $bucket && @.key == $key)',
			jsonb_build_object('bucket', $1::text, 'key', $2::text), true) r`, bucket, of.Key, of.Subject)
}

// Needs tells whether an object of a bucket is named, or may still come to be: work that is not settled writes under
// the same key, and finds there what an earlier attempt of it stored.
func (t *Tx) Needs(ctx context.Context, bucket string, n Named) (bool, error) {
	return value[bool](ctx, t, `with `+named+`
		select exists (select from named where bucket = $1 and key = $2 and digest = $3)
			or exists (select from upload_chunk where object->>'bucket' = $1 and object->>'key' = $2 and object->>'digest' = $3)
			or exists (select from work where state <> 'settled' and `+writesUnder+`)`, bucket, n.Key, n.Digest)
}

// writesUnder holds of work that writes under the key $2.
const writesUnder = `subject in (
	select dataset from dataset_version where data_key = $2::uuid union all select dataset from twin where data_key = $2::uuid
	union all select id from job where data_key = $2::uuid union all select id from upload where data_key = $2::uuid)`

// EndedSince tells whether work that writes under a key has ended since a moment.
func (t *Tx) EndedSince(ctx context.Context, moment time.Time, key string) (bool, error) {
	return value[bool](ctx, t, "select exists (select from work where settled_at > $1 and "+writesUnder+")", moment, key)
}

// CreateRoles makes the roles of the processes where they are not there, without a password: a dump refers to
// them. Migrate sets the passwords.
func CreateRoles(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connecting to make roles: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, `do $$
		declare r text;
		begin
			foreach r in array array['sluice_serve', 'sluice_worker', 'sluice_keeper'] loop
				if not exists (select from pg_roles where rolname = r) then
					execute format('create role %I login', r);
				end if;
			end loop;
		end $$`)
	if err != nil {
		return fmt.Errorf("making roles: %w", err)
	}
	return nil
}

// Environment spells an address as PostgreSQL's own programs read it from the environment: a password never stands
// on a command line.
func Environment(dsn string) ([]string, error) {
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("reading database address: %w", err)
	}
	mode := "disable"
	if conf.TLSConfig != nil {
		mode = "require"
	}
	return []string{
		"PGHOST=" + conf.Host, "PGPORT=" + strconv.Itoa(int(conf.Port)), "PGUSER=" + conf.User,
		"PGPASSWORD=" + conf.Password, "PGDATABASE=" + conf.Database, "PGSSLMODE=" + mode,
	}, nil
}

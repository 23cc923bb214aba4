package postgres_test

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// aCaller is a row of each table that callers are read from.
const aCaller = `
	insert into org (id, number, name, created_at) values ('00000000-0000-0000-0000-000000000001', 'ORG-7001', 'an org', now());
	insert into capacity (org, capacity, document, since) values ('00000000-0000-0000-0000-000000000001', 'operator', 'a paper', now());
	insert into member (id, org, login, name, roles, state, created_at)
		values ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 'a', 'A', '{}', 'active', now());
	insert into member_key (id, fingerprint, member, public_key, state, offered_at, expires_at)
		values ('00000000-0000-0000-0000-000000000003', 'f', '00000000-0000-0000-0000-000000000002', decode(repeat('00', 32), 'hex'),
			'admitted', now(), now());
	insert into member_identity (id, issuer, subject, label, member, state, offered_at)
		values ('00000000-0000-0000-0000-000000000004', 'i', 's', 'l', '00000000-0000-0000-0000-000000000002', 'admitted', now());
	insert into member_password (member, hash, set_at) values ('00000000-0000-0000-0000-000000000002', '$argon2id$x', now());
	insert into token (hash, member, member_key, created_at, expires_at)
		values ('x', '00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000003', now(), now() + interval '1 day');`

// TestStandingTellsEveryChange: each column a caller is read by, and the end of each row, changes the standing with
// the commit; that a session or a key was used does not.
func TestStandingTellsEveryChange(t *testing.T) {
	owner := pgtest.New(t).Owner
	pgtest.Exec(t, owner, aCaller)
	changes := func(statement string) bool {
		t.Helper()
		before := pgtest.Count(t, owner, "select changes from standing")
		pgtest.Exec(t, owner, statement)
		return pgtest.Count(t, owner, "select changes from standing") != before
	}
	tables := map[string]string{"t": "token", "m": "member", "k": "member_key", "i": "member_identity", "p": "member_password", "c": "capacity"}
	read := map[string]bool{}
	for _, column := range regexp.MustCompile(`\b([tmkipc])\.(\w+)`).FindAllStringSubmatch(postgres.CallersQuery, -1) {
		table := tables[column[1]]
		if name := table + "." + column[2]; name != "token.used_at" && !read[name] {
			read[name] = true
			to := column[2]
			if name == "token.expires_at" { // the other way nobody is remembered for longer than it was
				to += " - interval '1 second'"
			}
			if !changes("update " + table + " set " + column[2] + " = " + to) {
				t.Errorf("callers are read by %s, and its change is not told", name)
			}
		}
	}
	if len(read) < 20 {
		t.Errorf("callers are read by %d columns: %v", len(read), read)
	}
	for statement, want := range map[string]bool{
		"update token set expires_at = expires_at + interval '1 second'":                   false,
		"update token set hash = 'y'":                                                      true,
		"truncate capacity":                                                                true,
		"update token set used_at = now()":                                                 false,
		"update member_key set last_used = now(), sign_count = 1":                          false,
		"begin; update member set state = 'removed'; rollback":                             false,
		"insert into capacity select org, 'agency', document, since from capacity limit 1": true,
		"delete from capacity":                                                             true,
		"delete from member_password":                                                      true,
		"delete from token":                                                                true,
		"delete from member_identity":                                                      true,
		"delete from member_key":                                                           true,
	} {
		if statement == "delete from member_key" {
			pgtest.Exec(t, owner, "delete from token") // which refers to it
		}
		if got := changes(statement); got != want {
			t.Errorf("%s: told %v, want %v", statement, got, want)
		}
		pgtest.Exec(t, owner, `delete from token; delete from member_key; delete from member_identity; delete from member_password;
			delete from member; delete from capacity; delete from org;`+aCaller)
	}
}

// TestWrongPremisesDoNothing: what is supposed travels with the first statement, fails its transaction when it has
// changed, and is asked once when it holds.
func TestWrongPremisesDoNothing(t *testing.T) {
	owner := pgtest.New(t).Owner
	pgtest.Exec(t, owner, aCaller)
	db := pgtest.Open(t, owner)
	keep := func(ctx context.Context, name string) error {
		return db.InTx(ctx, func(tx *postgres.Tx) error { return tx.PutSetting(ctx, name, []byte(`1`)) })
	}
	stands := func(ctx context.Context) (now int64, err error) {
		err = db.Alone(ctx, func(tx *postgres.Tx) (err error) {
			now, err = tx.Standing(ctx)
			return err
		})
		return now, err
	}
	now, err := stands(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	right, wrong := postgres.Suppose(context.Background(), now), postgres.Suppose(context.Background(), -1)
	if _, err := stands(wrong); !errors.Is(err, postgres.ErrPremise) {
		t.Errorf("a reading alone on a wrong premise: %v", err)
	}
	if err := keep(wrong, "wrong"); !errors.Is(err, postgres.ErrPremise) || postgres.Held(wrong) {
		t.Errorf("a change on a wrong premise: %v", err)
	}
	sent := postgres.Pending{ID: name.NewID().String(), At: time.Now(), Salt: make([]byte, 32), Body: []byte(`{}`)}
	err = db.InTx(wrong, func(tx *postgres.Tx) error { // the commit is the only one that is waited for
		tx.SendEntry(sent, nil)
		return nil
	})
	if n := pgtest.Count(t, owner, "select count(*) from trace_pending"); !errors.Is(err, postgres.ErrPremise) || n != 0 {
		t.Errorf("a commit on a wrong premise: %v, %d entries", err, n)
	}
	if err := keep(postgres.Certain(wrong), "certain"); err != nil {
		t.Errorf("a change on none: %v", err)
	}
	if err := db.InTx(right, func(*postgres.Tx) error { return nil }); err != nil || postgres.Held(right) {
		t.Errorf("nothing was done, and the premise was seen to hold: %v", err)
	}
	if err := keep(right, "right"); err != nil || !postgres.Held(right) {
		t.Errorf("a change on a premise that holds: %v", err)
	}
	pgtest.Exec(t, owner, "insert into member select gen_random_uuid(), org, n::text, 'B', '{}', 'active', now() from member, generate_series(1, 9) n")
	before := pgtest.Count(t, owner, "select changes from standing")
	pgtest.Exec(t, owner, "update member set state = 'removed'")
	if n := pgtest.Count(t, owner, "select changes from standing") - before; n != 1 {
		t.Errorf("ten rows of one transaction count %d times", n)
	}
	if err := keep(right, "later"); err != nil {
		t.Errorf("what was seen to hold is asked again: %v", err)
	}
	pgtest.Exec(t, owner, "delete from standing")
	if err := keep(postgres.Suppose(context.Background(), now), "nothing"); !errors.Is(err, postgres.ErrPremise) {
		t.Errorf("where nothing counts: %v", err)
	}
	if n := pgtest.Count(t, owner, "select count(*) from setting where name in ('wrong', 'certain', 'right', 'later')"); n != 3 {
		t.Errorf("%d settings were kept", n)
	}
}

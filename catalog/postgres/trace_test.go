package postgres_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/catalog/trace"
)

// longLog is a log of 200,000 entries, ten seconds apart: one busy organization, one of which little is heard, and
// people, an organization and an act that were busy once, in the first tenth of it.
const longLog = `insert into trace_leaf (index, id, at, leaf, salt, body, org, owner, act, decision, object, person)
	select n, gen_random_uuid(), timestamptz '2026-01-01 00:00:00+08' + n * interval '10 seconds', '\x00', '\x00', '{}',
		case when n % 40000 = 7 then $1::uuid when n < 20000 and n % 2 = 0 then $3::uuid else $2::uuid end,
		case when n % 30000 = 9 then $1::uuid when n < 20000 and n % 2 = 0 then $3::uuid else $2::uuid end,
		case when n % 40000 = 7 then 'org.create' when n < 20000 and n % 2 = 0 then 'org.show' else 'job.show' end, case when n % 20000 = 3 then 'deny' else 'allow' end,
		'J-2026-' || n % 5000, case when n % 40000 = 7 then 'rare' when n < 20000 and n % 2 = 0 then 'gone' else 'busy ' || n % 20 end
	from generate_series(0, 199999) n`

// TestTraceIsReadByIndex: whatever narrows the log, few pages are read of thousands, also where few entries fit, or all
// that do are old.
func TestTraceIsReadByIndex(t *testing.T) {
	const rare, busy, gone = "01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058", "01890a5d-ac96-774b-bcce-b302099a8059"
	const most, heldTwice = 200, 1000
	conn, err := pgx.Connect(t.Context(), pgtest.New(t).Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for _, s := range []struct {
		sql  string
		args []any
	}{
		{longLog, []any{rare, busy, gone}},
		{"update trace_head set size = 200000, latest = (select max(at) from trace_leaf), lag = interval '1 minute'", nil},
		{"vacuum analyze trace_leaf", nil},
	} {
		if _, err := conn.Exec(t.Context(), s.sql, s.args...); err != nil {
			t.Fatal(err)
		}
	}
	from, to := time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 4, 0, 0, 0, 0, time.UTC)
	for title, f := range map[string]postgres.TraceFilter{
		"everything": {}, "a rare person": {Person: "rare"}, "a busy person": {Person: "busy 3"}, "nobody": {Person: "nobody"},
		"a rare organization": {Org: rare}, "a rare part": {Part: rare}, "a busy part": {Part: busy}, "a rare act": {Act: "org.create"},
		"an object": {Object: "J-2026-77"}, "refusals": {Decision: "deny"}, "old days": {Since: &from, Until: &to}, "until long ago": {Until: &to},
		"since the end": {Since: new(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))}, "before all": {Until: new(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))},
		"a person who is gone": {Person: "gone"}, "an organization that is gone": {Org: gone}, "a part that is gone": {Part: gone}, "an act of once": {Act: "org.show"},
		"a gone person's days": {Person: "gone", Since: &from, Until: &to}, "a gone person in a busy part": {Part: busy, Person: "gone"}, "a gone organization in a busy part": {Part: busy, Org: gone},
		"a part's own acts":              {Part: busy, Org: busy},
		"a person in old days":           {Person: "busy 3", Since: &from, Until: &to},
		"a rare person in a busy part":   {Part: busy, Person: "rare"},
		"an act of a part until long":    {Part: busy, Act: "job.show", Until: &to},
		"another's acts in a busy part":  {Part: busy, Org: rare},
		"a rare person's act of old":     {Person: "rare", Act: "org.create", Until: &to},
		"a part, a person, and a cursor": {Part: busy, Person: "busy 3", Before: 1000},
	} {
		f.Limit = 50
		bound := most
		if f.Part == busy && (f.Person == "gone" || f.Org == gone) {
			bound = heldTwice // along what the one did, of which nothing fits the other
		}
		if pages := pagesRead(t, conn, f); pages > bound {
			t.Errorf("%s: %d pages were read", title, pages)
		}
	}
}

// pagesRead has the server tell how much it read to answer.
func pagesRead(t *testing.T, conn *pgx.Conn, f postgres.TraceFilter) int {
	t.Helper()
	sql, args := f.Statement()
	var raw []byte
	if err := conn.QueryRow(t.Context(), "explain (analyze, buffers, format json) "+sql, args...).Scan(&raw); err != nil {
		t.Fatal(err)
	}
	var told []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	if err := json.Unmarshal(raw, &told); err != nil || len(told) != 1 {
		t.Fatalf("%s: %v", raw, err)
	}
	return told[0].Plan.Hit + told[0].Plan.Read
}

// TestLag: the most that an entry is older than one placed before it, whatever the order of the others.
func TestLag(t *testing.T) {
	var h postgres.Head
	begin := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, minute := range []int{3, 1, 2, 9, 9, 8, 4, 10, 7} {
		h.Follow(begin.Add(time.Duration(minute) * time.Minute))
	}
	if h.Size != 9 || h.Lag != 5*time.Minute || h.Latest == nil || !h.Latest.Equal(begin.Add(10*time.Minute)) {
		t.Errorf("size %d, latest %v, lag %v", h.Size, h.Latest, h.Lag)
	}
}

// TestNarrowedOfBefore runs what migration 29 makes of entries of before: who acted, whatever else a body says, and how
// far the entries lie out of order.
func TestNarrowedOfBefore(t *testing.T) {
	dsn := pgtest.New(t).Owner
	person, other := trace.PersonHash([]byte("key"), "a"), trace.PersonHash([]byte("key"), "b")
	begin := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	var leaves []postgres.Leaf
	for i, l := range []struct {
		minute int
		body   trace.Body
	}{
		{3, trace.Body{Act: "job.submit", Actor: trace.Actor{Member: person, Org: "o"}, Detail: map[string]string{"member": other, "note": `\"个`}}},
		{1, trace.Body{Act: "job.claim", Actor: trace.Actor{Process: `{"member":"` + other + `"`}, Refs: map[string]string{"member": other}}},
		{60 * 24 * 40, trace.Body{Act: "job.show", Actor: trace.Actor{Member: other}}},
		{8, trace.Body{}}, // erased
	} {
		leaf := postgres.Leaf{Index: int64(i), ID: name.NewID().String(), At: begin.Add(time.Duration(l.minute) * time.Minute), Leaf: []byte{0}}
		if l.body.Decision = trace.Allow; l.body.Act != "" {
			raw, err := trace.EncodeBody(l.body)
			if err != nil {
				t.Fatal(err)
			}
			leaf.Salt, leaf.Body = make([]byte, 32), raw
		}
		leaves = append(leaves, leaf)
	}
	var found []string
	var told, made postgres.Head
	err := pgtest.Open(t, dsn).InTx(t.Context(), func(tx *postgres.Tx) error {
		for _, l := range leaves {
			made.Follow(l.At)
			if err := tx.InsertLeaf(t.Context(), l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	migration, err := os.ReadFile("migrations/0029_narrow.sql")
	if err != nil {
		t.Fatal(err)
	}
	updates := 0
	for statement := range strings.SplitSeq(string(migration), ";\n") {
		if strings.HasPrefix(statement, "update ") {
			pgtest.Exec(t, dsn, statement)
			updates++
		}
	}
	err = pgtest.Open(t, dsn).InTx(t.Context(), func(tx *postgres.Tx) (err error) {
		if leaves, err = tx.LeavesFrom(t.Context(), 0, 10); err != nil {
			return err
		}
		told, err = tx.Head(t.Context())
		return err
	})
	for _, l := range leaves {
		if l.Person == nil {
			l.Person = new("nobody")
		}
		found = append(found, *l.Person)
	}
	if want := []string{person, "nobody", other, "nobody"}; err != nil || updates != 2 || !slices.Equal(found, want) {
		t.Errorf("%d updates find %v: %v", updates, found, err)
	}
	if told.Lag != made.Lag || told.Latest == nil || !told.Latest.Equal(*made.Latest) {
		t.Errorf("the head says %+v, the entries %+v", told, made)
	}
}

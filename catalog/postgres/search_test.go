package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// fill adds datasets under titles by plain SQL, newest last.
const fill = `insert into org (id, number, name, created_at) values ('01890a5d-ac96-774b-bcce-b302099a8057', 'ORG-0901', 'A department', now());
insert into data_key (id, purpose, suite, wrapped, created_at) values ('01890a5d-ac96-774b-bcce-b302099a8058', 'dataset', 'test', '\x00', now());
insert into dataset (id, slug, org, title, class, state, columns, units, round_to, secret_key, created_at)
select ('01890a5d-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'set-' || n, '01890a5d-ac96-774b-bcce-b302099a8057', title, 'general', 'declared',
	'[]', '[]', 5, '01890a5d-ac96-774b-bcce-b302099a8058', now() from (%s) s;
analyze dataset;`

// TestSearch: one character, the two of a Chinese word, more of them, letters of any case, a slug, a text whose pairs
// are all there and which is not, and what a pattern would read as its own.
func TestSearch(t *testing.T) {
	dsn := pgtest.New(t).Owner
	titles := []string{"居民门诊就诊记录", "公交 GPS 轨迹", "50%_off", "就业与诊疗", `a\b`, "就诊与诊疗"}
	var rows []string
	for n, title := range titles {
		rows = append(rows, fmt.Sprintf("select %d as n, '%s' as title", n+1, title))
	}
	pgtest.Exec(t, dsn, fmt.Sprintf(fill, strings.Join(rows, " union all ")))
	db := pgtest.Open(t, dsn)
	for match, want := range map[string][]int{
		"": {6, 5, 4, 3, 2, 1}, "诊": {6, 4, 1}, "就诊": {6, 1}, "门诊就诊": {1}, "gps": {2}, "GPS 轨": {2}, "SET-3": {3}, "就诊疗": {}, "%": {3}, "_": {3}, `\`: {5}, "set": {6, 5, 4, 3, 2, 1},
	} {
		if got := found(t, db, postgres.Window{Limit: 20}, match); !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", match, got, want)
		}
	}
	page := postgres.Window{Limit: 2}
	for _, want := range [][]int{{6, 4}, {1}} { // the first page fills among the newest, the next one does not
		if got := found(t, db, page, "诊"); !slices.Equal(got, want) {
			t.Errorf("the page after %q holds %v, want %v", page.Before, got, want)
		}
		page.Before = "01890a5d-0000-7000-8000-000000000004"
	}
}

// TestFacets: a department's datasets, those of a level, and both together with a text.
func TestFacets(t *testing.T) {
	dsn := pgtest.New(t).Owner
	pgtest.Exec(t, dsn, fmt.Sprintf(fill, "select 1 as n, 'one' as title union all select 2, 'two' union all select 3, 'three'"))
	pgtest.Exec(t, dsn, `insert into org (id, number, name, created_at) values ('01890a5d-ac96-774b-bcce-b302099a8059', 'ORG-0902', 'Another', now());
		update dataset set org = '01890a5d-ac96-774b-bcce-b302099a8059' where slug = 'set-3';
		update dataset set columns = '[{"level": 2}, {"level": 4}, {"level": 1}]' where slug in ('set-2', 'set-3')`)
	db := pgtest.Open(t, dsn)
	for _, tt := range []struct {
		facets dataset.Facets
		want   []int
	}{
		{dataset.Facets{Provider: "ORG-0901"}, []int{2, 1}}, {dataset.Facets{Provider: "ORG-0902"}, []int{3}}, {dataset.Facets{Provider: "ORG-0903"}, []int{}},
		{dataset.Facets{Level: 4}, []int{3, 2}}, {dataset.Facets{Level: 2}, []int{}}, {dataset.Facets{Level: 4, Provider: "ORG-0901"}, []int{2}},
		{dataset.Facets{Match: "T", Level: 4}, []int{3, 2}}, {dataset.Facets{Match: "o", Provider: "ORG-0901"}, []int{2, 1}}, {dataset.Facets{Match: "three", Provider: "ORG-0901"}, []int{}},
	} {
		if got := narrowed(t, db, postgres.Window{Limit: 20}, tt.facets); !slices.Equal(got, tt.want) {
			t.Errorf("%+v leaves %v, want %v", tt.facets, got, tt.want)
		}
	}
	err := db.InTx(t.Context(), func(tx *postgres.Tx) error {
		all, err := tx.Providers(t.Context())
		if len(all) != 2 || all[0].Name != "A department" {
			t.Errorf("providers %+v", all)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func found(t testing.TB, db *postgres.DB, w postgres.Window, match string) []int {
	t.Helper()
	return narrowed(t, db, w, dataset.Facets{Match: match})
}

func narrowed(t testing.TB, db *postgres.DB, w postgres.Window, f dataset.Facets) []int {
	t.Helper()
	all := []int{}
	err := db.InTx(context.Background(), func(tx *postgres.Tx) error {
		rows, err := tx.Datasets(context.Background(), w, f)
		for _, r := range rows {
			var n int
			if _, err := fmt.Sscanf(r.Slug, "set-%d", &n); err != nil {
				return err
			}
			all = append(all, n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// BenchmarkSearch measures the first page of a search among a million datasets, the slowest of a frequent word, a rare
// one, a phrase, one number and what is not there, each by its median, as a share of the 50 ms that a page is allowed.
func BenchmarkSearch(b *testing.B) {
	const allowed = 50 * time.Millisecond
	dsn := pgtest.New(b).Owner
	pgtest.Exec(b, dsn, fmt.Sprintf(fill, `select n, (array['重庆','江北','渝中','南岸','沙坪坝','九龙坡','万州','涪陵'])[1 + n % 8] || (array['居民','企业','学校','医院','公交'])[1 + n / 8 % 5] ||
		(array['门诊就诊','用电','轨迹','许可','登记','空气质量','能耗'])[1 + n / 40 % 7] || (array['记录','统计','名录','明细'])[1 + n / 280 % 4] || case when n % 1000 = 7 then '专题' else '' end || n as title
		from generate_series(1, 1000000) n`))
	db := pgtest.Open(b, dsn)
	took := map[dataset.Facets][]time.Duration{}
	for b.Loop() {
		for facets, rows := range map[dataset.Facets]int{
			{}: 20, {Match: "门诊"}: 20, {Match: "专题"}: 20, {Match: "渝中医院空气质量名录"}: 20, {Match: "654321"}: 1, {Match: "海洋"}: 0, {Match: "医"}: 20, {Match: "学诊"}: 0,
			{Provider: "ORG-0901"}: 20, {Provider: "ORG-0902"}: 0, {Level: 4}: 0, {Match: "专题", Provider: "ORG-0901"}: 20, {Match: "门诊", Level: 4}: 0,
		} {
			took[facets] = append(took[facets], timed(b, db, facets, rows))
		}
	}
	var worst time.Duration
	for facets, times := range took {
		slices.Sort(times)
		b.Logf("%+v: %s, once %s", facets, times[len(times)/2], times[len(times)-1])
		worst = max(worst, times[len(times)/2])
	}
	b.ReportMetric(float64(worst)/float64(allowed), "x-allowed")
	b.ReportMetric(float64(worst), "ns-search")
	b.ReportMetric(float64(allowed), "ns-allowed")
}

func timed(b *testing.B, db *postgres.DB, f dataset.Facets, rows int) time.Duration {
	b.Helper()
	start := time.Now()
	if got := narrowed(b, db, postgres.Window{Limit: 20}, f); len(got) != rows {
		b.Fatalf("%+v finds %d", f, len(got))
	}
	return time.Since(start)
}

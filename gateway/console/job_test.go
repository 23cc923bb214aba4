package console_test

import (
	"testing"

	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
)

// TestJobTellsWhatItAsks: whoever consents to a job sees its code, its inputs and its declared outputs, and nobody else
// does; a trial's page says what its rows were invented from, and shows what came of them as text.
func TestJobTellsWhatItAsks(t *testing.T) {
	w := newTown(t)
	pgtest.Exec(t, w.DB.Owner, `update job set kind = 'debug', usage = '{"relations": [{"relation": "r", "rows": "10^3"}, {"relation": "s", "rows": "10^18"}, {"relation": "q", "rows": ">=10"}], "limits": {"seconds": ">=10", "most_seconds": 1200, "memory_mb": "10^2", "most_memory_mb": 512},
		"tables": {"counts": "plan,people\n<b>free</b>,100\n"}, "inputs": [{"input": "visits", "made_from": "twin", "digest": "sha256:5eed"}]}'
		where number = '`+theFailure+`'`)
	for _, login := range []string{"developer", "officer", "chief"} {
		b := w.signedIn(t, login)
		b.get(t, "/jobs/"+theJob+"?tab=inputs").shows(t, login, theGrant, theDataset+"</a>@1", "plan, visits", "counts", "plan (2)", "people: 对象数")
		b.get(t, "/jobs/"+theJob+"?tab=code").shows(t, login, "SELECT resident, plan, visits FROM visits")
		b.get(t, "/jobs/"+theFailure).shows(t, login, "由虚构数据得出", "部门自备替身", "5eed", "&lt;b&gt;free&lt;/b&gt;,100",
			`<td class="n">10³</td>`, `<td class="n">10¹⁸</td>`, `<td class="n">≥ 10</td>`,
			`<tr><td>时间（秒）</td><td class="n">≥ 10</td><td class="n">1,200</td></tr>`, `<tr><td>内存（MiB）</td><td class="n">10²</td><td class="n">512</td></tr>`)
	}
	for _, tab := range []string{"inputs", "code"} {
		w.signedIn(t, "rival").get(t, "/jobs/"+theJob+"?tab="+tab).refused(t, "a stranger's look", 404)
	}
}

package console_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/gateway/console"
)

// question is one page for an act on one object: in the one state it asks, in the others it says why not.
type question struct {
	path, login string
	set         string // brings what it is about into a state
	open        string // the state the act is for
	not, ended  string // one it is not for, and one nothing leaves; "" for none
}

// questions are all that ask before an act, and others that are about a state.
func questions(t *testing.T, w *town, released string) []question {
	t.Helper()
	of := func(table, column, value string) string {
		return fmt.Sprintf("update %s set state = '%%s' where %s = '%s'", table, column, value)
	}
	theKey, theIdentity := w.keys["officer"].Fingerprint(), w.identity(t, "officer").ID
	theJobs, theMembers, theDatasets := of("job", "number", theJob), of("member", "login", "officer"), of("dataset", "slug", theDataset)
	return []question{
		{"/jobs/" + theJob + "/cancel", "developer", theJobs, "checked", "output_quarantined", "killed"},
		{"/jobs/" + theJob + "/refuse", "chief", theJobs, "checked", "queued", "refused"},
		{"/jobs/" + theReviewed + "/outputs/counts/destroy", "developer", of("output", "name", "counts"), "blocked", "in_review", "released"},
		{"/releases/" + released + "/recall", "chief", of("release", "number", released), "released", "releasing", "stopped"},
		{"/grants/" + theGrant + "/revoke", "chief", of("data_grant", "number", theGrant), "active", "", "revoked"},
		{"/grants/" + theProposal + "/refuse", "chief", of("data_grant", "number", theProposal), "proposed", "active", "refused"},
		{"/grants/" + theProposal + "/allow", "chief", of("data_grant", "number", theProposal), "proposed", "active", "refused"},
		{"/datasets/" + theDataset + "/terms", "steward", theDatasets, "catalogued", "frozen", "retired"},
		{"/datasets/" + theDataset + "/freeze", "steward", theDatasets, "authorizable", "frozen", "retired"},
		{"/datasets/" + theDataset + "/retire", "steward", theDatasets, "authorizable", "", "retired"},
		{"/datasets/" + theDataset + "/versions/1/withdraw", "steward", of("dataset_version", "number", "1"), "ingesting", "withdrawn", "refused"},
		{"/reviews/" + theRequest + "/resubmit", "developer", of("request", "number", theRequest), "returned", "in_review", "rejected"},
		{"/people/officer/remove", "developer", theMembers, "active", "", "removed"},
		{"/people/officer/recover", "developer", theMembers, "active", "invited", "removed"},
		{"/people/officer/keys/" + theKey + "/revoke", "developer", of("member_key", "fingerprint", theKey), "admitted", "", "revoked"},
		{"/people/officer/identities/" + theIdentity + "/revoke", "developer", of("member_identity", "id", theIdentity), "admitted", "", "revoked"},
	}
}

// TestLateQuestionsAskNothing: a page that asks before an act, come to by its address when its object is in
// no state for it, asks nothing and stops nothing: it says why.
func TestLateQuestionsAskNothing(t *testing.T) {
	w := newTown(t)
	w.profiled(t)
	w.desk(t)
	released := w.release(t)
	w.desk(t)
	before, mux := map[string]*browser{}, http.NewServeMux()
	for _, path := range console.Confirms() {
		mux.Handle(path, http.NotFoundHandler())
	}
	var walked []string
	for _, q := range questions(t, w, released) {
		if before[q.login] == nil {
			before[q.login] = w.signedIn(t, q.login)
		}
		_, pattern := mux.Handler(httptest.NewRequest(http.MethodGet, q.path, nil))
		walked = append(walked, pattern)
		for state, why := range map[string]string{q.open: "", q.not: "当前状态下不能办理", q.ended: "已终结，不能再办理"} {
			if state == "" {
				continue
			}
			pgtest.Exec(t, w.DB.Owner, fmt.Sprintf(q.set, state))
			got := before[q.login].get(t, q.path)
			what := q.path + " of what is " + state
			if asks := strings.Contains(got.body, `method="post" action="/console`+q.path+`"`) && !strings.Contains(got.body, "disabled>"); got.status != 200 || asks != (why == "") {
				t.Errorf("%s asks: %t, %d", what, asks, got.status)
			}
			if why == "" {
				continue
			}
			got.shows(t, what, "disabled", why)
			if strings.Contains(got.body, "将停止的作业") || strings.Contains(got.body, "没有作业会因此停止") {
				t.Errorf("%s tells what would stop", what)
			}
		}
		pgtest.Exec(t, w.DB.Owner, fmt.Sprintf(q.set, q.open))
	}
	for _, path := range console.Confirms() {
		if !slices.Contains(walked, path) {
			t.Errorf("%s is held against nothing", path)
		}
	}
}

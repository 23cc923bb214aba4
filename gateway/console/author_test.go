package console_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestAuthorsSide: whoever asked for a review answers at it, takes it back and hands it in anew; the agency is offered
// none of that, and nobody else finds it.
func TestAuthorsSide(t *testing.T) {
	w := newTown(t)
	w.desk(t)
	author := w.signedIn(t, "developer")
	author.madeStrong(t, "developer")
	say := author.get(t, theDesk).form(t, theDesk+"/comments")
	author.act(t, theDesk+"/comments", with(say, "text", "the small plans are merged")).leads(t, "a comment", theDesk)
	chief := w.signedIn(t, "chief")
	chief.get(t, theDesk).shows(t, "the agency's desk", "the small plans are merged")
	if strings.Contains(chief.get(t, theDesk).body, "撤回申请") || !strings.Contains(author.get(t, theDesk).body, "撤回申请") {
		t.Error("taking a request back is not the author's alone")
	}
	for _, path := range []string{"/withdraw", "/resubmit"} {
		if strings.Contains(chief.get(t, theDesk).body, theDesk+path) {
			t.Errorf("the agency is offered %s", path)
		}
		chief.act(t, theDesk+path, once("once", "0123456789abcdef", "context", "x")).refused(t, path, http.StatusNotFound, "")
	}
	author.get(t, theDesk+"/resubmit").shows(t, "the form", theReviewed, "counts")
	author.act(t, theDesk+"/resubmit", once("once", "123456789abcdef0", "context", "again")).refused(t, "while it is under way", http.StatusForbidden, "output.wrong_state")
	back := author.get(t, theDesk).form(t, theDesk+"/withdraw")
	author.act(t, theDesk+"/withdraw", back).leads(t, "taking it back", theDesk)
	author.get(t, theDesk).shows(t, "the desk", "已撤回", "重新提交")
	page := author.get(t, theDesk+"/resubmit")
	author.act(t, theDesk+"/resubmit", with(page.form(t, theDesk+"/resubmit"), "context", "")).refused(t, "no words", 422, "context.missing")
	to := author.act(t, theDesk+"/resubmit", with(page.form(t, theDesk+"/resubmit"), "context", "the same, said better"))
	if to.status != http.StatusSeeOther {
		t.Fatalf("handing in anew: %d %s", to.status, to.body)
	}
	author.get(t, theDesk).shows(t, "the one before", "/reviews/Q-")
	w.signedIn(t, "rival").get(t, theDesk+"/resubmit").refused(t, "a stranger's look", http.StatusNotFound)
}

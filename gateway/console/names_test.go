package console_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres/pgtest"
	"github.com/sluicedata/sluice/gateway/console"
	"github.com/sluicedata/sluice/gateway/wire"
)

// hostile is a text no door lets in today: markup, an override of the writing's direction, an escape and a character
// of no width, as an older version, another program or a file may have left them in the record.
func hostile(n int) string {
	return fmt.Sprintf("<script>stored(%d)</script>\"'&amp;\u202e\x1b[2J\u200b", n)
}

// texts are what people called and wrote in the town, each once, as the record holds it.
func (w *town) texts(t *testing.T) map[string]string {
	t.Helper()
	w.desk(t)
	if _, err := w.keys["developer"].Requests.Comment(t.Context(), theRequest, output.CommentSpec{Text: "a remark"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.keys["chief"].Grants.Refuse(t.Context(), theProposal, wire.Opinion{Reason: "not needed here"}); err != nil {
		t.Fatal(err)
	}
	w.notice(t)
	w.enrolled(t, "chief", "")
	for _, statement := range []string{
		`update registration set application = '{"summary": "in short"}'`, "update member set name = 'A person' where login = 'officer'",
		"update member_identity set label = 'a label' where label = 'officer'",
		`update dataset set columns = jsonb_set(columns, '{1,domain}', '["a domain"]')`,
	} {
		pgtest.Exec(t, w.DB.Owner, statement)
	}
	return map[string]string{
		"a summary": "in short", "a person": "A person", "a provider's label": "a label", "a passkey's title": "办公电脑", "an opinion": "not needed here",
		"a domain": "a domain", "an organization": "单位 " + string(org.DataProvider), "an operator": "单位 " + string(org.Operator),
		"a title": `就诊</b> & "visits"`, "a basis": "health statistics",
		"a column's title": "参保方案", "a lawful basis": "a basis", "a context": "yearly", "code": "SELECT resident, plan", "a remark": "a remark",
	}
}

// TestNamesAreText: whatever stands in the record where people give names and write, every page anybody comes to by
// links shows it as text: no markup of it, nothing that turns the page or hides in it.
func TestNamesAreText(t *testing.T) {
	w := newTown(t)
	forms := map[string]string{}
	n := 0
	for what, text := range w.texts(t) {
		n++
		forms[what] = html.EscapeString(name.Visible(hostile(n)))
		pgtest.Exec(t, w.DB.Owner, everywhere(text, hostile(n)))
	}
	shown := map[string]bool{}
	for login := range residents() {
		b := w.signedIn(t, login)
		for _, path := range b.walk(t) {
			body := b.get(t, path).body
			if strings.Contains(body, "<script>stored") || strings.ContainsFunc(body, func(r rune) bool { return r != '\n' && r != '\t' && name.Hides(r) }) {
				t.Errorf("%s opens %s and what is stored acts", login, path)
			}
			for what, form := range forms {
				shown[what] = shown[what] || strings.Contains(strings.ReplaceAll(body, "&#34;", "&quot;"), strings.ReplaceAll(form, "&#34;", "&quot;"))
			}
		}
	}
	for what := range forms {
		if !shown[what] {
			t.Errorf("no page shows %s", what)
		}
	}
}

// walk lists every page links lead to, this one's first. Of a list only the first part is opened, and what is asked for
// with values of its own, such as filters, once: a trace grows while it is read.
func (b *browser) walk(t *testing.T) []string {
	t.Helper()
	link, value := regexp.MustCompile(`href="`+console.Prefix+`(/[^"#]*)"`), regexp.MustCompile(`(before|after|object|act|at|next|back)=[^&]*`)
	all, seen := []string{""}, map[string]bool{"": true}
	for i := 0; i < len(all); i++ {
		got := b.get(t, all[i])
		if got.status == http.StatusTooManyRequests || len(all) > 1000 {
			t.Fatalf("%s, of %d pages: %d", all[i], len(all), got.status)
		}
		for _, found := range link.FindAllStringSubmatch(got.body, -1) {
			path := html.UnescapeString(found[1])
			kind := value.ReplaceAllString(path, "$1")
			if strings.HasPrefix(path, "/trace/") {
				kind = "/trace/"
			}
			workbook := strings.Contains(path, ".xlsx") // TestListsAreWorkbooks reads what is in them
			if !seen[kind] && !workbook && !strings.HasPrefix(path, "/static/") && !strings.HasPrefix(path, "/login") {
				seen[kind] = true
				all = append(all, path)
			}
		}
	}
	return all
}

// everywhere is a statement that replaces a text in every column of every table that holds texts or documents.
func everywhere(text, with string) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	inJSON := func(s string) string {
		return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\x1b", `\u001b`).Replace(s)
	}
	return fmt.Sprintf(`do $$
declare c record;
begin
	for c in select table_name, column_name, data_type from information_schema.columns
		where table_schema = 'public' and data_type in ('text', 'jsonb', 'json') and is_generated = 'NEVER' loop
		if c.data_type = 'text' then
			execute format('update %%I set %%I = replace(%%I, %%L, %%L) where strpos(%%I, %%L) > 0', c.table_name, c.column_name, c.column_name, %[1]s, %[2]s, c.column_name, %[1]s);
		else
			execute format('update %%I set %%I = replace(%%I::text, %%L, %%L)::%%s where strpos(%%I::text, %%L) > 0', c.table_name, c.column_name, c.column_name, %[3]s, %[4]s, c.data_type, c.column_name, %[3]s);
		end if;
	end loop;
end $$`, quote(text), quote(with), quote(inJSON(text)), quote(inJSON(with)))
}

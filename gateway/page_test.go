package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/gateway/wire"
)

func members(t *testing.T, got reply) wire.List[wire.Member] {
	t.Helper()
	var l wire.List[wire.Member]
	if err := json.Unmarshal(got.body, &l); err != nil || got.status != 200 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	return l
}

// TestPartsOfAList: every element is in exactly one part, also when the list grows meanwhile.
func TestPartsOfAList(t *testing.T) {
	i := gatewaytest.Start(t)
	home := i.Org(t, "An operator", org.Operator)
	p := newPerson(t, i, home, "boss", org.OrgAdmin)
	path := "/orgs/" + home + "/members"
	for n := range 6 {
		p.post(t, i, path, invite(fmt.Sprintf("person%d", n)))
	}
	var logins []string
	cursor := ""
	for part := range 4 {
		query := "?limit=2"
		if cursor != "" {
			query += "&cursor=" + url.QueryEscape(cursor)
		}
		l := members(t, p.get(t, i, path+query))
		for _, m := range l.Items {
			logins = append(logins, m.Login)
		}
		cursor = l.NextCursor
		p.post(t, i, path, invite(fmt.Sprintf("later%d", part)))
	}
	want := "[person5 person4 person3 person2 person1 person0 boss]"
	if got := fmt.Sprint(logins); got != want || cursor != "" {
		t.Fatalf("got %s, and then %q", got, cursor)
	}
	if l := members(t, p.get(t, i, path+"?state=active")); len(l.Items) != 1 || l.Items[0].Login != "boss" {
		t.Fatalf("got %+v", l)
	}
}

// TestForeignCursors: a cursor is good for its own list and filters, and nothing a caller writes into one or into a
// filter reaches a statement (S41).
func TestForeignCursors(t *testing.T) {
	i := gatewaytest.Start(t)
	home := i.Org(t, "An operator", org.Operator)
	p := newPerson(t, i, home, "boss", org.OrgAdmin)
	path := "/orgs/" + home + "/members"
	p.post(t, i, path, invite("lee"))
	mine := url.QueryEscape(members(t, p.get(t, i, path+"?limit=1")).NextCursor)
	for _, query := range []string{
		"?cursor=%27%20or%201%3D1--", "?cursor=AAAA", "?state=active&cursor=" + mine, "?limit=0", "?limit=201", "?limit=-1", "?limit=1e2", "?limit=%27",
		"?sort=login", "?cursor=" + mine + "&cursor=" + mine,
	} {
		if got := p.get(t, i, path+query); got.status != 422 {
			t.Errorf("%s: got %d %s", query, got.status, got.body)
		}
	}
	if got := p.get(t, i, "/orgs/"+home+"/keys?cursor="+mine); got.status != 422 {
		t.Errorf("another list: got %d %s", got.status, got.body)
	}
	for _, state := range []string{"active' or '1'='1", "x;drop table member", "\\", "%", "_", "active\" --", "Active", " active"} {
		if got := p.get(t, i, path+"?state="+url.QueryEscape(state)); got.status != 422 || contains(got.body, "drop table") {
			t.Errorf("%s: got %d %s", state, got.status, got.body)
		}
	}
}

package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/gateway/wire"
)

// TestBodiesAreReadStrictly sends JSON that could mean two things, or nothing (S40). The canary is the caller's
// own text: no answer may hold it.
func TestBodiesAreReadStrictly(t *testing.T) {
	i := gatewaytest.Start(t)
	p := newPerson(t, i, i.Org(t, "An operator", org.Operator), "holder", org.OrgAdmin)
	const canary = "kanarienvogel"
	tests := map[string]struct {
		body     string
		status   int
		location string
		code     string
	}{
		"empty":                {"", 422, "body", "body.missing"},
		"not JSON":             {canary, 422, "body", "json.syntax"},
		"cut off":              {`{"name":"` + canary, 422, "body", "json.syntax"},
		"two values":           {`{"name":"x"} {"name":"` + canary + `"}`, 422, "body", "json.syntax"},
		"a member twice":       {`{"name":"x","name":"` + canary + `"}`, 422, "body", "member.duplicate"},
		"escaped twice":        {`{"name":"x","n\u0061me":"` + canary + `"}`, 422, "body", "member.duplicate"},
		"in other letters":     {`{"name":"x","NAME":"` + canary + `"}`, 422, "body", "member.unknown"},
		"folded letters":       {`{"name":"x","credit_code":"","capacity":"","\u212aind":"` + canary + `"}`, 422, "body", "member.unknown"},
		"an unknown member":    {`{"name":"x","kanarienvogel":1}`, 422, "body", "member.unknown"},
		"a missing member":     {`{}`, 422, "name", "member.missing"},
		"another type":         {`{"name":["` + canary + `"]}`, 422, "name", "text.expected"},
		"null":                 {`{"name":null}`, 422, "name", "text.expected"},
		"a list":               {`["` + canary + `"]`, 422, "body", "object.expected"},
		"NaN":                  {`{"name":NaN}`, 422, "body", "json.syntax"},
		"a huge number":        {`{"name":1e999}`, 422, "body", "number.out_of_range"},
		"400 digits":           {`{"name":` + strings.Repeat("7", 400) + `}`, 422, "body", "number.out_of_range"},
		"deep":                 {strings.Repeat(`[`, 100000) + strings.Repeat(`]`, 100000), 422, "body", "json.depth"},
		"deep objects":         {strings.Repeat(`{"a":`, 100), 422, "body", "json.depth"},
		"not UTF-8":            {"{\"name\":\"\xff\xfe\"}", 422, "body", "json.utf8"},
		"a byte order mark":    {"\ufeff{\"name\":\"x\"}", 422, "body", "json.syntax"},
		"over a mebibyte":      {`{"name":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "", "body.too_large"},
		"a name of the record": {`{"name":"a\u0000` + canary + `"}`, 422, "name", "name.invalid"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := p.post(t, i, "/orgs", tt.body)
			problem := got.problem(t)
			if got.status != tt.status || problem.Status != tt.status || got.header.Get("Content-Type") != wire.ProblemType {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			found := problem.Code == tt.code
			for _, e := range problem.Errors {
				found = found || e.Location == tt.location && e.Code == tt.code && e.Title != "" && e.Title != e.Code
			}
			if !found {
				t.Fatalf("want %s at %s, got %s", tt.code, tt.location, got.body)
			}
			if contains(got.body, canary) || contains(got.body, "731073107310") {
				t.Fatalf("the answer repeats the caller: %s", got.body)
			}
		})
	}
	if strings.Contains(i.Log.String(), canary) {
		t.Fatal("the log repeats the caller")
	}
}

// TestMediaTypes refuses bodies that are not plainly JSON.
func TestMediaTypes(t *testing.T) {
	i := gatewaytest.Start(t)
	p := newPerson(t, i, i.Org(t, "An operator", org.Operator), "holder", org.OrgAdmin)
	for name, headers := range map[string][]string{
		"none":     {"Content-Type", ""},
		"text":     {"Content-Type", "text/plain"},
		"form":     {"Content-Type", "application/x-www-form-urlencoded"},
		"charset":  {"Content-Type", "application/json; charset=gb18030"},
		"encoding": {"Content-Type", "application/json", "Content-Encoding", "gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			all := append([]string{"Authorization", "Bearer " + p.token}, headers...)
			got := call(t, "POST", i.URL+"/api/v1/orgs", strings.NewReader(`{"name":"x"}`), all...)
			if got.status != 415 {
				t.Fatalf("got %d %s", got.status, got.body)
			}
		})
	}
	if got := p.post(t, i, "/jobs/J-2026-0001/cancel", `{}`); got.status != 422 {
		t.Fatalf("a body nobody reads: %d %s", got.status, got.body)
	}
	for _, query := range []string{"?x=1", "?limit=1&limit=2", "?limit=x", "?limit=0", "?limit=201", "?a=%zz", "?act='%20or%201=1--"} {
		if got := p.get(t, i, "/trace"+query); got.status != 422 && got.status != 403 || got.status == 403 && !strings.Contains(query, "act=") {
			t.Errorf("%s: got %d %s", query, got.status, got.body)
		}
	}
}

// TestPaths refuses what is not spelt like a path of ours (S31), before anything is looked up.
func TestPaths(t *testing.T) {
	i := gatewaytest.Start(t)
	p := newPerson(t, i, i.Org(t, "A department", org.DataProvider), "holder", org.OrgAdmin, org.DataSteward)
	for _, path := range []string{
		"/datasets/../orgs", "/datasets/%2e%2e/orgs", "/datasets//versions", "/datasets/a%2fb", "/datasets/a%00b",
		"/datasets/%EF%BC%8Fetc", "/datasets/%E6%95%B0", "/datasets/a%0d%0ab", "/datasets/a;b", "/datasets/a%20b", "/datasets/",
	} {
		t.Run(path, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), "GET", i.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.URL.Opaque = "//" + strings.TrimPrefix(i.URL, "http://") + "/api/v1" + path
			r.Header.Set("Authorization", "Bearer "+p.token)
			if got := send(t, r); got.status != 400 {
				t.Fatalf("got %d %s", got.status, got.body)
			}
		})
	}
}

// TestFront is what every answer has, and what no request may do.
func TestFront(t *testing.T) {
	i := gatewaytest.Start(t)
	p := newPerson(t, i, i.Org(t, "An operator", org.Operator), "holder", org.OrgAdmin)
	ok := p.get(t, i, "/me", "X-Request-Id", "of-the-caller")
	want := map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox", "Access-Control-Allow-Origin": "",
	}
	for name, value := range want {
		if got := ok.header.Get(name); got != value {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if id := ok.header.Get("X-Request-Id"); len(id) != 32 {
		t.Errorf("request id %q", id)
	}
	foreign := p.post(t, i, "/orgs", `{"name":"x"}`, "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site")
	if foreign.status != 403 || foreign.problem(t).Code != "origin.foreign" {
		t.Errorf("a foreign page: %d %s", foreign.status, foreign.body)
	}
	if got := call(t, "OPTIONS", i.URL+"/api/v1/me", nil, "Origin", "https://elsewhere.example"); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a foreign page was let in")
	}
	if got := call(t, "GET", i.URL+"/healthz", nil); got.status != 200 {
		t.Errorf("health: %d", got.status)
	}
	if got := call(t, "GET", i.URL+"/nothing", nil); got.status != 404 || got.problem(t).Code != "unknown" {
		t.Errorf("no route: %d %s", got.status, got.body)
	}
	if got := p.get(t, i, "/me", "X-Padding", strings.Repeat("x", 1<<20)); got.status != 431 {
		t.Errorf("a header of a mebibyte: %d", got.status)
	}
}

// TestLanguages answers in the reader's language; codes stay.
func TestLanguages(t *testing.T) {
	i := gatewaytest.Start(t)
	titles := map[string]string{}
	for _, language := range []string{"en", "zh-CN,zh;q=0.9,en;q=0.5"} {
		got := call(t, "GET", i.URL+"/api/v1/me", nil, "Accept-Language", language).problem(t)
		if got.Code != "session.missing" {
			t.Fatalf("got %+v", got)
		}
		titles[language] = got.Title
	}
	if len(titles) != 2 || titles["en"] == "session.missing" || titles["en"] == titles["zh-CN,zh;q=0.9,en;q=0.5"] {
		t.Fatalf("got %v", titles)
	}
}

// TestFailuresOfOursTellNothing: when the record is away, the caller gets a request id and no word of why; the log
// has both.
func TestFailuresOfOursTellNothing(t *testing.T) {
	i := gatewaytest.Start(t)
	p := newPerson(t, i, i.Org(t, "An operator", org.Operator), "holder", org.OrgAdmin)
	i.Gateway.Close()
	got := p.get(t, i, "/me")
	problem := got.problem(t)
	if got.status != 500 || problem.Code != "internal" || problem.Errors != nil || contains(got.body, "closed") {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if !strings.Contains(i.Log.String(), problem.RequestID) {
		t.Fatal("the log does not have the request")
	}
	token := exchange(t, i, p.assertion(t, i, nil))
	if token.status != 500 || string(token.body) != `{"error":"server_error"}`+"\n" {
		t.Fatalf("got %d %s", token.status, token.body)
	}
}

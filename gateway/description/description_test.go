package description

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, path string) *Document {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOurs holds the API's description to the rules of form.
func TestOurs(t *testing.T) {
	for _, fault := range Lint(read(t, "../openapi.json")) {
		t.Error(fault)
	}
}

// TestClientsOfTheReleasedOneStillWork: what breaks them is in the allow list with its reason, and nothing else is.
func TestClientsOfTheReleasedOneStillWork(t *testing.T) {
	list, err := os.ReadFile("../released/allowed.txt")
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		change, reason, _ := strings.Cut(line, "#")
		if strings.TrimSpace(reason) == "" {
			t.Errorf("allowed without a reason: %s", line)
		}
		allowed[strings.TrimSpace(change)] = true
	}
	for _, broken := range Breaks(read(t, "../released/openapi-v1.json"), read(t, "../openapi.json")) {
		if !allowed[broken.String()] {
			t.Errorf("breaks clients: %s", broken)
		}
		delete(allowed, broken.String())
	}
	for change := range allowed {
		t.Errorf("allowed, and nothing of it is there: %s", change)
	}
}

// small is a description in which every rule holds; tests change one thing of it.
const small = `{
  "openapi": "3.1.0",
  "paths": {
    "/jobs": {
      "post": {"operationId": "job-submit", "summary": "Submit a job", "description": "Who: a developer.", "tags": ["job"],
        "security": [{"token": []}],
        "parameters": [{"name": "hint", "in": "query", "description": "a hint", "schema": {"type": "string"}}],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Spec"}}}},
        "responses": {
          "202": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}},
          "401": {"$ref": "#/components/responses/Problem"}, "409": {"$ref": "#/components/responses/Problem"}}}},
    "/jobs/{number}": {
      "get": {"operationId": "job-show", "summary": "Show a job", "description": "Who: its owner.", "tags": ["job"],
        "security": [{"token": []}],
        "parameters": [{"name": "number", "in": "path", "required": true, "schema": {"type": "string"}}],
        "responses": {
          "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}},
          "401": {"$ref": "#/components/responses/Problem"}}}}},
  "components": {
    "responses": {"Problem": {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}},
    "schemas": {
      "Job": {"type": "object", "required": ["number", "parts"], "properties": {
        "number": {"type": "string", "description": "its number"},
        "count": {"type": "integer", "description": "how many"},
        "parts": {"type": "array", "description": "its parts", "items": {"$ref": "#/components/schemas/Job"}}}},
      "Spec": {"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string", "maxLength": 80, "description": "its name"},
        "mode": {"type": "string", "enum": ["real", "debug"], "description": "a mode"},
        "size": {"type": "number", "description": "a size"}}},
      "Problem": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string", "description": "a code"}}}
    }
  }
}`

// changed returns small with pairs of texts replaced. Each old text must stand there once.
func changed(t *testing.T, replace ...string) *Document {
	t.Helper()
	text := small
	for pair := range slices.Chunk(replace, 2) {
		if strings.Count(text, pair[0]) != 1 {
			t.Fatalf("%q does not stand there once", pair[0])
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	d, err := Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func texts[T interface{ String() string }](all []T) []string {
	var out []string
	for _, one := range all {
		out = append(out, one.String())
	}
	return out
}

// TestFaultsAreFound breaks each rule of form once.
func TestFaultsAreFound(t *testing.T) {
	if faults := Lint(changed(t)); faults != nil {
		t.Fatalf("the sound one: %v", faults)
	}
	for name, tt := range map[string]struct {
		change []string
		want   string
	}{
		"version":            {[]string{`"3.1.0"`, `"3.0.3"`}, "openapi: is not 3.1"},
		"noun":               {[]string{`"job-show"`, `"thing-show"`, `"Who: its owner.", "tags": ["job"]`, `"Who: its owner.", "tags": ["thing"]`}, "GET /jobs/{number}: its id is not noun-verb with a noun of ours"},
		"tag":                {[]string{`"Who: its owner.", "tags": ["job"]`, `"Who: its owner.", "tags": ["jobs"]`}, "GET /jobs/{number}: its tag is not its noun"},
		"same id":            {[]string{`"job-show"`, `"job-submit"`}, "job-submit: is the id of two operations"},
		"summary":            {[]string{`"Show a job"`, `"Show a job."`}, "GET /jobs/{number}: its summary is no line of at most 80 characters without a full stop"},
		"description":        {[]string{`"Who: its owner."`, `""`}, "GET /jobs/{number}: its description is no sentence"},
		"security":           {[]string{`"Who: a developer.", "tags": ["job"],` + "\n        " + `"security": [{"token": []}]`, `"Who: a developer.", "tags": ["job"], "security": []`}, "POST /jobs: it names no security and is not among the open ones"},
		"two successes":      {[]string{`"200": {`, `"201": {}, "200": {`}, "GET /jobs/{number}: it does not have exactly one success"},
		"no 401":             {[]string{`"401": {"$ref": "#/components/responses/Problem"}, "409"`, `"409"`}, "POST /jobs: it does not say how it fails, 401 among it"},
		"another failure":    {[]string{`"409": {"$ref": "#/components/responses/Problem"}`, `"409": {"content": {"text/plain": {}}}`}, "POST /jobs: its failures are no problems"},
		"path":               {[]string{`"name": "number", "in": "path"`, `"name": "no", "in": "path"`}, "GET /jobs/{number}: a parameter of its path is not described, or another is"},
		"query":              {[]string{`"description": "a hint", `, ``}, "POST /jobs: a parameter of its query or header has no description"},
		"list may be null":   {[]string{`"type": "array"`, `"type": ["array", "null"]`}, "Job.parts: is a list that may be null"},
		"enum":               {[]string{`"real", `, `"Real", `}, "Spec.mode: has a value that is no lower-case code"},
		"member":             {[]string{`"description": "a size"`, `"title": "x"`}, "Spec.size: has no description: give it a doc tag, or a line in gateway/words/members.txt"},
		"dangling reference": {[]string{`"items": {"$ref": "#/components/schemas/Job"}`, `"items": {"$ref": "#/components/schemas/None"}`}, ".components.schemas.Job.properties.parts.items: refers to nothing: #/components/schemas/None"},
		"a value":            {[]string{`"description": "how many"`, `"description": "how many", "examples": [7]`}, ".components.schemas.Job.properties.count: shows a value: examples"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]string{tt.want}, texts(Lint(changed(t, tt.change...)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBreaks changes one thing at a time: what breaks a client is named, what is only added is not.
func TestBreaks(t *testing.T) {
	for name, tt := range map[string]struct {
		change []string
		want   []string
	}{
		"nothing":                     {nil, nil},
		"an operation more":           {[]string{`"paths": {`, `"paths": {"/new": {"get": {"operationId": "job-new"}},`}, nil},
		"an operation gone":           {[]string{`"/jobs/{number}": {`, `"/work/{number}": {`}, []string{"operation.removed GET /jobs/{}"}},
		"another name in the path":    {[]string{`"/jobs/{number}": {`, `"/jobs/{id}": {`}, nil},
		"another id":                  {[]string{`"job-show"`, `"job-look"`}, []string{"operation.renamed GET /jobs/{}"}},
		"a status gone":               {[]string{`, "409": {"$ref": "#/components/responses/Problem"}`, ``}, []string{"status.removed POST /jobs 409"}},
		"another success":             {[]string{`"202": {`, `"200": {`}, []string{"status.removed POST /jobs 202"}},
		"a query field gone":          {[]string{`"name": "hint"`, `"name": "clue"`}, []string{"parameter.removed POST /jobs query.hint"}},
		"a query field needed":        {[]string{`"in": "query", `, `"in": "query", "required": true, `}, []string{"parameter.required POST /jobs query.hint"}},
		"another media type":          {[]string{`{"required": true, "content": {"application/json"`, `{"required": true, "content": {"text/csv"`}, []string{"media.removed POST /jobs request application/json"}},
		"a member of an answer more":  {[]string{`"count": {`, `"more": {"type": "string"}, "count": {`}, nil},
		"a member of an answer gone":  {[]string{`"count": {`, `"total": {`}, []string{"member.removed GET /jobs/{} answer.count", "member.removed POST /jobs answer.count"}},
		"a member may be absent":      {[]string{`["number", "parts"]`, `["parts"]`}, []string{"member.optional GET /jobs/{} answer.number", "member.optional POST /jobs answer.number"}},
		"a member is always there":    {[]string{`["number", "parts"]`, `["number", "parts", "count"]`}, nil},
		"an answer is a wider number": {[]string{`"count": {"type": "integer"`, `"count": {"type": "number"`}, []string{"type.changed GET /jobs/{} answer.count", "type.changed POST /jobs answer.count"}},
		"an answer may be anything":   {[]string{`"count": {"type": "integer",`, `"count": {`}, []string{"type.changed GET /jobs/{} answer.count", "type.changed POST /jobs answer.count"}},
		"a problem without its code":  {[]string{`{"code": {`, `{"kind": {`, `"required": ["code"]`, `"required": []`}, []string{"member.removed problem.code"}},
		"a request needs more":        {[]string{`"required": ["name"]`, `"required": ["name", "size"]`}, []string{"member.required POST /jobs request.size"}},
		"a request needs less":        {[]string{`"required": ["name"]`, `"required": []`}, nil},
		"a request's member gone":     {[]string{`"size": {`, `"bulk": {`}, []string{"member.removed POST /jobs request.size"}},
		"a request's type narrowed":   {[]string{`"size": {"type": "number"`, `"size": {"type": "integer"`}, []string{"type.changed POST /jobs request.size"}},
		"a request's type widened":    {[]string{`"size": {"type": "number"`, `"size": {"type": ["number", "string"]`}, nil},
		"a code more":                 {[]string{`"real", `, `"real", "dry", `}, nil},
		"a code gone":                 {[]string{`"real", `, ``}, []string{"enum.narrowed POST /jobs request.mode"}},
		"a lower limit":               {[]string{`80`, `40`}, []string{"limit.narrowed POST /jobs request.name"}},
		"a higher limit":              {[]string{`80`, `90`}, nil},
		"a pattern":                   {[]string{`"maxLength": 80`, `"maxLength": 80, "pattern": "^a"`}, []string{"pattern.changed POST /jobs request.name"}},
		"another format":              {[]string{`"number": {"type": "string"`, `"number": {"type": "string", "format": "date-time"`}, []string{"format.changed GET /jobs/{} answer.number", "format.changed POST /jobs answer.number"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, texts(Breaks(changed(t), changed(t, tt.change...)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

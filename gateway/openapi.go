package gateway

import (
	"net/http"
	"path"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluicedata/sluice/gateway/wire"
)

// apiConfig is huma without what it does by itself: no page that loads from elsewhere, no schema routes, no
// links in answers, and one format, read strictly.
func (e *edge) apiConfig(address string) huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Sluice", Version: "1",
				Description: "Data processing where the public data lives. Every act is decided and traced; " +
					"objects of another organization answer like unknown ones.",
			},
			Servers: []*huma.Server{{URL: address + Prefix}},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{bearer: tokenScheme()},
			},
		},
		Formats:       map[string]huma.Format{"application/json": jsonFormat(), "json": jsonFormat()}, // json: of …+json
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{e.problems.own},
	}
}

// bearer names the security scheme.
const bearer = "token"

func tokenScheme() *huma.SecurityScheme {
	return &huma.SecurityScheme{
		Type: "oauth2", Description: "private_key_jwt (RFC 7523), EdDSA; the token goes into the bearer header",
		Flows: &huma.OAuthFlows{ClientCredentials: &huma.OAuthFlow{TokenURL: TokenPath, Scopes: map[string]string{}}},
	}
}

// schemaName names a type by its package and name, without saying twice: job.View is Job, org.MemberView is
// Member, dataset.Spec is DatasetSpec.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() == "" {
		return hint
	}
	if strings.HasPrefix(t.Name(), "List[") {
		items, _ := t.FieldByName("Items")
		return schemaName(items.Type.Elem(), "") + "List"
	}
	pkg := path.Base(t.PkgPath())
	if pkg == "wire" {
		return t.Name()
	}
	name := strings.TrimSuffix(t.Name(), "View")
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}

// operation is what the contents page says of a route.
func (r route) operation() huma.Operation {
	noun, _, _ := strings.Cut(r.id, "-")
	op := huma.Operation{
		Method: r.method, Path: r.path, OperationID: r.id, Summary: r.summary, Tags: []string{noun}, DefaultStatus: r.status,
		Security: []map[string][]string{{bearer: {}}}, Responses: map[string]*huma.Response{}, MaxBodyBytes: 2 * maxJSON,
	}
	for _, name := range parameters(r.path) {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
		})
	}
	for _, status := range []int{400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 429, 500, 503} {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/Problem"}
	}
	return op
}

// query describes an optional query field.
func query(name, description string) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
}

// binary describes a body that is no JSON.
func binary(contentType, description string) *huma.RequestBody {
	return &huma.RequestBody{
		Required: true, Description: description,
		Content: map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
	}
}

// finish completes the description once every route is registered.
func finish(api *huma.OpenAPI) {
	schemas := api.Components.Schemas
	problem := schemas.Schema(reflect.TypeFor[wire.Problem](), true, "")
	api.Components.Responses = map[string]*huma.Response{"Problem": {
		Description: "What went wrong, by a stable code (RFC 9457)",
		Content:     map[string]*huma.MediaType{wire.ProblemType: {Schema: problem}},
	}}
	delete(schemas.Map(), "V2ErrorModel") // huma's own, which no answer has
	delete(schemas.Map(), "V2ErrorDetail")
	for _, s := range schemas.Map() {
		neverNull(s)
	}
	for at, item := range api.Paths {
		if plain := strings.ReplaceAll(at, "...}", "}"); plain != at {
			delete(api.Paths, at)
			api.Paths[plain] = item
		}
	}
	describeToken(api)
	describeMembers(schemas.Map())
	describeOperations(api)
}

// neverNull says of every list that it is never null.
func neverNull(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	neverNull(s.Items)
	for _, p := range s.Properties {
		neverNull(p)
	}
}

// describeToken adds the token endpoint, which speaks OAuth and not ours.
func describeToken(api *huma.OpenAPI) {
	schemas := api.Components.Schemas
	media := func(t reflect.Type) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(t, true, "")}}
	}
	refused := &huma.Response{Description: "Refused (RFC 6749 5.2)", Content: media(reflect.TypeFor[wire.OAuthError]())}
	text := &huma.Schema{Type: huma.TypeString}
	api.AddOperation(&huma.Operation{
		Method: http.MethodPost, Path: "/token", OperationID: "token-get", Tags: []string{"token"},
		Summary:  "Exchange a signed assertion for a token (RFC 6749 4.4, RFC 7523 2.2)",
		Security: []map[string][]string{},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/x-www-form-urlencoded": {Schema: &huma.Schema{
				Type:     huma.TypeObject,
				Required: []string{"grant_type", "client_assertion_type", "client_assertion"},
				Properties: map[string]*huma.Schema{
					"grant_type": text, "client_assertion_type": text, "client_assertion": text, "client_id": text,
				},
			}},
		}},
		Responses: map[string]*huma.Response{
			"200": {Description: "OK", Content: media(reflect.TypeFor[wire.Token]())},
			"400": refused, "401": refused, "500": refused,
		},
	})
}

package gateway

import (
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/sluicedata/sluice/catalog/fault"
)

// own replaces what huma says of a request that does not fit its schema: huma repeats the caller's values, and
// its texts are not codes. It is a transformer: no global of huma is touched.
func (p problems) own(ctx huma.Context, _ string, v any) (any, error) {
	said, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	r, _ := humago.Unwrap(ctx)
	out := p.new(r, said.Status, "request.invalid")
	if said.Status >= http.StatusInternalServerError {
		out = p.of(r, errors.New("huma could not answer"))
	}
	var found fault.Places
	for _, detail := range said.Errors {
		found = append(found, placeOf(detail))
	}
	out.Errors = p.places(r, found)
	return out.Problem, nil
}

// placeOf keeps where a fault is and which, and drops the value. The name of a member or field we do not know
// is the caller's text too: then the place is what it stands in.
func placeOf(detail *huma.ErrorDetail) fault.Place {
	location := strings.TrimPrefix(detail.Location, "body.")
	code := codeOf(detail.Message)
	if name, ok := strings.CutPrefix(detail.Message, required); ok {
		name, _, _ = strings.Cut(name, " ") // of the schema: ours
		location = strings.TrimPrefix(strings.TrimPrefix(detail.Location+"."+name, "body"), ".")
	}
	if code == "member.unknown" {
		at := strings.LastIndexByte(location, '.')
		location = location[:max(at, 0)]
		if location == "" {
			location = "body"
		}
	}
	return fault.Place{Location: location, Code: code}
}

// required is how huma begins to say that a member is missing; the member's name follows.
const required = "expected required property "

// codeOf names one of huma's texts. Texts with figures in them are known by their beginning.
func codeOf(message string) string {
	for _, known := range []struct{ text, code string }{
		{validation.MsgUnexpectedProperty, "member.unknown"},
		{required, "member.missing"},
		{validation.MsgExpectedBoolean, "boolean.expected"},
		{validation.MsgExpectedInteger, "integer.expected"},
		{validation.MsgExpectedNumber, "number.expected"},
		{validation.MsgExpectedString, "text.expected"},
		{validation.MsgExpectedArray, "list.expected"},
		{validation.MsgExpectedObject, "object.expected"},
		{validation.MsgExpectedBase64String, "base64.expected"},
		{validation.MsgExpectedRFC3339DateTime, "time.expected"},
	} {
		if strings.HasPrefix(message, known.text) {
			return known.code
		}
	}
	return "value.invalid"
}

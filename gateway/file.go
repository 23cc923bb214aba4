package gateway

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// file is an answer of bytes as they are.
type file struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// handleFile registers a route that answers with bytes of a media type.
func handleFile(e *edge, op huma.Operation, contentType string, do func(call) (file, error)) {
	handleBytes(e, op, contentType, func(c call) (*file, error) {
		out, err := do(c)
		out.ContentType = contentType
		return &out, err
	})
}

// handleBytes registers a route whose answer has bytes and headers of its own.
func handleBytes[F any](e *edge, op huma.Operation, contentType string, do func(call) (*F, error)) {
	e.guard(&op, e.caller, noBody)
	op.Responses["200"] = &huma.Response{
		Description: "OK",
		Content:     map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
	}
	huma.Register(e.api, op, func(ctx context.Context, in *empty) (*F, error) {
		out, err := do(newCall(ctx, in.place))
		if err != nil {
			return nil, e.problems.of(in.r, err)
		}
		return out, nil
	})
}

// registerRaw registers a route whose verb reads the body itself.
func registerRaw[V any](e *edge, op huma.Operation, do func(call) (V, error)) {
	huma.Register(e.api, op, func(ctx context.Context, in *empty) (*answer[V], error) {
		return reply(ctx, e, in.place, do)
	})
}

// jsonFormat reads and writes JSON. What is read was checked before (strict.go).
func jsonFormat() huma.Format {
	return huma.Format{
		Marshal: func(w io.Writer, v any) error {
			encoder := json.NewEncoder(w)
			encoder.SetEscapeHTML(false)
			return encoder.Encode(v)
		},
		Unmarshal: json.Unmarshal,
	}
}

// fillLists makes every absent list of an answer an empty one: the description says that lists are never null.
func fillLists(v any) { fill(reflect.ValueOf(v).Elem()) }

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return // bytes are text on the wire
		}
		if v.IsNil() && v.CanSet() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for i := range v.Len() {
			fill(v.Index(i))
		}
	default: // nothing else of an answer holds lists
	}
}

// serveSpec answers with the description of the API, made once.
func serveSpec(api huma.API) http.HandlerFunc {
	spec, err := api.OpenAPI().MarshalJSON()
	return func(w http.ResponseWriter, _ *http.Request) {
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(spec) // who hung up gets no more
	}
}

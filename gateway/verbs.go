package gateway

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/gateway/wire"
	"github.com/sluicedata/sluice/policy"
)

// Verbs of the catalog have few shapes. Each function here registers one shape: what it takes from the path,
// and whether it takes a body.

// own is a verb about the caller.
func own[V any](verb func(context.Context, policy.Subject) (V, error)) register {
	return func(e *edge, op huma.Operation) {
		handle(e, op, func(c call) (V, error) { return verb(c.ctx, c.who) })
	}
}

// list is a verb that returns what there is for the caller, part by part.
func list[V any](verb func(context.Context, policy.Subject, catalog.Page) (catalog.Listed[V], error)) register {
	return paged(func(c call, p catalog.Page) (catalog.Listed[V], error) { return verb(c.ctx, c.who, p) })
}

// listOf is a verb that returns what one object has, part by part.
func listOf[V any](verb func(context.Context, policy.Subject, string, catalog.Page) (catalog.Listed[V], error)) register {
	return paged(func(c call, p catalog.Page) (catalog.Listed[V], error) { return verb(c.ctx, c.who, c.arg(0), p) })
}

// allOwn is a verb that returns the few things of one kind the caller has, at once.
func allOwn[V any](verb func(context.Context, policy.Subject) ([]V, error)) register {
	return func(e *edge, op huma.Operation) {
		handle(e, op, func(c call) (wire.List[V], error) { return items(verb(c.ctx, c.who)) })
	}
}

// allOf is a verb that returns the few things one object has, at once.
func allOf[V any](verb func(context.Context, policy.Subject, string) ([]V, error)) register {
	return func(e *edge, op huma.Operation) {
		handle(e, op, func(c call) (wire.List[V], error) { return items(verb(c.ctx, c.who, c.arg(0))) })
	}
}

// one is a verb on one object.
func one[V any](verb func(context.Context, policy.Subject, string) (V, error)) register {
	return func(e *edge, op huma.Operation) {
		handle(e, op, func(c call) (V, error) { return verb(c.ctx, c.who, c.arg(0)) })
	}
}

// two is a verb on an object of an object.
func two[S ~string, V any](verb func(context.Context, policy.Subject, string, S) (V, error)) register {
	return func(e *edge, op huma.Operation) {
		handle(e, op, func(c call) (V, error) { return verb(c.ctx, c.who, c.arg(0), S(c.arg(1))) })
	}
}

// body is a verb that takes what it is about from the body.
func body[B, V any](verb func(context.Context, policy.Subject, B) (V, error)) register {
	return func(e *edge, op huma.Operation) {
		handleBody(e, op, func(c call, b B) (V, error) { return verb(c.ctx, c.who, b) })
	}
}

// bodyAll is a verb that takes what it is about from the body and returns the few things there are to say of it.
func bodyAll[B, V any](verb func(context.Context, policy.Subject, B) ([]V, error)) register {
	return body(func(ctx context.Context, who policy.Subject, b B) (wire.List[V], error) {
		return items(verb(ctx, who, b))
	})
}

// oneBody is a verb on one object with a body.
func oneBody[B, V any](verb func(context.Context, policy.Subject, string, B) (V, error)) register {
	return func(e *edge, op huma.Operation) {
		handleBody(e, op, func(c call, b B) (V, error) { return verb(c.ctx, c.who, c.arg(0), b) })
	}
}

// version1 is a verb on a version of a dataset.
func version1[V any](verb func(context.Context, policy.Subject, string, int) (V, error)) register {
	return func(e *edge, op huma.Operation) {
		handle(e, op, func(c call) (v V, err error) {
			number, err := c.number()
			if err != nil {
				return v, err
			}
			return verb(c.ctx, c.who, c.arg(0), number)
		})
	}
}

// versionAll is a verb that returns the few things one version has, at once.
func versionAll[V any](verb func(context.Context, policy.Subject, string, int) ([]V, error)) register {
	return version1(func(ctx context.Context, who policy.Subject, slug string, number int) (wire.List[V], error) {
		return items(verb(ctx, who, slug, number))
	})
}

// versionBody is a verb on a version of a dataset with a body.
func versionBody[B, V any](verb func(context.Context, policy.Subject, string, int, B) (V, error)) register {
	return func(e *edge, op huma.Operation) {
		handleBody(e, op, func(c call, b B) (v V, err error) {
			number, err := c.number()
			if err != nil {
				return v, err
			}
			return verb(c.ctx, c.who, c.arg(0), number, b)
		})
	}
}

// versionBytes is a verb that returns JSON bytes as they were made: people sign their digest.
func versionBytes(verb func(context.Context, policy.Subject, string, int) ([]byte, error)) register {
	return func(e *edge, op huma.Operation) {
		handleFile(e, op, "application/json", func(c call) (file, error) {
			number, err := c.number()
			if err != nil {
				return file{}, err
			}
			bytes, err := verb(c.ctx, c.who, c.arg(0), number)
			return file{Body: bytes}, err
		})
	}
}

// oneBytes is a verb that returns one object's JSON bytes as they were made.
func oneBytes(verb func(context.Context, policy.Subject, string) ([]byte, error)) register {
	return func(e *edge, op huma.Operation) {
		handleFile(e, op, "application/json", func(c call) (file, error) {
			bytes, err := verb(c.ctx, c.who, c.arg(0))
			return file{Body: bytes}, err
		})
	}
}

// monthParameter picks a month.
func monthParameter() *huma.Param { return query("month", "2026-11; the month that is now") }

// monthOf is a verb about a month.
func monthOf[V any](verb func(context.Context, policy.Subject, string) (V, error)) register {
	return func(e *edge, op huma.Operation) {
		op.Parameters = append(op.Parameters, monthParameter())
		handle(e, op, func(c call) (V, error) { return verb(c.ctx, c.who, c.r.URL.Query().Get("month")) })
	}
}

// monthOfOne is a verb about a month of one object.
func monthOfOne[V any](verb func(context.Context, policy.Subject, string, string) (V, error)) register {
	return func(e *edge, op huma.Operation) {
		op.Parameters = append(op.Parameters, monthParameter())
		handle(e, op, func(c call) (V, error) { return verb(c.ctx, c.who, c.arg(0), c.r.URL.Query().Get("month")) })
	}
}

func items[V any](all []V, err error) (wire.List[V], error) {
	return wire.List[V]{Items: all}, err
}

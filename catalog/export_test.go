package catalog

import (
	"context"

	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// End closes a request as Decide does after its own transaction, so that a test can come between.
func (s *Releases) End(ctx context.Context, decided postgres.Request, choice output.Choice) error {
	return s.end(ctx, decided, choice)
}

package client_test

import (
	"context"
	"time"

	"github.com/sluicedata/sluice/catalog/postgres"
)

// forgetTokens ends every token as their time would.
func forgetTokens(tx *postgres.Tx) error {
	return tx.SweepTokens(context.Background(), time.Now().Add(240*time.Hour))
}

package postgres

import (
	"context"
	"encoding/json"
	"time"
)

// Twin is a row of twin: a file of invented rows for one version of a dataset.
type Twin struct {
	ID          string
	Dataset     string
	Version     int
	State       string
	DataKey     string
	Raw         json.RawMessage
	File        string // digest of the whole file
	Object      json.RawMessage
	Rows        *int64
	Refusal     json.RawMessage
	Declaration json.RawMessage
	CreatedBy   string
	CreatedAt   time.Time
}

// SentTwin is the twin that was sent last for a version, with the one that counts.
type SentTwin struct {
	Twin
	InUse *string // file of the accepted one
}

// InsertTwin adds a twin.
func (t *Tx) InsertTwin(ctx context.Context, w Twin) error {
	return t.exec(ctx, `insert into twin (id, dataset, version, state, data_key, raw, file, declaration, created_by, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		w.ID, w.Dataset, w.Version, w.State, w.DataKey, w.Raw, w.File, w.Declaration, w.CreatedBy, w.CreatedAt)
}

// TwinIn reads the one twin of a version that is being checked, or that is accepted. ErrNone when there is none.
func (t *Tx) TwinIn(ctx context.Context, dataset string, version int, state string) (Twin, error) {
	return one[Twin](ctx, t, "select * from twin where dataset = $1 and version = $2 and state = $3", dataset, version, state)
}

// SentTwins returns the twins that were sent last, one a version; versions without a twin are left out.
func (t *Tx) SentTwins(ctx context.Context, dataset string) ([]SentTwin, error) {
	return many[SentTwin](ctx, t, `select distinct on (w.version) w.*, a.file as in_use from twin w
		left join twin a on a.dataset = w.dataset and a.version = w.version and a.state = 'accepted'
		where w.dataset = $1 order by w.version, w.id desc`, dataset)
}

// SetTwinState moves a twin.
func (t *Tx) SetTwinState(ctx context.Context, id, from, to string) error {
	return t.touch(ctx, "update twin set state = $3 where id = $1 and state = $2", id, from, to)
}

// AcceptTwin makes a twin count.
func (t *Tx) AcceptTwin(ctx context.Context, w Twin) error {
	return t.touch(ctx, "update twin set state = $2, object = $3, rows = $4 where id = $1", w.ID, w.State, w.Object, w.Rows)
}

// RefuseTwin records why a twin does not count.
func (t *Tx) RefuseTwin(ctx context.Context, id, state string, refusal json.RawMessage) error {
	return t.touch(ctx, "update twin set state = $2, refusal = $3 where id = $1", id, state, refusal)
}

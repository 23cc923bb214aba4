package postgres

import (
	"context"
	"time"
)

// Comment is a row of request_comment.
type Comment struct {
	ID        string
	Request   string
	Voice     string
	Writer    string
	AtRow     *int64
	AtColumn  *int
	Text      string
	WrittenAt time.Time
}

// InsertComment adds what somebody says in a review.
func (t *Tx) InsertComment(ctx context.Context, c Comment) error {
	return t.exec(ctx, `insert into request_comment (id, request, voice, writer, at_row, at_column, text, written_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		c.ID, c.Request, c.Voice, c.Writer, c.AtRow, c.AtColumn, c.Text, c.WrittenAt)
}

// Comments lists what was said in a review, oldest first.
func (t *Tx) Comments(ctx context.Context, request string) ([]Comment, error) {
	return many[Comment](ctx, t, "select * from request_comment where request = $1 order by written_at, id", request)
}

// CountComments counts what one voice said in a review.
func (t *Tx) CountComments(ctx context.Context, request, voice string) (int64, error) {
	return value[int64](ctx, t, "select count(*) from request_comment where request = $1 and voice = $2", request, voice)
}

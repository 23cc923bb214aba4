package catalog

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/policy"
)

// Mine lists the caller's sessions, the last used one first. h names the present one. Who: everyone.
func (s *Sessions) Mine(ctx context.Context, caller policy.Subject, h Handle) (views []org.SessionView, err error) {
	err = s.c.act(ctx, caller, "session.list", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "session", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		rows, err := d.tx.TokensOf(ctx, caller.Member, d.now)
		if err != nil {
			return fmt.Errorf("listing sessions: %w", err)
		}
		views, err = each(rows, func(t postgres.OwnToken) (org.SessionView, error) {
			v := org.SessionView{BeganAt: t.CreatedAt, UsedAt: t.UsedAt, EndsAt: t.ExpiresAt, Current: bytes.Equal(t.Hash, h.hash())}
			v.Strength, v.Method = proof(t.Caller, d.now)
			return v, nil
		})
		return err
	})
	return views, err
}

// EndOthers ends every session of the caller's but the present one, which h names. Who: everyone.
func (s *Sessions) EndOthers(ctx context.Context, caller policy.Subject, h Handle) error {
	return s.c.act(ctx, caller, "session.end", func(d *deed) error {
		if err := d.decide(policy.Object{Kind: "session", Org: caller.Org}, "", policy.Facts{}); err != nil {
			return err
		}
		return d.endSessions(caller.Member, h.hash())
	})
}

// endSessions ends a member's sessions but one, nil for none, and puts on record how many.
func (d *deed) endSessions(member string, but []byte) error {
	ended, err := d.tx.DropTokens(d.ctx, member, but)
	if err != nil {
		return fmt.Errorf("ending sessions: %w", err)
	}
	d.detail["sessions"] = strconv.FormatInt(ended, 10)
	return nil
}

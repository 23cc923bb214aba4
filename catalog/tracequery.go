package catalog

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/policy"
)

// Query lists entries, newest first: all to the platform's audit_admin, else those of the caller's
// organization and of acts on its objects. A filter only narrows that. Who looked for a person's acts is on the trace
// with what stands for that person, and so is a try at one the caller may not name.
func (s *Trace) Query(ctx context.Context, caller policy.Subject, f trace.Filter) (views []trace.View, err error) {
	if f.Limit < 0 || f.Limit > MaxPage {
		return nil, fault.Bad("request.invalid", fault.Place{Location: "query.limit", Code: "limit.out_of_range"})
	}
	var places fault.Places
	wanted := narrowed(f, &places)
	if err := places.Err("request.invalid"); err != nil {
		return nil, err
	}
	var unknown error
	err = s.c.act(ctx, caller, "trace.query", func(d *deed) (err error) {
		if wanted.Part, err = d.tracePart(); err != nil {
			return err
		}
		if unknown, err = d.parties(f, &wanted); unknown != nil || err != nil {
			return err
		}
		rows, err := d.tx.QueryTrace(ctx, wanted)
		if err != nil {
			return fmt.Errorf("querying trace: %w", err)
		}
		views = make([]trace.View, 0, len(rows))
		for _, l := range rows {
			views = append(views, leafView(l))
		}
		return nil
	})
	if err == nil {
		err = unknown
	}
	return views, err
}

// CheckFilter refuses what no entry can have: finding nothing would read as if nothing had happened. Who asks in words
// of their own, as programs do, asks it before Query.
func (s *Trace) CheckFilter(f trace.Filter) error {
	acts, decisions := s.c.Policy.Actions(), []string{trace.Allow, trace.Deny}
	acted, decided := f.Act == "" || slices.Contains(acts, f.Act), f.Decision == "" || slices.Contains(decisions, f.Decision)
	var places fault.Places
	places.Require(acted, "query.act", "act.unknown")
	places.Require(decided, "query.decision", "decision.neither")
	narrowed(f, &places)
	err := offering(places.Err("request.invalid"), acted, acts)
	return offering(err, decided, decisions)
}

// narrowed reads a filter as the record takes it, up to whom it names.
func narrowed(f trace.Filter, places *fault.Places) postgres.TraceFilter {
	_, login := claimed(f.Who)
	_, err := name.ParseLogin(login)
	places.Require(f.Who == "" || personal(f.Who) || err == nil, "query.who", "who.invalid")
	places.Require(f.Org == "" || isOrg(f.Org), "query.org", "number.invalid")
	since := moment(f.Since, "query.since", calendar.Date.Start, places)
	until := moment(f.Until, "query.until", calendar.Date.End, places)
	places.Require(since == nil || until == nil || since.Before(*until), "query.until", "span.reversed")
	return postgres.TraceFilter{
		Act: f.Act, Decision: f.Decision, Object: f.Object, Since: since, Until: until, Before: f.Before,
		Limit: cmp.Or(f.Limit, defaultPage),
	}
}

// moment reads a day, of which end is what counts, or an instant; nil when none is given.
func moment(text, location string, end func(calendar.Date) time.Time, places *fault.Places) *time.Time {
	if text == "" {
		return nil
	}
	if day, err := calendar.ParseDate(text); err == nil {
		at := end(day)
		return &at
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		places.Add(location, "moment.invalid")
		return nil
	}
	return &at
}

// claimed takes ORG-0001/login apart; a login alone names no organization.
func claimed(who string) (number, login string) {
	if number, login, ok := strings.Cut(who, "/"); ok && isOrg(number) {
		return number, login
	}
	return "", who
}

func isOrg(text string) bool {
	_, err := name.ParseNumberOf(name.Organization, text)
	return err == nil
}

// personal tells whether a text is what stands for a person in an entry.
func personal(who string) bool {
	raw, err := hex.DecodeString(who)
	return err == nil && len(raw) == 32 && who == strings.ToLower(who)
}

// parties finds whom a filter names. unknown is the answer when there is nobody of that name.
func (d *deed) parties(f trace.Filter, wanted *postgres.TraceFilter) (unknown, err error) {
	if f.Org != "" {
		wanted.Org, err = d.actingOrg(f.Org, wanted.Part)
		if absent(err) {
			return d.stranger("query.org", "org.unknown"), nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading organization: %w", err)
		}
	}
	if f.Who != "" {
		wanted.Person, err = d.actor(f, wanted.Part)
		if absent(err) {
			return d.stranger("query.who", "who.unknown"), nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading person: %w", err)
		}
		d.detail["person"] = wanted.Person
	}
	return nil, nil
}

// actingOrg is the organization whose acts are wanted. One that is not there is absent to who sees all. To others it is
// looked for like one they see nothing of: the answer is empty either way.
func (d *deed) actingOrg(number, part string) (string, error) {
	home, err := d.tx.OrgByNumber(d.ctx, number)
	if absent(err) && part != "" {
		return uuid.Nil.String(), nil
	}
	return home.ID, err
}

// actor is what stands for the person a filter names. What stands in entries may be asked for by whoever sees them. By
// login, another organization's people are absent to all but who sees everything, whether they are there or not.
func (d *deed) actor(f trace.Filter, part string) (string, error) {
	if personal(f.Who) {
		return f.Who, nil
	}
	number, login := claimed(f.Who)
	home := d.caller.Org
	if number = cmp.Or(number, f.Org); number != "" {
		named, err := d.tx.OrgByNumber(d.ctx, number)
		if err != nil {
			return "", err
		}
		home = named.ID
	}
	if part != "" && home != part {
		return "", postgres.ErrNone
	}
	m, err := d.tx.MemberByLogin(d.ctx, home, login)
	return d.personHash(m.ID), err
}

// stranger answers that there is nobody of that name, and leaves the answer on the trace.
func (d *deed) stranger(location, code string) error {
	d.detail["answer"] = code
	return fault.Bad("request.invalid", fault.Place{Location: location, Code: code})
}

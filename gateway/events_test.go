package gateway_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// stream opens the events of a job as a person. cut ends it.
func (p *person) stream(t *testing.T, c *city, last string) (answer *http.Response, cut func()) {
	t.Helper()
	ctx, cut := context.WithTimeout(t.Context(), time.Minute)
	r, err := http.NewRequestWithContext(ctx, "GET", c.URL+"/api/v1/jobs/"+theJob+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err = (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cut(); answer.Body.Close() })
	return answer, cut
}

// event reads the next event's id and data; "" when the stream has ended.
func event(lines *bufio.Scanner) (id, data string) {
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "data":
			return id, value
		}
	}
	return "", ""
}

func (c *city) moveJob(t *testing.T, state string) {
	t.Helper()
	err := c.Owner.InTx(t.Context(), func(tx *postgres.Tx) error {
		row, err := tx.Job(t.Context(), theJob)
		if err != nil {
			return err
		}
		return tx.MoveJob(t.Context(), row.ID, state, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEventsOfAJob: each state is told once, in order, until the job is over; who comes back hears what they missed,
// and 204 when there is no more.
func TestEventsOfAJob(t *testing.T) {
	c := newCity(t)
	c.moveJob(t, "queued")
	p := newPerson(t, c.Instance, c.operator, "watcher", org.OrgAdmin, org.Developer)
	answer, cut := p.stream(t, c, "")
	if got := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("got %d %s", answer.StatusCode, got)
	}
	lines := bufio.NewScanner(answer.Body)
	first, data := event(lines)
	if !strings.Contains(data, `"state":"queued"`) || !strings.Contains(data, `"outputs":["counts"]`) {
		t.Fatalf("got %s", data)
	}
	c.moveJob(t, "running")
	if _, data = event(lines); !strings.Contains(data, `"state":"running"`) {
		t.Fatalf("got %s", data)
	}
	cut()
	c.moveJob(t, "output_quarantined")
	answer, _ = p.stream(t, c, first)
	lines = bufio.NewScanner(answer.Body)
	last, data := event(lines)
	if !strings.Contains(data, `"state":"output_quarantined"`) {
		t.Fatalf("got %s", data)
	}
	if id, _ := event(lines); id != "" {
		t.Fatal("the stream goes on although the job is over")
	}
	if answer, _ = p.stream(t, c, last); answer.StatusCode != 204 {
		t.Fatalf("got %d", answer.StatusCode)
	}
}

// TestEventsEndWithTheRight: a person who is removed hears nothing more; a stranger hears nothing at all.
func TestEventsEndWithTheRight(t *testing.T) {
	c := newCity(t)
	c.moveJob(t, "queued")
	p := newPerson(t, c.Instance, c.operator, "watcher", org.OrgAdmin, org.Developer)
	answer, _ := p.stream(t, c, "")
	lines := bufio.NewScanner(answer.Body)
	event(lines)
	boss := newPerson(t, c.Instance, c.operator, "second", org.OrgAdmin)
	if got := boss.post(t, c.Instance, "/orgs/"+c.operator+"/members/watcher/remove", ""); got.status != 200 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	c.moveJob(t, "running")
	if _, data := event(lines); data != "" {
		t.Fatalf("told to a removed person: %s", data)
	}
	home := c.Org(t, "Another operator", org.Operator)
	stranger := newPerson(t, c.Instance, home, "stranger", org.OrgAdmin, org.Developer)
	if answer, _ := stranger.stream(t, c, ""); answer.StatusCode != 404 {
		t.Fatalf("got %d", answer.StatusCode)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/cmd/sluice/supervise"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway"
	"github.com/sluicedata/sluice/gateway/admin"
	"github.com/sluicedata/sluice/gateway/messages"
	"github.com/sluicedata/sluice/policy"
	"github.com/sluicedata/sluice/sandbox"
)

// adminSocket is where a process answers its administrator when no port is named.
const adminSocket = "admin.sock"

// maxLag is how old a trace entry may be and not yet stand in the signed log: the keeper sequences within a
// second, so a minute says that it is away or cannot write.
const maxLag = time.Minute

// openAdmin starts the listener of a process's administrator. It ends with ctx; close waits for it.
func (in surroundings) openAdmin(ctx context.Context, a *admin.Admin) (closing func() error, err error) {
	network, address := "tcp", in.adminListen
	if address == "" {
		network, address = "unix", filepath.Join(in.runtime, adminSocket)
		if err := os.Remove(address); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, failed("up.clearing", "path", address).because(err)
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err != nil {
		return nil, failed("up.address", "address", address, "flag", "--admin-listen").because(err)
	}
	a.Log = in.log
	server := gateway.NewServer(a.Handler())
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			in.log.Error("the administrator's listener ended", "err", err)
		}
	}()
	return server.Close, nil
}

// observers tell a process's metrics of its statements and its calls of the store.
func (in surroundings) observers(m *admin.Metrics) (postgres.Observer, *object.Observer) {
	return postgres.Observer{Now: in.now, Took: m.Database}, &object.Observer{Now: in.now, Took: m.Store}
}

// checks are what a process that opens the catalog needs.
func (o openedCatalog) checks(m *admin.Metrics) []admin.Check {
	m.Watch(o.vitals)
	return []admin.Check{
		checking("database", o.db.Ping),
		checking("migrations", o.migrated),
		checking("store", o.store.Ready),
		checking("policy", func(context.Context) error {
			if o.policy.Revision() == "" {
				return errors.New("no bundle is loaded")
			}
			return nil
		}),
		checking("trace", o.sequenced),
	}
}

// checking is a check with the remedy people are told: in English here, as all of a process's answer is. `sluice ready`
// words it in its reader's language.
func checking(name string, run func(context.Context) error) admin.Check {
	return admin.Check{Name: name, Remedy: remedyInEnglish(name, ""), Run: run}
}

// remedyInEnglish words what helps as programs get it, who ask in no language.
func remedyInEnglish(name, part string) string {
	said, err := texts.In(messages.English)
	if err != nil {
		return ""
	}
	return said.Say("remedy."+name, "part", part)
}

// migrated is nil when the database is of this program's schema.
func (o openedCatalog) migrated(ctx context.Context) error {
	return o.db.InTx(ctx, func(tx *postgres.Tx) error {
		applied, known, err := tx.Schema(ctx)
		if err == nil && applied != known {
			err = fmt.Errorf("the database is at migration %d, this program at %d", applied, known)
		}
		return err
	})
}

// sequenced is nil when the keeper keeps up: its last checkpoint covers all but what came just now.
func (o openedCatalog) sequenced(ctx context.Context) error {
	v, err := o.vitals(ctx)
	if err == nil && v.Lag > maxLag {
		err = fmt.Errorf("%d entries wait for a checkpoint, the oldest for %s", v.Waiting, v.Lag.Round(time.Second))
	}
	return err
}

// vitals reads queue and backlog.
func (o openedCatalog) vitals(ctx context.Context) (v admin.Vitals, err error) {
	err = o.db.InTx(ctx, func(tx *postgres.Tx) error {
		depths, err := tx.QueueDepths(ctx)
		if err != nil {
			return fmt.Errorf("counting work: %w", err)
		}
		for _, d := range depths {
			v.Queue = append(v.Queue, admin.Depth(d))
		}
		backlog, err := tx.TraceWaiting(ctx)
		if err != nil {
			return fmt.Errorf("measuring the trace: %w", err)
		}
		v.Waiting, v.Lag = backlog.Count, time.Duration(backlog.Seconds*float64(time.Second))
		return nil
	})
	return v, err
}

// workerChecks are what a worker needs: it reads no table, so it asks for no more than an answer.
func workerChecks(db *postgres.DB, objects *object.Store, launcher string) []admin.Check {
	return []admin.Check{
		checking("database", db.Ping),
		checking("store", objects.Ready),
		checking("launcher", supervise.Accepts("unix", launcher)),
	}
}

// runtimeCheck fails while a bound of the container template does not hold: then no job is taken.
func runtimeCheck(w *sandbox.Worker) admin.Check {
	return checking("runtime", func(context.Context) error { return w.Standing() })
}

// countedPolicy tells metrics of every decision.
type countedPolicy struct {
	catalog.Policy
	metrics *admin.Metrics
}

// Decide implements policy.Decider.
func (c countedPolicy) Decide(ctx context.Context, r policy.Request) (policy.Decision, error) {
	d, err := c.Policy.Decide(ctx, r)
	c.metrics.Decided(r, d, err)
	return d, err
}

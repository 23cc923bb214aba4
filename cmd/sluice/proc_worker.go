package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/cmd/sluice/instance"
	"github.com/sluicedata/sluice/gateway/admin"
	"github.com/sluicedata/sluice/sandbox"
	"github.com/sluicedata/sluice/sandbox/launcher"
)

// A stop is seen within a beat, so the beat is well below the five seconds a revocation may take; a lease
// outlives a few lost beats.
const (
	workerLease = 15 * time.Second
	workerBeat  = time.Second
	workerPause = 50 * time.Millisecond
)

// runWorker claims work and drives it through the launcher's containers.
func runWorker(ctx context.Context, in surroundings) error {
	metrics := admin.NewMetrics()
	db, err := in.openDatabase(ctx, "worker", metrics)
	if err != nil {
		return err
	}
	defer db.Close()
	objects, err := in.openStore(object.Worker, metrics)
	if err != nil {
		return err
	}
	folder, err := in.folder("collected")
	if err != nil {
		return err
	}
	engine := launcher.Dial(in.launcher)
	defer engine.Close()
	worker := &sandbox.Worker{
		Name: fmt.Sprintf("worker-%d", os.Getpid()), Queue: postgres.NewQueue(db), Store: objects, Engine: engine,
		Log: in.log, Dir: folder, Lease: workerLease, Beat: workerBeat, Pause: workerPause, Slots: in.workerSlots, Now: in.now, Sealed: metrics.Work,
		Prover: engine,
	}
	watched := &admin.Admin{
		Metrics: metrics, Checks: append(workerChecks(db, objects, in.launcher), runtimeCheck(worker)),
		SelfTest: func(ctx context.Context) (any, error) { return worker.Prove(ctx) },
	}
	closing, err := in.openAdmin(ctx, watched)
	if err != nil {
		return err
	}
	if err := in.ready(); err != nil {
		return err
	}
	// Told to stop, a worker claims no more, stops its containers and hands back what it had: somebody else does it
	// again.
	context.AfterFunc(ctx, watched.Drain)
	return errors.Join(worker.Serve(ctx), closing())
}

// openDatabase opens the database under the process's own role.
func (in surroundings) openDatabase(ctx context.Context, role string, m *admin.Metrics) (*postgres.DB, error) {
	secret, err := instance.ReadSecret(filepath.Join(in.secrets, "database"))
	if err != nil {
		return nil, err
	}
	address, err := instance.AsRole(in.database, "sluice_"+role, secret)
	if err != nil {
		return nil, err
	}
	observer, _ := in.observers(m)
	return postgres.OpenObserved(ctx, address, observer)
}

// openStore opens the object store under the process's own credential.
func (in surroundings) openStore(account object.Account, m *admin.Metrics) (*object.Store, error) {
	secret, err := instance.ReadSecret(filepath.Join(in.secrets, "store"))
	if err != nil {
		return nil, err
	}
	endpoint, err := object.ReadEndpoint(in.store)
	if err != nil {
		return nil, err
	}
	spool, err := in.folder("spool")
	if err != nil {
		return nil, err
	}
	_, observer := in.observers(m)
	return object.Open(object.Config{Endpoint: endpoint, Account: account, Secret: secret, Spool: spool, Observe: observer})
}

// folder makes a folder in the process's own.
func (in surroundings) folder(name string) (string, error) {
	path := filepath.Join(in.home, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", failed("up.making", "path", path).because(err)
	}
	return path, nil
}

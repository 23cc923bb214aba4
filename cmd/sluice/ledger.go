package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/client"
)

// ledgerFile is the ledger of destructions: certificates with what proves them, one after the other. It lies in every
// backup, and beside the backups, where it only grows: what was destroyed after a backup must not come back with it.
const ledgerFile = "destroyed.json"

// ledgerBeside is where the ledger lies that a backup's folder or file is restored with.
func ledgerBeside(backup string) string { return filepath.Join(filepath.Dir(backup), ledgerFile) }

// readLedger reads a ledger, or what `sluice destruction get` wrote: a ledger of one.
func readLedger(path string) ([]destruction.Package, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return decodeLedger(f)
}

func decodeLedger(r io.Reader) (all []destruction.Package, err error) {
	for d := json.NewDecoder(r); ; {
		var pkg destruction.Package
		switch err := d.Decode(&pkg); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, texts.Wrong("ledger.entry", "n", len(all)+1).Because(err)
		}
		all = append(all, pkg)
	}
}

func encodeLedger(all []destruction.Package) ([]byte, error) {
	var b bytes.Buffer
	for _, pkg := range all {
		if err := json.NewEncoder(&b).Encode(pkg); err != nil {
			return nil, texts.Wrong("answer.not_encoded").Because(err)
		}
	}
	return b.Bytes(), nil
}

// together puts ledgers together, each certificate once.
func together(ledgers ...[]destruction.Package) (all []destruction.Package) {
	seen := map[string]bool{}
	for _, ledger := range ledgers {
		for _, pkg := range ledger {
			if !seen[string(pkg.Certificate)] {
				seen[string(pkg.Certificate)] = true
				all = append(all, pkg)
			}
		}
	}
	return all
}

// recordedLedger reads the certificates an instance holds.
func recordedLedger(ctx context.Context, db *postgres.DB) (all []destruction.Package, err error) {
	err = db.InTx(ctx, func(tx *postgres.Tx) error {
		all, err = catalog.Ledger(ctx, tx)
		return err
	})
	return all, err
}

// growLedger adds an instance's certificates to the ledger beside its backups. What is there stays, whoever's it is.
func growLedger(path string, recorded []destruction.Package) error {
	before, err := readLedger(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed("ledger.unreadable", "path", path).because(err)
	}
	body, err := encodeLedger(together(before, recorded))
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+ledgerFile+"-*")
	if err != nil {
		return failed("file.not_written", "path", path).because(err)
	}
	_, err = f.Write(body)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return failed("file.not_written", "path", path).because(errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// restoreLedger gathers what a restore replays: what the backup says itself, and a ledger that is newer than it, named
// or beside it. Without such a one nobody can say what was destroyed since, and nothing is restored.
func restoreLedger(o restoreOptions, dir string) ([]destruction.Package, error) {
	path := o.ledger
	if path == "" {
		path = ledgerBeside(o.from)
	}
	newer, err := readLedger(path)
	if o.ledger == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, usage("restore.no_ledger", "path", path)
	}
	if err != nil {
		return nil, usage("ledger.unreadable", "path", path).because(err)
	}
	own, err := readLedger(filepath.Join(dir, ledgerFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // backups of earlier versions have none
		return nil, usage("ledger.unreadable", "path", filepath.Join(dir, ledgerFile)).because(err)
	}
	return together(own, newer), nil
}

// verifiedLedger verifies the certificates of one instance's log and leaves those of others out.
func verifiedLedger(all []destruction.Package, origin string, root ed25519.PublicKey) (ours []catalog.Replayed, err error) {
	for _, pkg := range all {
		var e envelope.Envelope
		var said destruction.Certificate
		if err := errors.Join(json.Unmarshal(pkg.Certificate, &e), json.Unmarshal(e.Payload, &said)); err != nil {
			return nil, failed("ledger.not_verified", "dataset", pkg.Destruction.Dataset, "version", pkg.Destruction.Version).because(err)
		}
		if said.Trace.Origin != origin {
			continue
		}
		certificate, err := client.VerifyDestruction(pkg, root)
		if err != nil {
			return nil, failed("ledger.not_verified", "dataset", said.Dataset, "version", said.Version).because(err)
		}
		ours = append(ours, catalog.Replayed{Certificate: certificate, Package: pkg})
	}
	return ours, nil
}

// rootKey reads a root's public key: 64 hexadecimal digits.
func rootKey(raw []byte) (ed25519.PublicKey, error) {
	public, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(public) != ed25519.PublicKeySize {
		return nil, usage("root.no_key")
	}
	return public, nil
}

package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
)

// rules is the demo's rule set: the city's, but notices close at once and no debug run is asked before a run.
//
//go:embed rules.yaml
var rules []byte

// writeRules writes the demo's rule set, or the one of frozen deployments, where `sluice up` finds it.
func writeRules(path string, frozen bool) (err error) {
	if !bytes.Contains(rules, []byte("cq-demo")) {
		return errors.New("the demo's rule set must not bear the city's name")
	}
	set := rules
	if frozen {
		if set, err = frozenRules(); err != nil {
			return err
		}
	}
	if err := os.WriteFile(path, set, 0o644); err != nil {
		return fmt.Errorf("writing the demo's rule set: %w", err)
	}
	return nil
}

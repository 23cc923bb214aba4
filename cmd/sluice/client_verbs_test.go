package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/gateway/gatewaytest"
)

// partly is a verb that is not at once an operation of the API, a command, and an action of the permission
// matrix, each under the one name noun.verb: where it is, and why not elsewhere.
type partly struct{ in, why string }

// partlyThere lists all such verbs. Names of verbs.md that are nowhere yet are not here.
func partlyThere() map[string]partly {
	return map[string]partly{
		// One verb under other names, because it is about a part of the noun.
		"capacity.grant": {"api action", "the command stands below its noun: org.capacity.grant"},
		"capacity.end":   {"api action", "the command stands below its noun: org.capacity.end"},

		"org.capacity.grant": {"command", "capacity.grant"},
		"org.capacity.end":   {"command", "capacity.end"},

		"me.show": {"api", "the command is whoami; everybody may know who they are"},
		"whoami":  {"command", "me.show"},

		"key.offer":   {"api", "the command is login; who offers a key has no right yet"},
		"login":       {"command", "key.offer"},
		"key.mine":    {"api action", "key.list --mine"},
		"token":       {"command", "token.get of the API"},
		"key.prepare": {"action", "a passkey lives in a browser: the console asks for one"},
		"key.enrol":   {"action", "a passkey lives in a browser: the console takes it"},
		// A password is typed into pages alone, and the sessions it opens are browsers'.
		"password.enrol":  {"action", "the console's page behind a link of member.link"},
		"password.change": {"action", "the console's profile"},
		"session.open":    {"action", "the console's sign-in"},
		"session.list":    {"action", "the console's profile"},
		"session.end":     {"action", "the console's profile"},

		"key.add": {"action", "the console's page of client keys; key.offer of the API needs no right"},

		// A dataset's versions, profiles and previews are resources of their own in paths, and rights of the dataset.
		"dataset.declare":      {"api action", "dataset.publish declares the first time"},
		"version.show":         {"api", "dataset.version of the command line"},
		"profile.sign":         {"api", "dataset.profile.sign, under dataset.profile"},
		"dataset.profile.sign": {"command", "profile.sign of the API, under dataset.profile"},
		"preview.show":         {"api", "dataset.preview"},
		"dataset.version":      {"command", "version.show of the API"},

		"destruction.erase":   {"action", "the keeper"},
		"destruction.certify": {"action", "the keeper"},
		"destruction.clear":   {"action", "the keeper"},
		"destruction.verify":  {"command", "offline: nobody is asked"},

		// Uploads: the command sends and inspects in one go, the API in steps.
		"upload.start":    {"api action", "upload.send begins"},
		"upload.complete": {"api action", "upload.send ends"},
		"upload.expire":   {"action", "the keeper"},
		"upload.inspect":  {"api action", "dataset.inspect of the command line"},
		"inspection.show": {"api", "dataset.inspect of the command line, under upload.inspect"},
		"dataset.inspect": {"command", "upload.send, upload.inspect and inspection.show of the API"},

		// The command line's own profiles: files, not resources. profile.show is also an operation on a dataset's.
		"profile.list":   {"command", "local files"},
		"profile.use":    {"command", "local files"},
		"profile.show":   {"api command", "the operation gets a dataset's profile, the command shows a local file"},
		"profile.remove": {"command", "local files"},

		"job.watch":       {"api command", "under job.show"},
		"job.claim":       {"action", "a process"},
		"output.show":     {"command action", "one of output.list, and output.fetch for values"},
		"output.fetch":    {"api action", "output.show --values"},
		"output.findings": {"action", "a part of output.list and review.show"},
		"usage.show":      {"api action", "the command is usage"},
		"usage":           {"command", "usage.show"},
		"usage.recent":    {"api", "usage --recent; a right of dataset.usage"},
		"grant.check":     {"api", "grant.propose --dry-run; a right of grant.compare"},
		"grant.stops":     {"api", "grant.revoke --dry-run; a right of grant.show"},
		"dataset.stops":   {"api", "dataset.freeze and dataset.retire --dry-run; a right of dataset.usage"},
		"version.stops":   {"api", "dataset.withdraw --dry-run; a right of dataset.usage"},
		"recall.list":     {"api", "release.verify --online; the statements are everybody's"},
		"trust.show":      {"api", "release.trust of the command line; the document is everybody's"},
		"release.trust":   {"command", "trust.show of the API: not below trust, which is the administrator's own"},
		"release.product": {"api", "release.get --form of the command line, under release.get"},
		"release.make":    {"action", "the keeper"},
		"release.verify":  {"command action", "offline: nobody is asked"},

		"agreement.decide": {"action", "agreement.record carries the decision; no verb of its own in the API yet"},
		"grant.expire":     {"action", "the keeper"},

		"trace.verify":     {"command", "offline: nobody is asked"},
		"trace.export":     {"command", "trace.checkpoint and trace.tile: the log's hashes are everybody's"},
		"trace.tile":       {"api", "trace.export"},
		"trace.checkpoint": {"api action", "trace.export; the action is the keeper's"},
		"trace.tail":       {"action", "no verb of the API yet"},

		"policy.show": {"action", "no verb of the API yet"},
		"policy.test": {"action", "no verb of the API yet"},
		"work.claim":  {"action", "a process"},
		"work.settle": {"action", "a process"},

		"completion": {"command", "the command line itself"},
		"help":       {"command", "the command line itself"},
		"up":         {"command", "starts the server"},

		// The administrator of a machine: no request to a server could do this.
		"check-config":      {"command", "the machine's own files"},
		"ready":             {"command", "asks the processes' own sockets"},
		"self-test":         {"command", "asks the worker's own socket"},
		"fsck":              {"command", "reads database and store themselves"},
		"platform.selftest": {"action", "the keeper, of what workers tell"},
		"platform.sweep":    {"action", "the keeper, of objects nobody names"},
		"backup":            {"command", "the machine's own files"},
		"restore":           {"command", "the machine's own files"},
		"trust.rotate":      {"command action", "with the offline root key, on the machine"},
		"trust.restore":     {"command", "from the safe's copy of the keys, on the machine"},
		"trust.recover":     {"command", "from the safe's copy of the keys"},
	}
}

// One name for one thing: each verb is an operation, a command and an action, or its exception has a reason.
func TestVerbsAreTheSameEverywhere(t *testing.T) {
	found := map[string][]string{}
	note := func(where string, verbs []string) {
		for _, verb := range verbs {
			found[verb] = append(found[verb], where)
		}
	}
	note("api", operations(t))
	note("command", leafPaths(t))
	note("action", actions(t))
	exceptions := partlyThere()
	for verb, in := range found {
		got := strings.Join(in, " ")
		exception, known := exceptions[verb]
		switch {
		case got == "api command action" && known:
			t.Errorf("%s is everywhere and needs no exception", verb)
		case got != "api command action" && got != exception.in:
			t.Errorf("%s: found in %q, not %q", verb, got, exception.in)
		}
		delete(exceptions, verb)
	}
	for verb, exception := range exceptions {
		t.Errorf("%s (%s) is nowhere", verb, exception.why)
	}
}

// operations lists the API's operations as noun.verb.
func operations(t *testing.T) []string {
	t.Helper()
	body, err := os.ReadFile("../../gateway/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var described struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(body, &described); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, path := range described.Paths {
		for _, operation := range path {
			if operation.OperationID != "" && operation.OperationID != "token-get" {
				all = append(all, strings.Replace(operation.OperationID, "-", ".", 1))
			}
		}
	}
	if len(all) == 0 {
		t.Fatal("the description has no operation")
	}
	return all
}

// leaves lists the commands that do something, by the path of their texts.
func leaves(t *testing.T) map[string]*cobra.Command {
	t.Helper()
	all := map[string]*cobra.Command{}
	visit(newRoot(production(), english(t)), func(cmd *cobra.Command) {
		if !cmd.HasSubCommands() || len(arguments(cmd.Use)) > 0 {
			all[textPath(cmd)] = cmd
		}
	})
	return all
}

func leafPaths(t *testing.T) (paths []string) {
	t.Helper()
	for path := range leaves(t) {
		paths = append(paths, path)
	}
	return paths
}

// actions lists what the permission matrix speaks of.
func actions(t *testing.T) (all []string) {
	t.Helper()
	for _, action := range gatewaytest.Matrix(t).Actions() {
		all = append(all, string(action))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

package messages_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/image"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/catalog/upload"
	"github.com/sluicedata/sluice/gateway/messages"
	"github.com/sluicedata/sluice/policy"
)

// vocabulary lists every code of the record that people read in tables.
func vocabulary() []string {
	var all []string
	for _, table := range []flow.Table{
		org.Flow(), org.MemberFlow(), org.KeyFlow(), dataset.Flow(), dataset.VersionFlow(), dataset.TwinFlow(), registration.Flow(),
		registration.RecordFlow(), agreement.Flow(), grant.Flow(), job.Flow(), job.DebugFlow(), job.CheckFlow(), output.Flow(),
		output.RequestFlow(),
		org.IdentityFlow(), upload.Flow(), release.Flow(), destruction.Flow(), image.Flow(),
	} {
		all = append(all, texts(table.States)...)
	}
	for _, list := range [][]string{
		texts(org.Capacities()), texts(org.Roles()), texts(name.Operations()), texts(name.OutputKinds()),
		texts([]output.Seat{output.OperatorSeat, output.AgencySeat}),
		texts([]output.Choice{output.Approve, output.Return, output.Reject}),
		texts([]job.Mode{job.Debug, job.Production, job.Check}),
		texts([]dataset.Role{dataset.Identifier, dataset.Quasi, dataset.Sensitive, dataset.Other}),
		texts([]dataset.Type{dataset.Text, dataset.Integer, dataset.Number, dataset.Boolean, dataset.Date}),
		texts([]dataset.Mask{dataset.MaskSurname, dataset.MaskPhone, dataset.MaskDrop}),
		texts([]dataset.Class{dataset.General, dataset.Important, dataset.Core}),
		texts([]dataset.Approval{dataset.Manual, dataset.Automatic}),
		texts(output.Voices()), texts(output.Reasons()), texts(release.Reasons()), texts(destruction.Reasons()),
		{policy.Basic, policy.Strong}, {policy.ByKey, policy.ByProvider, policy.ByPasskey, policy.ByFactor, policy.ByPassword, policy.ByCertificate},
		texts([]budget.Scope{budget.Grant, budget.Dataset, budget.Org}),
		texts([]job.CodeState{job.CodeWaiting, job.CodeVerified, job.CodeRefused, job.CodePartly, job.CodeUnchecked, job.CodeFailed}),
		texts([]job.Standing{job.Verified, job.Claimed, job.Unchecked}),
		{"debug", "agreement", "registration", "terms", "grant", "dataset"}, {"done", "needed"}, // gates (job.Gate), and of the first
		grant.Dimensions(),
		{"none", "active"}, // of a second factor: org.FactorView
		{"allow", "deny"}, {"level_1", "level_2", "level_3", "level_4"},
	} {
		all = append(all, list...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func texts[S ~string](list []S) []string {
	var all []string
	for _, s := range list {
		all = append(all, string(s))
	}
	return all
}

// Every state, role, capacity, seat and kind has a word in both languages, and no word is of nothing.
func TestEveryCodeOfTheRecordHasItsWord(t *testing.T) {
	m, err := messages.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range messages.Languages() {
		have := m.Codes(l)
		for _, code := range vocabulary() {
			if !slices.Contains(have, "word."+code) {
				t.Errorf("%s has no word in %s", code, l)
			}
		}
		for _, key := range have {
			if code, ok := strings.CutPrefix(key, "word."); ok && !slices.Contains(vocabulary(), code) {
				t.Errorf("%s in %s is a word of nothing", key, l)
			}
		}
	}
	if got := m.Word(messages.Chinese, "no_such_code"); got != "no_such_code" {
		t.Errorf("an unknown code shows itself: got %q", got)
	}
}

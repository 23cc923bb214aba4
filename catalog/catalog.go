// Package catalog is the front door: the only way to records and bytes. Each verb of verbs.md is one method
// of one small service, and each goes through one function, act: gather facts, decide, check the move, apply
// and trace, in one transaction. A verb that forgets to decide fails; a trace that cannot be written denies.
//
// Start at catalog.go for what the parts are, act.go for how a verb runs, jobs.go for the main one.
package catalog

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/passkey"
	"github.com/sluicedata/sluice/catalog/password"
	"github.com/sluicedata/sluice/catalog/postgres"
	"github.com/sluicedata/sluice/catalog/ruleset"
	"github.com/sluicedata/sluice/policy"
)

// Config is what a catalog is made of. All members are required unless they say so.
type Config struct {
	DB       *postgres.DB
	Store    *object.Store // under the credential of the process that opens the catalog
	Policy   Policy
	Rules    ruleset.RuleSet
	Calendar *calendar.Calendar
	Now      func() time.Time
	Rand     io.Reader
	// PersonKey keys the hashes that stand for people in the trace (32 bytes, one per instance).
	PersonKey []byte
	// FactorKey seals the secrets of second factors (FactorKeySize bytes). Only the gateway has it; without it
	// there are no second factors.
	FactorKey []byte
	// Passkeys is where passkeys count, for gateway and keeper alike; zero: nowhere.
	Passkeys passkey.Site
}

// Policy decides and can be archived, so that old decisions can be replayed.
type Policy interface {
	policy.Decider
	Revision() string
	Files() map[string][]byte
	Actions() []string // every action it knows
}

// Catalog holds one service a noun. It is safe for concurrent use.
type Catalog struct {
	Orgs          *Orgs
	Members       *Members
	Keys          *Keys
	Passkeys      *Passkeys
	Identities    *Identities
	Factors       *Factors
	Passwords     *Passwords
	Sessions      *Sessions
	Datasets      *Datasets
	Uploads       *Uploads
	Registrations *Registrations
	Agreements    *Agreements
	Grants        *Grants
	Images        *Images
	Jobs          *Jobs
	Usage         *Usage
	Outputs       *Outputs
	Requests      *Requests
	Releases      *Releases
	Trace         *Trace
	Work          *Work
	Trust         *Trust
	SelfTests     *SelfTests
	Stored        *Stored
	Browsers      *Browsers
	Destructions  *Destructions
	Platform      *Platform
	Public        *Public
	Calendar      *calendar.Calendar // the days everybody counts by
}

// core is what every service shares.
type core struct {
	Config
	jobBell bell
	callers callers
	hasher  *password.Hasher
}

// New opens the front door. The policy bundle in force is archived under its revision, so that whatever it
// decides can be decided again.
func New(ctx context.Context, conf Config) (*Catalog, error) {
	c := &core{Config: conf, hasher: password.NewHasher(conf.Rand)}
	err := conf.DB.InTx(ctx, func(tx *postgres.Tx) error {
		return tx.KeepBundle(ctx, conf.Policy.Revision(), conf.Policy.Files(), conf.Now())
	})
	if err != nil {
		return nil, fmt.Errorf("archiving policy bundle: %w", err)
	}
	return &Catalog{
		Orgs: &Orgs{c}, Members: &Members{c}, Keys: &Keys{c}, Passkeys: &Passkeys{c}, Identities: &Identities{c}, Factors: &Factors{c}, Passwords: &Passwords{c}, Sessions: &Sessions{c},
		Datasets: &Datasets{c}, Uploads: &Uploads{c}, Registrations: &Registrations{c}, Agreements: &Agreements{c}, Grants: &Grants{c},
		Images: &Images{c}, Jobs: &Jobs{c}, Usage: &Usage{c}, Outputs: &Outputs{c}, Requests: &Requests{c}, Releases: &Releases{c},
		Trace: &Trace{c}, Work: &Work{c}, Trust: &Trust{c}, SelfTests: &SelfTests{c}, Stored: &Stored{c}, Browsers: &Browsers{c},
		Destructions: &Destructions{c}, Platform: &Platform{c}, Public: &Public{c}, Calendar: conf.Calendar,
	}, nil
}

// number gives out the next number of a kind in the current year of the calendar's zone.
func (d *deed) newNumber(kind name.Kind) (string, error) {
	year := 0
	if kind.Yearly() {
		year = d.now.In(calendar.Zone()).Year()
	}
	seq, err := d.tx.NextNumber(d.ctx, string(kind), year)
	if err != nil {
		return "", fmt.Errorf("counting up %s: %w", kind, err)
	}
	n, err := name.NewNumber(kind, year, seq)
	return n.String(), err
}

// Package policy answers one question: may this subject do this act to this object, given these facts?
//
// Two engines must both allow. Casbin (policy/access) says who may: capacity of the organization, role of the
// person, action, relation to the object. OPA (policy/rule) says what may: agreement, provider terms, grant,
// columns, rows, purpose, term, budget, review and release rules. Anything unsaid, unknown or broken denies.
//
// A decision is a pure function of Request and the bundle revision, so a recorded request replays to the same
// answer.
package policy

import "context"

// Subject is who is calling, computed once at the edge and handed down as a value.
type Subject struct {
	Member     string   `json:"member"`            // UUID of the person; "" for a process
	Org        string   `json:"org"`               // UUID of the organization the person acts for
	Capacities []string `json:"capacities"`        // of the organization, in force now (domain.md 2.1)
	Roles      []string `json:"roles"`             // of the person in that organization
	Process    string   `json:"process,omitempty"` // "keeper" when a part of Sluice itself acts
	// Strength says how well the caller proved who they are, from the closed list below; Method by what; ProvenAt
	// when, in unix seconds. Decisions of the first bundles have "key" for a personal key.
	Strength string `json:"strength,omitempty"`
	Method   string `json:"method,omitempty"`
	ProvenAt int64  `json:"proven_at,omitempty"`
}

// The closed list of strengths. What each may do is a table of the bundle (rule/rego/strength.rego).
const (
	Basic   = "basic"   // a person whom another provider vouches for
	Strong  = "strong"  // a person with their own key, or with a second factor beside the provider's word
	Machine = "machine" // an organization's program: it brings feeds and reads, it never decides
)

// The closed list of methods.
const (
	ByKey         = "key"           // an admitted key of the caller's own (RFC 7523)
	ByProvider    = "oidc"          // an OpenID provider's word
	ByPasskey     = "passkey"       // an admitted passkey of the caller's own (WebAuthn), user verified
	ByFactor      = "oidc+totp"     // the same, and a one-time password of the person's own
	ByPassword    = "password+totp" // a password of the person's own, and a one-time password or recovery code
	ByCertificate = "certificate"   // an admitted key over a connection with the certificate that goes with it (RFC 8705)
)

// Action is a noun.verb of verbs.md: "job.submit".
type Action string

// Object is what the act is done to.
type Object struct {
	Kind string `json:"kind"` // the noun: "job"
	ID   string `json:"id,omitempty"`
	Org  string `json:"org,omitempty"` // UUID of the organization that owns it
}

// Request is the full input of a decision. It is kept with the decision and can be replayed.
type Request struct {
	Subject Subject `json:"subject"`
	Action  Action  `json:"action"`
	Object  Object  `json:"object"`
	Facts   Facts   `json:"facts"`
}

// Reason is one cause of a refusal. It never carries a caller's or a row's value.
type Reason struct {
	Code      string   `json:"code"`            // dimension.cause: "columns.outside_grant"
	Dimension string   `json:"dimension"`       // "columns"
	Input     string   `json:"input,omitempty"` // input table of a job it concerns
	What      []string `json:"what,omitempty"`  // names of our own record: column names, a state, a date; sorted
	Remedy    string   `json:"remedy"`          // key of a message: "remedy.columns.outside_grant"
}

// Decision is the answer. Reasons is empty exactly when Allow holds.
type Decision struct {
	Allow    bool     `json:"allow"`
	Reasons  []Reason `json:"reasons,omitempty"`
	Revision string   `json:"revision"` // digest of the policy bundle that decided
}

// Decider decides. An error is a denial too: callers must not go on.
type Decider interface {
	Decide(ctx context.Context, r Request) (Decision, error)
}

// Package wire holds the request and response types of the API, shared by the gateway and its clients. Most
// are the views of the nouns, under one name each; the rest is what only the wire needs.
package wire

import (
	"github.com/sluicedata/sluice/catalog/agreement"
	"github.com/sluicedata/sluice/catalog/budget"
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/destruction"
	"github.com/sluicedata/sluice/catalog/envelope"
	"github.com/sluicedata/sluice/catalog/flow"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/image"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/output"
	"github.com/sluicedata/sluice/catalog/platform"
	"github.com/sluicedata/sluice/catalog/registration"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/catalog/trace"
	"github.com/sluicedata/sluice/catalog/upload"
)

// Organizations, their people and their keys.
type (
	Org          = org.View
	OrgSpec      = org.Spec
	CapacitySpec = org.CapacitySpec
	Member       = org.MemberView
	MemberSpec   = org.MemberSpec
	Key          = org.KeyView
	KeyOffer     = org.KeyOffer
	KeyRotation  = org.KeyRotation
	Identity     = org.IdentityView
	Enrolment    = org.EnrolSpec
	FactorSecret = org.FactorSecret
	FactorProof  = org.ProofSpec
	Recovery     = org.RecoveryCodes
	EnrolCode    = org.EnrolmentCode
	Factor       = org.FactorView
	EnrolLink    = org.EnrolmentLink
	Me           = org.Me
)

// Datasets, their registration, and what may be done with them.
type (
	Dataset          = dataset.View
	Column           = dataset.Column
	DatasetSpec      = dataset.Spec
	Version          = dataset.VersionView
	Publication      = dataset.Publication
	TwinSpec         = dataset.TwinSpec
	Terms            = dataset.Terms
	Upload           = upload.View
	UploadSpec       = upload.Spec
	Chunk            = upload.Chunk
	Sum              = upload.Sum
	Registration     = registration.View
	RegistrationSpec = registration.Spec
	Agreement        = agreement.View
	AgreementSpec    = agreement.Spec
	Grant            = grant.View
	GrantSpec        = grant.Spec
	Allowance        = grant.Allowance
	Comparison       = grant.Comparison
	Opinion          = flow.Opinion

	Destruction        = destruction.View
	DestructionSpec    = destruction.Spec
	DestructionPackage = destruction.Package
)

// Jobs, what they leave, its review and its release.
type (
	Image          = image.View
	ImageSpec      = image.Spec
	Job            = job.View
	JobPackage     = job.Package
	JobAnswer      = job.Answer
	Stop           = job.Stop
	Usage          = budget.Usage
	RecentUse      = budget.Recent
	BudgetLeft     = budget.Left
	Output         = output.View
	Request        = output.RequestView
	RequestSpec    = output.RequestSpec
	CommentSpec    = output.CommentSpec
	Ballot         = output.Ballot
	ReturnSpec     = output.ReturnSpec
	ResubmitSpec   = output.ResubmitSpec
	Envelope       = envelope.Envelope
	Release        = release.View
	ReleasePackage = release.Package
	RecallSpec     = release.RecallSpec
	TraceEntry     = trace.View
	TraceProof     = trace.Proof
	Chain          = trace.Chain
	Status         = platform.Status
)

// List is every answer with more than one element. It is an object, so that members can be added.
type List[T any] struct {
	Items []T `json:"items"`
	// NextCursor asks for the part that follows; absent when nothing does.
	NextCursor string `json:"next_cursor,omitempty"`
}

// Roles replaces a member's roles.
type Roles struct {
	Roles []org.Role `json:"roles"`
}

// Fingerprint names an offered key: what people compare before it is admitted.
type Fingerprint struct {
	Fingerprint string `json:"fingerprint"`
}

// Application asks for the registration of a dataset.
type Application struct {
	Dataset string `json:"dataset"`
	RegistrationSpec
}

// Receipt is the authority's receipt for a filed agreement.
type Receipt struct {
	Receipt string `json:"receipt"`
}

// PreviewSpec names the grant whose view is asked for.
type PreviewSpec struct {
	Grant string `json:"grant"`
}

// Preview names a preview under way.
type Preview struct {
	ID string `json:"id"`
}

// ProvenEntry is one entry of the trace and the proof that it is in the signed log.
type ProvenEntry struct {
	Entry TraceEntry `json:"entry"`
	Proof TraceProof `json:"proof"`
}

// Token is the answer to a client assertion (RFC 6749 5.1).
type Token struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
}

// Health is the answer of the liveness check.
type Health struct {
	Status string `json:"status"`
}

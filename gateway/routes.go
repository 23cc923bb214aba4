package gateway

import (
	"net/http"

	"github.com/sluicedata/sluice/catalog"
)

// route is one line of the contents page: one method and path, one verb of the catalog.
type route struct {
	method  string
	path    string // below Prefix
	status  int    // of success
	id      string // noun-verb
	summary string
	register
}

const (
	get  = http.MethodGet
	post = http.MethodPost
	put  = http.MethodPut

	ok       = http.StatusOK
	created  = http.StatusCreated
	accepted = http.StatusAccepted
)

// routes is the whole API.
func routes(cat *catalog.Catalog) []route {
	var all []route
	for _, noun := range [][]route{
		people(cat), datasets(cat), uploads(cat), law(cat), jobs(cat), review(cat), log(cat),
	} {
		all = append(all, noun...)
	}
	return all
}

func people(cat *catalog.Catalog) []route {
	return []route{
		{get, "/me", ok, "me-show", "Who I am here", own(cat.Sessions.Whoami)},
		{get, "/platform/status", ok, "platform-status", "Show how the instance is", own(cat.Platform.Status)},
		{get, "/me/keys", ok, "key-mine", "List my own keys", allOwn(cat.Keys.Mine)},
		{post, "/me/factor", created, "factor-enrol", "Begin a second factor of my own", body(cat.Factors.Enrol)},
		{post, "/me/factor/confirm", ok, "factor-confirm", "Show that my authenticator works", body(cat.Factors.Confirm)},
		{post, "/me/factor/renew", ok, "factor-renew", "Make my recovery codes anew", own(cat.Factors.Renew)},
		{post, "/me/strength", ok, "factor-prove", "Make this session strong by my second factor", proveFactor(cat)},
		{get, "/orgs", ok, "org-list", "List organizations", list(cat.Orgs.List)},
		{post, "/orgs", created, "org-create", "Add an organization", body(cat.Orgs.Create)},
		{get, "/orgs/{org}", ok, "org-show", "Show an organization", one(cat.Orgs.Show)},
		{post, "/orgs/{org}/capacities", created, "capacity-grant", "Give an organization a capacity", oneBody(cat.Orgs.GrantCapacity)},
		{post, "/orgs/{org}/capacities/{capacity}/end", ok, "capacity-end", "End a capacity", two(cat.Orgs.EndCapacity)},
		{get, "/orgs/{org}/members", ok, "member-list", "List an organization's people", listOf(cat.Members.List)},
		{post, "/orgs/{org}/members", created, "member-invite", "Add a person", oneBody(cat.Members.Invite)},
		{post, "/orgs/{org}/members/{login}/roles", ok, "member-role", "Replace a person's roles", setRoles(cat)},
		{post, "/orgs/{org}/members/{login}/remove", ok, "member-remove", "Remove a person", two(cat.Members.Remove)},
		{post, "/orgs/{org}/members/{login}/link", created, "member-link", "Make a person's enrolment link", two(cat.Members.Link)},
		{post, "/orgs/{org}/members/{login}/recover", ok, "member-recover", "End what a person signs in with, and make a link", two(cat.Members.Recover)},
		{post, "/orgs/{org}/members/{login}/factor/code", created, "factor-code", "Make a person's one-time code to enrol a second factor", two(cat.Factors.Code)},
		{post, "/orgs/{org}/members/{login}/factor/reset", ok, "factor-reset", "End a person's second factor", two(cat.Factors.Reset)},
		{get, "/orgs/{org}/keys", ok, "key-list", "List the keys of an organization's people", listOf(cat.Keys.List)},
		{post, "/keys", accepted, "key-offer", "Offer a key for a login; nobody is authenticated yet", offerKey(cat)},
		{post, "/keys/{fingerprint}/admit", ok, "key-admit", "Admit an offered key", one(cat.Keys.Admit)},
		{post, "/keys/{fingerprint}/revoke", ok, "key-revoke", "Revoke a key", one(cat.Keys.Revoke)},
		{post, "/keys/{fingerprint}/end", ok, "key-end", "End one of my keys", one(cat.Keys.End)},
		{post, "/keys/{fingerprint}/rotate", ok, "key-rotate", "Put a new key in the place of one of mine", oneBody(cat.Keys.Rotate)},
		{get, "/orgs/{org}/identities", ok, "identity-list", "List who an organization's people are at the provider", allOf(cat.Identities.List)},
		{post, "/identities/{identity}/admit", ok, "identity-admit", "Admit an offered identity", one(cat.Identities.Admit)},
		{post, "/identities/{identity}/revoke", ok, "identity-revoke", "Revoke an identity", one(cat.Identities.Revoke)},
	}
}

func datasets(cat *catalog.Catalog) []route {
	const version = "/datasets/{dataset}/versions/{version}"
	return []route{
		{get, "/datasets", ok, "dataset-list", "List datasets", listDatasets(cat)},
		{post, "/datasets", created, "dataset-declare", "Declare a dataset", body(cat.Datasets.Declare)},
		{get, "/datasets/{dataset}", ok, "dataset-show", "Show a dataset", one(cat.Datasets.Show)},
		{post, "/datasets/{dataset}/terms", ok, "dataset-terms", "Replace the provider's terms", oneBody(cat.Datasets.SetTerms)},
		{post, "/datasets/{dataset}/freeze", ok, "dataset-freeze", "Stop every use of a dataset", one(cat.Datasets.Freeze)},
		{post, "/datasets/{dataset}/thaw", ok, "dataset-thaw", "End a freeze", one(cat.Datasets.Thaw)},
		{post, "/datasets/{dataset}/retire", ok, "dataset-retire", "End a dataset for good", one(cat.Datasets.Retire)},
		{get, "/datasets/{dataset}/columns", ok, "dataset-columns", "List a dataset's columns", allOf(cat.Datasets.Columns)},
		{get, "/datasets/{dataset}/usage", ok, "dataset-usage", "Show who used a dataset in a month", monthOfOne(cat.Datasets.Usage)},
		{get, "/datasets/{dataset}/stops", ok, "dataset-stops", "List the jobs that would end with a dataset", allOf(cat.Datasets.Stops)},
		{post, "/datasets/{dataset}/versions", accepted, "dataset-publish", "Publish a version from a complete upload", oneBody(cat.Datasets.Publish)},
		{get, version, ok, "version-show", "Show a version", version1(cat.Datasets.ShowVersion)},
		{get, version + "/stops", ok, "version-stops", "List the jobs that would end with a version", versionAll(cat.Datasets.VersionStops)},
		{post, version + "/withdraw", ok, "dataset-withdraw", "Withdraw a version for good", version1(cat.Datasets.Withdraw)},
		{post, version + "/profile", accepted, "dataset-profile", "Ask for a version's profile", version1(cat.Datasets.Profile)},
		{get, version + "/profile", ok, "profile-show", "Get the profile's bytes", versionBytes(cat.Datasets.ShowProfile)},
		{post, version + "/profile/sign", ok, "profile-sign", "Sign a profile for debug runs", versionBody(cat.Datasets.SignProfile)},
		{post, version + "/twin", accepted, "dataset-twin", "Give a version a twin for debug runs", versionBody(cat.Datasets.Twin)},
		{post, version + "/preview", accepted, "dataset-preview", "Ask what a grant shows", askPreview(cat)},
		{get, version + "/preview/{preview}", ok, "preview-show", "Get the rows of a preview", showPreview(cat)},
		{post, version + "/destruction", created, "destruction-propose", "Propose the end of a version", versionBody(cat.Destructions.Propose)},
		{get, version + "/destruction", ok, "destruction-show", "Show the destruction of a version", version1(cat.Destructions.Show)},
		{get, version + "/destruction/package", ok, "destruction-get", "Get a certificate with all that proves it", version1(cat.Destructions.Get)},
		{post, version + "/destruction/approve", ok, "destruction-approve", "End a version for good", version1(cat.Destructions.Approve)},
		{post, version + "/destruction/withdraw", ok, "destruction-withdraw", "Take a proposed end back", version1(cat.Destructions.Withdraw)},
	}
}

func uploads(cat *catalog.Catalog) []route {
	return []route{
		{get, "/uploads", ok, "upload-list", "List uploads that have not ended", list(cat.Uploads.List)},
		{post, "/uploads", created, "upload-start", "Announce a file", body(cat.Uploads.Start)},
		{get, "/uploads/{upload}", ok, "upload-show", "Show an upload and what is there of it", one(cat.Uploads.Show)},
		{put, "/uploads/{upload}/chunks/{chunk}", ok, "upload-send", "Send one chunk; the same one may be sent again", sendChunk(cat)},
		{post, "/uploads/{upload}/complete", ok, "upload-complete", "Say that all is sent", oneBody(cat.Uploads.Complete)},
		{post, "/uploads/{upload}/inspect", accepted, "upload-inspect", "Ask what a complete upload looks like", one(cat.Uploads.Inspect)},
		{get, "/uploads/{upload}/inspection", ok, "inspection-show", "Get what was found, with the first rows", oneBytes(cat.Uploads.ShowInspection)},
		{post, "/uploads/{upload}/drop", ok, "upload-drop", "End an upload", one(cat.Uploads.Drop)},
	}
}

func law(cat *catalog.Catalog) []route {
	return []route{
		{get, "/registrations", ok, "registration-list", "List registrations", list(cat.Registrations.List)},
		{post, "/registrations", created, "registration-apply", "Apply for the registration of a dataset", apply(cat)},
		{get, "/registrations/{number}", ok, "registration-show", "Show a registration", one(cat.Registrations.Show)},
		{post, "/registrations/{number}/accept", ok, "registration-accept", "Accept an application", one(cat.Registrations.Accept)},
		{post, "/registrations/{number}/notice", ok, "registration-notice", "Open the public notice", one(cat.Registrations.Notice)},
		{post, "/registrations/{number}/code", ok, "registration-code", "Issue the query code", one(cat.Registrations.Code)},
		{get, "/agreements", ok, "agreement-list", "List operating agreements", list(cat.Agreements.List)},
		{post, "/agreements", created, "agreement-record", "Record an agreement", body(cat.Agreements.Record)},
		{get, "/agreements/{number}", ok, "agreement-show", "Show an agreement", one(cat.Agreements.Show)},
		{post, "/agreements/{number}/sign", ok, "agreement-sign", "Sign for the caller's organization", one(cat.Agreements.Sign)},
		{post, "/agreements/{number}/file", ok, "agreement-file", "Record the filing", fileAgreement(cat)},
		{get, "/grants", ok, "grant-list", "List grants", list(cat.Grants.List)},
		{post, "/grants", created, "grant-propose", "Propose a grant", body(cat.Grants.Propose)},
		{post, "/grants/check", ok, "grant-check", "Hold a proposal against its bounds before it is made", bodyAll(cat.Grants.Check)},
		{get, "/grants/{number}", ok, "grant-show", "Show a grant", one(cat.Grants.Show)},
		{get, "/grants/{number}/comparison", ok, "grant-compare", "Hold a grant against its bounds", allOf(cat.Grants.Compare)},
		{get, "/grants/{number}/stops", ok, "grant-stops", "List the jobs a revocation would end", allOf(cat.Grants.Stops)},
		{post, "/grants/{number}/approve", ok, "grant-approve", "Approve a proposed grant", one(cat.Grants.Approve)},
		{post, "/grants/{number}/allow", ok, "grant-allow", "Approve a part of a proposed grant", oneBody(cat.Grants.Allow)},
		{post, "/grants/{number}/refuse", ok, "grant-refuse", "Refuse a proposed grant", oneBody(cat.Grants.Refuse)},
		{post, "/grants/{number}/revoke", ok, "grant-revoke", "Revoke a grant; its runs die", one(cat.Grants.Revoke)},
	}
}

func jobs(cat *catalog.Catalog) []route {
	return []route{
		{get, "/usage", ok, "usage-show", "Show a month's use and budgets", monthOf(cat.Usage.Month)},
		{get, "/usage/recent", ok, "usage-recent", "Show who used a department's datasets in the last 30 days", allOwn(cat.Usage.Recent)},
		{get, "/images", ok, "image-list", "List images of Python jobs", list(cat.Images.List)},
		{post, "/images", created, "image-propose", "Propose an image", body(cat.Images.Propose)},
		{get, "/images/{image}", ok, "image-show", "Show an image", one(cat.Images.Show)},
		{post, "/images/{image}/approve", ok, "image-approve", "Let jobs run in an image", one(cat.Images.Approve)},
		{post, "/images/{image}/retire", ok, "image-retire", "Take an image off the list", one(cat.Images.Retire)},
		{get, "/jobs", ok, "job-list", "List jobs", list(cat.Jobs.List)},
		{post, "/jobs", accepted, "job-submit", "Submit a job over real data", body(cat.Jobs.Submit)},
		{post, "/jobs/debug", accepted, "job-debug", "Run a job over synthetic data", body(cat.Jobs.Debug)},
		{post, "/jobs/check", accepted, "job-check", "Tell everything a submit would be refused for", body(cat.Jobs.Check)},
		{get, "/jobs/{number}", ok, "job-show", "Show a job", one(cat.Jobs.Show)},
		{get, "/jobs/{number}/events", ok, "job-watch", "Follow a job's states as events", followJob(cat)},
		{post, "/jobs/{number}/approve", ok, "job-approve", "Consent to a run for one seat", one(cat.Jobs.Approve)},
		{post, "/jobs/{number}/refuse", ok, "job-refuse", "Refuse a run for one seat", oneBody(cat.Jobs.Refuse)},
		{post, "/jobs/{number}/cancel", ok, "job-cancel", "Stop a job", one(cat.Jobs.Cancel)},
		{get, "/jobs/{number}/outputs", ok, "output-list", "List a job's outputs and findings", allOf(cat.Outputs.List)},
		{get, "/jobs/{number}/outputs/{output}/content", ok, "output-fetch", "Get the values under review", fetchOutput(cat)},
		{post, "/jobs/{number}/outputs/{output}/destroy", ok, "output-destroy", "Destroy an output", two(cat.Outputs.Destroy)},
	}
}

func review(cat *catalog.Catalog) []route {
	return []route{
		{get, "/requests", ok, "review-list", "List review requests", list(cat.Requests.List)},
		{post, "/requests", created, "review-open", "Ask for the review of an output", body(cat.Requests.Open)},
		{get, "/requests/{number}", ok, "review-show", "Show a review request", one(cat.Requests.Show)},
		{post, "/requests/{number}/votes", created, "review-vote", "Cast a signed vote", oneBody(cat.Requests.Vote)},
		{post, "/requests/{number}/comments", created, "review-comment", "Say something about an output under review", oneBody(cat.Requests.Comment)},
		{post, "/requests/{number}/return", ok, "review-return", "Send a request back to its author with reasons", oneBody(cat.Requests.Return)},
		{post, "/requests/{number}/withdraw", ok, "review-withdraw", "Take a request back", one(cat.Requests.Withdraw)},
		{post, "/requests/{number}/resubmit", created, "review-resubmit", "Hand in anew what was sent back or taken back", oneBody(cat.Requests.Resubmit)},
		{get, "/releases", ok, "release-list", "List releases", list(cat.Releases.List)},
		{get, "/releases/{number}", ok, "release-show", "Show a release", one(cat.Releases.Show)},
		{get, "/releases/{number}/package", ok, "release-get", "Get a product with all that proves it", one(cat.Releases.Get)},
		{get, "/releases/{number}/product", ok, "release-product", "Get a product as a file, in a form of choice", getProduct(cat)},
		{post, "/releases/{number}/recall", ok, "release-recall", "Take a product back", oneBody(cat.Releases.Recall)},
		{get, "/trust", ok, "trust-show", "Get trust.json as the root key signed it", trustFile(cat)},
		{get, "/recalls", ok, "recall-list", "List the signed statements of products taken back", recalls(cat)},
	}
}

// The log lies below its folder as C2SP tlog-tiles lays it out, so that other people's programs can read it.
func log(cat *catalog.Catalog) []route {
	return []route{
		{get, "/trace", ok, "trace-query", "List trace entries, newest first", queryTrace(cat)},
		{get, "/trace/entries/{entry}", ok, "trace-prove", "Get an entry with its proof", prove(cat)},
		{get, "/trace/lineage/{digest}", ok, "trace-lineage", "Follow a digest both ways", allOf(cat.Trace.Lineage)},
		{get, "/trace/log/checkpoint", ok, "trace-checkpoint", "Get the signed checkpoint", checkpoint(cat)},
		{get, "/trace/log/tile/{path...}", ok, "trace-tile", "Get a tile or an entry bundle", tile(cat)},
	}
}

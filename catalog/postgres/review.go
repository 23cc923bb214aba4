package postgres

import (
	"context"
	"encoding/json"
	"time"
)

// Output is a row of output.
type Output struct {
	ID             string
	Job            string
	Name           string
	State          string
	Digest         string
	EvidenceDigest string
	Rows           int64
	Object         json.RawMessage
	Membership     json.RawMessage
	Evidence       json.RawMessage
	Schema         json.RawMessage
	Findings       json.RawMessage
	Blocked        int
	Revision       string
	CreatedAt      time.Time
}

// InsertOutput adds a quarantined output.
func (t *Tx) InsertOutput(ctx context.Context, o Output) error {
	return t.exec(ctx, `insert into output (id, job, name, state, digest, evidence_digest, rows, object, membership,
		evidence, schema, findings, blocked, revision, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		o.ID, o.Job, o.Name, o.State, o.Digest, o.EvidenceDigest, o.Rows, o.Object, o.Membership, o.Evidence,
		o.Schema, o.Findings, o.Blocked, o.Revision, o.CreatedAt)
}

// Outputs lists the outputs of a job by name.
func (t *Tx) Outputs(ctx context.Context, job string) ([]Output, error) {
	return many[Output](ctx, t, "select * from output where job = $1 order by name", job)
}

// Output reads one.
func (t *Tx) Output(ctx context.Context, id string) (Output, error) {
	return one[Output](ctx, t, "select * from output where id = $1", id)
}

// OutputNamed reads an output of a job by name.
func (t *Tx) OutputNamed(ctx context.Context, job, name string) (Output, error) {
	return one[Output](ctx, t, "select * from output where job = $1 and name = $2", job, name)
}

// LockOutput reads one for update.
func (t *Tx) LockOutput(ctx context.Context, id string) (Output, error) {
	return one[Output](ctx, t, "select * from output where id = $1 for update", id)
}

// MoveOutput writes an output's state.
func (t *Tx) MoveOutput(ctx context.Context, id, state string) error {
	return t.touch(ctx, "update output set state = $2 where id = $1", id, state)
}

// EarlierOutput is an output a new one on the same dataset must be compared with.
type EarlierOutput struct {
	ID         string
	Name       string
	Job        string
	State      string
	Membership json.RawMessage
	DataKey    string
	Digest     string
}

// EarlierOutputs lists what was released from a dataset or may still be: every output of another job that
// reads it and is not destroyed, rejected or blocked.
func (t *Tx) EarlierOutputs(ctx context.Context, dataset, job string) ([]EarlierOutput, error) {
	return many[EarlierOutput](ctx, t, `select o.id, o.name, j.number as job, o.state, o.membership,
			j.data_key::text as data_key, o.digest
		from output o join job j on j.id = o.job
		where o.state in ('in_review', 'approved', 'releasing', 'released') and j.id <> $2
			and exists (select from job_input i where i.job = j.id and i.dataset = $1)
		order by j.number, o.name`, dataset, job)
}

// Request is a row of request.
type Request struct {
	ID        string
	Number    string
	Output    string
	Agency    string
	Operator  string
	OpenedBy  string
	Context   string
	State     string
	CreatedAt time.Time
	EndedAt   *time.Time

	Follows    *string  // id of the ended request it hands in anew
	ReturnedBy *string  // seat that sent it back
	Reasons    []string // why
	Note       string
}

// InsertRequest opens a review; a unique violation on request_follows_key means that another one follows already.
func (t *Tx) InsertRequest(ctx context.Context, r Request) error {
	return t.exec(ctx, `insert into request (id, number, output, agency, operator, opened_by, context, state, created_at, follows)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		r.ID, r.Number, r.Output, r.Agency, r.Operator, r.OpenedBy, r.Context, r.State, r.CreatedAt, r.Follows)
}

// Request reads one by number.
func (t *Tx) Request(ctx context.Context, number string) (Request, error) {
	return one[Request](ctx, t, "select * from request where number = $1", number)
}

// LockRequest reads one for update: whoever votes, comments, ends or decides a request does it one after the other.
func (t *Tx) LockRequest(ctx context.Context, number string) (Request, error) {
	return one[Request](ctx, t, "select * from request where number = $1 for update", number)
}

// RequestByID reads one.
func (t *Tx) RequestByID(ctx context.Context, id string) (Request, error) {
	return one[Request](ctx, t, "select * from request where id = $1", id)
}

// RequestOf reads the latest request about an output.
func (t *Tx) RequestOf(ctx context.Context, output string) (Request, error) {
	return one[Request](ctx, t, "select * from request where output = $1 order by created_at desc, number desc limit 1", output)
}

// RequestAfter reads the request that follows one. ErrNone when none does.
func (t *Tx) RequestAfter(ctx context.Context, id string) (Request, error) {
	return one[Request](ctx, t, "select * from request where follows = $1", id)
}

// RequestLine lists the ids of a request and of all it follows, newest first.
func (t *Tx) RequestLine(ctx context.Context, id string) ([]string, error) {
	return values[string](ctx, t, `with recursive line (id, follows, place) as (
			select id, follows, 1 from request where id = $1
			union all select r.id, r.follows, l.place + 1 from request r join line l on r.id = l.follows)
		select id::text from line order by place`, id)
}

// Requests lists the requests an organization has a seat in.
func (t *Tx) Requests(ctx context.Context, org string, w Window) ([]Request, error) {
	return listed[Request](ctx, t, w, "select * from request where $1 in (agency, operator)", org)
}

// MoveRequest writes a request's state.
func (t *Tx) MoveRequest(ctx context.Context, id, state string, ended *time.Time) error {
	return t.touch(ctx, "update request set state = $2, ended_at = coalesce($3, ended_at) where id = $1", id, state, ended)
}

// EndRequest ends an open request without a decision, with why when a seat sent it back.
func (t *Tx) EndRequest(ctx context.Context, r Request) error {
	return t.touch(ctx, `update request set state = $2, ended_at = $3, returned_by = $4, reasons = coalesce($5::text[], '{}'), note = $6
		where id = $1 and state = 'in_review'`, r.ID, r.State, r.EndedAt, r.ReturnedBy, r.Reasons, r.Note)
}

// DecidedRequest locks one open request whose two seats have voted. ErrNone when there is none.
func (t *Tx) DecidedRequest(ctx context.Context) (Request, error) {
	return one[Request](ctx, t, `select * from request r where state = 'in_review'
		and (select count(*) from vote v where v.request = r.id and v.voided_at is null) = 2
		order by created_at limit 1 for update skip locked`)
}

// StillDecided locks one request as DecidedRequest does. ErrNone when it is decided no more: it has ended, or a vote
// is void.
func (t *Tx) StillDecided(ctx context.Context, id string) (Request, error) {
	return one[Request](ctx, t, `select * from request r where id = $1 and state = 'in_review'
		and (select count(*) from vote v where v.request = r.id and v.voided_at is null) = 2
		for update`, id)
}

// Vote is a row of vote.
type Vote struct {
	Request   string
	Seat      string
	Voter     string
	MemberKey string
	Statement json.RawMessage
	Envelope  json.RawMessage
	Nonce     string
	CastAt    time.Time
	VoidedAt  *time.Time
}

// InsertVote stores a vote; a unique violation on vote_pkey means that the seat has voted.
func (t *Tx) InsertVote(ctx context.Context, v Vote) error {
	return t.exec(ctx, `insert into vote (request, seat, voter, member_key, statement, envelope, nonce, cast_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		v.Request, v.Seat, v.Voter, v.MemberKey, v.Statement, v.Envelope, v.Nonce, v.CastAt)
}

// Votes lists the votes of a request by seat, without those that are void.
func (t *Tx) Votes(ctx context.Context, request string) ([]Vote, error) {
	return many[Vote](ctx, t, "select * from vote where request = $1 and voided_at is null order by seat", request)
}

// VoidRequestVotes ends the votes of a request that ends without a decision, and returns how many those are.
func (t *Tx) VoidRequestVotes(ctx context.Context, request string, at time.Time) (int64, error) {
	tag, err := t.run(ctx, "update vote set voided_at = $2 where request = $1 and voided_at is null", request, at)
	return tag.RowsAffected(), err
}

// Release is a row of release.
type Release struct {
	ID          string
	Number      string
	Request     string
	Output      string
	Digest      string
	State       string
	Leaf        string
	Object      json.RawMessage // while it is releasing: where the product will lie
	Certificate json.RawMessage
	CreatedAt   time.Time
	ReleasedAt  *time.Time
}

// InsertRelease records the intent to release.
func (t *Tx) InsertRelease(ctx context.Context, r Release) error {
	return t.exec(ctx, `insert into release (id, number, request, output, digest, state, leaf, object, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.ID, r.Number, r.Request, r.Output, r.Digest, r.State, r.Leaf, r.Object, r.CreatedAt)
}

// Release reads one by number.
func (t *Tx) Release(ctx context.Context, number string) (Release, error) {
	return one[Release](ctx, t, "select * from release where number = $1", number)
}

// ReleaseByID reads one.
func (t *Tx) ReleaseByID(ctx context.Context, id string) (Release, error) {
	return one[Release](ctx, t, "select * from release where id = $1", id)
}

// ReleaseOf reads the release of a request.
func (t *Tx) ReleaseOf(ctx context.Context, request string) (Release, error) {
	return one[Release](ctx, t, "select * from release where request = $1", request)
}

// Releases lists the releases an organization is a party to.
func (t *Tx) Releases(ctx context.Context, org string, w Window) ([]Release, error) {
	return listed[Release](ctx, t, w, `select l.* from release l join request r on r.id = l.request
		where $1 in (r.operator, r.agency)`, org)
}

// LastReleased is a job that led to a release.
type LastReleased struct {
	Release string // number
	Package json.RawMessage
}

// LastReleased reads the job of a name whose output two organizations released last, of all but one. ErrNone when they
// released none.
func (t *Tx) LastReleased(ctx context.Context, operator, agency, jobName, but string) (LastReleased, error) {
	return one[LastReleased](ctx, t, `select l.number as release, j.package
		from release l join request r on r.id = l.request join output o on o.id = l.output join job j on j.id = o.job
		where l.state = 'released' and r.operator = $1 and r.agency = $2 and j.package->>'name' = $3 and j.id <> $4
		order by l.released_at desc limit 1`, operator, agency, jobName, but)
}

// EarlierRelease is a release on one of a job's datasets.
type EarlierRelease struct {
	Release    string
	Request    string
	Job        string
	Output     string
	State      string
	ReleasedAt time.Time
}

// EarlierReleases lists what an organization is a party to and was released from a job's datasets by others, newest
// first.
func (t *Tx) EarlierReleases(ctx context.Context, job, org string, limit int) ([]EarlierRelease, error) {
	return many[EarlierRelease](ctx, t, `select l.number as release, r.number as request, j.number as job, o.name as output,
			l.state, l.released_at
		from release l join request r on r.id = l.request join output o on o.id = l.output join job j on j.id = o.job
		where l.released_at is not null and j.id <> $1 and $2 in (r.operator, r.agency)
			and exists (select from job_input i join job_input mine on mine.dataset = i.dataset
				where i.job = j.id and mine.job = $1)
		order by l.released_at desc limit $3`, job, org, limit)
}

// SequencedRelease locks one release whose intent has been sequenced. ErrNone when there is none.
func (t *Tx) SequencedRelease(ctx context.Context) (Release, error) {
	return one[Release](ctx, t, `select l.* from release l join trace_leaf f on f.id = l.leaf
		where l.state = 'releasing' order by l.created_at limit 1 for update of l skip locked`)
}

// FinishRelease writes the released object and its certificate, or stops the release.
func (t *Tx) FinishRelease(ctx context.Context, r Release) error {
	return t.touch(ctx, `update release set state = $2, object = $3, certificate = $4, released_at = $5
		where id = $1 and state = 'releasing'`, r.ID, r.State, r.Object, r.Certificate, r.ReleasedAt)
}

// KeyRequest is a row of key_request: somebody asks the keeper for the keys of one object.
type KeyRequest struct {
	ID        string
	Subject   json.RawMessage
	Act       string
	Object    string
	Version   *int
	PublicKey []byte
	State     string
	Keys      []byte
	Refusal   json.RawMessage
	CreatedAt time.Time
}

// VoidVotes ends what a key has voted for and is not released yet, and returns how many votes those are.
func (t *Tx) VoidVotes(ctx context.Context, key string, at time.Time) (int64, error) {
	tag, err := t.run(ctx, `update vote set voided_at = $2 where member_key = $1 and voided_at is null
		and request in (select r.id from request r left join release l on l.request = r.id
			where r.state = 'in_review' or l.state = 'releasing')`, key, at)
	return tag.RowsAffected(), err
}

// VoidVotesFrom ends what a person has voted from some seats and is not released yet, and returns how many votes
// those are.
func (t *Tx) VoidVotesFrom(ctx context.Context, voter string, seats []string, at time.Time) (int64, error) {
	tag, err := t.run(ctx, `update vote set voided_at = $3 where voter = $1 and seat = any($2) and voided_at is null
		and request in (select r.id from request r left join release l on l.request = r.id
			where r.state = 'in_review' or l.state = 'releasing')`, voter, seats, at)
	return tag.RowsAffected(), err
}

// InsertKeyRequest asks for keys.
func (t *Tx) InsertKeyRequest(ctx context.Context, k KeyRequest) error {
	return t.exec(ctx, `insert into key_request (id, subject, act, object, version, public_key, state, created_at)
		values ($1, $2, $3, $4, $5, $6, 'asked', $7)`, k.ID, k.Subject, k.Act, k.Object, k.Version, k.PublicKey, k.CreatedAt)
}

// NextKeyRequest locks one unanswered request. ErrNone when there is none.
func (t *Tx) NextKeyRequest(ctx context.Context) (KeyRequest, error) {
	return one[KeyRequest](ctx, t, `select * from key_request where state = 'asked'
		order by created_at limit 1 for update skip locked`)
}

// KeyRequest reads one.
func (t *Tx) KeyRequest(ctx context.Context, id string) (KeyRequest, error) {
	return one[KeyRequest](ctx, t, "select * from key_request where id = $1", id)
}

// AnswerKeyRequest writes sealed keys or a refusal.
func (t *Tx) AnswerKeyRequest(ctx context.Context, id, state string, keys []byte, refusal json.RawMessage) error {
	return t.touch(ctx, "update key_request set state = $2, keys = $3, refusal = $4 where id = $1", id, state, keys, refusal)
}

// SweepKeyRequests deletes answered requests older than a moment.
func (t *Tx) SweepKeyRequests(ctx context.Context, before time.Time) error {
	return t.exec(ctx, "delete from key_request where created_at < $1", before)
}

package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/keyring"
)

// DataKey is a row of data_key: a key only the keeper can open.
type DataKey struct {
	ID        string
	Purpose   string
	Suite     string
	Wrapped   []byte // nil: erased
	CreatedAt time.Time
	WrapKey   *string    // id of the wrapping key; nil: from before it was kept
	ErasedAt  *time.Time // the secret was erased: what lies under the key never opens again
	ClearedAt *time.Time // the objects under an erased key were deleted
}

// Erased tells whether the key opens nothing any more.
func (k DataKey) Erased() bool { return k.ErasedAt != nil || k.Wrapped == nil }

// Sealed is the secret as its provider wrapped it.
func (k DataKey) Sealed() keyring.Wrapped {
	w := keyring.Wrapped{Suite: k.Suite, Bytes: k.Wrapped}
	if k.WrapKey != nil {
		w.Key = *k.WrapKey
	}
	return w
}

// InsertDataKey stores a wrapped key.
func (t *Tx) InsertDataKey(ctx context.Context, k DataKey) error {
	return t.exec(ctx, `insert into data_key (id, purpose, suite, wrapped, created_at, wrap_key) values ($1, $2, $3, $4, $5, $6)`,
		k.ID, k.Purpose, k.Suite, k.Wrapped, k.CreatedAt, k.WrapKey)
}

// DataKey reads a wrapped key.
func (t *Tx) DataKey(ctx context.Context, id string) (DataKey, error) {
	return one[DataKey](ctx, t, "select * from data_key where id = $1", id)
}

// Dataset is a row of dataset.
type Dataset struct {
	ID        string
	Slug      string
	Org       string
	Title     string
	Basis     string
	Class     string
	State     string
	Columns   []dataset.Column
	Units     []dataset.Unit
	RoundTo   int
	Terms     *dataset.Terms
	SecretKey string
	CreatedAt time.Time
	Confirmed *dataset.Confirmation
}

// Version is a row of dataset_version.
type Version struct {
	Dataset          string
	Number           int
	State            string
	DataKey          string
	Raw              json.RawMessage
	Manifest         json.RawMessage
	ManifestDigest   *string
	Rows             *int64
	Refusal          json.RawMessage
	Profile          json.RawMessage
	ProfileSigner    *string
	ProfileSignature json.RawMessage
	CreatedBy        string
	CreatedAt        time.Time
	Publication      *dataset.Publication
	Locations        json.RawMessage
}

// InsertDataset adds a dataset.
func (t *Tx) InsertDataset(ctx context.Context, d Dataset) error {
	return t.exec(ctx, `insert into dataset
		(id, slug, org, title, basis, class, state, columns, units, round_to, terms, secret_key, created_at, confirmed)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		d.ID, d.Slug, d.Org, d.Title, d.Basis, d.Class, d.State, d.Columns, d.Units, d.RoundTo, d.Terms, d.SecretKey, d.CreatedAt, d.Confirmed)
}

// Dataset reads a dataset by slug.
func (t *Tx) Dataset(ctx context.Context, slug string) (Dataset, error) {
	return one[Dataset](ctx, t, "select * from dataset where slug = $1", slug)
}

// DatasetByID reads a dataset.
func (t *Tx) DatasetByID(ctx context.Context, id string) (Dataset, error) {
	return one[Dataset](ctx, t, "select * from dataset where id = $1", id)
}

// ShareDataset reads a dataset so that nobody changes it before this transaction ends.
func (t *Tx) ShareDataset(ctx context.Context, id string) (Dataset, error) {
	return one[Dataset](ctx, t, "select * from dataset where id = $1 for share", id)
}

// LockDataset reads a dataset for update.
func (t *Tx) LockDataset(ctx context.Context, slug string) (Dataset, error) {
	return one[Dataset](ctx, t, "select * from dataset where slug = $1 for update", slug)
}

// newest is among how many of the newest datasets a search looks first: a few milliseconds' worth.
const newest = 2000

// Datasets lists the datasets that facets leave. A frequent text fills its page among the newest, another one is found by
// the index of pairs of characters.
func (t *Tx) Datasets(ctx context.Context, w Window, f dataset.Facets) ([]Dataset, error) {
	if f == (dataset.Facets{}) {
		return listed[Dataset](ctx, t, w, "select * from dataset")
	}
	if f.Provider != "" { // by its id the planner knows how many datasets it has
		home, err := t.OrgByNumber(ctx, f.Provider)
		if errors.Is(err, ErrNone) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		f.Provider = home.ID
	}
	if err := t.exec(ctx, "set local plan_cache_mode = force_custom_plan"); err != nil { // what is not asked for costs nothing
		return nil, err
	}
	const of = "select * from dataset where ($2::text = '' or org = nullif($2::text, '')::uuid) and ($3::int = 0 or highest_level(columns) = $3::int)"
	const holds = "position(lower($1) in lower(title || ' ' || slug)) > 0"
	if f.Match == "" {
		return listed[Dataset](ctx, t, w, of+" and $1::text = ''", f.Match, f.Provider, f.Level)
	}
	found, err := listed[Dataset](ctx, t, w, "select * from ("+of+` and ($4::text = '' or id < nullif($4::text, '')::uuid)
		order by id desc limit $5) newest where `+holds, f.Match, f.Provider, f.Level, w.Before, newest)
	if err != nil || len(found) == w.Limit {
		return found, err
	}
	return listed[Dataset](ctx, t, w, of+" and grams(title || ' ' || slug) @> grams($1) and "+holds, f.Match, f.Provider, f.Level)
}

// Providers lists the organizations that have datasets, by name.
func (t *Tx) Providers(ctx context.Context) ([]Org, error) {
	return many[Org](ctx, t, "select * from org o where exists (select from dataset d where d.org = o.id) order by o.name, o.number")
}

// SetDatasetState moves a dataset.
func (t *Tx) SetDatasetState(ctx context.Context, id, state string) error {
	return t.touch(ctx, "update dataset set state = $2 where id = $1", id, state)
}

// SetTerms replaces the provider's terms.
func (t *Tx) SetTerms(ctx context.Context, id string, terms dataset.Terms) error {
	return t.touch(ctx, "update dataset set terms = $2 where id = $1", id, terms)
}

// InsertVersion adds a version.
func (t *Tx) InsertVersion(ctx context.Context, v Version) error {
	return t.exec(ctx, `insert into dataset_version (dataset, number, state, data_key, raw, created_by, created_at, publication)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		v.Dataset, v.Number, v.State, v.DataKey, v.Raw, v.CreatedBy, v.CreatedAt, v.Publication)
}

// Version reads one version.
func (t *Tx) Version(ctx context.Context, dataset string, number int) (Version, error) {
	return one[Version](ctx, t, "select * from dataset_version where dataset = $1 and number = $2", dataset, number)
}

// ShareVersion reads a version so that nobody changes it before this transaction ends.
func (t *Tx) ShareVersion(ctx context.Context, dataset string, number int) (Version, error) {
	return one[Version](ctx, t, `select * from dataset_version
		where dataset = $1 and number = $2 for share`, dataset, number)
}

// Versions lists the versions of a dataset.
func (t *Tx) Versions(ctx context.Context, dataset string) ([]Version, error) {
	return many[Version](ctx, t, "select * from dataset_version where dataset = $1 order by number", dataset)
}

// SetVersionState moves a version.
func (t *Tx) SetVersionState(ctx context.Context, dataset string, number int, from, to string) error {
	return t.touch(ctx, `update dataset_version set state = $4
		where dataset = $1 and number = $2 and state = $3`, dataset, number, from, to)
}

// PutManifest makes an ingested version available.
func (t *Tx) PutManifest(ctx context.Context, v Version) error {
	return t.touch(ctx, `update dataset_version set state = $3, manifest = $4, manifest_digest = $5, rows = $6, locations = $7
		where dataset = $1 and number = $2`, v.Dataset, v.Number, v.State, v.Manifest, v.ManifestDigest, v.Rows, v.Locations)
}

// RefuseVersion records why nothing was published.
func (t *Tx) RefuseVersion(ctx context.Context, dataset string, number int, state string, refusal json.RawMessage) error {
	return t.touch(ctx, `update dataset_version set state = $3, refusal = $4
		where dataset = $1 and number = $2`, dataset, number, state, refusal)
}

// PutProfile stores where a computed profile lies.
func (t *Tx) PutProfile(ctx context.Context, dataset string, number int, profile json.RawMessage) error {
	return t.touch(ctx, `update dataset_version set profile = $3 where dataset = $1 and number = $2`,
		dataset, number, profile)
}

// SignProfile stores the steward's signature over a profile.
func (t *Tx) SignProfile(ctx context.Context, dataset string, number int, signer string, envelope json.RawMessage) error {
	return t.touch(ctx, `update dataset_version set profile_signer = $3, profile_signature = $4
		where dataset = $1 and number = $2 and profile is not null`, dataset, number, signer, envelope)
}

// Superfluous is a version its provider's own rule no longer keeps.
type Superfluous struct {
	Slug   string
	Number int
	Kept   int // newer versions the rule keeps
}

// superfluous are the available versions older than the newest the terms keep, which nothing needs any more: no
// job that has not ended reads them, no output on its way out rests on them, no work is under way on them, and no
// version is being made from them.
const superfluous = `
	from dataset d join dataset_version v on v.dataset = d.id
	where v.state = 'available' and d.terms #> '{retention,versions}' is not null
		and (select count(*) from dataset_version n where n.dataset = d.id and n.state = 'available' and n.number > v.number)
			>= (d.terms #>> '{retention,versions}')::int
		and not exists (select from job_input i join job j on j.id = i.job where i.dataset = d.id and i.version = v.number
			and (` + live + ` or exists (select from output o
				where o.job = j.id and o.state in ('auto_checked', 'in_review', 'approved', 'releasing'))))
		and not exists (select from work w where w.subject = d.id and w.version = v.number and w.state <> 'settled')
		and not exists (select from dataset_version b where b.dataset = d.id and b.state = 'ingesting'
			and (b.publication ->> 'base')::int = v.number)`

// SuperfluousVersion finds the oldest superfluous version of any dataset. ErrNone when there is none.
func (t *Tx) SuperfluousVersion(ctx context.Context) (Superfluous, error) {
	return one[Superfluous](ctx, t, `select d.slug, v.number, (d.terms #>> '{retention,versions}')::int as kept`+
		superfluous+` order by d.slug, v.number limit 1`)
}

// StillSuperfluous tells whether a version found before still is; its dataset is locked.
func (t *Tx) StillSuperfluous(ctx context.Context, slug string, number int) (bool, error) {
	return value[bool](ctx, t, `select exists (select`+superfluous+` and d.slug = $1 and v.number = $2)`, slug, number)
}

package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend"

	"github.com/sluicedata/sluice/catalog/object"
)

// minSecret is the least length of a credential's secret, in characters.
const minSecret = 32

// NewSecret draws the secret of a credential: 52 characters of base 32.
func NewSecret() string { return rand.Text() + rand.Text() }

// ReadSecrets reads one secret an account from files named after the accounts in dir.
func ReadSecrets(dir string) (map[object.Account]string, error) {
	secrets := map[object.Account]string{}
	for _, a := range object.Accounts() {
		raw, err := os.ReadFile(filepath.Join(dir, string(a)))
		if err != nil {
			return nil, fmt.Errorf("reading store credential: %w", err)
		}
		secrets[a] = strings.TrimSpace(string(raw))
	}
	return secrets, nil
}

// users is the gateway's list of accounts: those of object.Accounts, and root, whose secret nobody has. It
// cannot be changed while the server runs.
type users struct {
	auth.IAMService // answers "not supported" to all that would change accounts
	root            auth.Account
	all             map[string]auth.Account
}

func newUsers(secrets map[object.Account]string) (*users, error) {
	u := &users{
		root: auth.Account{Access: "root-" + rand.Text(), Secret: NewSecret(), Role: auth.RoleAdmin},
		all:  map[string]auth.Account{},
	}
	for _, a := range object.Accounts() {
		secret := secrets[a]
		if len(secret) < minSecret {
			return nil, fmt.Errorf("reading store credential of %s: shorter than %d characters", a, minSecret)
		}
		u.all[string(a)] = auth.Account{Access: string(a), Secret: secret, Role: auth.RoleUser}
	}
	u.IAMService = auth.NewIAMServiceSingle(u.root)
	return u, nil
}

// GetUserAccount returns the account of an access key.
func (u *users) GetUserAccount(access string) (auth.Account, error) {
	if a, ok := u.all[access]; ok {
		return a, nil
	}
	return auth.Account{}, auth.ErrNoSuchUser
}

// ResolveAccounts returns the access keys that belong to nobody.
func (u *users) ResolveAccounts(access []string) (unknown []string, err error) {
	for _, a := range access {
		if _, ok := u.all[a]; !ok {
			unknown = append(unknown, a)
		}
	}
	return unknown, nil
}

// statement is one statement of a bucket policy as S3 spells it.
type statement struct {
	Effect    string
	Principal map[string][]string
	Action    []string
	Resource  []string
}

// actions says what each right is called in S3.
func actions() map[object.Right]string {
	return map[object.Right]string{
		object.Read: "s3:GetObject", object.Write: "s3:PutObject",
		object.Delete: "s3:DeleteObject", object.List: "s3:ListBucket",
	}
}

// policies turns the access table into one bucket policy a bucket. Each bucket has one: without a policy the
// gateway would fall back to access lists.
func policies() (map[string][]byte, error) {
	statements := map[object.Bucket][]statement{}
	for _, g := range object.Access() {
		for _, r := range g.Rights {
			statements[g.Bucket] = append(statements[g.Bucket], allow(g.Bucket, g.Account, r))
		}
	}
	out := map[string][]byte{}
	for _, b := range object.Buckets() {
		raw, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements[b]})
		if err != nil {
			return nil, fmt.Errorf("encoding policy: %w", err)
		}
		out[string(b)] = raw
	}
	return out, nil
}

func allow(b object.Bucket, a object.Account, r object.Right) statement {
	resource := "arn:aws:s3:::" + string(b)
	if r != object.List {
		resource += "/*"
	}
	return statement{
		Effect: "Allow", Principal: map[string][]string{"AWS": {string(a)}},
		Action: []string{actions()[r]}, Resource: []string{resource},
	}
}

// makeBuckets makes the buckets that are missing. The owner is written again each time: a crash between the
// two halves of making a bucket would leave it unusable.
func makeBuckets(ctx context.Context, be backend.Backend) error {
	owner, err := json.Marshal(auth.ACL{Owner: "root"})
	if err != nil {
		return fmt.Errorf("encoding owner: %w", err)
	}
	for _, b := range object.Buckets() {
		if err := makeBucket(ctx, be, string(b), owner); err != nil {
			return fmt.Errorf("making bucket %s: %w", b, err)
		}
	}
	return nil
}

func makeBucket(ctx context.Context, be backend.Backend, bucket string, owner []byte) error {
	if _, err := os.Stat(bucket); errors.Is(err, os.ErrNotExist) { // the gateway works from its directory
		in := &s3.CreateBucketInput{
			Bucket: &bucket, ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced,
			CreateBucketConfiguration: &types.CreateBucketConfiguration{},
		}
		if err := be.CreateBucket(ctx, in, owner); err != nil {
			return err
		}
	}
	return be.PutBucketAcl(ctx, bucket, owner)
}

package instance

import (
	"os/user"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/cmd/sluice/supervise"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// The system users and the group that `make setup` makes.
const (
	userPostgres = "sluice-postgres"
	userStore    = "sluice-store"
	userServe    = "sluice-serve"
	userWorker   = "sluice-worker"
	userKeeper   = "sluice-keeper"
	groupParts   = "sluice-parts" // may reach the sockets of the database and of the object store
)

// Users are the parts' system users. Nil Users mean one user for everything, and no separation.
type Users map[string]supervise.Credential

// LookUp finds every user. Missing ones are named together.
func LookUp() (Users, error) {
	found, missing := Users{}, []string{}
	for _, name := range []string{userPostgres, userStore, userServe, userWorker, userKeeper} {
		credential, err := lookUp(name)
		if err != nil {
			missing = append(missing, name)
		}
		found[name] = credential
	}
	parts, err := groupID(groupParts)
	if err != nil {
		missing = append(missing, groupParts)
	}
	if len(missing) > 0 {
		return nil, texts.Wrong("up.users_missing", "users", strings.Join(missing, ", "))
	}
	for _, name := range []string{userServe, userWorker, userKeeper} {
		credential := found[name]
		credential.Groups = []uint32{parts}
		found[name] = credential
	}
	found[groupParts] = supervise.Credential{GID: parts}
	return found, nil
}

// As returns the credential of a part's user, nil for the caller's own.
func (u Users) As(part string) *supervise.Credential {
	credential, ok := u["sluice-"+part]
	if !ok {
		return nil
	}
	return &credential
}

// Postgres returns the credential of the database server.
func (u Users) Postgres() *supervise.Credential { return u.As("postgres") }

// uid returns the id of a user; root's for "".
func (u Users) uid(name string) int { return int(u[name].UID) }

// gid returns the id of a user's group, or of a group; root's for "".
func (u Users) gid(name string) int { return int(u[name].GID) }

func lookUp(name string) (supervise.Credential, error) {
	account, err := user.Lookup(name)
	if err != nil {
		return supervise.Credential{}, err
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return supervise.Credential{}, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	return supervise.Credential{UID: uint32(uid), GID: uint32(gid)}, err
}

func groupID(name string) (uint32, error) {
	group, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	gid, err := strconv.ParseUint(group.Gid, 10, 32)
	return uint32(gid), err
}

// Lost lists what is not kept apart when one user runs everything, by the phrases of the message files that
// begin with "lost.".
func Lost() []string {
	return []string{"engine", "keys", "files", "stores", "own_engine"}
}

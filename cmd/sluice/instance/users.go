package instance

import (
	"fmt"
	"os/user"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/cmd/sluice/supervise"
)

// The system users and the group that `make setup` makes.
const (
	userPostgres  = "sluice-postgres"
	userStore     = "sluice-store"
	userServe     = "sluice-serve"
	userWorker    = "sluice-worker"
	userKeeper    = "sluice-keeper"
	groupDatabase = "sluice-database" // may reach the database's socket
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
	database, err := groupID(groupDatabase)
	if err != nil {
		missing = append(missing, groupDatabase)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("these system users are missing: %s; run `make setup`", strings.Join(missing, ", "))
	}
	for _, name := range []string{userServe, userWorker, userKeeper} {
		credential := found[name]
		credential.Groups = []uint32{database}
		found[name] = credential
	}
	found[groupDatabase] = supervise.Credential{GID: database}
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

// Lost lists what is not kept apart when one user runs everything.
func Lost() []string {
	return []string{
		"the gateway could open the engine's socket, and with it act as this user",
		"the gateway and the worker could read the keeper's keys: checkpoints, certificates, data",
		"every part could read every other part's files, database secret and store credential",
		"the database server and the object store would not be protected from the programs that use them",
		"no engine of its own: --engine must name one that this user may use",
	}
}

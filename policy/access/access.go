// Package access says who may: which capacity and role may do which act, to one's own or to another's
// object. Permissions are of classes, never of single resources; what may be done with one object is the
// business of policy/rule. It is the only importer of casbin.
//
// The matrix is a short table people read (matrix.csv); a model (model.conf) says how a line matches. What
// no line allows is refused.
package access

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/sluicedata/sluice/policy"
)

// Names of the files in a bundle.
const (
	ModelFile  = "model.conf"
	MatrixFile = "matrix.csv"
)

// What stands for an act of Sluice's own parts. A person never has this capacity, whatever the record says.
const processCapacity = "process"

// Relations of a subject to an object.
const (
	own   = "own"
	other = "other"
	none  = "none" // the object is nobody's: only lines that say any match
)

//go:embed model.conf matrix.csv
var embedded embed.FS

// Embedded returns the files this build carries.
func Embedded() fs.FS { return embedded }

// Matrix is a loaded table. It never changes and is safe for concurrent use.
//
// Each act has an enforcer of its own with the lines that name it: the engine tries line after line, and
// nearly all of them are about other acts.
type Matrix struct {
	enforcers  map[string]*casbin.SyncedCachedEnforcer // by action
	capacities map[string]bool
	roles      map[string]bool
}

// Load reads model and matrix. Any line that cannot be read fails the whole.
func Load(modelText, matrixText []byte) (*Matrix, error) {
	lines, err := parse(matrixText)
	if err != nil {
		return nil, fmt.Errorf("reading access matrix: %w", err)
	}
	m := &Matrix{
		enforcers: map[string]*casbin.SyncedCachedEnforcer{}, capacities: map[string]bool{}, roles: map[string]bool{},
	}
	for action, rules := range expand(lines) {
		if m.enforcers[action], err = enforcerOf(modelText, rules); err != nil {
			return nil, err
		}
	}
	for _, l := range lines {
		m.capacities[l.capacity] = true
		for _, r := range l.roles {
			m.roles[r] = true
		}
	}
	return m, nil
}

func enforcerOf(modelText []byte, rules [][]string) (*casbin.SyncedCachedEnforcer, error) {
	m, err := model.NewModelFromString(string(modelText))
	if err != nil {
		return nil, fmt.Errorf("reading access model: %w", err)
	}
	enforcer, err := casbin.NewSyncedCachedEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("preparing access model: %w", err)
	}
	if _, err := enforcer.AddPolicies(rules); err != nil {
		return nil, fmt.Errorf("filling access matrix: %w", err)
	}
	return enforcer, nil
}

// Allow tells whether any pair of the subject's capacities and roles may do the act. An error is a refusal.
func (m *Matrix) Allow(s policy.Subject, a policy.Action, o policy.Object) (bool, error) {
	enforcer, known := m.enforcers[string(a)]
	if !known {
		return false, nil
	}
	relation := relationOf(s, o)
	capacities, roles := m.pairs(s)
	for _, c := range capacities {
		for _, r := range roles {
			ok, err := enforcer.Enforce(c, r, string(a), relation)
			if err != nil {
				return false, fmt.Errorf("matching access: %w", err)
			}
			if ok {
				return true, nil
			}
		}
	}
	return false, nil
}

// Knows tells whether any line names the act.
func (m *Matrix) Knows(a policy.Action) bool {
	_, known := m.enforcers[string(a)]
	return known
}

// Actions returns every act a line names, sorted.
func (m *Matrix) Actions() []string { return slices.Sorted(maps.Keys(m.enforcers)) }

// Capacities returns every capacity a line names, sorted.
func (m *Matrix) Capacities() []string { return sorted(m.capacities) }

// Roles returns every role a line names, sorted.
func (m *Matrix) Roles() []string { return sorted(m.roles) }

// Own tells whether the object is the subject's organization's.
func Own(s policy.Subject, o policy.Object) bool { return relationOf(s, o) == own }

func relationOf(s policy.Subject, o policy.Object) string {
	switch o.Org {
	case "":
		return none
	case s.Org:
		return own
	}
	return other
}

// pairs returns what the matrix is asked about. Names it does not have are left out before asking: they
// match nothing, and the enforcer's cache stays as small as the matrix. A subject that is both a process
// and a person, or neither, gets no pair.
func (m *Matrix) pairs(s policy.Subject) (capacities, roles []string) {
	if s.Process != "" {
		if s.Member != "" || s.Org != "" || !m.roles[s.Process] {
			return nil, nil
		}
		return []string{processCapacity}, []string{s.Process}
	}
	if s.Member == "" || s.Org == "" {
		return nil, nil
	}
	return m.known(s.Capacities, m.capacities), m.known(s.Roles, m.roles)
}

// known returns the names the matrix has, and "" for a plain member when there are none of them: only a
// wildcard line matches it.
func (m *Matrix) known(names []string, have map[string]bool) []string {
	out := make([]string, 0, len(names)+1)
	for _, n := range names {
		if have[n] && n != anything && n != processCapacity && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return append(out, "")
	}
	return out
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for name := range set {
		if name != anything {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

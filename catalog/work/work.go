// Package work is what passes between the record and a worker: the letter a worker claims, the keys the
// keeper seals to it, and the result it seals. A letter holds references and instructions, never keys or
// values; keys travel apart, sealed to the worker's ephemeral key and bound to work and fence.
package work

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/object"
	"github.com/sluicedata/sluice/catalog/task"
)

// Kind is a kind of work.
type Kind string

// The closed list of kinds.
const (
	Inspect Kind = "inspect"
	Ingest  Kind = "ingest"
	Profile Kind = "profile"
	Twin    Kind = "twin"
	Preview Kind = "preview"
	Check   Kind = "check"
	Debug   Kind = "debug"
	Run     Kind = "run"
)

// Letter is what a worker is told. Exactly the member of its kind is set.
type Letter struct {
	Kind    Kind           `json:"kind"`
	Inspect *InspectLetter `json:"inspect,omitempty"`
	Ingest  *IngestLetter  `json:"ingest,omitempty"`
	Profile *ProfileLetter `json:"profile,omitempty"`
	Twin    *TwinLetter    `json:"twin,omitempty"`
	Preview *PreviewLetter `json:"preview,omitempty"`
	Check   *CheckLetter   `json:"check,omitempty"`
	Debug   *DebugLetter   `json:"debug,omitempty"`
	Run     *RunLetter     `json:"run,omitempty"`
	// Runtimes are what the rules let it run under, for the level of its data; none: gVisor alone.
	Runtimes []task.Runtime `json:"runtimes,omitempty"`
}

// Wall is how long all of the letter's containers may take together; 0 leaves each its own bound.
func (l Letter) Wall() time.Duration {
	seconds := 0
	switch {
	case l.Debug != nil:
		seconds = l.Debug.Code.WallSeconds
	case l.Run != nil:
		seconds = l.Run.Code.WallSeconds
	}
	return time.Duration(seconds) * time.Second
}

// Allowed are the runtimes the letter may run under.
func (l Letter) Allowed() []task.Runtime {
	if len(l.Runtimes) == 0 {
		return []task.Runtime{task.GVisor}
	}
	return l.Runtimes
}

// Under is the first of some runtimes that the letter may run under; "" when there is none.
func (l Letter) Under(some []task.Runtime) task.Runtime {
	for _, r := range some {
		if slices.Contains(l.Allowed(), r) {
			return r
		}
	}
	return ""
}

// Bytes returns the plain bytes of the objects a worker fetches for a letter: they lie on its scratch disk.
func (l Letter) Bytes() int64 {
	var refs []object.Ref
	var inputs []Input
	switch {
	case l.Inspect != nil:
		refs = l.Inspect.Raw
	case l.Ingest != nil:
		refs = l.Ingest.Raw
	case l.Profile != nil:
		refs = l.Profile.Parts
	case l.Preview != nil:
		inputs = []Input{l.Preview.Input}
	case l.Debug != nil:
		inputs = l.Debug.Inputs
	case l.Run != nil:
		inputs = l.Run.Inputs
	}
	for _, in := range inputs {
		refs = append(refs[:len(refs):len(refs)], in.Parts...)
		if in.Profile != nil {
			refs = append(refs, *in.Profile)
		}
	}
	sum := int64(0)
	for _, r := range refs {
		sum += r.Size
	}
	return sum
}

// InspectLetter asks what an uploaded file looks like. The file is as an IngestLetter has it.
type InspectLetter struct {
	Raw    []object.Ref `json:"raw"`
	Digest string       `json:"digest"`
	task.InspectLetter
}

// IngestLetter asks to parse an uploaded file into parts under the version's data key. The file is its chunks in
// order, each under a key of its own; a whole that is not Digest publishes nothing (file.digest).
type IngestLetter struct {
	Raw    []object.Ref `json:"raw"`
	Digest string       `json:"digest"` // of the whole file, as name.Digest spells it
	task.IngestLetter
}

// ProfileLetter asks for a version's profile.
type ProfileLetter struct {
	Parts []object.Ref `json:"parts"`
	task.ProfileLetter
}

// TwinLetter asks to parse an uploaded file as an ingest would, into a part under the twin's own key, and to
// compare it with the parts of the version it stands for.
type TwinLetter struct {
	IngestLetter
	Parts   []object.Ref    `json:"parts"`
	Compare task.TwinLetter `json:"compare"`
}

// PreviewLetter asks for the first rows an input would show.
type PreviewLetter struct {
	Input Input `json:"input"`
	Rows  int   `json:"rows"`
}

// CheckLetter asks for a verdict on code.
type CheckLetter struct {
	task.CheckLetter
	Python *PythonCode `json:"python,omitempty"`
}

// Input is one input of a job as a worker needs it.
type Input struct {
	task.Scope
	Dataset string       `json:"dataset"` // id: names the unit key to use
	Parts   []object.Ref `json:"parts,omitempty"`
	Profile *object.Ref  `json:"profile,omitempty"` // debug only
	Twin    *object.Ref  `json:"twin,omitempty"`    // debug only, in place of a profile
}

// Code is what a run executes: the relations check has verified, over tables of this shape.
type Code struct {
	Relations []task.RelationPlan `json:"relations"`
	Tables    []task.TableSpec    `json:"tables"`
	Output    []job.Table         `json:"output"`
	RoundTo   int                 `json:"round_to"`
	MemoryMB  int                 `json:"memory_mb"`
	Threads   int                 `json:"threads"`
	Splits    int                 `json:"splits"`
	Near      int                 `json:"near"`
	// WallSeconds bounds the whole job, from its first container to its last; 0, of letters from before it was told, leaves
	// each container its own bound.
	WallSeconds int         `json:"wall_seconds,omitempty"`
	DigestBy    string      `json:"digest_by"` // dataset id whose digest key keys contributions
	Python      *PythonCode `json:"python,omitempty"`
}

// PythonCode is the author's folder, and the approved image it runs in.
type PythonCode struct {
	Image     string            `json:"image"`
	Files     []task.SourceFile `json:"files"`
	Relations []task.Labelled   `json:"relations"`
}

// DebugLetter asks to run code on synthetic tables.
type DebugLetter struct {
	Inputs []Input `json:"inputs"`
	Rows   int64   `json:"rows"`
	Source string  `json:"source"`
	Code   Code    `json:"code"`
}

// RunLetter asks to run code on real data and to screen what comes out.
type RunLetter struct {
	Job    string  `json:"job"`
	Inputs []Input `json:"inputs"`
	Code   Code    `json:"code"`
}

// Earlier is the membership file of an earlier output of the same dataset.
type Earlier struct {
	Title string     `json:"title"`
	Ref   object.Ref `json:"ref"`
}

// Keys is what the keeper seals to a worker. Raw bytes: 32 each.
type Keys struct {
	Data   map[string][]byte `json:"data"`   // data keys by id: to read
	Write  *WriteKey         `json:"write"`  // the key new objects are written under
	Units  map[string][]byte `json:"units"`  // unit keys by dataset id
	Digest map[string][]byte `json:"digest"` // digest keys by dataset id
	Token  []byte            `json:"token"`  // token key of this run
	Seed   []byte            `json:"seed"`   // secret splits, synthetic rows
	// Earlier lists the memberships a run's outputs must be told apart from, as of its admission.
	Earlier []Earlier `json:"earlier,omitempty"`
}

// WriteKey is a data key with its id.
type WriteKey struct {
	ID     string `json:"id"`
	Secret []byte `json:"secret"`
}

// Result is what a worker seals.
type Result struct {
	Failure   *task.Failure       `json:"failure,omitempty"`
	Inspect   *task.InspectReport `json:"inspect,omitempty"`
	Ingest    *task.IngestReport  `json:"ingest,omitempty"`
	Twin      *task.TwinReport    `json:"twin,omitempty"`
	Objects   []Object            `json:"objects,omitempty"` // parts, inspection, profile or preview, in report order
	Check     *task.CheckReport   `json:"check,omitempty"`
	Staged    []task.StagedTable  `json:"staged,omitempty"`
	Relations []task.RelationRows `json:"relations,omitempty"`
	// Seconds is how long all containers of a job took together, PeakMB the most memory in MiB that the one of its
	// statements held; 0 of what was not measured.
	Seconds  int64             `json:"seconds,omitempty"`
	PeakMB   int64             `json:"peak_mb,omitempty"`
	Outputs  []Output          `json:"outputs,omitempty"`
	Tables   map[string]string `json:"tables,omitempty"`   // debug only: output name → CSV, all of it invented
	Evidence *object.Ref       `json:"evidence,omitempty"` // a task.ScreenEvidence
}

// Object is one stored file.
type Object struct {
	Name string     `json:"name"`
	Ref  object.Ref `json:"ref"`
	Rows int64      `json:"rows"`
}

// Output is one declared table as it would leave.
type Output struct {
	Name       string     `json:"name"`
	Rows       int64      `json:"rows"`
	Object     object.Ref `json:"object"`
	Membership object.Ref `json:"membership"`
}

// SealInfo binds sealed keys to one claim of one piece of work.
func SealInfo(id string, fence int64) string { return fmt.Sprintf("sluice/work/%s/%d", id, fence) }

package ruleset

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluicedata/sluice/catalog/fault"
)

// value is one figure of a set, with the range it may have and the way it loosens.
type value struct {
	name        string
	value       float64
	least, most float64
	looser      direction
}

type direction int

const (
	up   direction = +1 // more is looser
	down direction = -1 // less is looser
)

// values lists every figure but the limits. A new figure of a set must get its row here: the test of this
// table counts the fields.
func (r RuleSet) values() []value {
	return slices.Concat(r.lawValues(), r.dataValues(), r.jobValues(), r.shareValues())
}

// Bounds returns the range a figure may have, as Load checks it; false when a set has no figure of that name.
func Bounds(figure string) (least, most float64, ok bool) {
	for _, v := range (RuleSet{}).values() {
		if v.name == figure {
			return v.least, v.most, true
		}
	}
	return 0, 0, false
}

func (r RuleSet) lawValues() []value {
	c, g, v := r.Caps, r.Gates, r.Review
	return []value{
		whole("caps.agreement_years", c.AgreementYears, 1, up),
		whole("caps.registration_years", c.RegistrationYears, 1, up),
		whole("caps.renewal_window_days", c.RenewalWindowDays, 1, up),
		{"caps.control_share_percent", float64(c.ControlSharePercent), 1, 100, up},
		flag("gates.filing", g.Filing, down),
		flag("gates.registration", g.Registration, down),
		flag("gates.debug", g.Debug, down),
		whole("review.vote_validity_hours", v.VoteValidityHours, 1, up),
		whole("review.days", v.Days, 0, up),
		flag("review.preview_operator", v.PreviewOperator, up),
		flag("review.job_auto_approval", v.JobAutoApproval, up),
		{"review.auto_approval_level", float64(v.AutoApprovalLevel), 0, 4, up},
		whole("sessions.token_minutes", r.Sessions.TokenMinutes, 1, up),
		whole("keys.days", r.Keys.Days, 1, up),
		whole("keys.warning_days", r.Keys.WarningDays, 1, down),
		whole("sessions.strong_minutes", r.Sessions.StrongMinutes, 1, up),
		whole("sessions.enrolment_hours", r.Sessions.EnrolmentHours, 1, up),
		{"sessions.assertion_minutes", float64(r.Sessions.AssertionMinutes), 2, 5, up}, // our own clients sign for two
	}
}

func (r RuleSet) dataValues() []value {
	d, s := r.Disclosure, r.Data
	return []value{
		whole("disclosure.min_units", d.MinUnits, 2, down),
		{"disclosure.dominance_share", d.DominanceShare, 0.01, 1, up},
		{"disclosure.p_percent", d.PPercent, 0.001, 1, down},
		whole("disclosure.min_varying", d.MinVarying, 1, down),
		whole("disclosure.min_difference", d.MinDifference, 2, down),
		whole("disclosure.round_to", d.RoundTo, 1, down),
		whole("data.round_to", s.RoundTo, 1, down),
		whole("data.profile_min_units", s.ProfileMinUnits, 2, down),
		whole("data.columns", s.Columns, 1, up),
		whole("data.upload_mb", s.UploadMB, 1, up),
		whole("data.chunk_mb", s.ChunkMB, 1, up),
		whole("data.upload_hours", s.UploadHours, 1, up),
		whole("data.cell_errors", s.CellErrors, 1, up),
		whole("data.preview_rows", s.PreviewRows, 1, up),
		whole("data.keep_least", s.KeepLeast, 1, down),
		whole("data.keep_most", s.KeepMost, 1, up),
		{"data.twin_equal_share", s.TwinEqualShare, 0, 0.5, up},
	}
}

func (r RuleSet) jobValues() []value {
	j := r.Jobs
	return []value{
		whole("jobs.code_bytes", j.CodeBytes, 1, up),
		whole("jobs.inputs", j.Inputs, 1, up),
		whole("jobs.outputs", j.Outputs, 1, up),
		whole("jobs.dimensions", j.Dimensions, 1, up),
		whole("jobs.measures", j.Measures, 1, up),
		whole("jobs.cells", j.Cells, 1, up),
		whole("jobs.splits", j.Splits, 1, down),
		whole("jobs.memory_mb", j.MemoryMB, 64, up),
		whole("jobs.threads", j.Threads, 1, up),
		whole("jobs.wall_seconds", j.WallSeconds, 1, up),
		whole("jobs.synthetic_rows", j.SyntheticRows, 1, up),
		whole("jobs.lease_seconds", j.LeaseSeconds, 1, up),
		whole("jobs.difference_near", j.DifferenceNear, 1, down),
		{"jobs.runc_level", float64(j.RuncLevel), 0, 4, up},
	}
}

func (r RuleSet) shareValues() []value {
	b, q := r.Budgets, r.Queue
	return []value{
		whole("budgets.org_month.runs", b.OrgMonth.Runs, 1, up),
		{"budgets.org_month.rows", float64(b.OrgMonth.Rows), 1, maxRows, up},
		whole("budgets.org_month.failed", b.OrgMonth.Failed, 1, up),
		whole("budgets.dataset_month.runs", b.DatasetMonth.Runs, 1, up),
		{"budgets.dataset_month.rows", float64(b.DatasetMonth.Rows), 1, maxRows, up},
		whole("budgets.dataset_month.failed", b.DatasetMonth.Failed, 1, up),
		whole("budgets.grant_failed", b.GrantFailed, 1, up),
		whole("queue.org_running", q.OrgRunning, 1, up),
		whole("queue.org_scratch_mb", q.OrgScratchMB, 1, up),
		whole("queue.piece_scratch_mb", q.PieceScratchMB, 1, down), // a piece counted for less lets more run
	}
}

// maxRows is the largest budget of rows: JSON readers hold it exactly.
const maxRows = 1 << 50

func whole(name string, v, least int, looser direction) value {
	return value{name, float64(v), float64(least), math.MaxInt32, looser}
}

func flag(name string, on bool, looser direction) value {
	v := value{name: name, most: 1, looser: looser}
	if on {
		v.value = 1
	}
	return v
}

// Tightens returns nil when r is at most as loose as base in every figure and limit, else an Invalid fault
// naming each figure that loosens. A registrar's own rules must pass it against the city's (R24).
func (r RuleSet) Tightens(base RuleSet) error {
	if rank(r.Level) < rank(base.Level) {
		return fmt.Errorf("comparing rule sets: %w", errNotLevels)
	}
	var p fault.Places
	below := base.values()
	for i, v := range r.values() {
		p.Require((v.value-below[i].value)*float64(v.looser) <= 0, v.name, "value.loosens")
	}
	for i := range limitCount {
		id := fmt.Sprintf("D%d", i+1)
		a, b := r.Limits[id], base.Limits[id]
		p.Require(a.Unit == b.Unit && a.Length <= b.Length, "limits."+id, "value.loosens")
	}
	return p.Err("ruleset.loosens")
}

func rank(l Level) int { return slices.Index([]Level{National, City, Registrar}, l) }

package job

import "github.com/sluicedata/sluice/catalog/flow"

// States of a job.
const (
	Submitted         flow.State = "submitted"
	Checked           flow.State = "checked"
	Refused           flow.State = "refused"
	Approved          flow.State = "approved"
	Queued            flow.State = "queued"
	Running           flow.State = "running"
	Succeeded         flow.State = "succeeded"
	Failed            flow.State = "failed"
	TimedOut          flow.State = "timed_out" // a limit was reached: time, memory, output bytes or files
	Killed            flow.State = "killed"    // by people, or because a right ended
	OutputQuarantined flow.State = "output_quarantined"
	Closed            flow.State = "closed"
)

const (
	developer = "operator: developer"
	worker    = "worker"
	system    = "system"
	stopper   = "operator: developer or security_officer, implementing_agency, or system"
	rightEnds = "also when grant, agreement, registration, dataset or version ends"
)

// Flow is the life of a production job.
func Flow() flow.Table {
	return flow.Table{
		Noun: "job", Title: "Job (production run)", Source: "O19, O33; domain 2.3.11.",
		States: []flow.State{Submitted, Checked, Refused, Approved, Queued, Running, Succeeded, Failed,
			TimedOut, Killed, OutputQuarantined, Closed},
		Ends:  []flow.State{Refused, Failed, TimedOut, Killed, Closed},
		Moves: append(beforeRun(), runMoves()...),
	}
}

func beforeRun() []flow.Move {
	const seats = "operator: security_officer, then implementing_agency: approver"
	return []flow.Move{
		{From: flow.None, Act: "submit", To: Submitted, Who: developer, Rule: "code, inputs and outputs are frozen by digest"},
		{From: Submitted, Act: "check", To: Checked, Who: worker, Rule: "every relation is verified over empty granted tables"},
		{From: Submitted, Act: "refuse", To: Refused, Who: worker, Rule: "each finding names its place and remedy"},
		{From: Submitted, Act: "cancel", To: Killed, Who: stopper, Rule: rightEnds},
		{From: Checked, Act: "approve", To: Approved, Who: seats, Rule: "the second approval moves it; never the author"},
		{From: Checked, Act: "refuse", To: Refused, Who: seats},
		{From: Checked, Act: "cancel", To: Killed, Who: stopper, Rule: rightEnds},
		{From: Approved, Act: "queue", To: Queued, Who: system, Rule: "in the transaction of the last approval"},
		{From: Queued, Act: "claim", To: Running, Who: worker, Rule: "policy is asked again; budgets are charged; a lease with a fence"},
		{From: Queued, Act: "refuse", To: Refused, Who: system, Rule: "policy denies at the claim"},
		{From: Queued, Act: "cancel", To: Killed, Who: stopper, Rule: rightEnds},
	}
}

func runMoves() []flow.Move {
	return []flow.Move{
		{From: Running, Act: "lapse", To: Queued, Who: system, Rule: "the lease ended: interrupted by the platform, never the job's own result"},
		{From: Running, Act: "succeed", To: Succeeded, Who: worker},
		{From: Running, Act: "fail", To: Failed, Who: worker, Rule: "error class and line only"},
		{From: Running, Act: "time_out", To: TimedOut, Who: worker},
		{From: Running, Act: "cancel", To: Killed, Who: stopper, Rule: rightEnds},
		{From: Succeeded, Act: "seal", To: OutputQuarantined, Who: worker, Rule: "always; in the transaction that stores outputs and findings"},
		{From: Succeeded, Act: "fail", To: Failed, Who: worker, Rule: "screening did not come to an end"},
		{From: Succeeded, Act: "cancel", To: Killed, Who: stopper, Rule: rightEnds},
		{From: OutputQuarantined, Act: "close", To: Closed, Who: system, Rule: "every output is released, rejected or destroyed"},
	}
}

// DebugFlow is the life of a debug run: synthetic tables, no approvals, nothing leaves.
func DebugFlow() flow.Table {
	return flow.Table{
		Noun: "debug", Title: "Job (debug run)", Source: "Domain 2.3.11.",
		States: []flow.State{Queued, Running, Succeeded, Refused, Failed, TimedOut, Killed},
		Ends:   []flow.State{Succeeded, Refused, Failed, TimedOut, Killed},
		Moves: []flow.Move{
			{From: flow.None, Act: "debug", To: Queued, Who: developer, Rule: "within purpose, columns and rows of the grant"},
			{From: Queued, Act: "claim", To: Running, Who: worker},
			{From: Queued, Act: "cancel", To: Killed, Who: stopper},
			{From: Running, Act: "lapse", To: Queued, Who: system, Rule: "the lease ended"},
			{From: Running, Act: "succeed", To: Succeeded, Who: worker},
			{From: Running, Act: "refuse", To: Refused, Who: worker, Rule: "the check found something"},
			{From: Running, Act: "fail", To: Failed, Who: worker, Rule: "with the engine's own message: the data is invented"},
			{From: Running, Act: "time_out", To: TimedOut, Who: worker},
			{From: Running, Act: "cancel", To: Killed, Who: stopper},
		},
	}
}

// CheckFlow is the life of a check: it ends with its answer, and nothing follows from it.
func CheckFlow() flow.Table {
	return flow.Table{
		Noun: "check", Title: "Job (check)", Source: "O19; domain 2.3.11.",
		States: []flow.State{Submitted, Checked, Refused, Killed},
		Ends:   []flow.State{Checked, Refused, Killed},
		Moves: []flow.Move{
			{From: flow.None, Act: "ask", To: Submitted, Who: developer, Rule: "refused by scope or not: the code is checked over the inputs that are known"},
			{From: Submitted, Act: "check", To: Checked, Who: worker, Rule: "nothing would refuse it"},
			{From: Submitted, Act: "refuse", To: Refused, Who: worker, Rule: "a submit would be refused; also at once when no input is known"},
			{From: Submitted, Act: "cancel", To: Killed, Who: stopper, Rule: rightEnds},
		},
	}
}

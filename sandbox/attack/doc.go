// Package attack holds the attacks on the sandbox, as tests behind the build tag attack: `make test-attack` plays
// them. Each case of the threat model is a family of vectors. A hostile program runs in the runner's place, in the
// very template of every job, on a real engine under every runtime that passes the self-test; what came of each vector
// is printed as a table of case, vector and runtime, and any difference from what must happen fails.
//
// A vector is one line in a table here and one in testdata/hostile. Where the defence is not the container (content,
// policy, revocation) the real runner, worker and record stand in the table's own sections.
package attack

package task

// Canary names one bound of the container template that a self-test tries to break.
type Canary string

// The closed list of canaries. The last four are judged from outside: what they are about ends the program, or is
// not to be seen from within.
const (
	Network    Canary = "network"    // a way to anybody
	Vsock      Canary = "vsock"      // a socket of another family than unix and internet
	Root       Canary = "root"       // writing anywhere but the output and scratch
	Calls      Canary = "calls"      // system calls that have served escapes
	Special    Canary = "special"    // making devices and FIFOs
	Privileges Canary = "privileges" // capabilities, another user, no filter
	Devices    Canary = "devices"    // device files beside the harmless ones
	Host       Canary = "host"       // facts of the machine: processes, environment; paths and memory unless the kernel is shared
	Bytes      Canary = "bytes"      // more output bytes than allowed
	Files      Canary = "files"      // more output files than allowed
	Sparse     Canary = "sparse"     // a file that is larger than it occupies
	Scratched  Canary = "scratch"    // more scratch bytes than allowed
	Processes  Canary = "processes"  // more processes than allowed
	Memory     Canary = "memory"     // more memory than allowed, swap included
	CPU        Canary = "cpu"        // more processor time than allowed, by the control group's count
	Kill       Canary = "kill"       // outliving its end by ignoring every signal and ending its first thread
	Leftovers  Canary = "leftovers"  // a container, mount or folder that outlives its run
)

// Canaries lists every canary.
func Canaries() []Canary {
	return []Canary{
		Network, Vsock, Root, Calls, Special, Privileges, Devices, Host, Bytes, Files, Sparse, Scratched,
		Processes, Memory, CPU, Kill, Leftovers,
	}
}

// StartedFile has one byte for every process that the canary of processes started.
const StartedFile = "processes"

// CanaryLetter says which bounds to try, and what they should be.
type CanaryLetter struct {
	Tries     []Canary `json:"tries"`
	Bytes     int64    `json:"bytes"`     // of output
	Files     int64    `json:"files"`     // of output
	Scratch   int64    `json:"scratch"`   // bytes
	Memory    int64    `json:"memory"`    // bytes
	Processes int      `json:"processes"` // at once
	// Shared says that the kernel is the machine's own, which tells every container where mounts lie and how much
	// memory there is: nothing the template says keeps that back.
	Shared bool `json:"shared,omitempty"`
}

// Tried is what came of one canary. Why is of the program's own words and empty when the bound held; it may name
// what was seen of the machine and stays on it.
type Tried struct {
	Canary Canary `json:"canary"`
	Held   bool   `json:"held"`
	Why    string `json:"why,omitempty"`
	// Unknown says that nothing was found out: the engine failed, and perhaps no bound.
	Unknown bool `json:"unknown,omitempty"`
}

// CanaryReport tells what came of each try, in the letter's order.
type CanaryReport struct {
	Tried []Tried `json:"tried"`
}

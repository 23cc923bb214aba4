package name

import "slices"

// Operation is what may be done with data. Terms, grants and jobs speak of the same list.
type Operation string

// The closed list of operations.
const (
	OpSQL       Operation = "sql"
	OpPython    Operation = "python"
	OpAggregate Operation = "aggregate"
	OpTrain     Operation = "train"
	OpVerify    Operation = "verify"
	OpServe     Operation = "serve"
)

// Operations lists every operation.
func Operations() []Operation {
	return []Operation{OpSQL, OpPython, OpAggregate, OpTrain, OpVerify, OpServe}
}

// Known reports whether o is on the list.
func (o Operation) Known() bool { return slices.Contains(Operations(), o) }

// OutputKind is a form in which a result may leave.
type OutputKind string

// The closed list of output kinds.
const (
	OutTable OutputKind = "table" // declared by the job, computed by the platform
	OutFile  OutputKind = "file"  // written by the job: claims nothing
)

// OutputKinds lists every output kind.
func OutputKinds() []OutputKind { return []OutputKind{OutTable, OutFile} }

// Known reports whether k is on the list.
func (k OutputKind) Known() bool { return slices.Contains(OutputKinds(), k) }

package task

// Runtime names a program that makes the walls of a container. The zero value is GVisor: who does not choose gets the
// stronger wall.
type Runtime string

// The closed list of runtimes.
const (
	GVisor Runtime = "runsc" // a kernel of its own between the program and the machine's
	Runc   Runtime = "runc"  // the machine's kernel behind namespaces and a filter
)

// Runtimes lists them, the stronger wall first: of several that may be used, the first that is proved is.
func Runtimes() []Runtime { return []Runtime{GVisor, Runc} }

// Or is the runtime itself, and GVisor for the zero value.
func (r Runtime) Or() Runtime {
	if r == "" {
		return GVisor
	}
	return r
}

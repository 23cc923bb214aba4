package postgres

// Statement is what QueryTrace sends, for tests that ask the server how it reads it.
func (f TraceFilter) Statement() (string, []any) { return f.statement() }

// CallersQuery is what callers are read by.
const CallersQuery = callers + counting

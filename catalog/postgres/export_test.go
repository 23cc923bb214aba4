package postgres

// Statement is what QueryTrace sends, for tests that ask the server how it reads it.
func (f TraceFilter) Statement() (string, []any) { return f.statement() }

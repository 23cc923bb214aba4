package wire

// ProblemType is the media type of every error answer (RFC 9457).
const ProblemType = "application/problem+json"

// Problem says why a call failed. It never repeats what the caller sent.
type Problem struct {
	Type      string   `json:"type"`  // /problems/<code>
	Title     string   `json:"title"` // in the caller's language
	Status    int      `json:"status"`
	Code      string   `json:"code"` // stable: "grant.expired"
	Remedy    string   `json:"remedy,omitempty"`
	RequestID string   `json:"request_id"` // made by the server; the log has it too
	Reasons   []Reason `json:"reasons,omitempty"`
	Errors    []Place  `json:"errors,omitempty"`
	From      string   `json:"from,omitempty"`    // conflict: the state it is in
	To        string   `json:"to,omitempty"`      // conflict: the state asked for
	Allowed   []string `json:"allowed,omitempty"` // conflict: the states it could go to; a filter: the values there are
}

// Reason is one cause of a refusal, with what helps.
type Reason struct {
	Code      string   `json:"code"`
	Dimension string   `json:"dimension"`
	Input     string   `json:"input,omitempty"` // input of the job it concerns
	What      []string `json:"what,omitempty"`  // names of the record: columns, a state
	Remedy    string   `json:"remedy"`          // text, in the caller's language
}

// Place is one fault of a request: where, a stable code, what must be there and what helps.
type Place struct {
	Location string `json:"location"`
	Code     string `json:"code"`
	Title    string `json:"title"`
	Remedy   string `json:"remedy,omitempty"`
}

// OAuthError is the answer of the token endpoint to what it refuses (RFC 6749 5.2).
type OAuthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

package texts

import "github.com/sluicedata/sluice/gateway/messages"

// Fault is an error that people read in their own language: a phrase of the message files with what it names, and
// what caused it. Parts of the program return it; whoever shows it words it, and its causes below it.
type Fault struct {
	Key   string
	Pairs []any // names and values of the phrase
	Cause error
}

// Wrong returns the fault of a phrase. Pairs are names and values, as of Say.
func Wrong(key string, pairs ...any) *Fault { return &Fault{Key: key, Pairs: pairs} }

// Because adds what it was caused by.
func (f *Fault) Because(cause error) *Fault {
	f.Cause = cause
	return f
}

// Error implements error in English, for logs.
func (f *Fault) Error() string {
	said, err := In(messages.English)
	if err != nil {
		return f.Key
	}
	text := said.Say(f.Key, f.Pairs...)
	if f.Cause != nil {
		text += ": " + f.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Cause }

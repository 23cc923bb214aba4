// Package name holds the identifiers of the record: inner ids, the numbers people read, slugs, logins,
// digests, and the check digits of the two national codes. Every type is a string whose zero value is
// invalid and which is made by parsing or by its constructor; no error repeats the text that was refused.
package name

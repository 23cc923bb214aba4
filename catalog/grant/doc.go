// Package grant holds the grant noun: what one operator may do with one dataset, for what, until when, and
// the moves of such a grant's life. It is pure: no store, no clock.
package grant

// Package instance is one Sluice on one machine: its folders, users, secrets and database server. Everything
// here is found again as it was at the next start.
//
// Every part's user owns only its own folder. Secrets lie in folders that root owns and one part's group may
// read, so that no part can put something else in a secret's place.
package instance

// Package job holds the job noun: the job package an operator's developer hands in, the runs of it and the
// moves of their lives. It is pure: no store, no clock.
package job

// Package dataset holds the dataset noun: what columns and protected units data has, under what terms its
// department gives it, and how the bytes of one version are listed. It is pure: no store, no clock.
package dataset

package main

import (
	"strings"

	"github.com/sluicedata/sluice/catalog/trace"
)

// seats lists votes as text.
func seats(votes []trace.ChainVote) string {
	var told []string
	for _, v := range votes {
		told = append(told, v.Seat+" "+v.Decision+" "+short(v.Digest))
	}
	return strings.Join(told, ", ")
}

// reaches tells whether a release is at the end of one of the chains.
func reaches(chains []trace.Chain, release string) bool {
	for _, c := range chains {
		for _, o := range c.Outputs {
			if o.Release == release {
				return true
			}
		}
	}
	return false
}

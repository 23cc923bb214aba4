package main

import "testing"

// Everybody of the story can be spoken as, by login and by part, and no name means two people.
func TestEverybodyHasAPart(t *testing.T) {
	c := newCast()
	names := map[string]*persona{}
	for part, p := range c.parts() {
		for _, name := range []string{part, p.login} {
			if other := names[name]; other != nil {
				t.Errorf("%s names both %s and %s", name, other.name, p.name)
			}
			names[name] = p
		}
	}
	for _, i := range c.institutions() {
		for _, p := range i.people {
			if names[p.login] != p {
				t.Errorf("%s has no part", p.login)
			}
		}
	}
}

// Package supervise starts the parts of Sluice as child processes, each under its own user, keeps them up and
// stops them together. It knows nothing of what the parts do.
//
// A child gets no descriptor of its parent but four: an empty standard input, its log as output and error,
// the life pipe (3), on which it reads the end of the parent, and the word pipe (4), on which it says that it
// is ready. A parent killed outright closes the life pipe, so children go with it; Pdeathsig would follow the
// thread that started them instead. Programs that know nothing of the pipes run under Guard.
//
// Start at Run; a child process starts at Inherit.
package supervise

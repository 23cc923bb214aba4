// Package tree holds the rules of this repository's own tree as tables, and checks them: which package may
// import which, who alone may import a library, what stands at the top, which versions are pinned, which calls
// are forbidden, and how long functions and files may be.
//
// It reads the files itself. A test that asked `go list` would be served from the test cache.
package tree

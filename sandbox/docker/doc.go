// Package docker runs the platform's containers on the Docker Engine API. It knows one template: gVisor, no
// network, a read-only root, nobody's uid, no capabilities, our own system call filter, bounded memory, time,
// processes and output. A Spec fills it from typed values only; no text of a user can reach it.
//
// Only sandbox/launcher uses this package: an engine socket is root. The client library ends at its pinned
// version; everything that names it stands in this folder.
//
// Every call has a deadline of its own, because an engine may hang, and is safe for concurrent use.
package docker

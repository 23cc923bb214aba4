// Package launcher is the root part of the sandbox: it alone holds the engine socket and mounts. The worker
// names a run by work, fence, step and verb over a unix socket; path, image, user, options and limits come
// from here. There is no free field, so whoever takes over the worker can start our own programs over input
// of its own, and nothing else.
//
// One run is one directory below Base, root's, that only the worker's group may pass:
//
//	<work>-<fence>-<step>/in    the worker's until the start, then root's and sealed
//	<work>-<fence>-<step>/out   a tmpfs with bounded bytes and inodes, owned by the container's uid
//
// A launcher remembers nothing across a restart: it begins by removing every container and mount of its own.
package launcher

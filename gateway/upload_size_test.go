//go:build !soak

package gateway_test

// uploadSize is how many bytes TestUploadKeepsMemoryFlat sends. The bound on memory does not depend on it.
const uploadSize = 512 << 20

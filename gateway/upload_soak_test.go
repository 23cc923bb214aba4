//go:build soak

package gateway_test

// uploadSize is how many bytes TestUploadKeepsMemoryFlat sends when there is time. The bound on memory is the same.
const uploadSize = 2 << 30

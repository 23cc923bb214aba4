// Package upload is a file on its way from a department into the intake: announced with its size, sent in chunks
// that may be sent again, and complete when every chunk is there. What a file means is for the container that
// reads it; here it is bytes.
package upload

// Package canon writes JSON in one spelling, so that a digest or a signature over a statement means the same
// bytes in every language (RFC 8785, JSON Canonicalization Scheme).
//
// It takes the part of JSON our statements use and refuses the rest rather than guess: numbers are integers
// within ±(2^53−1), member names are unique, texts are Unicode. U+FFFD is refused because encoders put it in
// place of bytes that are no text, which would give two inputs one spelling.
package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicedata/sluice/catalog/name"
)

// Errors of this package, wrapped with what was being done.
var (
	ErrNumber       = errors.New("number is not an integer within 53 bits")
	ErrText         = errors.New("text is not Unicode")
	ErrDuplicate    = errors.New("member appears twice")
	ErrDepth        = errors.New("nested too deep")
	ErrTrailing     = errors.New("bytes after the value")
	ErrNotCanonical = errors.New("not in canonical form")
)

// maxDepth bounds recursion over bytes from outside.
const maxDepth = 64

// maxInteger is the greatest integer every JSON reader holds exactly.
const maxInteger = 1<<53 - 1

// Marshal returns the canonical form of v as encoding/json sees it.
func Marshal(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding value: %w", err)
	}
	return Transform(raw)
}

// Digest returns the digest of v's canonical form.
func Digest(v any) (name.Digest, error) {
	b, err := Marshal(v)
	if err != nil {
		return "", err
	}
	return name.DigestOf(b), nil
}

// Unmarshal reads bytes that must be canonical already into v. Members v does not have are refused: a
// statement that says more than its reader understands must not pass.
func Unmarshal(raw []byte, v any) error {
	same, err := Transform(raw)
	if err != nil {
		return err
	}
	if !bytes.Equal(same, raw) {
		return ErrNotCanonical
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decoding value: %w", err)
	}
	return nil
}

// Transform rewrites one JSON value in canonical form.
func Transform(raw []byte) ([]byte, error) {
	if err := ours(raw); err != nil {
		return nil, fmt.Errorf("canonicalizing: %w", err)
	}
	out := jsontext.Value(slices.Clone(raw))
	if err := out.Canonicalize(); err != nil {
		return nil, fmt.Errorf("canonicalizing: %w", err)
	}
	return out, nil
}

// ours refuses what is not one JSON value of the part of JSON that is ours.
func ours(raw []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowInvalidUTF8(true)) // as U+FFFD, which taken refuses
	for first := true; first || d.StackDepth() > 0; first = false {
		t, err := d.ReadToken()
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return ErrDuplicate
		}
		if err != nil {
			return err
		}
		if d.StackDepth() > maxDepth {
			return ErrDepth
		}
		if err := taken(t); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return ErrTrailing
	}
	return nil
}

// taken refuses the numbers and texts that are not ours.
func taken(t jsontext.Token) error {
	switch t.Kind() {
	case '"':
		if strings.ContainsRune(t.String(), utf8.RuneError) {
			return ErrText
		}
	case '0':
		if n, err := strconv.ParseInt(t.String(), 10, 64); err != nil || n > maxInteger || n < -maxInteger {
			return ErrNumber
		}
	}
	return nil
}

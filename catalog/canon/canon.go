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
	"unicode/utf16"
	"unicode/utf8"

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

// Transform rewrites one JSON value in canonical form. Bytes that are no UTF-8 come out of the decoder as
// U+FFFD and are refused with it.
func Transform(raw []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	out, err := value(nil, d, 0)
	if err != nil {
		return nil, fmt.Errorf("canonicalizing: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrTrailing
	}
	return out, nil
}

func value(out []byte, d *json.Decoder, depth int) ([]byte, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, ErrDepth
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			return array(out, d, depth)
		}
		return object(out, d, depth)
	case string:
		return text(out, t)
	case json.Number:
		return number(out, t)
	case bool:
		return strconv.AppendBool(out, t), nil
	default:
		return append(out, "null"...), nil
	}
}

func array(out []byte, d *json.Decoder, depth int) ([]byte, error) {
	out = append(out, '[')
	for i := 0; d.More(); i++ {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = value(out, d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return append(out, ']'), err
}

// member is one member of an object, its value already canonical.
type member struct {
	name  string
	units []uint16 // the name in UTF-16: what RFC 8785 3.2.3 sorts by
	value []byte
}

func object(out []byte, d *json.Decoder, depth int) ([]byte, error) {
	members, err := members(d, depth)
	if err != nil {
		return nil, err
	}
	out = append(out, '{')
	for i, m := range members {
		if i > 0 {
			if members[i-1].name == m.name {
				return nil, ErrDuplicate
			}
			out = append(out, ',')
		}
		if out, err = text(out, m.name); err != nil {
			return nil, err
		}
		out = append(append(out, ':'), m.value...)
	}
	return append(out, '}'), nil
}

func members(d *json.Decoder, depth int) ([]member, error) {
	var ms []member
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, ok := t.(string)
		if !ok {
			return nil, ErrText
		}
		v, err := value(nil, d, depth+1)
		if err != nil {
			return nil, err
		}
		ms = append(ms, member{key, utf16.Encode([]rune(key)), v})
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	slices.SortFunc(ms, func(a, b member) int { return slices.Compare(a.units, b.units) })
	return ms, nil
}

func number(out []byte, n json.Number) ([]byte, error) {
	i, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil || i > maxInteger || i < -maxInteger {
		return nil, ErrNumber
	}
	return strconv.AppendInt(out, i, 10), nil
}

// escapes are the two-character escapes RFC 8785 3.2.2.2 asks for.
const escapes = "\"\\\b\f\n\r\t"

func text(out []byte, s string) ([]byte, error) {
	if strings.ContainsRune(s, utf8.RuneError) {
		return nil, ErrText
	}
	out = append(out, '"')
	for i := range len(s) {
		b := s[i]
		switch e := strings.IndexByte(escapes, b); {
		case e >= 0:
			out = append(out, '\\', `"\bfnrt`[e])
		case b < 0x20:
			out = fmt.Appendf(out, `\u%04x`, b)
		default:
			out = append(out, b)
		}
	}
	return append(out, '"'), nil
}

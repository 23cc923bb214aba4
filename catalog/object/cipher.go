package object

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// An object at rest is a header of 32 bytes and a stream of encrypted segments (all integers are one byte):
//
//	offset  0  magic "SLUICEOB"
//	        8  format version, 1
//	        9  suite: 1 = AES-256-GCM with HKDF-SHA-256, segments of 1 MiB, as Tink's AesGcmHkdfStreaming
//	       10  reserved, zero (6 bytes)
//	       16  id of the data key, UUID (16 bytes)
//	       32  Tink's stream: header length, salt, nonce prefix, segments
//
// The header is associated data of the stream: changing any byte of it, the reserved ones too, fails the
// first segment. The stream itself cannot be cut, extended or reordered unseen (Hoang, Reyhanitabar, Rogaway,
// Vizár 2015, STREAM).
const (
	magic       = "SLUICEOB"
	version     = 1
	suiteGCM    = 1
	headerSize  = 32
	segmentSize = 1 << 20
)

// Suite names the one suite objects are written in; it stands in the record beside each data key.
const Suite = "aes256-gcm-hkdf-1m"

func header(key DataKey) ([]byte, error) {
	id, err := parseKeyID(key.ID)
	if err != nil {
		return nil, err
	}
	h := make([]byte, 0, headerSize)
	h = append(h, magic...)
	h = append(h, version, suiteGCM, 0, 0, 0, 0, 0, 0)
	return append(h, id[:]...), nil
}

func stream(key DataKey) (*subtle.AESGCMHKDF, error) {
	s, err := subtle.NewAESGCMHKDF(key.Secret[:], "SHA256", SecretSize, segmentSize, headerSize)
	if err != nil {
		return nil, fmt.Errorf("preparing cipher: %w", err)
	}
	return s, nil
}

// Sizes of Tink's stream, in bytes: its own header (length, salt, nonce prefix) and the tag of each segment.
const (
	streamHeader = 1 + SecretSize + 7
	tagSize      = 16
)

// sealedSize is how many bytes encrypter makes of so many. The first segment has the two headers in it.
func sealedSize(plain int64) int64 {
	const first, each = segmentSize - headerSize - streamHeader - tagSize, segmentSize - tagSize
	segments := int64(1)
	if plain > first {
		segments += (plain - first + each - 1) / each
	}
	return headerSize + streamHeader + plain + segments*tagSize
}

// encrypter writes header and stream to w. Close ends the stream and must succeed.
func encrypter(w io.Writer, key DataKey) (io.WriteCloser, error) {
	h, err := header(key)
	if err != nil {
		return nil, err
	}
	s, err := stream(key)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(h); err != nil {
		return nil, fmt.Errorf("writing header: %w", err)
	}
	return s.NewEncryptingWriter(w, h)
}

// decrypter reads what encrypter wrote. Every failure of format, key or authenticity is ErrCorrupt; failures
// of r itself stay what they are.
func decrypter(r io.Reader, key DataKey) (io.Reader, error) {
	want, err := header(key)
	if err != nil {
		return nil, err
	}
	s, err := stream(key)
	if err != nil {
		return nil, err
	}
	src := &source{r: r}
	got := make([]byte, headerSize)
	if _, err := io.ReadFull(src, got); err != nil {
		return nil, src.fault(err)
	}
	if !bytes.Equal(got, want) {
		return nil, ErrCorrupt
	}
	plain, err := s.NewDecryptingReader(src, got)
	if err != nil {
		return nil, src.fault(err)
	}
	return &authenticated{src: src, plain: plain}, nil
}

// source remembers the error of the reader below the cipher, which would otherwise be taken for tampering.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

func (s *source) fault(error) error {
	if s.err != nil {
		return s.err
	}
	return ErrCorrupt
}

type authenticated struct {
	src   *source
	plain io.Reader
}

func (a *authenticated) Read(p []byte) (int, error) {
	n, err := a.plain.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = a.src.fault(err)
	}
	return n, err
}

// KeyOf reads the id of the data key from an object's first bytes, for checks of stored bytes without keys.
func KeyOf(first []byte) (string, error) {
	if len(first) < headerSize || string(first[:8]) != magic || first[8] != version || first[9] != suiteGCM {
		return "", ErrCorrupt
	}
	return uuid.UUID(first[16:32]).String(), nil
}

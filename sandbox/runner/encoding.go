package runner

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// The encodings of a CSV file, as a letter names them.
const (
	utf8Name      = "utf-8"
	gb18030       = "gb18030"
	byteOrderMark = "\xef\xbb\xbf"
)

// encodingOf settles how a CSV file is encoded. A byte order mark speaks first, then the declaration, then the
// bytes: UTF-8 when all of them are, else GB18030 when all of them are. open starts the file from its beginning.
func encodingOf(declared string, open func() (io.ReadCloser, error)) (string, error) {
	head, err := headOf(open)
	switch {
	case err != nil:
		return "", err
	case wide(head):
		return "", badFile("file.utf16")
	case bytes.HasPrefix(head, []byte(byteOrderMark)) && declared == gb18030:
		return "", &badRow{line: 1, reason: "file.encoding", whole: true, last: true}
	case bytes.HasPrefix(head, []byte(byteOrderMark)):
		return utf8Name, nil
	case declared == utf8Name, declared == gb18030:
		return declared, nil
	case declared != "":
		return "", errors.New("reading letter: an encoding of no name we know")
	}
	return guess(open)
}

// headOf reads the first bytes.
func headOf(open func() (io.ReadCloser, error)) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading %s: %w", rawFile, err)
	}
	return head[:n], nil
}

// wide says whether bytes begin like UTF-16: with its mark, or with an ASCII character of two bytes.
func wide(head []byte) bool {
	if len(head) < 2 {
		return false
	}
	mark := head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff
	return mark || (head[0] == 0) != (head[1] == 0)
}

// guess tells UTF-8 from GB18030 by all of the file. Much of UTF-8's Chinese is also valid GB18030, as other
// characters: a file with more well-formed Chinese than ill-formed bytes is damaged UTF-8, not GB18030.
func guess(open func() (io.ReadCloser, error)) (string, error) {
	var u utf8Scan
	if err := u.scan(open); err != nil {
		return "", err
	}
	if u.bad == 0 {
		return utf8Name, nil
	}
	line := u.line
	if u.han <= u.bad {
		bad, err := firstBadGB18030(open)
		if err != nil {
			return "", err
		}
		if bad == 0 {
			return gb18030, nil
		}
		line = bad
	}
	return "", &badRow{line: line, reason: "file.encoding", whole: true, last: true}
}

// utf8Scan counts what speaks for and against UTF-8.
type utf8Scan struct {
	bad  int64 // bytes that are no character
	han  int64 // well-formed sequences of three bytes
	line int64 // 1-based, of the first bad byte
}

func (u *utf8Scan) scan(open func() (io.ReadCloser, error)) error {
	return eachLine(open, func(line int64, piece []byte) {
		if utf8.Valid(piece) {
			u.han += int64(len(piece)-utf8.RuneCount(piece)) / 2
			return
		}
		for len(piece) > 0 {
			r, size := utf8.DecodeRune(piece)
			switch {
			case r == utf8.RuneError && size == 1:
				if u.bad == 0 {
					u.line = line
				}
				u.bad++
			case size == 3:
				u.han++
			}
			piece = piece[size:]
		}
	})
}

// eachLine hands over a file in pieces that end with a line, or with a whole character of a line that does not
// fit the buffer.
func eachLine(open func() (io.ReadCloser, error), do func(line int64, piece []byte)) error {
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	br := bufio.NewReaderSize(r, 1<<16)
	var rest []byte
	for line := int64(1); ; {
		piece, err := br.ReadSlice('\n')
		whole := piece
		if len(rest) > 0 {
			whole, rest = append(rest, piece...), nil
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			whole, rest = cut(whole)
		}
		do(line, whole)
		switch {
		case err == nil:
			line++
		case errors.Is(err, io.EOF):
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("reading %s: %w", rawFile, err)
		}
	}
}

// cut splits off an unfinished character at the end.
func cut(b []byte) (whole, rest []byte) {
	for i := len(b) - 1; i >= max(len(b)-utf8.UTFMax+1, 0); i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return b[:i], bytes.Clone(b[i:])
			}
			break
		}
	}
	return b, nil
}

// firstBadGB18030 returns the 1-based line of the first bytes that are no character of GB18030; 0 for none.
func firstBadGB18030(open func() (io.ReadCloser, error)) (int64, error) {
	bad := int64(0)
	err := eachLine(func() (io.ReadCloser, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{transform.NewReader(r, simplifiedchinese.GB18030.NewDecoder()), r}, nil
	}, func(line int64, piece []byte) {
		if bad == 0 && bytes.ContainsRune(piece, utf8.RuneError) {
			bad = line
		}
	})
	return bad, err
}

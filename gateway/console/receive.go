package console

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/upload"
)

// receive takes a file from a form, chunk by chunk, by the verbs that take it from a program: no more of it than one
// chunk is ever in memory, and nothing on a disk of ours. What else the form says stands in its address.
func (c *Console) receive(w http.ResponseWriter, r *http.Request) {
	who, err := c.caller(w, r)
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	k := call{ctx: r.Context(), cat: c.Catalog, who: who, r: r, now: c.Now(), path: Prefix + "/datasets/new", form: r.URL.Query()}
	view, err := c.take(w, k)
	if err != nil {
		k.form = nil // the page is shown as before
		c.tell(w, r, act{page: "/datasets/new"}, k, err)
		return
	}
	to := Prefix + "/uploads/" + view.ID
	if r.Header.Get("Prefer") == "return=minimal" { // RFC 7240: a script that shows how far it is goes on by itself
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusCreated)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// take reads the file and stores it, and asks for its inspection.
func (c *Console) take(w http.ResponseWriter, k call) (upload.View, error) {
	if err := once(k.form, "query"); err != nil {
		return upload.View{}, err
	}
	file, err := openFile(w, k.r)
	if err != nil {
		return upload.View{}, err
	}
	ctx, err := k.once("upload.start")
	if err != nil {
		return upload.View{}, err
	}
	view, err := k.cat.Uploads.Start(ctx, k.who, upload.Spec{
		Dataset: k.form.Get("dataset"), Size: file.size, Source: sourceOf(file.name, k.form),
	})
	if err != nil || view.State != string(upload.Open) {
		return view, err
	}
	whole, err := arrive(k, view, file)
	if err != nil && fault.Of(err) != fault.Conflict { // who sends a form again finds the file there already
		return view, errors.Join(err, drop(k, view))
	}
	if err != nil {
		return view, err
	}
	view = whole
	if ctx, err = k.once("upload.inspect"); err != nil {
		return view, err
	}
	return k.cat.Uploads.Inspect(ctx, k.who, view.ID)
}

// arrive stores a file, up to its end.
func arrive(k call, view upload.View, file incoming) (upload.View, error) {
	sum, err := send(k, view, file)
	if err == nil {
		err = file.end()
	}
	if err != nil {
		return upload.View{}, err
	}
	ctx, err := k.once("upload.complete")
	if err != nil {
		return upload.View{}, err
	}
	return k.cat.Uploads.Complete(ctx, k.who, view.ID, sum)
}

// send stores a file's chunks and returns what the whole is.
func send(k call, view upload.View, file io.Reader) (upload.Sum, error) {
	plan, whole := view.Plan(), sha256.New()
	buffer := make([]byte, min(plan.Chunk, plan.Size))
	for n := 1; n <= plan.Chunks(); n++ {
		size, _ := plan.SizeOf(n)
		body := buffer[:size]
		if _, err := io.ReadFull(file, body); err != nil {
			return upload.Sum{}, broken(err)
		}
		_, _ = whole.Write(body) // a hash never fails
		if _, err := k.cat.Uploads.Send(k.ctx, k.who, view.ID, n, name.DigestOf(body), bytes.NewReader(body)); err != nil {
			return upload.Sum{}, err
		}
	}
	return upload.Sum{Size: plan.Size, Digest: name.DigestSum([sha256.Size]byte(whole.Sum(nil)))}, nil
}

// drop ends an upload that did not arrive whole. Its sender may be gone: that stops nothing here.
func drop(k call, view upload.View) error {
	k.r = k.r.WithContext(context.WithoutCancel(k.r.Context()))
	ctx, err := k.once("upload.drop")
	if err == nil {
		_, err = k.cat.Uploads.Drop(ctx, k.who, view.ID)
	}
	return err
}

// broken is the answer to a file that breaks off.
func broken(cause error) error {
	bad := fault.Bad("request.invalid", fault.Place{Location: "form.file", Code: "file.broken"})
	bad.Cause = cause
	return bad
}

// sourceOf says how a file is to be read: by its name, unless the form says more.
func sourceOf(filename string, form url.Values) upload.Source {
	s := upload.Source{Encoding: form.Get("encoding"), Sheet: form.Get("sheet")}
	lower := strings.ToLower(filename)
	if s.Gzip = strings.HasSuffix(lower, ".gz"); s.Gzip {
		lower = strings.TrimSuffix(lower, ".gz")
	}
	switch path.Ext(lower) {
	case ".xlsx":
		s.Form = upload.XLSX
	case ".parquet":
		s.Form = upload.Parquet
	}
	return s
}

// incoming is the one file of a form (RFC 7578), as it arrives. A file is announced with its size before its first byte
// is stored, and no field of a form tells it: it is what the request's length leaves between the head of the form's one
// part and its end. That is why the form is not read by mime/multipart, which reads ahead.
type incoming struct {
	io.Reader
	name string
	size int64 // bytes
	tail io.Reader
	last string // what must follow the file
}

const maxHead = 4 << 10 // bytes of the part's head

// openFile reads the head of a form that has nothing but one file.
func openFile(w http.ResponseWriter, r *http.Request) (incoming, error) {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	boundary := parameters["boundary"]
	if err != nil || kind != "multipart/form-data" || boundary == "" || r.ContentLength < 0 {
		return incoming{}, fault.Bad("request.invalid", fault.Place{Location: "header.content-type", Code: "form.not_a_file"})
	}
	body := bufio.NewReaderSize(&patient{r.Body, w}, maxHead)
	first, err := body.ReadSlice('\n')
	if err != nil || strings.TrimRight(string(first), "\r\n") != "--"+boundary {
		return incoming{}, broken(err)
	}
	read := int64(len(first))
	head, length, err := partHead(body)
	if err != nil {
		return incoming{}, broken(err)
	}
	read += length
	_, disposition, err := mime.ParseMediaType(head.Get("Content-Disposition"))
	if err != nil || disposition["name"] != "file" {
		return incoming{}, fault.Bad("request.invalid", fault.Place{Location: "form.file", Code: "form.not_a_file"})
	}
	last := "\r\n--" + boundary + "--\r\n"
	f := incoming{name: disposition["filename"], size: r.ContentLength - read - int64(len(last)), tail: body, last: last}
	f.Reader = io.LimitReader(body, f.size)
	if f.size < 1 {
		return incoming{}, fault.Bad("request.invalid", fault.Place{Location: "form.file", Code: "file.missing"})
	}
	return f, nil
}

// partHead reads the head of a part, of at most maxHead bytes, and returns its length.
func partHead(body *bufio.Reader) (textproto.MIMEHeader, int64, error) {
	var head bytes.Buffer
	for head.Len() < maxHead {
		line, err := body.ReadSlice('\n')
		if err != nil {
			return nil, 0, fmt.Errorf("reading the head of a part: %w", err)
		}
		_, _ = head.Write(line) // a buffer never fails
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			fields, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(head.Bytes()))).ReadMIMEHeader()
			if err != nil {
				return nil, 0, fmt.Errorf("reading the head of a part: %w", err)
			}
			return fields, int64(head.Len()), nil
		}
	}
	return nil, 0, errors.New("the head of a part has no end")
}

// end tells whether nothing but the end of the form follows the file: then its size was what the arithmetic said.
func (f incoming) end() error {
	rest, err := io.ReadAll(io.LimitReader(f.tail, int64(len(f.last))+1))
	if err != nil || string(rest) != f.last {
		return broken(err)
	}
	return nil
}

// filePatience is how long a sender may send nothing.
const filePatience = 60 * time.Second

// patient gives up on a sender who sends nothing for filePatience.
type patient struct {
	io.Reader
	w http.ResponseWriter
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	slow := time.AfterFunc(filePatience, func() { giveUp(p.w) })
	defer slow.Stop()
	return p.Reader.Read(b) //nolint:wrapcheck // an io.Reader hands on what it reads
}

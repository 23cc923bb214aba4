package console

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicedata/sluice/catalog/calendar"
	"github.com/sluicedata/sluice/catalog/fault"
)

// maxForm bounds the body of a form, in bytes, unless its act says otherwise.
const maxForm = 16 << 10

// formPatience is how long a form may take to arrive.
const formPatience = 15 * time.Second

// readForm reads the fields of a form of at most so many bytes; 0: maxForm. Each may come once. Lines end as
// in a file here, whatever the browser sends.
func readForm(w http.ResponseWriter, r *http.Request, most int64) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, cmp.Or(most, maxForm))
	slow := time.AfterFunc(formPatience, func() { giveUp(w) })
	defer slow.Stop()
	var long *http.MaxBytesError
	if err := r.ParseForm(); errors.As(err, &long) {
		return nil, err
	} else if err != nil {
		return nil, fault.Bad("request.invalid", fault.Place{Location: "body", Code: "query.invalid"})
	}
	for _, v := range r.PostForm {
		for i := range v {
			v[i] = strings.ReplaceAll(v[i], "\r\n", "\n")
		}
	}
	return r.PostForm, once(r.PostForm, "body")
}

// giveUp ends a read under way.
func giveUp(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) // a writer without deadlines has no socket
}

// ticked lists what was ticked of a group: boxes are fields of their own, "group.value".
func ticked[T ~string](form url.Values, group string) []T {
	var all []T
	for field := range form {
		if value, found := strings.CutPrefix(field, group+"."); found {
			all = append(all, T(value))
		}
	}
	slices.Sort(all)
	return all
}

// listed splits a field at commas and line ends, blanks aside.
func listed(form url.Values, field string) []string {
	all := strings.FieldsFunc(form.Get(field), func(r rune) bool { return r == ',' || r == '，' || r == '\n' })
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// numbers reads fields that hold whole numbers, and notes those that do not. An empty field is 0.
type numbers struct {
	form url.Values
	bad  fault.Places
}

func (n *numbers) of(field string) int64 {
	text := strings.ReplaceAll(strings.TrimSpace(n.form.Get(field)), ",", "")
	if text == "" {
		return 0
	}
	i, err := strconv.ParseInt(text, 10, 64)
	n.bad.Require(err == nil, "form."+field, "field.not_whole")
	return i
}

// day reads a field that holds a date; the zero date when it is empty.
func (n *numbers) day(field string) calendar.Date {
	text := strings.TrimSpace(n.form.Get(field))
	if text == "" {
		return calendar.Date{}
	}
	d, err := calendar.ParseDate(text)
	n.bad.Require(err == nil, "form."+field, "field.not_a_date")
	return d
}

// once refuses fields that come twice: which one would count?
func once(values url.Values, where string) error {
	for _, v := range values {
		if len(v) != 1 {
			return fault.Bad("request.invalid", fault.Place{Location: where, Code: "query.invalid"})
		}
	}
	return nil
}

// inside returns the address of a page of the console, and its front page for anything else: nobody is led away.
func inside(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(address, Prefix+"/") ||
		strings.ContainsAny(address, "\\\r\n") || strings.Contains(u.Path, "..") {
		return Prefix
	}
	return u.RequestURI()
}

// challenge is what a verifier is proven against (RFC 7636 4.2).
func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

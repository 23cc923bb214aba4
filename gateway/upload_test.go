package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/gatewaytest"
	"github.com/sluicedata/sluice/gateway/wire"
)

// sender is a steward with an instance around them.
type sender struct {
	*gatewaytest.Instance
	*person
	client *client.Client
}

func newSender(t *testing.T) *sender {
	t.Helper()
	i := gatewaytest.Start(t)
	home := i.Org(t, "A department", org.DataProvider)
	p := newPerson(t, i, home, "holder", org.OrgAdmin, org.DataSteward)
	return &sender{Instance: i, person: p, client: client.New(i.URL, p.key)}
}

// start announces a file of a size.
func (s *sender) start(t *testing.T, size int64) wire.Upload {
	t.Helper()
	got := s.post(t, s.Instance, "/uploads", fmt.Sprintf(`{"size":%d,"source":{}}`, size))
	var up wire.Upload
	if err := json.Unmarshal(got.body, &up); err != nil || got.status != 201 || up.State != "open" {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	return up
}

// TestChunksAreBounded: a chunk is bytes with their digest and of the announced length, and nothing else.
func TestChunksAreBounded(t *testing.T) {
	s := newSender(t)
	up := s.start(t, 5)
	path := "/uploads/" + up.ID + "/chunks/"
	address := s.URL + "/api/v1" + path
	good := contentDigest("12345")
	for name, tt := range map[string]struct {
		number  string
		body    io.Reader
		headers []string
		status  int
		code    string
	}{
		"another type":      {"1", strings.NewReader("12345"), []string{"Content-Type", "text/csv", "Content-Digest", good}, 415, "media.type"},
		"compressed":        {"1", strings.NewReader("12345"), []string{"Content-Type", "application/octet-stream", "Content-Encoding", "gzip", "Content-Digest", good}, 415, "media.encoding"},
		"nothing":           {"1", http.NoBody, []string{"Content-Type", "application/octet-stream", "Content-Digest", good}, 422, "body.missing"},
		"no digest":         {"1", strings.NewReader("12345"), []string{"Content-Type", "application/octet-stream"}, 422, "digest.missing"},
		"another algorithm": {"1", strings.NewReader("12345"), []string{"Content-Type", "application/octet-stream", "Content-Digest", "sha-512=:AAAA:"}, 422, "digest.missing"},
		"a short digest":    {"1", strings.NewReader("12345"), []string{"Content-Type", "application/octet-stream", "Content-Digest", "sha-256=:AAAA:"}, 422, "digest.invalid"},
		"a wrong digest":    {"1", strings.NewReader("12345"), []string{"Content-Type", "application/octet-stream", "Content-Digest", contentDigest("12346")}, 422, "digest.differs"},
		"too few bytes":     {"1", strings.NewReader("1234"), []string{"Content-Type", "application/octet-stream", "Content-Digest", contentDigest("1234")}, 422, "size.differs"},
		"too many bytes":    {"1", strings.NewReader("123456"), []string{"Content-Type", "application/octet-stream", "Content-Digest", contentDigest("123456")}, 422, "size.differs"},
		"no such chunk":     {"2", strings.NewReader("12345"), []string{"Content-Type", "application/octet-stream", "Content-Digest", good}, 422, "chunk.out_of_range"},
		"no number":         {"one", strings.NewReader("12345"), []string{"Content-Type", "application/octet-stream", "Content-Digest", good}, 404, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			got := call(t, "PUT", address+tt.number, tt.body, append(tt.headers, "Authorization", "Bearer "+s.token)...)
			p := client.Problem{Problem: got.problem(t)}
			if got.status != tt.status || !p.Has(tt.code) {
				t.Fatalf("got %d %s", got.status, got.body)
			}
		})
	}
	t.Run("larger than may be", func(t *testing.T) {
		r, err := http.NewRequestWithContext(t.Context(), "PUT", address+"1", io.LimitReader(nothing{}, 1))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = 16<<20 + 1
		r.Header = http.Header{
			"Authorization": {"Bearer " + s.token}, "Content-Type": {"application/octet-stream"}, "Content-Digest": {good}, "Expect": {"100-continue"},
		}
		answer, err := (&http.Transport{ExpectContinueTimeout: 1 << 40, DisableKeepAlives: true}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != 413 {
			t.Fatalf("got %d", answer.StatusCode)
		}
	})
	if got := s.put(t, s.Instance, path+"1", "12345"); got.status != 200 {
		t.Fatalf("the good chunk: got %d %s", got.status, got.body)
	}
}

// nothing is an endless file.
type nothing struct{}

func (nothing) Read(b []byte) (int, error) { return len(b), nil }

// TestUploadGoesOnAfterACutLine: a connection cut in the middle of a chunk costs that chunk; what was there before
// need not be sent again.
func TestUploadGoesOnAfterACutLine(t *testing.T) {
	s := newSender(t)
	if _, err := s.client.Datasets.Declare(t.Context(), datasetSpec()); err != nil {
		t.Fatal(err)
	}
	size := s.Catalog.Uploads.ChunkBytes()
	file := bytes.NewReader(bytes.Repeat([]byte("resident"), int(2*size/8)+1))
	sum, err := client.SumOf(file)
	if err != nil {
		t.Fatal(err)
	}
	spec := wire.UploadSpec{Dataset: theDataset, Size: sum.Size, Digest: sum.Digest}
	up, err := s.client.Uploads.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, size)
	if _, err := file.ReadAt(first, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Uploads.SendChunk(t.Context(), up.ID, 1, first); err != nil {
		t.Fatal(err)
	}
	s.cut(t, "/api/v1/uploads/"+up.ID+"/chunks/2", first)
	there, err := s.client.Uploads.Show(t.Context(), up.ID)
	if err != nil || len(there.Received) != 1 {
		t.Fatalf("got %+v, %v", there.Received, err)
	}
	var told []int64
	sent, err := s.client.Uploads.Send(t.Context(), wire.UploadSpec{Dataset: theDataset}, file, func(n int64) { told = append(told, n) })
	if err != nil || sent.ID != up.ID || sent.State != "complete" {
		t.Fatalf("got %+v, %v", sent, err)
	}
	if diff := cmp.Diff([]int64{2 * size, 2*size + 8}, told); diff != "" {
		t.Fatalf("sent again what was there (-want +got):\n%s", diff)
	}
	v, err := s.client.Datasets.Publish(t.Context(), theDataset, wire.Publication{Upload: sent.ID, Mode: dataset.Replace})
	if err != nil || v.State != "ingesting" || v.Number != 1 {
		t.Fatalf("got %+v, %v", v, err)
	}
	if strings.Contains(s.Log.String(), `"level":"ERROR"`) {
		t.Errorf("a sender's line is logged as our failure: %s", s.Log)
	}
}

// cut sends half a chunk and closes the connection; it returns once the server has seen that.
func (s *sender) cut(t *testing.T, path string, body []byte) {
	t.Helper()
	host := strings.TrimPrefix(s.URL, "http://")
	line, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	fmt.Fprintf(line, "PUT %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/octet-stream\r\n"+
		"Content-Digest: sha-256=:%s:\r\nContent-Length: %d\r\n\r\n", path, host, s.token, base64.StdEncoding.EncodeToString(sum[:]), len(body))
	if _, err := line.Write(body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	// Only this side is closed: the server reads the end, and its answer says that it is done with it.
	if err := line.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	r, err := http.NewRequestWithContext(t.Context(), "PUT", s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(line), r)
	if err != nil {
		return // it hung up, which says the same
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusUnprocessableEntity {
		t.Fatalf("half a chunk: got %d", answer.StatusCode)
	}
}

// TestUploadKeepsMemoryFlat sends a long file in chunks while the heap of the gateway is watched: what lives there grows
// by less than 16 MiB, of which the store's client and the cipher take most. How much is garbage follows from the rest.
func TestUploadKeepsMemoryFlat(t *testing.T) {
	s := newSender(t)
	up := s.start(t, uploadSize)
	plan := up.Plan()
	body := bytes.Repeat([]byte("0123456789abcdef"), int(plan.Chunk/16))
	idle := heap()
	watch, stop := context.WithCancel(t.Context())
	most := make(chan uint64)
	go func() { most <- highest(watch, live) }()
	for n := 1; n <= plan.Chunks(); n++ {
		size, _ := plan.SizeOf(n)
		if _, err := s.client.Uploads.SendChunk(t.Context(), up.ID, n, body[:size]); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	got := <-most
	t.Logf("%d MiB at rest, at most %d MiB", idle>>20, got>>20)
	if got > idle+16<<20 {
		t.Errorf("the heap grew from %d MiB to %d MiB", idle>>20, got>>20)
	}
}

// heap is what lives in it, in bytes: after a collection, all that is there.
func heap() uint64 {
	runtime.GC()
	return live()
}

// live is what the last collection found to be alive, in bytes.
func live() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// highest looks at what lives, or at the heap, until it is told to stop.
func highest(ctx context.Context, look func() uint64) (most uint64) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return most
		case <-tick.C:
			most = max(most, look())
		}
	}
}

// TestPublishNamesWhatIsWrong: a publication is checked as a whole.
func TestPublishNamesWhatIsWrong(t *testing.T) {
	s := newSender(t)
	if _, err := s.client.Datasets.Declare(t.Context(), datasetSpec()); err != nil {
		t.Fatal(err)
	}
	open := s.start(t, 5)
	for what, tt := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"another mode":      {`{"upload":"` + open.ID + `","mode":"merge"}`, 422, "mode.unknown"},
		"correct nothing":   {`{"upload":"` + open.ID + `","mode":"correct"}`, 422, "corrects.not_for_mode"},
		"an open upload":    {`{"upload":"` + open.ID + `","mode":"replace"}`, 409, "upload.not_complete"},
		"no upload":         {`{"upload":"` + name.NewID().String() + `","mode":"replace"}`, 404, "unknown"},
		"nothing to add to": {`{"upload":"` + s.whole(t, "12345") + `","mode":"append"}`, 409, "base.not_available"},
		"an unknown member": {`{"upload":"` + open.ID + `","mode":"replace","force":true}`, 422, "request.invalid"},
	} {
		t.Run(what, func(t *testing.T) {
			got := s.post(t, s.Instance, "/datasets/"+theDataset+"/versions", tt.body)
			p := client.Problem{Problem: got.problem(t)}
			if got.status != tt.status || !p.Has(tt.code) {
				t.Fatalf("got %d %s", got.status, got.body)
			}
		})
	}
}

// whole uploads a text and returns the upload's id.
func (s *sender) whole(t *testing.T, text string) string {
	t.Helper()
	up, err := s.client.Uploads.Send(t.Context(), wire.UploadSpec{}, strings.NewReader(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return up.ID
}

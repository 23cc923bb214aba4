package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/upload"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newUpload() *cobra.Command {
	return noun(text{
		use:     "upload",
		example: "  sluice upload send visits.csv --dataset health-visits\n  sluice upload list",
	}, uploadSend(), uploadShow(), uploadList(), uploadDrop())
}

func uploadFields(c *call) []field[wire.Upload] {
	return []field[wire.Upload]{
		{"upload", func(u wire.Upload) string { return u.ID }},
		{"state", func(u wire.Upload) string { return word(c, u.State) }},
		{"dataset", func(u wire.Upload) string { return u.Dataset }},
		{"received", func(u wire.Upload) string { return c.received(u) }},
		{"digest", func(u wire.Upload) string { return string(u.Digest) }},
		{"form", func(u wire.Upload) string { return sourceText(u.Source) }},
		{"expires", func(u wire.Upload) string { return when(u.ExpiresAt) }},
	}
}

// received tells how much of an upload is there.
func (c *call) received(u wire.Upload) string {
	var there int64
	for _, chunk := range u.Received {
		there += chunk.Size
	}
	return c.Say("upload.received", "there", number(there), "size", number(u.Size))
}

func sourceText(s upload.Source) string {
	text := string(s.Form)
	if text == "" {
		text = string(upload.CSV)
	}
	for _, more := range []string{s.Encoding, s.Sheet} {
		if more != "" {
			text += " " + more
		}
	}
	if s.Gzip {
		text += " gzip"
	}
	return text
}

func uploadSend() *cobra.Command {
	cmd := change(text{
		use:     "send DATA",
		example: "  sluice upload send visits.csv --dataset health-visits",
	}, func(c *call) error {
		file, err := os.Open(c.args[0])
		if err != nil {
			return usage("file.unreadable", "path", c.args[0]).because(err)
		}
		defer func() { _ = file.Close() }()
		sent, err := sendFile(c, c.flag("dataset"), file)
		return one(c, sent, err, uploadFields(c))
	})
	cmd.Flags().String("dataset", "", "")
	return sourceFlags(cmd)
}

func uploadShow() *cobra.Command {
	return command(text{
		use:     "show UPLOAD",
		example: "  sluice upload show 01890a5d-ac96-774b-bcce-b302099a8057",
	}, func(c *call) error {
		shown, err := c.Uploads.Show(c.ctx, c.args[0])
		return one(c, shown, err, uploadFields(c))
	})
}

func uploadList() *cobra.Command {
	return byState(command(text{
		use:     "list",
		example: "  sluice upload list --state complete -o json",
	}, func(c *call) error {
		all, err := c.Uploads.List(c.ctx, c.narrow()...)
		return many(c, all, err, uploadFields(c))
	}))
}

func uploadDrop() *cobra.Command {
	return change(text{
		use:     "drop UPLOAD",
		example: "  sluice upload drop 01890a5d-ac96-774b-bcce-b302099a8057",
	}, func(c *call) error {
		dropped, err := c.Uploads.Drop(c.ctx, c.args[0])
		return one(c, dropped, err, uploadFields(c))
	})
}

// sourceFlags adds the flags that say how a file is to be read.
func sourceFlags(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("encoding", "", "")
	cmd.Flags().String("sheet", "", "")
	return cmd
}

// sendFile uploads a file, read as its name and the flags say, and tells how much is there.
func sendFile(c *call, slug string, file *os.File) (wire.Upload, error) {
	source := sourceOf(file.Name())
	source.Encoding, source.Sheet = c.flag("encoding"), c.flag("sheet")
	info, err := file.Stat()
	if err != nil {
		return wire.Upload{}, usage("file.unreadable", "path", file.Name()).because(err)
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return wire.Upload{}, usage("file.not_plain", "path", file.Name())
	}
	c.progress("publish.uploading", "path", file.Name())
	sent, err := c.Uploads.Send(c.ctx, wire.UploadSpec{Dataset: slug, Source: source}, file, func(there int64) {
		c.progress("upload.progress", "share", 100*there/info.Size(), "there", number(there), "size", number(info.Size()))
	})
	if rehearsed(err) != nil {
		c.note("upload.would_send", "path", file.Name())
	}
	return sent, err
}

// sourceOf reads the form of a file from its name.
func sourceOf(path string) upload.Source {
	plain, zipped := strings.CutSuffix(strings.ToLower(path), ".gz")
	forms := map[string]upload.Form{".xlsx": upload.XLSX, ".parquet": upload.Parquet}
	return upload.Source{Form: forms[filepath.Ext(plain)], Gzip: zipped}
}

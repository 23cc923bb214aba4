package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/upload"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newUpload() *cobra.Command {
	return noun(text{
		use: "upload", short: "Uploads: files on their way in (data steward)",
		example: "  sluice upload send visits.csv --dataset health-visits\n  sluice upload list",
	}, uploadSend(), uploadShow(), uploadList(), uploadDrop())
}

func uploadFields() []field[wire.Upload] {
	return []field[wire.Upload]{
		{"upload", func(u wire.Upload) string { return u.ID }},
		{"state", func(u wire.Upload) string { return u.State }},
		{"dataset", func(u wire.Upload) string { return u.Dataset }},
		{"received", func(u wire.Upload) string { return fmt.Sprintf("%d of %d bytes", received(u), u.Size) }},
		{"digest", func(u wire.Upload) string { return string(u.Digest) }},
		{"form", func(u wire.Upload) string { return sourceText(u.Source) }},
		{"expires", func(u wire.Upload) string { return when(u.ExpiresAt) }},
	}
}

func received(u wire.Upload) (bytes int64) {
	for _, c := range u.Received {
		bytes += c.Size
	}
	return bytes
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
	cmd := command(text{
		use: "send FILE", short: "Upload a file in chunks; one that was cut off goes on where it stopped",
		long: "Uploads a file. What is there already of the same file is not sent again. The upload is kept for the hours\n" +
			"the rules say; `sluice dataset publish` uploads by itself.",
		example: "  sluice upload send visits.csv --dataset health-visits",
	}, func(c *call) error {
		file, err := os.Open(c.args[0])
		if err != nil {
			return usageError{fmt.Errorf("reading the file: %w", err)}
		}
		defer func() { _ = file.Close() }()
		sent, err := sendFile(c, c.flag("dataset"), file)
		return one(c, sent, err, uploadFields())
	})
	cmd.Flags().String("dataset", "", "dataset the file is meant for")
	return sourceFlags(cmd)
}

func uploadShow() *cobra.Command {
	return command(text{
		use: "show UPLOAD", short: "Show an upload and how much of it is there",
		example: "  sluice upload show 01890a5d-ac96-774b-bcce-b302099a8057",
	}, func(c *call) error {
		shown, err := c.Uploads.Show(c.ctx, c.args[0])
		return one(c, shown, err, uploadFields())
	})
}

func uploadList() *cobra.Command {
	return command(text{
		use: "list", short: "List the uploads that have not ended",
		example: "  sluice upload list -o json",
	}, func(c *call) error {
		all, err := c.Uploads.List(c.ctx)
		return many(c, all, err, uploadFields())
	})
}

func uploadDrop() *cobra.Command {
	return command(text{
		use: "drop UPLOAD", short: "End an upload; versions published from it stay",
		example: "  sluice upload drop 01890a5d-ac96-774b-bcce-b302099a8057",
	}, func(c *call) error {
		dropped, err := c.Uploads.Drop(c.ctx, c.args[0])
		return one(c, dropped, err, uploadFields())
	})
}

// sourceFlags adds the flags that say how a file is to be read.
func sourceFlags(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("encoding", "", "of a CSV file: utf-8 or gb18030; default: it shows itself")
	cmd.Flags().String("sheet", "", "of an .xlsx file; default: the first")
	return cmd
}

// sendFile uploads a file, read as its name and the flags say, and tells how much is there.
func sendFile(c *call, slug string, file *os.File) (wire.Upload, error) {
	source := sourceOf(file.Name())
	source.Encoding, source.Sheet = c.flag("encoding"), c.flag("sheet")
	info, err := file.Stat()
	if err != nil {
		return wire.Upload{}, fmt.Errorf("reading the file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return wire.Upload{}, usageError{fmt.Errorf("%s is empty or no plain file", file.Name())}
	}
	c.progress("uploading %s", file.Name())
	return c.Uploads.Send(c.ctx, wire.UploadSpec{Dataset: slug, Source: source}, file, func(there int64) {
		c.progress("%3d %%  %d of %d bytes", 100*there/info.Size(), there, info.Size())
	})
}

// sourceOf reads the form of a file from its name.
func sourceOf(path string) upload.Source {
	plain, zipped := strings.CutSuffix(strings.ToLower(path), ".gz")
	forms := map[string]upload.Form{".xlsx": upload.XLSX, ".parquet": upload.Parquet}
	return upload.Source{Form: forms[filepath.Ext(plain)], Gzip: zipped}
}

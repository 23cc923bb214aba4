package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/gateway/wire"
)

func newImage() *cobra.Command {
	return noun(text{
		use: "image", example: "  sluice image list\n  sluice image propose python-2026 --digest sha256:… --sbom image.spdx.json",
	}, imagePropose(), imageApprove(), imageRetire(), imageShow(), lists(imageList()))
}

func imageFields(c *call) []field[wire.Image] {
	return []field[wire.Image]{
		{"name", func(i wire.Image) string { return i.Name }},
		{"state", func(i wire.Image) string { return word(c, i.State) }},
		{"digest", func(i wire.Image) string { return i.Digest }},
		{"sbom", func(i wire.Image) string { return i.SBOM }},
		{"proposed by", func(i wire.Image) string { return i.ProposedBy }},
		{"proposed", func(i wire.Image) string { return when(i.ProposedAt) }},
		{"approved by", func(i wire.Image) string { return i.ApprovedBy }},
		{"approved", func(i wire.Image) string { return whenever(i.ApprovedAt) }},
		{"retired", func(i wire.Image) string { return whenever(i.RetiredAt) }},
	}
}

func imagePropose() *cobra.Command {
	cmd := change(text{
		use: "propose IMAGE --digest DIGEST --sbom FILE", example: "  sluice image propose python-2026 --digest sha256:… --sbom sha256-….spdx.json",
	}, func(c *call) error {
		bill, err := c.readFile(c.flag("sbom"))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(bill)
		proposed, err := c.Images.Propose(c.ctx, wire.ImageSpec{
			Name: c.args[0], Digest: c.flag("digest"), SBOM: "sha256:" + hex.EncodeToString(sum[:]),
		})
		return one(c, proposed, err, imageFields(c))
	})
	cmd.Flags().String("digest", "", "")
	cmd.Flags().String("sbom", "", "")
	return need(cmd, "digest", "sbom")
}

func imageApprove() *cobra.Command {
	return change(text{
		use: "approve IMAGE", example: "  sluice image approve python-2026",
	}, func(c *call) error {
		approved, err := c.Images.Approve(c.ctx, c.args[0])
		return one(c, approved, err, imageFields(c))
	})
}

func imageRetire() *cobra.Command {
	return change(text{
		use: "retire IMAGE", example: "  sluice image retire python-2026",
	}, func(c *call) error {
		retired, err := c.Images.Retire(c.ctx, c.args[0])
		return one(c, retired, err, imageFields(c))
	})
}

func imageShow() *cobra.Command {
	return command(text{
		use: "show IMAGE", example: "  sluice image show python-2026",
	}, func(c *call) error {
		shown, err := c.Images.Show(c.ctx, c.args[0])
		return one(c, shown, err, imageFields(c))
	})
}

func imageList() *cobra.Command {
	return byState(command(text{
		use: "list", example: "  sluice image list --state approved",
	}, func(c *call) error {
		all, err := c.Images.List(c.ctx, c.narrow()...)
		return many(c, all, err, imageFields(c))
	}))
}

// readFolder reads the folder of a Python job: plain files and nothing else. Whether their names and sizes will do
// the package itself says.
func readFolder(path string) ([]job.SourceFile, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, usage("package.no_folder", "path", path).because(err)
	}
	var files []job.SourceFile
	size := int64(0)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			return nil, usage("package.not_plain", "path", filepath.Join(path, e.Name())).because(err)
		}
		if size += info.Size(); size > job.MaxFolder {
			return nil, usage("package.folder_large", "path", path, "most", fmt.Sprint(job.MaxFolder))
		}
		body, err := os.ReadFile(filepath.Join(path, e.Name()))
		if err != nil {
			return nil, usage("package.not_plain", "path", filepath.Join(path, e.Name())).because(err)
		}
		files = append(files, job.SourceFile{Name: e.Name(), Text: string(body)})
	}
	return files, nil
}

package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

// part is one file of a product's folder.
type part struct {
	file  string
	body  *[]byte
	older bool // a folder of an earlier version lacks it
}

// packageParts says which file holds which part of a package.
func packageParts(p *wire.ReleasePackage) []part {
	return []part{
		{file: "product.csv", body: &p.Product},
		{file: "certificate.json", body: (*[]byte)(&p.Certificate)},
		{file: "votes.json", body: (*[]byte)(&p.Votes), older: true},
		{file: "proof.json", body: (*[]byte)(&p.Proof)},
		{file: "trust.json", body: (*[]byte)(&p.Trust)},
	}
}

// getPackage fetches a product with its proof, in another form too where one is asked for, and writes it down once
// all of it is here.
func getPackage(c *call, form release.Form) (wire.ReleasePackage, error) {
	folder := c.flag("out")
	pkg, err := c.Releases.Get(c.ctx, c.args[0])
	if err != nil {
		return pkg, err
	}
	if form.Certified() {
		return pkg, keepPackage(folder, pkg)
	}
	body, err := c.Releases.Product(c.ctx, c.args[0], form)
	if err != nil {
		return pkg, err
	}
	extra := part{file: form.FileName("product"), body: &body}
	if err := keepPackage(folder, pkg, extra); err != nil {
		return pkg, err
	}
	c.note("release.form_written", "path", filepath.Join(folder, extra.file))
	return pkg, nil
}

// keepPackage writes a product and its proof into a folder, and more files beside it. Files that are there already
// stay: what was verified before is not overwritten.
func keepPackage(folder string, p wire.ReleasePackage, more ...part) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return failed("folder.not_made", "path", folder).because(err)
	}
	for _, part := range append(packageParts(&p), more...) {
		if err := writeNew(filepath.Join(folder, part.file), *part.body); err != nil {
			return failed("file.not_written", "path", filepath.Join(folder, part.file)).because(err)
		}
	}
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(path string, body []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	_, err = f.Write(body)
	return err
}

// readPackageFolder reads what keepPackage wrote.
func readPackageFolder(folder string) (p wire.ReleasePackage, err error) {
	for _, part := range packageParts(&p) {
		*part.body, err = os.ReadFile(filepath.Join(folder, part.file))
		if err != nil && (!part.older || !errors.Is(err, fs.ErrNotExist)) {
			return p, failed("product.unreadable", "folder", folder).because(err)
		}
	}
	return p, nil
}

// showCertificate tells what a verified certificate says.
func showCertificate(c *call, p wire.ReleasePackage) error {
	var envelope wire.Envelope
	var said release.Certificate
	err := json.Unmarshal(p.Certificate, &envelope)
	if err == nil {
		err = json.Unmarshal(envelope.Payload, &said)
	}
	return one(c, said, err, []field[release.Certificate]{
		{"verified", func(release.Certificate) string { return c.Say("verify.product") }},
		{"release", func(r release.Certificate) string { return string(r.Release) }},
		{"product", func(r release.Certificate) string { return string(r.Product) }},
		{"job", func(r release.Certificate) string { return string(r.Job) }},
		{"code", func(r release.Certificate) string { return string(r.Code) }},
		{"inputs", func(r release.Certificate) string { return certificateInputs(c, r) }},
		{"votes", func(r release.Certificate) string { return certificateVotes(c, p, r) }},
		{"trace", func(r release.Certificate) string {
			return c.Say("trace.place", "index", r.Trace.Index, "log", r.Trace.Origin)
		}},
		{"issued", func(r release.Certificate) string { return when(r.Issued) }},
	})
}

// certificateVotes tells under which keys the votes were signed; of a package without them, their digests.
func certificateVotes(c *call, p wire.ReleasePackage, r release.Certificate) string {
	var signed []release.SignedVote
	votes, err := client.OpenVotes(p.Votes, r)
	if err == nil && len(votes) > 0 {
		err = json.Unmarshal(p.Votes, &signed)
	}
	if err != nil || len(signed) == 0 {
		return c.Say("verify.votes_unseen", "votes", joined(r.Votes))
	}
	told := make([]string, 0, len(votes))
	for i, v := range votes {
		told = append(told, c.Say("verify.vote", "seat", word(c, v.Seat), "scheme", word(c, signed[i].Envelope.Scheme), "key", name.DigestOf(signed[i].PublicKey)))
	}
	return strings.Join(told, "; ")
}

func certificateInputs(c *call, r release.Certificate) string {
	var inputs []string
	for _, in := range r.Inputs {
		inputs = append(inputs, c.Say("input.under", "dataset", in.Dataset, "version", in.Version, "grant", in.Grant))
	}
	return strings.Join(inputs, "; ")
}

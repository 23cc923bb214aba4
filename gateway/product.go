package gateway

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sluicedata/sluice/catalog"
	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/release"
	"github.com/sluicedata/sluice/gateway/render"
)

// product is a product as a file to save. Its two digests are one where its bytes are the certified ones, and
// there only.
type product struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Content     string `header:"Content-Digest"`          // of Body (RFC 9530)
	Certified   string `header:"Sluice-Certified-Digest"` // of the product in the certificate: that of form csv
	Body        []byte
}

// getProduct hands a product out in a form of choice. What is told of it comes from the record, not from the
// request.
func getProduct(cat *catalog.Catalog) register {
	return func(e *edge, op huma.Operation) {
		op.Parameters = append(op.Parameters, query("form", "csv, csv-excel, xlsx or parquet; csv, the certified bytes"))
		handleBytes(e, op, "*/*", func(c call) (*product, error) {
			form := cmp.Or(release.Form(c.r.URL.Query().Get("form")), release.CSV)
			p, err := cat.Releases.Product(c.ctx, c.who, c.arg(0), form)
			if err != nil {
				return nil, err
			}
			return productIn(form, p)
		})
	}
}

// productIn renders a product. That a form cannot hold it is the caller's to know: another one can.
func productIn(form release.Form, p catalog.Product) (*product, error) {
	body, err := render.Table(form, p.Bytes, p.Table)
	if errors.Is(err, render.ErrUnfit) {
		return nil, fault.Bad("form.invalid", fault.Place{Location: "form", Code: "form.unfit"})
	}
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return &product{
		ContentType: form.MediaType(),
		Disposition: `attachment; filename="` + form.FileName(p.Release.Number+"-"+p.Release.Output) + `"`,
		Content:     "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":",
		Certified:   p.Release.Digest, Body: body,
	}, nil
}

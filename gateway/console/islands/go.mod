// What bundles the console's islands. It is run when they change and never linked into the product.
module github.com/sluicedata/sluice/gateway/console/islands

go 1.26.0

require github.com/evanw/esbuild v0.28.2

require golang.org/x/sys v0.49.0 // indirect

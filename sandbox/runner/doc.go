// Package runner is what runs inside a container: inspect, ingest, profile, twin, synth, preview, check, stage,
// sql, split and screen. It is the only importer of DuckDB.
//
// Danger: its inputs are hostile. A letter is trusted (the worker wrote it), the bytes beside it are not: a file
// is whatever a department sent, a relation is whatever an author's statement made. Every program is
// bounded in lines, columns, cells and memory, names reach the engine only through quoteIdent, values only as
// parameters, and an error leaves without the engine's words because those print values.
//
// Start with Run: one letter in, one report out, and the report is written last.
package runner

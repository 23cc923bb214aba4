package task

import (
	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/grant"
	"github.com/sluicedata/sluice/catalog/job"
	"github.com/sluicedata/sluice/catalog/upload"
)

// The words a container shares with the record are the catalog's own; a container speaks no other.
type (
	// Type is a column's type.
	Type = dataset.Type
	// Role says how near a column is to a person.
	Role = dataset.Role
	// Mask says how a granted column is shown.
	Mask = dataset.Mask
	// Column describes one column of a dataset.
	Column = dataset.Column
	// Unit is one kind of protected unit and the column that names it.
	Unit = dataset.Unit
	// TableProfile is what a steward signs and what synthetic tables are made from.
	TableProfile = dataset.TableProfile
	// UnitProfile counts the units of one kind.
	UnitProfile = dataset.UnitProfile
	// ColumnProfile describes one column with shown values only.
	ColumnProfile = dataset.ColumnProfile
	// ValueFreq is one shown value with its rounded row count.
	ValueFreq = dataset.ValueFreq
	// Form is the form of a file a department sends.
	Form = upload.Form
	// Source says how the bytes of an upload are to be read.
	Source = upload.Source
	// BadCell names the place and reason of one input fault, never the value.
	BadCell = dataset.BadCell
	// RowFilter is one dimension of a row scope.
	RowFilter = grant.RowFilter
	// Table is a declared output table.
	Table = job.Table
	// Dimension is a label column with its declared domain.
	Dimension = job.Dimension
	// Measure is one figure of a declared table.
	Measure = job.Measure
	// Stat is a statistic the platform forms.
	Stat = job.Stat
)

// The closed list of column types.
const (
	Text    = dataset.Text
	Integer = dataset.Integer
	Number  = dataset.Number
	Boolean = dataset.Boolean
	Date    = dataset.Date
)

// The closed list of forms.
const (
	CSV     = upload.CSV
	XLSX    = upload.XLSX
	Parquet = upload.Parquet
)

// The closed list of column roles.
const (
	Identifier = dataset.Identifier
	Quasi      = dataset.Quasi
	Sensitive  = dataset.Sensitive
	Other      = dataset.Other
)

// The closed list of masks.
const (
	MaskNone    = dataset.MaskNone
	MaskSurname = dataset.MaskSurname
	MaskPhone   = dataset.MaskPhone
	MaskDrop    = dataset.MaskDrop
)

// Reasons why rows of a twin are taken for real ones.
const (
	UnitShared = dataset.UnitShared
	RowEqual   = dataset.RowEqual
)

// The closed list of statistics.
const (
	StatUnits = job.StatUnits
	StatRows  = job.StatRows
	StatSum   = job.StatSum
	StatMean  = job.StatMean
	StatRatio = job.StatRatio
)

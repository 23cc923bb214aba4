package grant

// RowFilter is one dimension of a row scope: the rows whose column holds one of the values (as text).
type RowFilter struct {
	Column string   `json:"column"`
	In     []string `json:"in"`
}

package catalog

// UploadBytes is the most one version's bytes may be, by the rule set in force. Who receives them stops there.
func (s *Datasets) UploadBytes() int64 { return int64(s.c.Rules.Data.UploadMB) << 20 }

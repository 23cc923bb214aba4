package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluicedata/sluice/catalog/dataset"
	"github.com/sluicedata/sluice/catalog/name"
	"github.com/sluicedata/sluice/catalog/task"
	"github.com/sluicedata/sluice/cmd/sluice/texts"
	"github.com/sluicedata/sluice/gateway/client"
	"github.com/sluicedata/sluice/gateway/wire"
)

func datasetInspect() *cobra.Command {
	cmd := change(text{
		use:     "inspect DATA",
		example: "  sluice dataset inspect visits.csv\n  sluice dataset inspect 门诊.xlsx --sheet 十月 -o yaml",
	}, inspect)
	return waits(sourceFlags(cmd))
}

func inspect(c *call) error {
	file, err := os.Open(c.args[0])
	if err != nil {
		return usage("file.unreadable", "path", c.args[0]).because(err)
	}
	defer func() { _ = file.Close() }()
	sent, err := sendFile(c, "", file)
	if err != nil {
		return err
	}
	if sent, err = c.Uploads.Inspect(c.ctx, sent.ID); err != nil {
		return err
	}
	body, err := await(c, func(ctx context.Context) ([]byte, error) {
		body, err := c.Uploads.ShowInspection(ctx, sent.ID)
		var problem *client.Problem
		if errors.As(err, &problem) && problem.Code == "work.under_way" {
			return nil, nil
		}
		return body, err
	}, func(body []byte) (string, bool) { return c.Say("inspect.looking"), body != nil })
	if err != nil {
		return err
	}
	var found task.Inspection
	if err := json.Unmarshal(body, &found); err != nil {
		return texts.Wrong("answer.unreadable").Because(err)
	}
	return printInspection(c, found, name.DigestOf(body))
}

func printInspection(c *call, found task.Inspection, digest name.Digest) error {
	switch c.form {
	case formYAML:
		return c.write([]byte(skeleton(c.args[0], found, digest)))
	case formJSON:
		return c.encode(found)
	}
	c.note("inspect.found", "form", sourceText(found.Source), "rows", number(found.Rows), "digest", digest)
	for _, f := range found.Faults {
		c.speak(badCellText(c, f))
	}
	if err := many(c, found.Columns, nil, outlookFields(c)); err != nil {
		return err
	}
	return printRows(c.out, append([][]string{{}, found.Preview.Columns}, found.Preview.Rows...))
}

func outlookFields(c *call) []field[task.ColumnOutlook] {
	return []field[task.ColumnOutlook]{
		{"column", func(k task.ColumnOutlook) string { return k.Name }},
		{"title", func(k task.ColumnOutlook) string { return k.Title }},
		{"type", func(k task.ColumnOutlook) string { return word(c, k.Type) }},
		{"level", func(k task.ColumnOutlook) string { return fmt.Sprint(k.Level) }},
		{"role", func(k task.ColumnOutlook) string { return word(c, k.Role) }},
		{"mask", func(k task.ColumnOutlook) string { return word(c, k.Mask) }},
		{"empty", func(k task.ColumnOutlook) string { return percent(k.Empty) }},
		{"distinct", distinctText},
		{"suspected", suspicions},
	}
}

func distinctText(k task.ColumnOutlook) string {
	if k.More {
		return "≥ " + number(k.Distinct)
	}
	return number(k.Distinct)
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// suspicions lists what makes a column look personal: "resident_id 100 %", or its name alone.
func suspicions(k task.ColumnOutlook) string {
	var all []string
	for _, s := range k.Suspicions {
		told := s.Code
		if s.Share > 0 {
			told += " " + percent(s.Share)
		}
		all = append(all, told)
	}
	return strings.Join(all, ", ")
}

// skeleton is a declaration to check and complete. It holds no value of the file.
func skeleton(path string, found task.Inspection, digest name.Digest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Proposed from %s; nothing is decided. Check every line, complete the empty ones, then publish.\n", quoted(path))
	fmt.Fprintf(&b, "slug: %q\ntitle: %q\nbasis: %q # the duty or public service the data comes from\nclass: general\n", "", "", "")
	fmt.Fprintf(&b, "inspection: %s\nconfirmed: [] # columns you declare less carefully than proposed\ncolumns:\n", digest)
	for _, k := range found.Columns {
		line := "  - " + columnLine(k.Column)
		if why := suspicions(k); why != "" {
			line += " # suspected: " + why
		}
		b.WriteString(line + "\n")
	}
	units := []string{}
	for _, u := range found.Units {
		units = append(units, fmt.Sprintf("{kind: %s, column: %s}", u.Kind, u.Column))
	}
	fmt.Fprintf(&b, "units: [%s]\nround_to: 5\n", strings.Join(units, ", "))
	b.WriteString("terms: # an empty list allows nothing\n  purposes: []\n  columns: []\n  operations: [sql]\n  outputs: [table]\n" +
		"  min_units: 10\n  approval: manual\n  to: \"\" # last day, as 2027-12-31\n")
	return b.String()
}

// columnLine is a column as a declaration has it. Its codes need no quotes; its title does.
func columnLine(k task.Column) string {
	line := "{name: " + k.Name
	if k.Title != "" {
		line += ", title: " + quoted(k.Title)
	}
	line += fmt.Sprintf(", type: %s, level: %d, role: %s", k.Type, k.Level, k.Role)
	if k.Mask != "" {
		line += ", mask: " + string(k.Mask)
	}
	return line + "}"
}

// quoted writes a text as JSON does, which YAML reads too.
func quoted(text string) string {
	body, err := json.Marshal(printable(text))
	if err != nil {
		return `""`
	}
	return string(body)
}

// warn tells, before a declaration is sent, which columns it takes less carefully than the inspection it names
// proposed, unless the steward confirmed them. An inspection that is gone warns of nothing.
func warn(c *call, spec wire.DatasetSpec) error {
	if spec.Inspection == "" {
		return nil
	}
	all, err := c.Uploads.List(c.ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(u wire.Upload) bool { return u.Inspection == spec.Inspection })
	if at < 0 {
		c.note("inspect.not_kept")
		return nil
	}
	body, err := c.Uploads.ShowInspection(c.ctx, all[at].ID)
	if err != nil {
		return err
	}
	var found task.Inspection
	if err := json.Unmarshal(body, &found); err != nil {
		return texts.Wrong("answer.unreadable").Because(err)
	}
	for _, k := range found.Columns {
		declared, ok := dataset.Find(spec.Columns, k.Name)
		if ok && k.Careless(declared) && !slices.Contains(spec.Confirmed, k.Name) {
			c.note("inspect.careless", "column", k.Name, "why", suspicions(k))
		}
	}
	return nil
}

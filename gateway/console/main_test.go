package console_test

import (
	"testing"

	"github.com/sluicedata/sluice/catalog/object/objecttest"
)

func TestMain(m *testing.M) { objecttest.Main(m) }

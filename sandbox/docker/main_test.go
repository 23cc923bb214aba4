package docker_test

import (
	"os"
	"testing"

	"github.com/sluicedata/sluice/sandbox/docker/dockertest"
)

func TestMain(m *testing.M) { os.Exit(dockertest.Main(m)) }

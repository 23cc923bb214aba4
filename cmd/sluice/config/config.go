// Package config is what an administrator can set, in one struct whose comments are the manual. A value comes
// from the first of these that has it: flag, SLUICE_… of the environment, file, default. Nothing is guessed: an
// unknown key is an error that names the nearest known one.
package config

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/sluicedata/sluice/cmd/sluice/texts"
)

// Config is the configuration of an instance. A member's yaml tag is its key: in the file as it stands, in the
// environment as SLUICE_KEY, on the command line as --key with dashes. The table in deploy/docs/configuration.md
// is made from these comments.
type Config struct {
	// Folder of everything the instance keeps. Needed.
	Data string `yaml:"data"`
	// Address of the API, host:port.
	Listen string `yaml:"listen" default:"127.0.0.1:8420"`
	// Where the gateway answers /healthz, /readyz and /metrics: host:port on loopback, or empty for a unix socket
	// admin.sock in its run folder.
	AdminListen string `yaml:"admin_listen"`
	// The same of the keeper.
	KeeperAdminListen string `yaml:"keeper_admin_listen"`
	// The same of the worker.
	WorkerAdminListen string `yaml:"worker_admin_listen"`
	// Address people use, without a slash at its end; sign-ins must name it. Empty: http(s)://LISTEN.
	BaseURL string `yaml:"base_url"`
	// PEM file of the API's certificate chain. Together with tls_key_file it turns TLS on.
	TLSCertificateFile string `yaml:"tls_certificate_file"`
	// PEM file of the certificate's private key, which root alone may read: the gateway gets a copy of its own.
	TLSKeyFile string `yaml:"tls_key_file"`
	// YAML file of the OpenID provider people may log in through: issuer, client_id, client_secret. The gateway gets a
	// copy of its own. Empty: only keys count.
	OIDCFile string `yaml:"oidc_file"`
	// Container engine to use as it is, unix:///path. Empty: one of its own.
	Engine string `yaml:"engine"`
	// Address of a database to use, as its owner. Empty: a server of its own. It holds a password: prefer
	// database_file, which names a file with the address.
	Database string `yaml:"database" secret:"true"`
	// Rule set of this site. Empty: the city's.
	Rules string `yaml:"rules"`
	// The program that runs inside containers. Empty: sluice-runner beside this program.
	Runner string `yaml:"runner"`
	// Folder of the archives of images Python jobs may run in, sha256-DIGEST.tar each; root alone may write there. An
	// image runs only when it is approved too (sluice image).
	Images string `yaml:"images" default:"/usr/local/lib/sluice/images"`
	// gVisor's runtime.
	Runsc string `yaml:"runsc" default:"/usr/local/lib/sluice/runsc"`
	// Offer runc beside gVisor, for jobs on data of a level that the rule set lets run under it.
	Runc bool `yaml:"runc"`
	// Run everything as one user: NO separation between the parts.
	SingleUser bool `yaml:"single_user"`
	// Least level of what is logged: debug, info, warn or error.
	LogLevel string `yaml:"log_level" default:"info"`
	// How many pieces of work run beside each other, 1 to 64: more than the rule set lets one organization hold, so that
	// nobody takes them all.
	WorkerSlots int `yaml:"worker_slots" default:"3"`
	// How much of one processor's time a container may use, in percent, 1 to 100. While worker_slots of them together
	// have no more than all processors but the first, which no container gets, none slows another down.
	JobCPU int `yaml:"job_cpu" default:"100"`
	// How long requests and work under way may take to end when the instance is told to stop, in seconds, 0 to 300.
	DrainSeconds int `yaml:"drain_seconds" default:"5"`
	// Most bytes of a JSON body, 1024 to 16777216. An upload's bound is the rule set's.
	BodyBytes int `yaml:"body_bytes" default:"1048576"`
}

// Default returns the configuration of an instance nobody configured.
func Default() Config {
	var c Config
	for _, k := range keys(&c) {
		if k.standard != "" {
			_ = k.set(k.standard) // TestDefaults: every default is good
		}
	}
	return c
}

// Source says where a value came from.
type Source string

// The closed list of sources, from weakest to strongest.
const (
	FromDefault Source = "default"
	FromFile    Source = "file"
	FromEnv     Source = "env"
	FromFlag    Source = "flag"
)

// Error is a fault of a configuration: the place, what is wrong there, and what to do.
type Error struct {
	Place string // "sluice.yaml:3", "SLUICE_LISTEN", "--listen"
	Why   *texts.Fault
}

// Error implements error in English.
func (e *Error) Error() string { return e.Place + ": " + e.Why.Error() }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Why }

// check refuses values that cannot be right, whoever set them.
func (c Config) check(place func(key string) string) error {
	for _, rule := range []struct {
		key  string
		good bool
		why  *texts.Fault
	}{
		{"listen", address(c.Listen), texts.Wrong("config.address", "key", "listen")},
		{"admin_listen", c.AdminListen == "" || loopback(c.AdminListen), texts.Wrong("config.loopback", "key", "admin_listen")},
		{"keeper_admin_listen", c.KeeperAdminListen == "" || loopback(c.KeeperAdminListen), texts.Wrong("config.loopback", "key", "keeper_admin_listen")},
		{"worker_admin_listen", c.WorkerAdminListen == "" || loopback(c.WorkerAdminListen), texts.Wrong("config.loopback", "key", "worker_admin_listen")},
		{"base_url", c.BaseURL == "" || base(c.BaseURL), texts.Wrong("config.base_url")},
		{"tls_key_file", (c.TLSCertificateFile == "") == (c.TLSKeyFile == ""), texts.Wrong("config.tls_pair")},
		{"engine", c.Engine == "" || strings.HasPrefix(c.Engine, "unix:///"), texts.Wrong("config.engine")},
		{"log_level", slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel), texts.Wrong("config.log_level")},
		{"worker_slots", c.WorkerSlots >= 1 && c.WorkerSlots <= 64, texts.Wrong("config.range", "key", "worker_slots", "least", 1, "most", 64)},
		{"job_cpu", c.JobCPU >= 1 && c.JobCPU <= 100, texts.Wrong("config.range", "key", "job_cpu", "least", 1, "most", 100)},
		{"drain_seconds", c.DrainSeconds >= 0 && c.DrainSeconds <= 300, texts.Wrong("config.range", "key", "drain_seconds", "least", 0, "most", 300)},
		{"body_bytes", c.BodyBytes >= 1<<10 && c.BodyBytes <= 16<<20, texts.Wrong("config.range", "key", "body_bytes", "least", 1<<10, "most", 16<<20)},
	} {
		if !rule.good {
			return &Error{Place: place(rule.key), Why: rule.why}
		}
	}
	return nil
}

func address(text string) bool {
	_, port, err := net.SplitHostPort(text)
	return err == nil && port != ""
}

func loopback(text string) bool {
	host, _, err := net.SplitHostPort(text)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

func base(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Path == "" && u.RawQuery == ""
}

package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Secrets are the passwords of the process roles, made for one instance.
type Secrets struct {
	Serve  string
	Worker string
	Keeper string
}

// Migrate brings the database behind an owner's address to today's schema, forward only, and sets the
// passwords of the process roles. Two callers at once wait for each other.
func Migrate(ctx context.Context, dsn string, s Secrets) error {
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("reading database address: %w", err)
	}
	db := stdlib.OpenDB(*conf)
	defer func() { _ = db.Close() }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("opening migrations: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("making migration lock: %w", err)
	}
	up, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("preparing migrations: %w", err)
	}
	if _, err := up.Up(ctx); err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	return setPasswords(ctx, dsn, s)
}

// setPasswords lets the server quote role and password: it builds the statement, then we run it.
func setPasswords(ctx context.Context, dsn string, s Secrets) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connecting to set passwords: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for role, secret := range map[string]string{
		"sluice_serve": s.Serve, "sluice_worker": s.Worker, "sluice_keeper": s.Keeper,
	} {
		var statement string
		err := conn.QueryRow(ctx, "select format('alter role %I password %L', $1::text, $2::text)", role, secret).Scan(&statement)
		if err != nil {
			return fmt.Errorf("quoting password of %s: %w", role, err)
		}
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("setting password of %s: %w", role, err)
		}
	}
	return nil
}

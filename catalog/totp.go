package catalog

import (
	"crypto/subtle"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	aead "github.com/tink-crypto/tink-go/v2/aead/subtle"

	"github.com/sluicedata/sluice/catalog/fault"
	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/catalog/postgres"
)

// Parameters of one-time passwords, which every authenticator takes for granted (RFC 6238, RFC 4226).
const (
	stepSeconds = 30
	secretSize  = 20 // bytes
	skewSteps   = 1  // either way, for clocks that differ
)

// FactorKeySize is the length of the key that seals authenticators' secrets, in bytes.
const FactorKeySize = 32

func totpOptions() totp.ValidateOpts {
	return totp.ValidateOpts{Period: stepSeconds, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
}

// newSecret makes a secret for a person's authenticator, and seals it for the record.
func (d *deed) newSecret(who postgres.Member) (org.FactorSecret, []byte, error) {
	raw := make([]byte, secretSize)
	if _, err := io.ReadFull(d.c.Rand, raw); err != nil {
		return org.FactorSecret{}, nil, fmt.Errorf("drawing a secret: %w", err)
	}
	made, err := d.shownSecret(who, raw)
	if err != nil {
		return made, nil, err
	}
	cipher, err := d.factorCipher()
	if err != nil {
		return made, nil, err
	}
	sealed, err := cipher.Encrypt([]byte(made.Secret), factorInfo(who.ID))
	if err != nil {
		return made, nil, fmt.Errorf("sealing secret: %w", err)
	}
	return made, sealed, nil
}

// shownSecret is a secret as a person's authenticator takes it.
func (d *deed) shownSecret(who postgres.Member, raw []byte) (org.FactorSecret, error) {
	home, err := d.tx.Org(d.ctx, who.Org)
	if err != nil {
		return org.FactorSecret{}, err
	}
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: "Sluice", AccountName: who.Login + "@" + home.Number, Period: stepSeconds, Secret: raw,
		Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
	})
	if err != nil {
		return org.FactorSecret{}, fmt.Errorf("making secret: %w", err)
	}
	return org.FactorSecret{Secret: key.Secret(), URI: key.URL()}, nil
}

// openedSecret returns a member's sealed secret as base32.
func (d *deed) openedSecret(member string, sealed []byte) (string, error) {
	cipher, err := d.factorCipher()
	if err != nil {
		return "", err
	}
	secret, err := cipher.Decrypt(sealed, factorInfo(member))
	if err != nil {
		return "", fmt.Errorf("opening secret: %w", err)
	}
	return string(secret), nil
}

// step returns the time step a password is of under a sealed secret, 0 when it is of none near now.
func (d *deed) step(member string, sealed []byte, password string) (int64, error) {
	secret, err := d.openedSecret(member, sealed)
	if err != nil {
		return 0, err
	}
	now := d.now.Unix() / stepSeconds
	for step := now - skewSteps; step <= now+skewSteps; step++ {
		want, err := totp.GenerateCodeCustom(secret, time.Unix(step*stepSeconds, 0), totpOptions())
		if err != nil {
			return 0, fmt.Errorf("computing password: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(password)) == 1 {
			return step, nil
		}
	}
	return 0, nil
}

// factorCipher seals secrets under the gateway's session key, which the database never sees.
func (d *deed) factorCipher() (*aead.XChaCha20Poly1305, error) {
	if len(d.c.FactorKey) != FactorKeySize {
		return nil, fault.New(fault.Unavailable, "factor.unavailable")
	}
	cipher, err := aead.NewXChaCha20Poly1305(d.c.FactorKey)
	if err != nil {
		return nil, fmt.Errorf("preparing cipher: %w", err)
	}
	return cipher, nil
}

// factorInfo binds a sealed secret to its member: moved to another row it does not open.
func factorInfo(member string) []byte { return []byte("sluice/factor/" + member) }

// codeHash names a one-time code however it is typed.
func codeHash(code string) []byte {
	return tokenHash(strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code)))
}

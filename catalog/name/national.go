package name

import (
	"errors"
	"strings"
	"time"
)

// ErrCreditCode says that a text is no unified social credit code.
var ErrCreditCode = errors.New("not a unified social credit code")

// CreditCode is a unified social credit code (GB 32100-2015): 18 characters, the last a check character
// modulo 31.
type CreditCode string

// creditAlphabet leaves out I, O, S, V and Z, which are taken for digits.
const creditAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// ParseCreditCode reads a credit code.
func ParseCreditCode(s string) (CreditCode, error) {
	if len(s) != 18 || !digits(s[2:8]) {
		return "", ErrCreditCode
	}
	c, ok := CreditCheck(s[:17])
	if !ok || c != s[17] {
		return "", ErrCreditCode
	}
	return CreditCode(s), nil
}

// CreditCheck returns the check character for the first 17; false when a character is not of the alphabet.
func CreditCheck(first string) (byte, bool) {
	if len(first) != 17 {
		return 0, false
	}
	sum, weight := 0, 1
	for i := range len(first) {
		v := strings.IndexByte(creditAlphabet, first[i])
		if v < 0 {
			return 0, false
		}
		sum += v * weight
		weight = weight * 3 % 31
	}
	return creditAlphabet[(31-sum%31)%31], true
}

// ValidResidentID reports whether s is a resident identity number (GB 11643-1999): six digits of place, a
// date that exists, three digits of sequence and a check character (ISO 7064 MOD 11-2).
func ValidResidentID(s string) bool {
	if len(s) != 18 {
		return false
	}
	c, ok := ResidentCheck(s[:17])
	if !ok || c != s[17] || s[0] == '0' {
		return false
	}
	_, err := time.Parse("20060102", s[6:14])
	return err == nil
}

// ResidentCheck returns the check character for the first 17 digits; false when one is no digit.
func ResidentCheck(first string) (byte, bool) {
	if len(first) != 17 || !digits(first) {
		return 0, false
	}
	sum := 0
	for i := range len(first) {
		sum = (sum + int(first[i]-'0')) * 2 % 11
	}
	return "0123456789X"[(12-sum)%11], true
}

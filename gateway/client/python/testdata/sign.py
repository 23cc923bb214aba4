"""Signs messages: seed and message in hexadecimal, again and again."""

import sys

import sluice

for seed, message in zip(sys.argv[1::2], sys.argv[2::2]):
    key = bytes.fromhex(seed)
    print(sluice.ed25519_public(key).hex(), sluice.ed25519_sign(key, bytes.fromhex(message)).hex())

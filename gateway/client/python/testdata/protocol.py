"""What a client does whatever the API: tokens, retries, pages, uploads, events. The server is the test's (stub_test.go);
each part prints its name when it held."""

import datetime
import io
import sys

import sluice

SERVER = sys.argv[1]
MADE = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
paused = []
given = []


def token():
    given.append(f"token-{len(given)}")
    return given[-1]


client = sluice.Client(SERVER, token, language="zh", sleep=paused.append, patience=60, retries=3)


def fails(code, act):
    try:
        act()
    except sluice.Problem as problem:
        assert problem.has(code), (code, problem.code)
        return problem
    raise AssertionError(f"{code} was not raised")


# Pages are followed to the end; members nobody here knows are ignored, and so is a cursor nobody asked for.
assert [thing.id for thing in client.things.list(limit=2)] == ["a", "b", "c", "d", "e"]
print("pages")

# A token that ended is got anew, once.
assert client.things.show("ended").id == "ended" and given == ["token-0", "token-1"], given
fails("token.unknown", lambda: client.things.show("refused"))
short = sluice.Client(SERVER, lambda: sluice.Token(access_token=token(), expires_in=20))
before = len(given)
assert short.things.show("tagged") and short.things.show("tagged") and len(given) == before + 2  # none is sent in its last seconds
print("tokens")

# A busy server is asked again under the same key with the same bytes, after the pauses it asked for.
del paused[:]
thing = sluice.Thing(
    id="数", in_=["x"], made_at=MADE, part=sluice.Thing(id="p", in_=[], made_at=MADE), raw=b"\0\xff", share=1.0, labels={"n": 1}, open=[None],
)
assert client.things.make(thing) == thing
assert paused[0] == 7 and 0 <= paused[1] <= 60 and len(paused) == 2, paused
assert client.things.make(sluice.encode(thing), idempotency_key="mine") == thing
print("retries")

# Pauses beyond patience are not waited for; a server that stays busy is given up.
del paused[:]
assert fails("rate.limited", lambda: client.things.show("patient")).status == 429 and paused == []
fails("part.away", lambda: client.things.show("away"))
assert len(paused) == 3, paused
print("patience")

# An answer that never comes, or breaks off, is asked for again.
assert client.things.show("dropped").id == "dropped"
assert client.things.fetch("cut", accept="text/csv") == b"whole"
assert client.things.remove("x") is None
print("lost")

# A redirect would carry the token elsewhere; an answer that is not one is said so.
assert fails("answer.foreign", lambda: client.things.show("moved")).status == 302
fails("answer.foreign", lambda: client.things.show("other"))
fails("answer.foreign", lambda: client.things.show("broken"))
print("foreign")

# What was seen is what is decided on.
seen = client.things.show("tagged")
assert seen.etag == '"v1"'
assert client.things.import_("tagged", if_match=seen.etag).etag == '"v2"'
print("conditions")

# Uploads stream. A file can be read again; what cannot is sent once.
whole = b"0123456789abcdef" * (1 << 16)
file = io.BytesIO(b"head" + whole)
file.seek(4)
assert client.things.upload("file", file).id == str(len(whole))
assert client.things.upload("bytes", whole, content_type="text/csv").id == str(len(whole))
assert client.things.upload("pieces", iter([b"ab", b"cd"])).id == "4"
assert fails("part.away", lambda: client.things.upload("away", iter([b"ab"]))).status == 503
fails("body.too_large", lambda: client.things.upload("huge", io.BytesIO(bytes(64 << 20))))
print("uploads")

# A stream that breaks off goes on after the last event seen; one that the server ends has ended.
events = list(client.things.watch("x"))
assert [(e.id, e.event, e.data) for e in events] == [("1", "state", {"state": "queued"}), ("2", "message", "two\nlines"), ("3", "state", {"état": 3})], events
print("events")

# Waiting ends.
try:
    client.wait(lambda: thing, lambda seen: False, timeout=0.2)
    raise AssertionError("it waited for ever")
except TimeoutError:
    print("waits")

# Times are read to the microsecond and written with their offset; a record says what it lacks.
assert sluice.decode(datetime.datetime, "2026-01-02T11:04:05.123456789+08:00") == MADE.replace(microsecond=123456)
assert sluice.encode(MADE) == "2026-01-02T03:04:05+00:00"
for kind, bad in [(datetime.datetime, "2026-01-02"), (sluice.Thing, {"id": "x"}), (sluice.Place, {"location": 1, "code": "x"}), (int, True), (bytes, "%")]:
    try:
        sluice.decode(kind, bad)
    except ValueError:
        continue
    raise AssertionError(f"{bad} was read as {kind}")
try:
    sluice.encode(datetime.datetime(2026, 1, 1))
    raise AssertionError("a time without offset was written")
except ValueError:
    print("values")
assert "secret" not in repr(sluice.Token(access_token="secret", expires_in=1))

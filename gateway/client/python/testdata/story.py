"""A department's and an agency's part of the story, against a real gateway: python3 story.py BUSY. BUSY is the same gateway
behind something that is busy once. Each part prints its name when it held."""

import datetime
import io
import os
import sys

import sluice

BUSY, OPERATOR, DEPARTMENT = sys.argv[1:]
TODAY = datetime.date.today()


def person(login, **options):
    return sluice.connect(login + ".json", **options)


def fails(status, code, act):
    try:
        act()
    except sluice.Problem as problem:
        assert problem.status == status and problem.has(code), (status, code, problem.status, problem)
        assert len(problem.request_id) == 32
        return problem
    raise AssertionError(f"{code} was not raised")


steward, chief, director, developer = person("steward"), person("chief"), person("director"), person("developer")
me = steward.me.show()
assert (me.login, me.org, me.roles) == ("steward", DEPARTMENT, ["data_steward", "org_admin"]), me
print("who")

terms = sluice.DatasetTerms(
    purposes=["statistics"], columns=["plan", "visits"], operations=["sql"], outputs=["table"], min_units=10,
    approval="manual", to=str(TODAY + datetime.timedelta(days=365)),
)
spec = sluice.DatasetSpec(
    slug="health-visits", title="就诊", basis="health statistics", class_="general", round_to=5, terms=terms,
    units=[sluice.DatasetUnit(kind="resident", column="resident_id")],
    columns=[
        sluice.DatasetColumn(name="resident_id", type="text", level=4, role="identifier", mask="drop"),
        sluice.DatasetColumn(name="plan", type="text", level=1, role="other", domain=["free", "shared"]),
        sluice.DatasetColumn(name="visits", type="integer", level=2, role="sensitive"),
    ],
)
made = steward.datasets.declare(spec)
assert made.title == "就诊" and made.columns == spec.columns and made.terms == terms and made.created_at.tzinfo is not None
assert steward.datasets.show("health-visits").slug == "health-visits"
print("declared")

sent = steward.uploads.file(io.BytesIO(b"resident_id,plan,visits\n1,free,2\n"), dataset="health-visits")
assert sent.state == "complete" and len(sent.received) == 1, sent
version = steward.datasets.publish("health-visits", {"upload": sent.id, "mode": "replace"})
assert (version.number, version.state, version.refusal) == (1, "ingesting", None), version
try:
    steward.versions.wait("health-visits", 1, timeout=0.6)  # no worker is here
    raise AssertionError("nobody took the bytes")
except TimeoutError:
    print("published")

# A second one beside a busy server: sent twice, made once.
busy = person("steward")
busy.server = BUSY  # its tokens are still the gateway's own: an assertion names one address
other = busy.datasets.declare({**sluice.encode(spec), "slug": "other-visits"})
assert other.slug == "other-visits"
found = [dataset.slug for dataset in developer.datasets.list()]
assert sorted(found) == ["health-visits", "other-visits"], found
print("listed")

# A list is narrowed, in parts of one as in a whole; what nothing can have is refused with its place.
narrowed = lambda **by: [dataset.slug for dataset in developer.datasets.list(**by)]
steward.datasets.declare({**sluice.encode(spec), "slug": "health-centres", "title": "Centres"})
assert narrowed(match="就诊", limit="1") == ["other-visits", "health-visits"], narrowed(match="就诊", limit="1")
assert narrowed(match="HEALTH", level=4, provider=DEPARTMENT, state="declared") == ["health-centres", "health-visits"]
assert narrowed(level=1) == narrowed(match="nothing") == narrowed(state="retired") == []
problem = fails(422, "request.invalid", lambda: narrowed(level=5, match="\1"))
assert {(e.location, e.code) for e in problem.errors} == {("query.level", "level.out_of_range"), ("query.match", "match.invalid")}, problem
problem = fails(422, "provider.unknown", lambda: narrowed(provider=OPERATOR))
assert problem.allowed == [DEPARTMENT], problem.allowed
assert list(developer.jobs.list(state="running")) == []
print("narrowed")

# A refusal has all its reasons, and what helps, in the reader's language.
refused = fails(403, "access.not_permitted", lambda: developer.datasets.declare(spec))
assert refused.reasons and refused.reasons[0].dimension == "access" and refused.reasons[0].remedy
chinese = fails(403, "access.not_permitted", lambda: person("developer", language="zh").datasets.declare(spec))
assert chinese.reasons[0].code == refused.reasons[0].code and chinese.reasons[0].remedy != refused.reasons[0].remedy
print("refused")

# What is not there and what is not theirs answer alike.
fails(404, "unknown", lambda: steward.datasets.show("nothing"))
fails(404, "unknown", lambda: steward.agreements.show("A-2026-0001"))
print("unknown")

# Bad input names the place.
bad = {**sluice.encode(spec), "slug": "third", "round_to": "five", "unheard": 1}
problem = fails(422, "request.invalid", lambda: steward.datasets.declare(bad))
assert {(e.location, e.code) for e in problem.errors} == {("round_to", "integer.expected"), ("body", "member.unknown")}, problem
problem = fails(422, "dataset.invalid", lambda: steward.datasets.declare({**sluice.encode(spec), "slug": "Not A Slug"}))
assert [e.location for e in problem.errors] == ["slug"], problem
fails(415, "media.type", lambda: steward.uploads.send(sent.id, "1", b"x", content_type="text/html"))
print("bad input")

# The law's procedure: an agreement recorded, signed by both; a grant wider than it is refused.
agreement = chief.agreements.record(
    sluice.AgreementSpec(
        operator=OPERATOR, from_=str(TODAY), to=str(TODAY + datetime.timedelta(days=300)), datasets=["health-visits"],
        document="sha256:" + "a" * 64, decision=sluice.AgreementDecision(date=str(TODAY), document="市政府纪要〔2025〕7号"),
    )
)
assert agreement.state == "decided" and agreement.signed == [] and agreement.filed_late is False, agreement
assert len(chief.agreements.sign(agreement.number).signed) == 1
signed = director.agreements.sign(agreement.number)
assert signed.state == "signed" and len(signed.signed) == 2 and signed.file_due > signed.signed_at, signed
scope = sluice.GrantScope(
    dataset="health-visits", version_from=1, columns=["resident_id", "visits"], rows=sluice.GrantRows(all=True), operations=["sql"],
    purposes=["marketing"], outputs=["table"], level_cap=2, from_=str(TODAY), to=str(TODAY + datetime.timedelta(days=30)),
    budget=sluice.GrantBudget(runs=10, rows=1000), min_units=10, lawful_basis="a basis",
)
wide = fails(403, "columns.outside_terms", lambda: developer.grants.propose(sluice.GrantSpec(agreement=agreement.number, scope=scope)))
assert len(wide.reasons) > 1 and wide.has("purpose.outside_terms"), wide
assert all(reason.code in str(wide) and reason.remedy for reason in wide.reasons)
print("law")

# The log is read as bytes.
checkpoint = steward.trace.checkpoint()
assert isinstance(checkpoint, bytes) and checkpoint.startswith(b"test/trace\n"), checkpoint
acts = [entry.body["act"] for entry in steward.trace.query(act="dataset.publish", limit="200") if entry.body]
assert acts and set(acts) == {"dataset.publish"}
mine = [entry.body["actor"]["member"] for entry in steward.trace.query(who="steward", since=str(TODAY), limit="200") if entry.body]
assert len(mine) > 1 and len(set(mine)) == 1, mine
assert not list(steward.trace.query(who=mine[0], org="ORG-9999")) and not list(steward.trace.query(until="2020-01-01"))
fails(422, "request.invalid", lambda: list(steward.trace.query(who="developer")))
print("trace")

# A profile that others can read is not used.
os.chmod("developer.json", 0o644)
try:
    person("developer")
    raise AssertionError("an open profile was used")
except PermissionError:
    print("profile")

# How well a caller must have proven who they are. An act that is not listed here decides something, and needs
# the strongest proof: a new act is never open to a weak session by oversight.
package sluice.strength

import data.sluice.reason

# The weakest proof that will do, act by act. machine: reading one's organization's objects and bringing feeds.
# basic: any person. An absent act: strong.
least := {
	"agreement.list": "machine",
	"agreement.show": "machine",
	"dataset.columns": "machine",
	"dataset.list": "machine",
	"dataset.publish": "machine",
	"dataset.show": "machine",
	"dataset.usage": "machine",
	"destruction.get": "basic",
	"destruction.show": "basic",
	"factor.confirm": "basic",
	"factor.enrol": "basic",
	"factor.prove": "basic",
	"grant.compare": "machine",
	"grant.list": "machine",
	"grant.propose": "basic",
	"grant.show": "machine",
	"identity.list": "basic",
	"image.list": "machine",
	"image.show": "machine",
	"job.cancel": "basic",
	"job.check": "basic",
	"job.debug": "basic",
	"job.list": "machine",
	"job.show": "machine",
	"job.submit": "basic",
	"key.end": "basic",
	"key.list": "basic",
	"key.mine": "machine",
	"key.rotate": "machine",
	"member.list": "basic",
	"org.list": "basic",
	"org.show": "machine",
	"output.findings": "machine",
	"output.list": "machine",
	"output.show": "machine",
	"platform.status": "basic",
	"policy.show": "basic",
	"policy.test": "basic",
	"registration.apply": "basic",
	"registration.list": "machine",
	"registration.show": "machine",
	"release.get": "machine",
	"release.list": "machine",
	"release.show": "machine",
	"release.verify": "machine",
	"review.comment": "basic",
	"review.list": "machine",
	"review.open": "basic",
	"review.resubmit": "basic",
	"review.show": "machine",
	"review.withdraw": "basic",
	"session.end": "basic",
	"session.list": "basic",
	"trace.lineage": "basic",
	"trace.prove": "basic",
	"trace.query": "basic",
	"trace.tail": "basic",
	"upload.complete": "machine",
	"upload.drop": "machine",
	"upload.inspect": "machine",
	"upload.list": "machine",
	"upload.send": "machine",
	"upload.show": "machine",
	"upload.start": "machine",
	"usage.show": "machine",
}

# Which proofs will do. "key" is what a personal key was called in the first bundles.
suffices := {
	"machine": {"basic", "key", "machine", "strong"},
	"basic": {"basic", "key", "strong"},
	"strong": {"key", "strong"},
}

wanted := least[input.action]

wanted := "strong" if not least[input.action]

# A part of Sluice itself proves itself by its role in the record.
enough if input.subject.process != ""

enough if input.subject.strength in suffices[wanted]

machine if input.subject.strength == "machine"

reasons contains reason.plain("session.machine") if {
	not enough
	machine
}

reasons contains reason.plain("session.strength") if {
	not enough
	not machine
}

# What may be done. Two questions: allow, asked of every act; reasons, asked only when allow fails. They are
# written twice, short and in full, and tests hold that one holds exactly when the other is empty.
package sluice

# METADATA
# description: An act is allowed when it passes the rule set it is listed under, in a session strong enough for it. One that is not listed passes none.
# entrypoint: true
allow if {
	data.sluice.strength.enough
	passes[data.sluice.actions.table[input.action]]
}

passes["plain"] := true

passes["scope"] if data.sluice.scope.allow

passes["grant"] if data.sluice.grant.allow

passes["approval"] if {
	data.sluice.grant.allow
	data.sluice.person.allow
}

passes["another"] if data.sluice.person.allow

passes["open"] if data.sluice.review.may_open

passes["vote"] if data.sluice.review.may_vote

passes["comment"] if data.sluice.review.may_comment

passes["return"] if data.sluice.review.may_return

passes["withdraw"] if data.sluice.review.may_withdraw

passes["fetch"] if data.sluice.review.may_fetch

passes["release"] if {
	data.sluice.release.allow
	data.sluice.scope.allow
}

# METADATA
# description: Every cause of a refusal, as {code, what} or {code, what, input}.
# entrypoint: true
reasons contains {"code": "action.unknown", "what": []} if not listed

listed if data.sluice.actions.table[input.action]

reasons contains reason if some reason in causes[data.sluice.actions.table[input.action]]

reasons contains reason if {
	listed
	some reason in data.sluice.strength.reasons
}

causes["scope"] := data.sluice.scope.reasons

causes["grant"] := data.sluice.grant.reasons

causes["approval"] := data.sluice.grant.reasons | data.sluice.person.reasons

causes["another"] := data.sluice.person.reasons

causes["open"] := data.sluice.review.open_reasons

causes["vote"] := data.sluice.review.vote_reasons

causes["comment"] := data.sluice.review.comment_reasons

causes["return"] := data.sluice.review.return_reasons

causes["withdraw"] := data.sluice.review.withdraw_reasons

causes["fetch"] := data.sluice.review.fetch_reasons

causes["release"] := data.sluice.release.reasons | data.sluice.scope.reasons

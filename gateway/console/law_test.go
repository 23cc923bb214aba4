package console_test

import (
	"strings"
	"testing"
)

// TestRegistrationSteps: the registrar takes the steps of the procedure one after the other, on what they saw; who accepted
// does not examine, and nobody else is offered a step or shown the case.
func TestRegistrationSteps(t *testing.T) {
	w := newTown(t)
	const path = "/registrations/" + theRegistration
	registrar := w.signedIn(t, "registrar")
	registrar.get(t, "").shows(t, "the registrar's first page", `href="/console`+path+`"`)
	page := registrar.get(t, path)
	page.shows(t, "the case", "受理申请", `aria-current="step"`, "个工作日", "sluice registration show "+theRegistration)
	form := page.form(t, path+"/accept")
	registrar.act(t, path+"/accept", form).refused(t, "a weak session", 403, "session.strength")
	registrar.strong(t, "registrar")
	registrar.act(t, path+"/accept", with(registrar.get(t, path).form(t, path+"/accept"), "seen", "0000")).refused(t, "another state", 412, "object.changed")
	form = registrar.get(t, path).form(t, path+"/accept")
	for range 2 {
		registrar.act(t, path+"/accept", form).leads(t, "accepting, also when it is sent twice", path)
	}
	page = registrar.get(t, path)
	page.shows(t, "the accepted case", "已完成：受理申请", `id="state">已受理`, "开始公示")
	registrar.act(t, path+"/notice", page.form(t, path+"/notice")).refused(t, "who accepted", 403, "approver.accepted_it")
	registrar.act(t, path+"/code", once()).refused(t, "a step too early", 409, "registration.move_not_allowed")
	for login, want := range map[string]int{"steward": 403, "developer": 404, "rival": 404} { // the steward's organization holds it
		w.signedIn(t, login).get(t, path).refused(t, login, want)
	}
	registrar.get(t, "/registrations/new").shows(t, "an application by the registrar", "由登记主体的登记申请人办理")
	registrar.get(t, "/registrations?state=accepted").shows(t, "the list", theRegistration)
	if got := registrar.get(t, "/registrations?state=submitted"); strings.Contains(got.body, theRegistration) {
		t.Error("the filter keeps what it should not")
	}
}

// TestAgreementPages: an agreement is recorded in a page with the decision behind it, signed once by each party there, and
// what is missing is told at its field.
func TestAgreementPages(t *testing.T) {
	w := newTown(t)
	chief := w.signedIn(t, "chief")
	chief.get(t, "/agreements").shows(t, "the agreements", theAgreement, "已生效", "记录协议")
	w.signedIn(t, "officer").get(t, "/agreements/"+theAgreement).shows(t, "an agreement", theDataset, "sluice agreement show "+theAgreement)
	w.signedIn(t, "rival").get(t, "/agreements/"+theAgreement).refused(t, "a stranger", 404)
	if got := w.signedIn(t, "officer").get(t, "/agreements"); strings.Contains(got.body, "/console/agreements/new") {
		t.Error("an officer is offered to record one")
	}
	chief.strong(t, "chief")
	const path = "/agreements/new"
	fields := []string{"operator", w.homes["operator"], "dataset." + theDataset, "on", "from", day(0).String(), "to", day(300).String(), "decision", "渝数运〔2025〕3号",
		"decided", day(0).String(), "document", strings.Repeat("AB", 32)}
	chief.act(t, path, with(with(chief.get(t, path).form(t, path), fields...), "document", "abc")).refused(t, "no digest", 422, "document.missing", "渝数运〔2025〕3号")
	chief.act(t, path, with(with(chief.get(t, path).form(t, path), fields...), "operator", "ORG-9999")).refused(t, "an operator of none", 422, "operator.unknown")
	chief.act(t, path, with(with(chief.get(t, path).form(t, path), fields...), "from", "tomorrow")).refused(t, "no date", 422, "field.not_a_date")
	made := chief.act(t, path, with(chief.get(t, path).form(t, path), fields...))
	made.leads(t, "recording", "/agreements/A-")
	at := strings.TrimPrefix(made.header.Get("Location"), "/console")
	page := chief.get(t, at)
	page.shows(t, "the agreement", "已决策", "已签 0/2 方", "签署协议")
	chief.act(t, at+"/sign", page.form(t, at+"/sign")).leads(t, "signing", at)
	if got := chief.get(t, at); strings.Contains(got.body, at+"/sign") || !strings.Contains(got.body, "已签 1/2 方") {
		t.Errorf("the agency is offered to sign again: %s", got.body)
	}
	w.signedIn(t, "developer").get(t, at).shows(t, "the other party's developer", "由协议双方审批人办理")
}

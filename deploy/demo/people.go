package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluicedata/sluice/catalog/org"
	"github.com/sluicedata/sluice/gateway/client"
)

// persona is one person of the demo: each step is taken through the API as its own person.
type persona struct {
	login, name string
	roles       []org.Role
	home        string // organization number, once it is there
	key         ed25519.PrivateKey
	print       string // key fingerprint
	*client.Client
}

// institution is one organization of the demo.
type institution struct {
	name       string
	creditCode string
	capacities []org.Capacity
	people     []*persona
}

// cast is everybody.
type cast struct {
	admin     *persona
	auditor   *persona // the platform's audit administrator
	steward   *persona // health department
	applicant *persona
	accepting *persona // registrar: takes applications in
	examining *persona // registrar: another person
	authority *persona
	chief     *persona // implementing agency: agreements and grants
	reviewer  *persona // implementing agency: second seat
	developer *persona // operator
	officer   *persona // operator: first seat
	director  *persona // operator: signs
	stranger  *persona // another operator
}

func newCast() *cast {
	return &cast{
		auditor:   &persona{login: "shenji", name: "审计 Shen", roles: []org.Role{org.AuditAdmin}},
		steward:   &persona{login: "weisheng", name: "数据管理 Wei", roles: []org.Role{org.OrgAdmin, org.DataSteward}},
		applicant: &persona{login: "shenqing", name: "登记申请 Qing", roles: []org.Role{org.Applicant}},
		accepting: &persona{login: "shouli", name: "受理 Shou", roles: []org.Role{org.OrgAdmin, org.Approver}},
		examining: &persona{login: "shencha", name: "审查 Cha", roles: []org.Role{org.Approver}},
		authority: &persona{login: "beian", name: "备案 Bei", roles: []org.Role{org.OrgAdmin, org.Approver}},
		chief:     &persona{login: "shishi", name: "实施 Shi", roles: []org.Role{org.OrgAdmin, org.Approver}},
		reviewer:  &persona{login: "chuyu", name: "出域审核 Chu", roles: []org.Role{org.OutputReviewer}},
		developer: &persona{login: "kaifa", name: "开发 Kai", roles: []org.Role{org.Developer}},
		officer:   &persona{login: "anquan", name: "安全 An", roles: []org.Role{org.SecurityOfficer}},
		director:  &persona{login: "fuze", name: "负责人 Fu", roles: []org.Role{org.OrgAdmin, org.Approver}},
		stranger:  &persona{login: "qita", name: "其他 Qi", roles: []org.Role{org.OrgAdmin, org.Developer}},
	}
}

// institutions lists the organizations; the first person of each is its administrator.
func (c *cast) institutions() []institution {
	return []institution{
		{"市卫生健康委员会", "", []org.Capacity{org.DataProvider, org.Registrant}, []*persona{c.steward, c.applicant}},
		{"公共数据资源登记中心", "", []org.Capacity{org.Registrar}, []*persona{c.accepting, c.examining}},
		{"市大数据应用发展管理局", "", []org.Capacity{org.DataAuthority}, []*persona{c.authority}},
		{"数据授权运营实施机构", "", []org.Capacity{org.ImplementingAgency}, []*persona{c.chief, c.reviewer}},
		{"数据运营有限公司", "", []org.Capacity{org.Operator}, []*persona{c.director, c.developer, c.officer}},
		{"另一家运营公司", "", []org.Capacity{org.Operator}, []*persona{c.stranger}},
	}
}

// parts names everybody by what they do in the story.
func (c *cast) parts() map[string]*persona {
	return map[string]*persona{
		"auditor": c.auditor, "steward": c.steward, "applicant": c.applicant, "accepting": c.accepting,
		"examining": c.examining, "authority": c.authority, "chief": c.chief, "reviewer": c.reviewer,
		"developer": c.developer, "officer": c.officer, "director": c.director, "stranger": c.stranger,
	}
}

// readAdmin takes the administrator's profile that the first start wrote.
func readAdmin(data, server string) (*persona, error) {
	body, err := os.ReadFile(filepath.Join(data, "root", "admin.json"))
	if err != nil {
		return nil, fmt.Errorf("reading the administrator's profile: %w", err)
	}
	var p client.Profile
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("decoding the administrator's profile: %w", err)
	}
	seed, err := base64.StdEncoding.DecodeString(p.Key)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("decoding the administrator's key: %w", err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	return &persona{login: p.Login, name: "Administrator", home: p.Org, key: key, Client: client.New(server, key).Patient(awayPatience)}, nil
}

// enter makes a person's key on their side, offers it, and has it admitted by an administrator who compared
// the fingerprint.
func (p *persona) enter(ctx context.Context, server, home string, by *persona) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	p.home, p.key, p.Client = home, key, client.New(server, key).Patient(awayPatience)
	if _, err := by.Members.Invite(ctx, home, org.MemberSpec{Login: p.login, Name: p.name, Roles: p.roles}); err != nil {
		return fmt.Errorf("inviting %s: %w", p.login, err)
	}
	if p.print, err = p.Keys.Offer(ctx, home, p.login); err != nil {
		return fmt.Errorf("offering the key of %s: %w", p.login, err)
	}
	if _, err := by.Keys.Admit(ctx, p.print); err != nil {
		return fmt.Errorf("admitting the key of %s: %w", p.login, err)
	}
	return nil
}

// settle founds every organization with its capacities and people.
func (c *cast) settle(ctx context.Context, server string) error {
	if err := c.auditor.enter(ctx, server, c.admin.home, c.admin); err != nil {
		return err
	}
	for _, i := range c.institutions() {
		home, err := c.admin.Orgs.Create(ctx, org.Spec{Name: i.name, CreditCode: i.creditCode})
		if err != nil {
			return fmt.Errorf("founding %s: %w", i.name, err)
		}
		for _, capacity := range i.capacities {
			spec := org.CapacitySpec{Capacity: capacity, Document: "渝数据〔2025〕12号"}
			if _, err := c.admin.Orgs.GrantCapacity(ctx, home.Number, spec); err != nil {
				return fmt.Errorf("designating %s: %w", i.name, err)
			}
		}
		by := c.admin
		for _, p := range i.people {
			if err := p.enter(ctx, server, home.Number, by); err != nil {
				return err
			}
			by = i.people[0]
		}
	}
	return nil
}

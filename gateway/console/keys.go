package console

import (
	"slices"

	"github.com/sluicedata/sluice/catalog/org"
)

func keyActs() []act {
	return []act{{path: "/keys/add", page: "/keys", verb: "key.add", do: addKey}}
}

// keysPage is what a person sees of the keys of their programs and command lines.
type keysPage struct {
	Keys    []org.KeyView
	Current []org.KeyView // those that a new one can take the place of
	Form    filled
	Offer   button
}

func showKeys(k call) (answer, error) {
	mine, err := k.cat.Keys.Mine(k.ctx, k.who)
	if err != nil {
		return answer{}, err
	}
	offered, err := k.offer(false, button{Verb: "key.add"})
	if err != nil {
		return answer{}, err
	}
	p := keysPage{Form: filled(k.form), Offer: offered[0]}
	p.Keys = slices.DeleteFunc(mine, func(v org.KeyView) bool { return v.Scheme == "webauthn" })
	for _, v := range p.Keys {
		if v.State == string(org.Admitted) && v.ExpiresAt != nil && k.now.Before(*v.ExpiresAt) {
			p.Current = append(p.Current, v)
		}
	}
	return answer{Body: p}, nil
}

func addKey(k call) (string, error) {
	_, err := k.cat.Keys.Add(k.ctx, k.who, org.KeySpec{PEM: k.form.Get("pem"), Replaces: k.form.Get("replaces")})
	return Prefix + "/keys", err
}

package runner

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/sluicedata/sluice/catalog/task"
)

// trait is one way in which a column may be personal: how its cells and its name show it, and what is proposed.
type trait struct {
	code  string
	cells func(cellSight) bool // nil: only the name can show it
	least float64              // share of the looked-at cells from which the cells convince
	words []string             // in a name of any script: part of it
	terms []string             // in a name of ASCII words: one of them
	role  task.Role
	level int
	mask  task.Mask
	unit  string // kind of protected unit the column names
	ident string // column name proposed when the header cannot be one
	text  bool   // digits of it are a code, not a figure
}

// traits lists what is looked for, the strongest first: a column takes role, level and mask of the first that
// convinces. Nothing is proposed as public: only a person may say that.
func traits() []trait {
	return []trait{
		{code: "resident_id", cells: carries(aResidentID), least: 0.2, words: []string{"身份证", "身份号码", "证件号"},
			terms: []string{"idcard", "idno", "ssn"}, role: task.Identifier, level: 4, mask: task.MaskDrop, unit: "resident", ident: "resident_id", text: true},
		{code: "credit_code", cells: carries(aCreditCode), least: 0.3, words: []string{"信用代码", "credit_code"},
			terms: []string{"uscc"}, role: task.Identifier, level: 2, mask: task.MaskDrop, unit: "enterprise", ident: "credit_code", text: true},
		{code: "bank_card", cells: carries(aBankCard), least: 0.5, words: []string{"银行卡", "卡号", "bank_card", "card_no"},
			role: task.Identifier, level: 4, mask: task.MaskDrop, ident: "bank_card", text: true},
		{code: "mobile", cells: carries(aMobile), least: 0.3, words: []string{"手机", "电话", "联系方式"},
			terms: []string{"phone", "mobile", "tel", "telephone"}, role: task.Identifier, level: 3, mask: task.MaskPhone, ident: "phone", text: true},
		{code: "passport", cells: looksLike(`^[DEGHKMPS][A-Z]?[0-9]{7,8}$`), least: 0.5, words: []string{"护照"},
			terms: []string{"passport"}, role: task.Identifier, level: 4, mask: task.MaskDrop, ident: "passport", text: true},
		{code: "email", cells: looksLike(`^[A-Z0-9._%+-]+@[A-Z0-9-]+(\.[A-Z0-9-]+)+$`), least: 0.3, words: []string{"邮箱", "电子邮件"},
			terms: []string{"email", "mail"}, role: task.Identifier, level: 3, mask: task.MaskDrop, ident: "email", text: true},
		{code: "plate", cells: looksLike(`^[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·. -]?[A-Z0-9]{5,6}$`),
			least: 0.5, words: []string{"车牌", "号牌", "license_plate"}, terms: []string{"plate"},
			role: task.Identifier, level: 3, mask: task.MaskDrop, ident: "plate", text: true},
		{code: "person_name", cells: personName, least: 0.6, words: []string{"姓名", "名字", "法定代表人", "联系人", "full_name", "first_name", "last_name"},
			terms: []string{"name", "surname"}, role: task.Identifier, level: 3, mask: task.MaskSurname, ident: "name", text: true},
		{code: "address", cells: address, least: 0.5, words: []string{"地址", "住址", "住所"},
			terms: []string{"address", "addr"}, role: task.Quasi, level: 3, mask: task.MaskDrop, ident: "address", text: true},
		{code: "health", words: []string{"疾病", "诊断", "病种", "病史"}, terms: []string{"diagnosis", "disease", "icd"},
			role: task.Sensitive, level: 3, ident: "diagnosis"},
		{code: "income", words: []string{"收入", "工资", "薪"}, terms: []string{"income", "salary", "wage"},
			role: task.Sensitive, level: 3, ident: "income"},
		{code: "origin", words: []string{"民族", "宗教"}, terms: []string{"ethnicity", "religion"}, role: task.Sensitive, level: 3, ident: "origin"},
		{code: "birth", words: []string{"出生", "生日"}, terms: []string{"birth", "birthday", "dob"}, role: task.Quasi, level: 3, ident: "birth"},
		{code: "sex", words: []string{"性别"}, terms: []string{"sex", "gender"}, role: task.Quasi, level: 2, ident: "sex"},
		{code: "age", words: []string{"年龄"}, terms: []string{"age"}, role: task.Quasi, level: 2, ident: "age"},
		{code: "postcode", words: []string{"邮编", "邮政编码"}, terms: []string{"zip", "zipcode", "postcode"}, role: task.Quasi, level: 2, ident: "postcode", text: true},
		{code: "record_id", words: []string{"编号", "户号", "人员代码"}, terms: []string{"id", "idp", "pid", "uid"},
			role: task.Identifier, level: 3, mask: task.MaskDrop, unit: "resident", ident: "record_id"},
	}
}

// cellSight is a cell as the traits look at it.
type cellSight struct {
	plain string // narrow letters and digits, upper case, without space around
	found identifiers
}

func sightOf(text string) cellSight {
	return cellSight{strings.TrimSpace(strings.Map(narrow, text)), identifiersOf(text)}
}

func carries(kind identifiers) func(cellSight) bool {
	return func(c cellSight) bool { return c.found&kind != 0 }
}

func looksLike(pattern string) func(cellSight) bool {
	form := regexp.MustCompile(pattern)
	return func(c cellSight) bool { return form.MatchString(c.plain) }
}

// hinted says whether a column's name speaks of a trait.
func (t trait) hinted(header string) bool {
	lower := strings.ToLower(header)
	for _, w := range t.words {
		if strings.Contains(lower, w) {
			return true
		}
	}
	for _, part := range strings.FieldsFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		for _, w := range t.terms {
			if part == w {
				return true
			}
		}
	}
	return false
}

// places are the characters Chinese addresses and the names of places end their parts with.
const places = "省市区县旗乡镇村街道路巷弄号栋幢楼室组社"

// address looks for at least two parts of an address in a text long enough for one.
func address(c cellSight) bool {
	n := 0
	for _, r := range c.plain {
		if strings.ContainsRune(places, r) {
			n++
		}
	}
	return n >= 2 && len([]rune(c.plain)) >= 6
}

// surnames are the most common Chinese surnames, about 95 of 100 people.
const surnames = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧阳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊仝区郜海阚花权强帅屠豆朴盖练廉禹井祖漆巴丰支卿国狄平计索宣晋相初门云容敬来扈晁芮都普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况那宿鲜印逯隆茹诺战慕危玉银亢嵇公哈湛宾戎勾茅利於呼居揭干但尉冶斯元束檀衣信展阴昝智幸奉植衡富尧闭由"

// personName looks for a surname and one to three Han characters more, the way names of people are written, and
// not the name of a place.
func personName(c cellSight) bool {
	runes := []rune(strings.ReplaceAll(c.plain, "·", ""))
	if len(runes) < 2 || len(runes) > 4 || !strings.ContainsRune(surnames, runes[0]) {
		return false
	}
	for _, r := range runes {
		if !unicode.Is(unicode.Han, r) {
			return false
		}
	}
	return !strings.ContainsRune(places, runes[len(runes)-1])
}
